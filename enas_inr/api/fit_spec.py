"""What is fitted to a signal: the architecture and the training, as given or as a study found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from enas_inr.api.settings import FitSettings
from enas_inr.errors import SpecError, StudyError
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import best_of, compared
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.validation import parse

if TYPE_CHECKING:
    from enas_inr.model.fitting import FitSpec

FitSpecs = Callable[[Sequence[int]], "FitSpec"]
"""Returns the specification for a signal of a shape: samples along each axis, and channels."""


def fit_specs(settings: FitSettings, catalog: Catalog) -> FitSpecs:
    """Return the specifications of fits, with the architecture of the study if one is given.

    Args:
        settings: settled settings.
        catalog: the plugins.

    Raises:
        SpecError: a setting is not valid, or there are two architectures.
        StudyError: the study cannot be read, or has no complete trial.
    """
    architecture = dict(settings.architecture or {})
    changes = {name: v for name, v in (settings.training or {}).items() if v is not None}
    profile = changes.pop("profile", None)
    if not settings.study:
        training = TrainingSpec.from_profile(profile or settings.DEFAULT_PROFILE, **changes)
        ensemble = parse(EnsembleSpec, architecture, "architecture")
        catalog.options("backbone", ensemble.backbone, ensemble.options)  # refused here
        given = _spec(settings, ensemble, training)
        return lambda shape: given
    from enas_inr.studies.record import load_record

    if architecture:
        raise SpecError(
            f"study {settings.study!r} names an architecture, and so do {', '.join(architecture)}",
            "give one of the two",
        )
    study = load_record(settings.study, settings.storage, catalog)
    best = best_of(compared(study.results, study.trace))
    if best is None:
        raise StudyError(
            f"study {settings.study!r} has no complete trial", "continue the search first"
        )
    training = (
        TrainingSpec.from_profile(profile, **changes)
        if profile
        else parse(TrainingSpec, best.trial.training.model_dump() | changes, "training")
    )
    own = _spec(settings, best.trial.ensemble, training)
    # Without the options that fit its signal, since they depend on the size.
    space = study.spec.space
    asked = space.configuration(space.point(best.trial.configuration))
    others = _spec(settings, asked.ensemble, training)
    shape = (*study.spec.signal.shape, study.spec.signal.channels)
    return lambda other: own if tuple(other) == shape else others


def _spec(settings: FitSettings, ensemble: EnsembleSpec, training: TrainingSpec) -> FitSpec:
    from enas_inr.model.fitting import FitSpec

    return parse(
        FitSpec,
        {
            "ensemble": ensemble,
            "training": training,
            "repeats": settings.repeats,
            "seed": settings.seed,
            "target_psnr_db": settings.target_psnr_db,
        },
        "fit",
    )
