"""What a report begins with: the best architecture of each study, and how it was found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from enas_inr.reports.rows import Row
from enas_inr.result import TraceStep
from enas_inr.studies.record import StudyRecord
from enas_inr.validation import counted, format_quantity


@dataclass(frozen=True)
class Lead:
    """The best architecture of a study.

    Attributes:
        row: its row.
        facts: what it reaches and costs, each a name and a value.
        path: the decisions of the search, one line each; empty if it compared no axis.
        command: the command that fits it, with FILE for the signal.
    """

    row: Row
    facts: tuple[tuple[str, str], ...]
    path: tuple[str, ...]
    command: str


def leads(rows: Sequence[Row]) -> list[Lead]:
    """Return the best architecture of each study that has one, in the order of the rows."""
    return [
        Lead(row, tuple(_facts(row)), path_of(row.study), _command(row.study.name))
        for row in rows
        if row.best
    ]


def path_of(study: StudyRecord) -> tuple[str, ...]:
    """Return the decisions of a search in words: `depth: 2 of 1, 2, 3 (31.20 dB)`."""
    return tuple(line for step in study.trace if step.axis for line in _decision(study, step))


def _decision(study: StudyRecord, step: TraceStep) -> Iterator[str]:
    chosen = next((r for r in step.candidates if r.key == step.choice), None)
    if chosen is None:
        return
    values = [str(result.trial.configuration.value(step.axis)) for result in step.candidates]
    taken = chosen.trial.configuration.value(step.axis)
    psnr = "" if chosen.psnr_db is None else f": {chosen.psnr_db:.2f} dB"
    yield f"{step.axis} {taken} of {', '.join(dict.fromkeys(values))}{psnr}"


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    result, cost = row.result, row.result.trial.cost
    if row.psnr is not None:
        yield "PSNR", f"{row.psnr} dB"
    if result.score is not None:
        yield "score", f"{result.score:.2f}"
    yield "bytes, float32", format_quantity(cost.bytes)
    yield "parameters", format_quantity(cost.parameters)
    yield "FLOPs", format_quantity(cost.flops)
    yield "found among", counted(len(row.study.results), "trial")


def _command(study: str) -> str:
    return shlex.join(["enas-inr", "fit", "FILE", "--study", study, "-o", "model.inr"])
