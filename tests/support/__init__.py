"""What several tests share: random models, inputs, comparison."""
