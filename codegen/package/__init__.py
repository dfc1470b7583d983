"""What is written to disk: the pair of C files, packages of build systems, packed weights."""
