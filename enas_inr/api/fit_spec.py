"""What is fitted to a signal: the architecture and the training, as given or as a study found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from enas_inr.api.settings import FitSettings
from enas_inr.errors import SpecError, StudyError
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import best_of, compared
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.spec.budget import Limit
from enas_inr.spec.recipe import PROFILES
from enas_inr.validation import parse

if TYPE_CHECKING:
    from enas_inr.model.fitting import FitSpec
    from enas_inr.model.start import Start


@dataclass(frozen=True, eq=False)
class FitSpecs:
    """What is fitted to a signal, by its shape: samples along each axis, and channels.

    Attributes:
        by_shape: returns the specification of a fit.
        limit: of the bytes of a model file, as the search had it; None for none.
    """

    by_shape: Callable[[tuple[int, ...]], FitSpec]
    limit: Limit | None = None

    def __call__(self, shape: Sequence[int]) -> FitSpec:
        """Return what is fitted to a signal of a shape."""
        return self.by_shape(tuple(shape))


def fit_specs(settings: FitSettings, catalog: Catalog, start: Start | None = None) -> FitSpecs:
    """Return the specifications of fits.

    The architecture is that of the study if one is given. What is not given is that of the start,
    and so is the profile; of a model that is trained further, the whole recipe.

    Args:
        settings: settled settings.
        catalog: the plugins.
        start: the weights from which the fits start.

    Raises:
        SpecError: a setting is not valid, or there are two architectures.
        StudyError: the study cannot be read, or has no complete trial.
    """
    architecture = dict(settings.architecture or {})
    changes = {name: v for name, v in (settings.training or {}).items() if v is not None}
    profile = changes.pop("profile", None)
    if not settings.study:
        training = TrainingSpec.from_profile(profile or settings.DEFAULT_PROFILE, **changes)
        if start:
            architecture = _like(start.ensemble, architecture)
            if start.resumed:
                training = parse(TrainingSpec, start.training.model_dump() | changes, "training")
            elif profile is None:
                training = _of_start(start.training, settings.DEFAULT_PROFILE, changes)
        ensemble = parse(EnsembleSpec, architecture, "architecture")
        catalog.options("backbone", ensemble.backbone, ensemble.options)  # refused here
        given = _spec(settings, ensemble, training, start)
        return FitSpecs(lambda shape: given)
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
    own = _spec(settings, best.trial.ensemble, training, start)
    # Without the options that fit its signal, since they depend on the size.
    asked = study.spec.space.asked(best.trial.configuration)
    others = _spec(settings, asked.ensemble, training, start)
    shape = (*study.spec.signal.shape, study.spec.signal.channels)
    return FitSpecs(lambda other: own if other == shape else others, study.spec.budget.bytes)


def _like(ensemble: EnsembleSpec, given: dict[str, Any]) -> dict[str, Any]:
    """Return an architecture in which what is not given is that of another ensemble."""
    options = dict(given.get("options") or {})
    if given.get("backbone", ensemble.backbone) == ensemble.backbone:
        options = ensemble.options | options
    return ensemble.model_dump() | given | {"options": options}


def _of_start(training: TrainingSpec, default: str, changes: dict[str, Any]) -> TrainingSpec:
    """Return the profile of a start, with the coordinates that its weights are for."""
    profile = training.profile if training.profile in PROFILES else default
    kept = {name: getattr(training, name) for name in ("coordinates", "extent", "margin")}
    return TrainingSpec.from_profile(profile, **(kept | changes))


def _spec(
    settings: FitSettings, ensemble: EnsembleSpec, training: TrainingSpec, start: Start | None
) -> FitSpec:
    from enas_inr.model.fitting import FitSpec

    return parse(
        FitSpec,
        {
            "ensemble": ensemble,
            "training": training,
            "repeats": settings.repeats,
            "seed": settings.seed,
            "target_psnr_db": settings.target_psnr_db,
            "start": start.note if start else None,
        },
        "fit",
    )
