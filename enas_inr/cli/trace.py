"""Print the trace and the best trial of a search as text."""

from __future__ import annotations

from rich.table import Table

from enas_inr.cli.saying import say
from enas_inr.cli.tables import console, table
from enas_inr.result import SearchResult, TraceStep, TrialResult
from enas_inr.spec import SearchSpace
from enas_inr.spec.budget import MAXIMISED
from enas_inr.validation import counted, format_quantity

NUMBERS = ("FLOPs", "PSNR dB", "sd", "score")


def print_result(result: SearchResult) -> None:
    """Print the decisions of a search, the Pareto front if there is one, and the best trial."""
    rows = table("iteration", "axis", "candidate", *NUMBERS, "", right=NUMBERS)
    for step in result.trace:
        _add_step(rows, step, result.spec.space)
    console().print(rows)
    if result.front:
        console().print(_front(result))
    for line in summary(result):
        say(line)


def _add_step(rows: Table, step: TraceStep, space: SearchSpace) -> None:
    for index, candidate in enumerate(step.candidates):
        chosen = candidate.key == step.choice
        rows.add_row(
            str(step.iteration) if index == 0 else "",
            step.axis if index == 0 else "",
            f"{space.label(candidate.trial.configuration)} {candidate.amount}".rstrip(),
            format_quantity(candidate.trial.cost.flops),
            *_measured(candidate),
            "<- chosen" if chosen else "",
            style="bold" if chosen else None,
            end_section=index == len(step.candidates) - 1,
        )


def _front(result: SearchResult) -> Table:
    names = result.spec.objectives
    aims = ", ".join(f"{'more' if MAXIMISED[name] else 'less'} {name}" for name in names)
    numbers = ("FLOPs", "parameters", "bytes", *NUMBERS[1:])
    rows = table("candidate", *numbers, "", right=numbers, title=f"Pareto front: {aims}")
    for trial in result.front:
        best = trial.key == result.best.key
        rows.add_row(
            result.spec.space.label(trial.trial.configuration),
            *(format_quantity(cost) for cost in trial.trial.cost.model_dump().values()),
            *_measured(trial),
            "<- best" if best else "",
            style="bold" if best else None,
        )
    return rows


def _measured(result: TrialResult) -> tuple[str, str, str]:
    if result.psnr_db is None or result.score is None:
        return result.status.value, "", ""
    return f"{result.psnr_db:.2f}", f"{result.psnr_std_db:.2f}", f"{result.score:.2f}"


def summary(result: SearchResult) -> tuple[str, str, str]:
    """Return a description of the best trial in three lines."""
    best = result.best
    cost = best.trial.cost
    assert best.psnr_db is not None
    assert best.psnr_paper_db is not None
    return (
        f"best: {result.spec.space.label(best.trial.configuration)}   score {best.score:.2f}",
        f"PSNR {best.psnr_db:.2f} dB (the paper's convention: {best.psnr_paper_db:.2f}), "
        f"{format_quantity(cost.flops)} FLOPs, {format_quantity(cost.parameters)} parameters, "
        f"{format_quantity(cost.bytes)}B",
        f"{counted(len(result.trials), 'trial')}, {result.seconds:.1f} s, study {result.study} "
        f"in {result.storage}",
    )
