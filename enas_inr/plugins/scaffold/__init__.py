"""The package that `enas-inr plugins new` writes for the author of a plugin."""
