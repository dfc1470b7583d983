"""Ternary weights: 32 neurons a word, from the weights to the membrane."""
