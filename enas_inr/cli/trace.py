"""A search's trace and winner, printed for people."""

from __future__ import annotations

from rich.table import Table

from enas_inr.cli.tables import console, table
from enas_inr.parsing import format_quantity
from enas_inr.result import SearchResult, TraceStep, TrialResult

NUMBERS = ("FLOPs", "PSNR dB", "sd", "score")


def print_result(result: SearchResult) -> None:
    """Print the trace, decision by decision, then the best architecture."""
    rows = table("iteration", "axis", "candidate", *NUMBERS, "", right=NUMBERS)
    for step in result.trace:
        _add_step(rows, step)
    console().print(rows)
    print(summary(result))


def _add_step(rows: Table, step: TraceStep) -> None:
    for index, candidate in enumerate(step.candidates):
        chosen = candidate.key == step.choice
        rows.add_row(
            str(step.iteration) if index == 0 else "",
            step.axis if index == 0 else "",
            candidate.trial.ensemble.label(),
            format_quantity(candidate.trial.cost.flops),
            *_measured(candidate),
            "<- chosen" if chosen else "",
            style="bold" if chosen else None,
            end_section=index == len(step.candidates) - 1,
        )


def _measured(result: TrialResult) -> tuple[str, str, str]:
    if result.psnr_db is None or result.score is None:
        return result.status.value, "", ""
    return f"{result.psnr_db:.2f}", f"{result.psnr_std_db:.2f}", f"{result.score:.2f}"


def summary(result: SearchResult) -> str:
    """The winner, in three lines."""
    best = result.best
    cost = best.trial.cost
    assert best.psnr_db is not None
    assert best.psnr_paper_db is not None
    return (
        f"best: {best.trial.ensemble.label()}   score {best.score:.2f}\n"
        f"PSNR {best.psnr_db:.2f} dB (the paper's convention: {best.psnr_paper_db:.2f}), "
        f"{format_quantity(cost.flops)} FLOPs, {format_quantity(cost.parameters)} parameters, "
        f"{format_quantity(cost.bytes)}B\n"
        f"{len(result.trials)} trials, {result.seconds:.1f} s, study {result.study} "
        f"in {result.storage}"
    )
