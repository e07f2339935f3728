"""The settings of a study: written when it is made, and compared whenever it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enas_inr.errors import StudyError
from enas_inr.result import directions
from enas_inr.spec import StudySpec
from enas_inr.studies.trials import CURVES_ATTRIBUTE, CURVES_TEXT, SPEC_ATTRIBUTE, parsed

if TYPE_CHECKING:
    import optuna


def agree(study: optuna.Study, spec: StudySpec, what: str) -> None:
    """Write the settings into a new study, or compare them with those of an existing one.

    Further signals of a set are written into an existing study.

    Args:
        study: the study.
        spec: its specification.
        what: the study, in messages.

    Raises:
        StudyError: the study has other settings, or was not made by enas-inr.
    """
    known = study.user_attrs.get(SPEC_ATTRIBUTE)
    if known is None:
        found = [direction.name.lower() for direction in study.directions]
        if study.trials or found != directions(spec.objectives):
            raise StudyError(f"{what} was not made by enas-inr", "choose another --study")
        study.set_metric_names(list(spec.objectives) or ["score"])
        study.set_user_attr(CURVES_ATTRIBUTE, CURVES_TEXT)
        study.set_user_attr(SPEC_ATTRIBUTE, spec.model_dump_json())
        return
    stored = parsed(StudySpec, known, what)
    differences = spec.differences(stored)
    if differences and _extends(spec, stored):
        study.set_user_attr(SPEC_ATTRIBUTE, spec.model_dump_json())
        return
    if differences:
        raise StudyError(
            f"{what} has different settings: " + "; ".join(differences),
            "give the settings of the study, or choose another --study",
        )


def _extends(spec: StudySpec, stored: StudySpec) -> bool:
    """Whether settings differ from the stored ones only by further signals of a set."""
    count = len(stored.signals)
    same = [info.identity for info in spec.signals[:count]]
    if not count or same != [info.identity for info in stored.signals]:
        return False
    return spec.model_copy(update={"signals": stored.signals, "signal": stored.signal}) == stored
