"""A fitted ensemble: save it, load it, evaluate it anywhere."""
