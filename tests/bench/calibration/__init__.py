"""Random models, their counts on emulated cores, and the fit of the cost model to them."""
