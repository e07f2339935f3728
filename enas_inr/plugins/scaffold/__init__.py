"""The package that `enas-inr plugins new` creates for a new plugin."""
