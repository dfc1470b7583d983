"""Model -> Program: every number that a template prints, already computed."""
