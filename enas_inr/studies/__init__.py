"""Studies: the loop of a search, the storage of its trials, and study files."""

DEFAULT_STORAGE = "sqlite:///enas-inr.db"
"""The storage of studies if none is given, and none by the environment."""

DEFAULT_SHOWN = f"$ENAS_INR_STORAGE, or {DEFAULT_STORAGE}"
"""The default of `--storage` in help texts. It is defined here because every command shows it."""
