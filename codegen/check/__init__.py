"""The C on this machine equals the model."""
