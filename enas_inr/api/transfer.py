"""What one configuration for all signals costs on signals that the search has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from enas_inr.result import HeldOut, SearchResult
from enas_inr.spec import Choice, Configuration, StudySpec

if TYPE_CHECKING:
    from enas_inr.signals.sets import SignalSet
    from enas_inr.signals.signal import Signal

Search = Callable[[StudySpec, "Signal"], SearchResult]
"""Runs or resumes a study of one signal."""


def measured_on(held: SignalSet, result: SearchResult, search: Search) -> Iterator[HeldOut]:
    """Train the winner of a search on signals that it has not seen, beside the best for each.

    On each signal, the same search is made for it alone, and its winner and that of the set are
    then trained in full. Their studies are in the storage of the search, so that an interrupted
    call goes on.

    Args:
        held: the signals.
        result: result of the search on the set.
        search: runs a study of one signal.

    Yields:
        What the winner of the set reaches on each of them, and what the best one for it reaches.
    """
    space = result.spec.space
    winner = space.asked(result.best.trial.configuration)
    for number, info in enumerate(held.infos):
        signal = held[number]
        alone = result.spec.model_copy(update={"signal": info, "signals": (), "aggregate": "mean"})
        own = search(alone, signal)
        theirs = space.asked(own.best.trial.configuration)
        both = search(_in_full(alone, (winner, theirs)), signal)
        by_point = {space.point(one.trial.configuration): one for one in both.trials}
        ours = by_point.get(space.point(winner))  # None if it is too costly for this signal
        best = max(both.trials, key=lambda one: one.rank)
        yield HeldOut(
            name=info.name,
            psnr_db=ours.psnr_db if ours else None,
            score=ours.score if ours else None,
            best=space.label(best.trial.configuration),
            best_psnr_db=best.psnr_db,
            best_score=best.score,
        )


def _in_full(spec: StudySpec, configurations: tuple[Configuration, ...]) -> StudySpec:
    """Return a study that trains given configurations of a space in full."""
    points = tuple(dict.fromkeys(map(spec.space.point, configurations)))
    space = spec.space.model_copy(update={"only": points})
    changes: dict[str, object] = {"space": space, "strategy": Choice(name="exhaustive")}
    if spec.training.defaults != "paper":  # its searches train once
        changes["repeats"] = 1
    return spec.model_copy(update=changes)
