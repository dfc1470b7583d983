"""Studies of a model or a task: early stops, trade-offs, pictures."""
