"""Studies: the loop of a search, the storage of its trials, and study files."""

DEFAULT_STORAGE = "sqlite:///enas-inr.db"
"""The default storage of studies. It is defined here because every command shows it."""
