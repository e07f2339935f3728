"""All configurations of a space, trained in parts, and an executor that answers from these.

Cells and repeats are independent, so the parts of a trial, put together, are the trial. Where all
parts of all configurations are known, any search of the space is replayed without training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from enas_inr.cost import FeasibleSpace
from enas_inr.executors.base import Executor, Supply
from enas_inr.executors.parts import merged
from enas_inr.result import Curve, TrialResult, TrialStatus
from enas_inr.spec import Part, StudySpec, TrialSpec

PARTS = 16  # of equal size; the first is halved again and again
LEAST = 2  # cells of the smallest part


def edges(cells: int) -> list[int]:
    """Return where parts begin and end: 0, 2, 4, 8, and so on, then each sixteenth of the cells."""
    first = min(cells, max(LEAST, cells // PARTS))
    halves = [first]
    while halves[0] % 2 == 0 and halves[0] > LEAST:
        halves.insert(0, halves[0] // 2)
    return sorted({0, *halves, *range(2 * first, cells, first), cells})


def parts_of(spec: StudySpec, space: FeasibleSpace) -> Iterator[TrialSpec]:
    """Iterate over the parts of all trials of a study, the cheapest configuration first."""
    for found in sorted(space.feasible, key=lambda one: one.cost.flops):
        for first, end in pairwise(edges(space.cells(found.spec))):
            yield TrialSpec(
                number=0,
                ensemble=found.spec.ensemble,
                cost=found.cost,
                training=found.spec.training(spec.training),
                recipe=found.spec.recipe,
                part=Part(first_cell=first, cells=end),
                repeats=spec.repeats,
                seed=spec.seed,
            )


class TableExecutor(Executor):
    """Answers with parts that were trained before.

    Args:
        parts: by the key of a configuration, the results of its parts, with all repeats.
    """

    def __init__(self, parts: Mapping[str, Sequence[TrialResult]]) -> None:
        self._parts = parts

    def run(self, trials: Supply) -> Iterator[TrialResult]:
        """Yield a result for each trial.

        Raises:
            ValueError: the parts do not begin or end where the trial does.
        """
        while taken := trials.take(1):
            for trial in taken:
                yield answer(trial, self._parts[trial.configuration.key()])


def answer(trial: TrialSpec, parts: Sequence[TrialResult]) -> TrialResult:
    """Return the result of a trial from those of the parts of all its cells; raises as above."""
    spans = {part.trial.part: part for part in parts if part.trial.part}
    wanted = trial.part or Part(cells=max(span.cells for span in spans))
    end, found = wanted.first_cell, []
    for span, part in sorted(spans.items(), key=lambda pair: pair[0].cells):
        if span.first_cell == end and span.cells <= wanted.cells:
            end = span.cells
            found.append(part)
    if end != wanted.cells:
        raise ValueError(f"no parts for {wanted} of {trial.configuration.label()}")
    whole = found[0]
    for part in found[1:]:
        whole = merged(whole, part) if whole.status is TrialStatus.COMPLETE else whole
    rows = slice(wanted.first_repeat, trial.repeats)
    curve = Curve(steps=whole.curve.steps, psnr_paper_db=whole.curve.psnr_paper_db[rows])
    kept = whole.sample.of_repeats(rows, whole.trial.repeats) if whole.sample else None
    changes = {"trial": trial, "repeats": whole.repeats[rows], "curve": curve}
    return whole.model_copy(update=changes | {"sample": kept if trial.part else None})
