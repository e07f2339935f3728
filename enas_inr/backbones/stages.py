"""What a browser does to evaluate a network (`enas-inr view`), as data instead of code.

The stages of a backbone, one after the other, do the same as its `forward`: the first one receives
the coordinates of a point in its cell, the last one returns the channels. A stage names the leaves
that it uses, so that the page has them with the precision of the model file.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["Dense", "Lookup", "Stage", "check_expression", "decimal"]

FUNCTIONS = {"abs", "cos", "exp", "log", "max", "min", "sin", "sqrt", "tanh"}
MOST_INTERVALS = 2**16
MOST_ROWS = 2**24
FACTORS = 2**32
_TOKEN = re.compile(r"\s*([a-z]\w*|\d+\.\d+(?:e-?\d+)?|[-+*/(),])")


@dataclass(frozen=True, eq=False)
class Dense:
    """`activation(scale * (W x + b))`.

    An activation is an expression: text that means the same in GLSL and in JavaScript (see
    `check_expression`). One expression of `z`, or None for a linear output, is applied to real
    numbers: of a complex layer to the real parts. A pair of expressions of `x` and `y` is the real
    and the imaginary part of a function of `z = x + iy`; its values are the complex inputs of the
    next stage.

    Attributes:
        weight: name of a leaf `members out in`, or a tensor that is made of constants; real or
            complex.
        bias: name of a leaf `members out`, or a tensor.
        scale: factor before the activation.

    Raises:
        ValueError: an expression is not valid.
    """

    weight: str | Float[Tensor, "members out in"]
    bias: str | Float[Tensor, "members out"]
    activation: str | tuple[str, str] | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.activation, tuple):
            for part in self.activation:
                check_expression(part, ("x", "y"))
        elif self.activation is not None:
            check_expression(self.activation)

    @property
    def is_complex(self) -> bool:
        """Whether its values are complex."""
        return isinstance(self.activation, tuple)


@dataclass(frozen=True)
class Lookup:
    """Features between the vertices of grids: the first stage of a network.

    A grid has so many equal intervals from -span to span along each axis, and reads a table of
    features, `members features rows`. A point is at `low + part` along an axis, counted in
    intervals, where `low` is the vertex before it, or that of the outer interval beyond the grid.
    Its features are the sum over the corners of its interval, whose weights are the products over
    the axes of `part` or `1 - part`. The stage returns the features of all grids, times the gain.

    A table with a row for each vertex has them in row-major order. In one with fewer rows, the row
    of a vertex is `(v0 * factors[0] XOR v1 * factors[1] XOR ...) modulo rows`, in whole numbers
    that do not overflow.

    Attributes:
        tables: names of the leaves.
        resolutions: intervals of each grid along each axis, up to 2^16.
        factors: of the hash, for each axis, below 2^32; needed only for tables with fewer rows than
            vertices, which have up to 2^24.
        smooth: whether `part` is kept between 0 and 1, and becomes `part^2 (3 - 2 part)`.

    Raises:
        ValueError: a number is out of range.
    """

    tables: tuple[str, ...]
    resolutions: tuple[int, ...]
    factors: tuple[int, ...] = ()
    smooth: bool = False
    span: float = 1.0
    gain: float = 1.0

    def __post_init__(self) -> None:
        if not self.tables or len(self.tables) != len(self.resolutions):
            raise ValueError(f"{len(self.tables)} tables for {len(self.resolutions)} resolutions")
        if not all(1 <= intervals <= MOST_INTERVALS for intervals in self.resolutions):
            raise ValueError(f"the resolutions {self.resolutions} are not 1 to {MOST_INTERVALS}")
        if not all(0 <= factor < FACTORS for factor in self.factors):
            raise ValueError(f"the factors {self.factors} are not 0 to {FACTORS - 1}")


Stage = Dense | Lookup
"""What a browser can evaluate."""


def check_expression(text: str, names: Collection[str] = ("z",)) -> str:
    """Return an expression that means the same in GLSL and in JavaScript.

    It has these names, numbers with a decimal point, arithmetic, and abs, cos, exp, log, max, min,
    sin, sqrt and tanh, as in `max(z, 0.0)`.

    Raises:
        ValueError: it has something else.
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or (found[1][0].isalpha() and found[1] not in {*FUNCTIONS, *names}):
            raise ValueError(f"{text[at:]!r} is not part of an expression")
        at = found.end()
    return text


def decimal(number: float) -> str:
    """Return a number as an expression has it: with a decimal point, as in `1.0e-5`."""
    whole, mark, power = repr(float(number)).partition("e")
    return (whole if "." in whole else f"{whole}.0") + mark + power.removeprefix("+")
