"""Compare learned feature grids (`grid`) with SIREN at equal bytes and at equal training time.

Each backbone gets the largest network of one hidden layer whose parameters are at most a share of
the values of a cell. SIREN grows in width. `grid` has 4 levels of 2 features and a network of width
32, 16 or 8, the widest that leaves half of the parameters to the features, and grows in its finest
resolution. `grid, hashed` has one interval between neighbouring samples at the finest level, and
grows in the rows of its hash tables. All are trained with the profile `tuned`: once for the same
number of steps, and the grids once more for as many steps as take the time of SIREN's. The time of
a step is the least of several short trainings, in turns. PSNR is in the usual convention, in dB.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jobs import job_of
from pages import filled, markdown
from pydantic import JsonValue

from enas_inr.api.reading import read_signal
from enas_inr.backbones.feasibility import resolved
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB, Cost, EnsembleSpec, SignalInfo, TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.trainer import train

SHARES = (0.25, 0.5, 1.0)
SIGNALS: tuple[tuple[str, str | None, tuple[int, ...], tuple[float, ...]], ...] = (
    ("sample:photo", "256", (1,), (0.25,)),
    ("sample:photo", "128", (2, 4, 8), SHARES),
    ("sample:coffee", "128", (2, 4, 8), SHARES),
    ("sample:astronaut", "128", (4,), SHARES),
    ("sample:chord", None, (4, 16), SHARES),
)
"""The signals, their sizes, the grids of their ensembles, and the shares of the parameters."""

BRIEF_SHARE, BRIEF_KINDS = 0.25, ("siren", "grid")
"""What a page shows with `--brief`."""

WIDTHS = (32, 16, 8)
KINDS = ("siren", "grid", "grid, hashed")
TIMED_STEPS, TIMED_RUNS = 20, 4


@dataclass(frozen=True)
class Measured:
    """One architecture, trained for the given steps and for the time of SIREN.

    Attributes:
        signal: its name and size.
        share: largest parameters for each value.
        parameters: of one cell, for each of its values.
        flops: FLOPs of one sample.
        steps_alike: steps that take the time of SIREN.
        psnr: after the given steps.
        psnr_alike: after `steps_alike`.
    """

    signal: str
    grid: int
    share: float
    kind: str
    width: int
    detail: str
    parameters: float
    flops: int
    seconds_a_step: float
    psnr: float
    steps_alike: int
    psnr_alike: float


def largest(fits: Callable[[int], bool], most: int) -> int | None:
    """Return the largest number from 1 to `most` for which a monotonous condition holds."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low or None


def chosen(
    kind: str, grid: int, most: float, info: SignalInfo, catalog: Catalog
) -> EnsembleSpec | None:
    """Return the largest architecture of a kind with at most so many parameters in all."""
    training = TrainingSpec.from_profile("tuned")

    def made(width: int, options: dict[str, JsonValue]) -> EnsembleSpec:
        backbone = kind.partition(",")[0]
        return EnsembleSpec(backbone=backbone, options=options, grid=grid, depth=1, width=width)

    def parameters(width: int, options: dict[str, JsonValue]) -> int:
        cost: Cost = resolved(made(width, options), info, catalog, training)[1]
        return cost.parameters

    if kind == "siren":
        found = largest(lambda width: parameters(width, {}) <= most, 512)
        return made(found, {}) if found else None
    intervals = max(math.ceil(length / grid) for length in info.shape) - 1

    def options(number: int) -> dict[str, JsonValue]:
        return {"finest": number} if kind == "grid" else {"finest": intervals, "table": number}

    limit = 2 * intervals if kind == "grid" else (intervals + 1) ** len(info.shape)
    network = {width: parameters(width, {"levels": 1, "table": 1}) for width in WIDTHS}
    width = next((w for w in WIDTHS if network[w] <= most / 2), WIDTHS[-1])
    found = largest(lambda number: parameters(width, options(number)) <= most, limit)
    return made(width, options(found)) if found else None


def seconds_a_step(jobs: Sequence[Job]) -> list[float]:
    """Return the least time of a step of each job."""
    training = TrainingSpec.from_profile("tuned", steps=TIMED_STEPS)
    least = [math.inf] * len(jobs)
    for _ in range(TIMED_RUNS):
        for index, job in enumerate(jobs):
            started = time.perf_counter()
            train([job], training, torch.device("cpu"))
            least[index] = min(least[index], (time.perf_counter() - started) / TIMED_STEPS)
    return least


def psnr(signal: Signal, spec: EnsembleSpec, steps: int, catalog: Catalog) -> float:
    """Train an architecture on all cells of a signal, and return its PSNR in dB."""
    training = TrainingSpec.from_profile("tuned", steps=steps)
    _, job = job_of(signal, spec, training, catalog)
    (outcome,) = train([job], training, torch.device("cpu"))
    loss = outcome.repeats[0].best_loss
    return math.nan if loss is None else psnr_paper_db(loss) + PSNR_OFFSET_DB


def measure(
    signal: Signal, grid: int, share: float, steps: int, catalog: Catalog
) -> Iterator[Measured]:
    """Train every kind of backbone at one share of the parameters."""
    info, training = signal.info(), TrainingSpec.from_profile("tuned", steps=steps)
    values = info.samples * info.channels
    specs = {kind: chosen(kind, grid, share * values, info, catalog) for kind in KINDS}
    found = {kind: spec for kind, spec in specs.items() if spec}
    jobs = [job_of(signal, spec, training, catalog)[1] for spec in found.values()]
    times = seconds_a_step(jobs)
    for (kind, spec), seconds in zip(found.items(), times, strict=True):
        alike = max(1, round(steps * times[0] / seconds))
        settled, cost = resolved(spec, info, catalog, training)
        reached = psnr(signal, spec, steps, catalog)
        yield Measured(
            named(signal),
            grid,
            share,
            kind,
            spec.width,
            _detail(settled),
            cost.parameters / values,
            cost.flops // info.samples,
            seconds,
            reached,
            alike,
            reached if kind == "siren" else psnr(signal, spec, alike, catalog),
        )


def named(signal: Signal) -> str:
    """Return the name of a signal and its size."""
    return f"{signal.name} {'x'.join(map(str, signal.info().shape))}"


def _detail(spec: EnsembleSpec) -> str:
    if spec.backbone == "siren":
        return f"w={spec.width}"
    table = spec.options["table"]
    hashed = f", {table} rows" if table else ""
    return f"w={spec.width}, to {spec.options['finest']}{hashed}"


def table(measured: Sequence[Measured]) -> str:
    """Return a row for each architecture."""
    headings = ("signal", "M", "backbone", "size", "parameters a value", "FLOPs a sample")
    results = ("PSNR", "ms a step", "steps in SIREN's time", "PSNR then")
    rows = [
        [
            one.signal,
            str(one.grid),
            one.kind,
            one.detail,
            f"{one.parameters:.2f}",
            f"{one.flops:,}",
            f"{one.psnr:.1f}",
            f"{1000 * one.seconds_a_step:.1f}",
            str(one.steps_alike),
            f"{one.psnr_alike:.1f}",
        ]
        for one in measured
    ]
    return markdown((*headings, *results), rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("signals", nargs="*", help="some of those of the script, such as photo")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write each result here; go on from it"
    )
    parser.add_argument("--page", type=Path, help="a page with a place for the table")
    parser.add_argument("--brief", type=Path, help="a page with a place for some of its rows")
    args = parser.parse_args(argv)
    catalog = load_catalog()
    lines = args.json.read_text().splitlines() if args.json and args.json.exists() else []
    measured = [Measured(**json.loads(line)) for line in lines]
    known = {(one.signal, one.grid, one.share) for one in measured}
    for name, size, grids, shares in SIGNALS:
        if args.signals and name.removeprefix("sample:") not in args.signals:
            continue
        signal = read_signal(catalog, name, size)
        for grid in grids:
            for share in shares:
                if (named(signal), grid, share) in known:
                    continue
                for one in measure(signal, grid, share, args.steps, catalog):
                    measured.append(one)
                    print(one, flush=True)
                    if args.json:
                        with args.json.open("a") as file:
                            print(json.dumps(asdict(one)), file=file)
    order = [f"{name.removeprefix('sample:')} {size or ''}" for name, size, *_ in SIGNALS]
    measured.sort(key=lambda one: [one.signal.startswith(begin) for begin in order], reverse=True)
    shown = table(measured)
    print(shown)
    if args.page:
        args.page.write_text(filled(args.page.read_text(), {"grids": shown}))
    if args.brief:
        some = [m for m in measured if m.share == BRIEF_SHARE and m.kind in BRIEF_KINDS]
        args.brief.write_text(filled(args.brief.read_text(), {"grids": table(some)}))


if __name__ == "__main__":
    main()
