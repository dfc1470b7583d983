"""Plain integers: a column of codes per input."""
