"""Training of all sub-networks of an ensemble in batches."""
