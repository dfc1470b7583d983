"""Scripts that need the sources of others: run by hand, no part of the suite."""
