"""What a model takes on a board, before it is flashed."""
