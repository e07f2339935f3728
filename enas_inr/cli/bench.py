"""`enas-inr bench`: measure the speed of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import ExitCode

if TYPE_CHECKING:
    from enas_inr.api.bench import BenchResult


def bench(
    context: typer.Context,
    device: arguments.Device = "auto",
    reduced: Annotated[
        bool,
        typer.Option("--quick", help="Measure only two configurations, once each."),
    ] = False,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> int:
    """Measure how fast this machine trains, renders and searches; takes a few minutes.

    The times are comparable with those of other machines only if no other program is running.
    """
    from enas_inr.api import bench as measurements
    from enas_inr.cli.progress import Display

    stop = arguments.stop_of(context)
    with (
        Display(quiet=quiet, stop=stop) as progress,
        stop.ends(progress.insist, lambda: ": measurements are not kept"),
    ):
        result = measurements.bench(
            device,
            measurements.QUICK if reduced else measurements.FULL,
            lambda line: progress.say(f"measuring: {line}"),
        )
    if as_json:
        say_json(result.to_dict())
    else:
        print_bench(result)
    return ExitCode.OK


def print_bench(result: BenchResult) -> None:
    """Print the measurements, with the machine and the versions, as text for a report."""
    from enas_inr.cli.tables import console, table
    from enas_inr.validation import counted, format_quantity

    machine = result.machine
    say(", ".join(f"{name} {number}" for name, number in result.versions.items()))
    used = "with" if machine["compiled_loops"] else "without"
    say(
        f"{machine['device']} ({machine['processor']}), {counted(machine['threads'], 'thread')}, "
        f"{machine['system']}, {used} compiled loops"
    )
    say(f"float32 matrix product: {result.peak_flops_per_second / 1e9:.1f} GFLOP/s")
    headings = ("configuration", "kernel", "ms a step", "GFLOP/s", "of the peak", "disturbed")
    made = table(*headings, right=headings[2:])
    for found in result.kernels:
        made.add_row(
            str(found.config),
            found.kernel,
            f"{1e3 * found.seconds_per_step:.2f}",
            f"{found.flops_per_step / found.seconds_per_step / 1e9:.1f}",
            f"{found.share_of_peak:.0%}",
            f"{found.disturbed} of {result.turns}",
        )
    console().print(made)
    render, search = result.render, result.search
    say(
        f"render: {format_quantity(render.samples_per_second)} samples a second "
        f"({render.ensemble}, {render.samples:,} samples in {render.seconds:.3f} s)"
    )
    say(
        f"search: {search.seconds:.2f} s ({counted(search.trials, 'trial')}, "
        f"{search.steps:,} steps)"
    )
