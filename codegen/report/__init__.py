"""What a model takes on a board, told before it is flashed."""
