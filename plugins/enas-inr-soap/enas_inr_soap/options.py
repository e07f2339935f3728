"""Options of `soap`; without torch, since the command line reads them."""

from __future__ import annotations

from pydantic import Field

from enas_inr.spec import Options

__all__ = ["SoapOptions"]


class SoapOptions(Options):
    """Options of `soap`.

    Attributes:
        factor: learning rate of the hidden matrices, as a multiple of that of all other numbers.
        decay: decay rate of the averages of G G^T and G^T G.
        every: steps between two refreshes of the eigenbases.
    """

    factor: float = Field(default=1.0, gt=0)
    decay: float = Field(default=0.95, ge=0, lt=1)
    every: int = Field(default=4, ge=1)
