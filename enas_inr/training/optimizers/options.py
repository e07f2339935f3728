"""Options of the built-in optimizers; without torch, since the command line reads them."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options


class MuonOptions(Options):
    """Options of `muon`.

    Attributes:
        factor: learning rate of the hidden matrices, as a multiple of that of all other numbers.
        momentum: decay rate of the momentum of the hidden matrices.
        iterations: Newton-Schulz iterations for each update.
    """

    factor: float = Field(default=1.0, gt=0)
    momentum: float = Field(default=0.95, ge=0, lt=1)
    iterations: int = Field(default=5, ge=1, le=20)
