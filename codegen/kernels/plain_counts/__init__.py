"""Plain integers where dense layers read or emit counts: a column of codes per input."""
