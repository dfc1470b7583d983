"""Training: float networks whose forward pass computes the model's integers."""
