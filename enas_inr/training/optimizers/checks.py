"""Checks of the values that an optimizer returns."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from enas_inr.errors import ContractError
from enas_inr.plugins.guard import Check
from enas_inr.spec import TrainingSpec
from enas_inr.training.optimizers.base import Numbers, Optimizer


def checks(training: TrainingSpec) -> Mapping[str, Check]:
    """Return the checks of an optimizer by the name of the method."""
    return {"start": check_state}


def check_state(optimizer: Optimizer, state: object, weights: Numbers) -> object:
    """Check the state that `start` returned.

    Raises:
        ContractError: a value is not a tensor with one of the two shapes of the contract.
    """
    if not isinstance(state, Mapping):
        raise ContractError(f"start returned a {type(state).__name__}, not tensors by name")
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise ContractError(f"start: {name!r} is a {type(value).__name__}, not a tensor")
        if value.shape != weights.flat.shape and value.shape[:1] != (weights.members,):
            raise ContractError(
                f"start: {name!r} has shape {tuple(value.shape)}, which is neither that of the "
                f"numbers, {tuple(weights.flat.shape)}, nor begins with the {weights.members} "
                "members"
            )
    return state
