"""Optimizers, which update the trained numbers of many members at once."""
