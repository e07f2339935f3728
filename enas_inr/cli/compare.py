"""`enas-inr compare`: compare two studies of the same signal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json

if TYPE_CHECKING:
    from enas_inr.reports.comparison import Comparison, Pair
    from enas_inr.studies.oracle import Regret


def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="STUDY_A", help="Name of a study.")],
    second: Annotated[
        str, typer.Argument(metavar="STUDY_B", help="Name of another study of the same signal.")
    ],
    storage: arguments.Storage = None,
    other_storage: Annotated[
        str | None,
        typer.Option(
            "--storage-b",
            metavar="STORAGE",
            help="Storage of STUDY_B.",
            show_default="the storage of STUDY_A",
        ),
    ] = None,
    as_json: arguments.Json = False,
) -> None:
    """Compare the best trials of two studies within the same budget, with a test on the repeats."""
    from enas_inr.reports import comparison
    from enas_inr.studies.oracle import find_regret
    from enas_inr.studies.record import load_record

    catalog = arguments.load_catalog(context)
    places = ((first, storage), (second, other_storage or storage))
    made = comparison.compare(*(load_record(*place, catalog) for place in places))
    regrets = [find_regret(*place, catalog) for place in places]
    if as_json:
        known = [regret and regret.to_dict() for regret in regrets]
        say_json(made.to_dict() | {"oracles": known})
    else:
        _print(made, regrets)


def _print(made: Comparison, regrets: Sequence[Regret | None]) -> None:
    from enas_inr.cli.tables import console, table
    from enas_inr.reports.statistics import Estimate
    from enas_inr.validation import format_quantity

    out = console()
    budget = ", ".join(f"{format_quantity(v)} {name}" for name, v in made.limits.items())
    say(f"signal {made.first.spec.signal.name}, common budget: {budget or 'none'}")
    sides = ("A", "B")
    numbers = ["FLOPs", "parameters", "bytes", "PSNR dB", "score", "repeats"]
    numbers += ["regret", "cost"] if any(regrets) else []
    best = table("", "study", "best architecture", *numbers, right=tuple(numbers))
    studies, trials = (made.first, made.second), (made.best.first, made.best.second)
    for side, study, trial, regret in zip(sides, studies, trials, regrets, strict=True):
        best.add_row(
            side,
            study.name,
            trial.trial.configuration.label(),
            *(format_quantity(cost) for cost in trial.trial.cost.model_dump().values()),
            str(Estimate.of(trial.psnr_db_repeats)),
            f"{trial.score:.2f}",
            str(len(trial.repeats)),
            *([str(regret), f"{regret.share:.1%}"] if regret else []),
        )
    out.print(best)
    if any(regrets):
        say("regret: score of the study's winner below the best of its oracle; cost: share of")
        say("the FLOPs of a training of all configurations in full")
    if made.shared:
        columns = ("A: PSNR dB", "B: PSNR dB", "B - A", "p")
        shared = table(
            "trained by both", *columns, right=columns, title="Welch's t-test for each, uncorrected"
        )
        for pair in made.shared:
            shared.add_row(*_shared(pair))
        out.print(shared)
    for remark in made.first.spec.differences(made.second.spec):
        say(f"the studies differ in {remark}")
    say(made.verdict())


def _shared(pair: Pair) -> tuple[str, ...]:
    from enas_inr.reports.statistics import Estimate

    difference = pair.difference
    p = "" if difference is None or difference.p is None else f"{difference.p:.2g}"
    return (
        pair.first.trial.configuration.label(),
        str(Estimate.of(pair.first.psnr_db_repeats)),
        str(Estimate.of(pair.second.psnr_db_repeats)),
        str(difference or ""),
        p + (" *" if difference and difference.significant else ""),
    )
