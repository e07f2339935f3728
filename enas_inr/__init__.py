"""enas-inr: find, train and keep the best ensemble implicit neural representation of a signal."""
