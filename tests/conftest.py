"""Shapes in type annotations are checked in tests, in the rooms that work with tensors."""

from jaxtyping import install_import_hook

from tests import type_checks

ROOMS = ["signals", "backbones", "training", "executors", "model", "reports"]

install_import_hook([f"enas_inr.{room}" for room in ROOMS], f"{type_checks.__name__}.checked")
