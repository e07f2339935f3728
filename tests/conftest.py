"""Shapes in type annotations are checked in tests, in the rooms that work with tensors."""

from jaxtyping import install_import_hook

install_import_hook(
    ["enas_inr.signals", "enas_inr.backbones", "enas_inr.training"], "beartype.beartype"
)
