"""First layers on maps of bytes: several positions a word, weights as lists of taps."""
