"""The space that a study searches, with the costs that were measured for it."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from enas_inr.backbones.feasibility import Measure, Measured, feasible_space, known_at_once
from enas_inr.cost import Candidate, FeasibleSpace, Later
from enas_inr.errors import StudyError, one_line
from enas_inr.objectives.base import Objective
from enas_inr.objectives.making import make_objective
from enas_inr.plain_text import read_json
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import RepeatResult, TrialResult, TrialStatus, psnr_paper_db
from enas_inr.spec import Configuration, Cost, SearchSpace, SignalInfo, StudySpec, TrialSpec


def searched_space(
    spec: StudySpec,
    catalog: Catalog,
    objective: Objective,
    measure: Measure | None = None,
    known: Measured | None = None,
) -> FeasibleSpace:
    """Return the feasible space of a study, as its strategy gets it.

    Args:
        spec: the study.
        catalog: the plugins.
        objective: the objective of the study, which may need costs that no limit is about.
        measure: measures costs; None for only those that are known.
        known: costs that were measured before; what is measured is added to them.
    """
    space, *others = [
        feasible_space(
            spec.model_copy(update={"signal": info, "signals": ()}),
            catalog,
            measure,
            known=known,
            also=objective.measures,
        )
        for info in _extremes(spec)
    ]
    for other in others:
        space = space.within_both(other)
    space = replace(space, signals=len(spec.all_signals))
    return _weighed(space, spec, objective, others)


def _extremes(spec: StudySpec) -> list[SignalInfo]:
    """Return the first signal, and those of a set that decide what fits the budget.

    A limit must fit the largest signal, or for each sample the smallest one. A grid has the same
    cells on all signals (see `enas_inr.studies.capping`).
    """
    found = [spec.signal]
    by_channels: dict[tuple[int, int | None], list[SignalInfo]] = {}
    for info in spec.signals:
        by_channels.setdefault((info.channels, info.sample_rate), []).append(info)
    for alike in by_channels.values():
        for pick in (
            min(alike, key=lambda info: info.samples),
            max(alike, key=lambda info: info.samples),
        ):
            if pick.kind not in [one.kind for one in found]:
                found.append(pick)
    return found


MOST_UNPACKED = 2**28
"""Bytes of a space in JSON, many times as many as that of the largest search has."""


def packed(space: FeasibleSpace) -> str:
    """Return the configurations within the budget and their costs as a text without spaces."""
    rows = [(one.point, one.spec.options, one.cost.model_dump()) for one in space.feasible]
    return base64.b85encode(zlib.compress(json.dumps(rows).encode())).decode()


def unpacked(text: str, space: SearchSpace) -> Sequence[Candidate]:
    """Return the configurations of a space from the text of `packed`.

    Raises:
        StudyError: the text is not one of `packed`, or would need too much memory.
    """
    found = []
    try:
        unzip = zlib.decompressobj()
        content = unzip.decompress(base64.b85decode(text), MOST_UNPACKED)
        if unzip.unconsumed_tail:
            raise ValueError(f"more than {MOST_UNPACKED:,} bytes")
        for values, options, cost in read_json(content):
            point = tuple(values)
            made = space.configuration(point).model_dump() | {"options": options}
            found.append(Candidate(Configuration(**made), Cost(**cost), point))
    except (ValueError, TypeError, AttributeError, LookupError, zlib.error) as error:
        raise StudyError(
            f"the search space that a study has kept is damaged: {one_line(error)}",
            "choose another study",
        ) from None
    return tuple(found)


def recalled_space(
    spec: StudySpec, catalog: Catalog, objective: Objective, known: Measured, kept: str | None
) -> FeasibleSpace:
    """Return the `searched_space` of a study for a look back at it.

    Its configurations are made when they are first looked at: many strategies explain a search
    without them, and their costs need the backbones and the package `torch`, unless they were kept.

    Args:
        spec: the study.
        catalog: the plugins.
        objective: the objective of the study.
        known: costs that were measured.
        kept: the `packed` space, if the study has kept it.
    """

    @cache
    def whole() -> FeasibleSpace:
        return searched_space(spec, catalog, objective, known=known)

    space = FeasibleSpace(
        spec.space,
        Later(lambda: unpacked(kept, spec.space) if kept else whole().feasible),
        within=lambda configuration: whole().within(configuration),
        **known_at_once(spec),
    )
    return _weighed(space, spec, objective)


def stored_space(
    spec: StudySpec, study: str, storage: str | None, catalog: Catalog
) -> FeasibleSpace:
    """Return the `recalled_space` of a stored study, or of its oracle.

    Args:
        spec: specification of the study or of the oracle, which have the same space.
        study: name of the study.
        storage: where it is kept.
        catalog: the plugins.
    """
    from enas_inr.studies.reading import kept_space, measured_costs

    costs, kept = measured_costs(study, storage), kept_space(study, storage)
    return recalled_space(spec, catalog, make_objective(catalog, spec), costs, kept)


def _weighed(
    space: FeasibleSpace,
    spec: StudySpec,
    objective: Objective,
    others: Sequence[FeasibleSpace] = (),
) -> FeasibleSpace:
    """Add what the objective says of the configurations.

    Args:
        space: the space of the first signal.
        spec: the study.
        objective: its objective.
        others: the spaces of other signals of a set.
    """

    def promise(candidate: Candidate) -> float:
        same = (other.at(candidate.point) for other in others)
        costed = [candidate, *(one for one in same if one)]
        return max(_promise(spec, objective, one) for one in costed)

    return replace(space, worth=objective.worth, promise=promise)


def _promise(spec: StudySpec, objective: Objective, candidate: Candidate) -> float:
    """Score a configuration as if it were perfect, since a higher PSNR never lowers a score."""
    trial = TrialSpec(
        number=0,
        ensemble=candidate.spec.ensemble,
        cost=candidate.cost,
        training=spec.training,
        repeats=1,
        seed=0,
    )
    repeat = RepeatResult(status=TrialStatus.COMPLETE, steps=1, psnr_paper_db=psnr_paper_db(0.0))
    result = TrialResult(trial=trial, status=TrialStatus.COMPLETE, repeats=(repeat,))
    return objective.score(result)
