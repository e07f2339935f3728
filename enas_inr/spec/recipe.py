"""The recipe of a training: optimizer, learning rate, schedule, and named profiles."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from enas_inr.errors import SpecError
from enas_inr.validation import Lasting, nearest, parse

__all__ = ["PROFILES", "Beta", "TrainingSpec"]

Beta = Annotated[float, Field(ge=0, lt=1)]
"""The decay rate of a moving average, as Adam has two."""


class TrainingSpec(Lasting):
    """How a trial is trained.

    Attributes:
        steps: largest number of training steps.
        learning_rate: None for a default (see `defaults`).
        defaults: where the learning rate and the frequencies of a backbone come from if they are
            not given: from the publications (`paper`), or from rules that fit them to the
            architecture and to the samples of a cell (`fitted`, see docs/recipes.md).
        optimizer: name of the optimizer.
        optimizer_options: its options, as they were given.
        schedule: how the learning rate falls from its value: it stays `constant`, or falls to
            almost 0 at the last step as half a `cosine` or as a line (`linear`).
        warmup: share of the steps over which the learning rate rises to its value.
        betas: decay rates of Adam's moments.
        epsilon: the epsilon of Adam.
        patience: training stops after this many steps without a new minimum of the loss.
        coordinates: `centers` puts the first and last sample centre of a cell at -1 and +1 (the
            paper's code); `edges` puts the cell's edges there (the paper's text).
        extent: a cell with fewer samples along an axis has the coordinates of the middle of a cell
            with this many; without it, members of small cells oscillate between the samples.
        margin: samples beyond the borders of its cell on which each member is trained as well,
            so that neighbours agree where they meet.
    """

    later: ClassVar[tuple[str, ...]] = (
        "defaults",
        "optimizer",
        "optimizer_options",
        "schedule",
        "warmup",
    )

    profile: str = "paper"
    steps: int = Field(default=500, ge=1, le=10_000_000)
    learning_rate: float | None = Field(default=None, gt=0)
    defaults: Literal["paper", "fitted"] = "paper"
    optimizer: str = "adam"
    optimizer_options: dict[str, JsonValue] = {}
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    warmup: float = Field(default=0.0, ge=0, lt=1)
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    epsilon: float = Field(default=1e-8, gt=0)
    patience: int = Field(default=200, ge=1)
    coordinates: Literal["centers", "edges"] = "centers"
    extent: int = Field(default=1, ge=1, le=1_000_000_000)
    margin: int = Field(default=0, ge=0, le=1_000)

    @property
    def fits_rate(self) -> bool:
        """Whether the learning rate is derived from the architecture and the cell."""
        return self.defaults == "fitted" and self.learning_rate is None

    @classmethod
    def from_profile(cls, profile: str, /, **changes: Any) -> TrainingSpec:
        """Return a named profile with some settings changed (None leaves a setting unchanged).

        Raises:
            SpecError: an unknown profile or setting, or a value out of range.
        """
        if profile not in PROFILES:
            raise SpecError(f"unknown profile {profile!r}", nearest(profile, PROFILES))
        given = {name: value for name, value in changes.items() if value is not None}
        return parse(cls, PROFILES[profile].model_dump() | given, "training")


_TUNED = TrainingSpec(
    profile="tuned",
    defaults="fitted",
    schedule="cosine",
    betas=(0.8, 0.9),
    patience=10_000_000,  # an early stop would cut off the end of the schedule
)

PROFILES = {
    "paper": TrainingSpec(),
    "tuned": _TUNED,
    # At the fitted rates, members oscillate between the samples (see docs/paper.md).
    "smooth": _TUNED.model_copy(
        update={"profile": "smooth", "learning_rate": 1e-3, "extent": 72, "margin": 1}
    ),
    # What `smooth` was in version 0.1; the name is that in the studies and models of that version.
    "smooth-constant": TrainingSpec(profile="smooth", learning_rate=1e-3, extent=64, margin=1),
}
"""Named training settings.

`paper` is the recipe of the paper's code: Adam with rate 1e-4, betas (0.9, 0.999), epsilon 1e-8,
full batch, 500 steps. `smooth` is for models that are used: it fits better, without seams and
without noise between the samples (measured in docs/paper.md). `tuned` fits best in as many steps,
with rates and frequencies that fit the architecture and the cell (docs/recipes.md)."""
