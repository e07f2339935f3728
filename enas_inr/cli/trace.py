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


MOST_ROWS = 20  # of the decisions of a search in a terminal


def print_result(result: SearchResult, *, everything: bool = True) -> None:
    """Print the decisions of a search, the Pareto front if there is one, and the best trial.

    Args:
        result: the result.
        everything: whether to print all candidates of a decision, also if there are many.
    """
    most = None if everything else max(3, MOST_ROWS // max(len(result.trace), 1))
    rows = table("iteration", "axis", "candidate", *NUMBERS, "", right=NUMBERS, heading="candidate")
    for step in result.trace:
        _add_step(rows, step, result.spec.space, most)
    console().print(rows)
    if result.front:
        console().print(_front(result))
    for line in summary(result):
        say(line)


def _add_step(rows: Table, step: TraceStep, space: SearchSpace, most: int | None) -> None:
    shown = step.candidates
    if most is not None and len(shown) > most:
        ranked = sorted(shown, key=lambda candidate: candidate.rank, reverse=True)
        keys = {candidate.key for candidate in ranked[:most]} | {step.choice}
        shown = tuple(candidate for candidate in shown if candidate.key in keys)
    left = len(step.candidates) - len(shown)
    for index, candidate in enumerate(shown):
        chosen = candidate.key == step.choice
        rows.add_row(
            str(step.iteration) if index == 0 else "",
            step.axis if index == 0 else "",
            " ".join(
                [
                    space.label(candidate.trial.configuration),
                    *_amount(candidate, short=most is not None),
                ]
            ),
            format_quantity(candidate.trial.cost.flops),
            *_measured(candidate),
            "<- chosen" if chosen else "",
            style="bold" if chosen else None,
            end_section=index == len(shown) - 1 and not left,
        )
    if left:
        others = f"{left} more, with lower scores: --trace"
        rows.add_row("", "", others, style="dim", end_section=True)


def _amount(candidate: TrialResult, *, short: bool) -> list[str]:
    """Return how much of a trial was trained, in short `29/64 cells`; nothing if all."""
    amount = candidate.amount.replace(" of ", "/") if short else candidate.amount
    return [amount] if amount else []


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
