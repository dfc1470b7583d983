"""The C on this machine equals the model: compiled here, loaded, compared."""
