"""A page on which a browser evaluates a model, with everything that it needs."""
