"""Networks of others: NIR graphs are read, run as their framework does, and made integer models."""
