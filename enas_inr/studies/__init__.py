"""Study files: several searches that belong together, as the paper's tables and figures do."""

DEFAULT_STORAGE = "sqlite:///enas-inr.db"
"""Where studies are kept unless another storage is named; here, since every command shows it."""
