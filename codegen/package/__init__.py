"""What is written to disk: the pair, packages of build systems, weights."""
