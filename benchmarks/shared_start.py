"""Measure whether fits from a shared start are faster, by where the weights come from.

Crops of photographs are fitted and put into archives: with one seed for all of them, with a seed
for each, and in rounds of a few steps that each start from the mean of the round before. Then crops
of other photographs are fitted from drawn weights, from the mean of each archive, from single
models of it, and from a model of a picture that is almost the same. PSNR is in the usual
convention, in dB: the mean over the crops, at the best step.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import torch
from jobs import job_of
from pages import filled, markdown

from enas_inr.backbones.base import Params
from enas_inr.model.archive import open_archive
from enas_inr.model.archive_writer import write_archive
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.model.model import Model
from enas_inr.model.start import Start
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB, EnsembleSpec, TrainingSpec
from enas_inr.training.trainer import train

SIDE = 128  # samples of a crop along each axis
SOURCES = (
    "chelsea.png",
    "rocket.jpg",
    "retina.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "hubble_deep_field.jpg",
)
HELD_OUT = ("astronaut.png", "coffee.png")
ROUNDS, ROUND_STEPS = 5, 30
SINGLE = 3  # models from which fits start alone
SLOWER = 0.3  # of the learning rate
DARKER = 0.8  # of the values above black


@dataclass(frozen=True)
class Bench:
    """What is trained, and on what.

    Attributes:
        ensemble: the architecture.
        profile: the profile of all trainings.
        steps: number of steps of a whole training.
        short: numbers of steps of shorter trainings, each with a schedule of its own.
        target_db: the PSNR to reach.
        sources: crops whose models are averaged.
        held_out: crops of other pictures.
    """

    ensemble: EnsembleSpec
    profile: str
    steps: int
    short: tuple[int, ...]
    target_db: float
    sources: tuple[Signal, ...]
    held_out: tuple[Signal, ...]
    catalog: Catalog

    def training(self, steps: int) -> TrainingSpec:
        """Return the recipe of a training of so many steps."""
        return TrainingSpec.from_profile(self.profile, steps=steps)

    def models(
        self,
        signals: Sequence[Signal],
        *,
        own_seeds: bool = False,
        steps: int | None = None,
        start: Start | None = None,
    ) -> list[Model]:
        """Fit each of some signals."""
        training = self.training(steps or self.steps)
        found = []
        for number, signal in enumerate(signals):
            seed = number if own_seeds else 0
            spec = FitSpec(ensemble=self.ensemble, training=training, seed=seed)
            fitted = fit(signal, spec, catalog=self.catalog, device="cpu", start=start)
            found.append(fitted.model)
        return found

    def mean(self, models: Sequence[Model]) -> Start:
        """Return the mean of models as a fit reads it, from an archive."""
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "models.inrs"
            write_archive(path, models, catalog=self.catalog)
            with open_archive(path, catalog=self.catalog) as archive:
                return Start.of_archive(archive)

    def curves(
        self, initial: Sequence[Params | None], steps: int, rate: float
    ) -> list[list[float]]:
        """Train on the held-out crops; return the PSNR before each step.

        Args:
            initial: leaves from which each crop starts.
            steps: number of steps.
            rate: factor of the learning rate.
        """
        training, jobs = self.training(steps), []
        for signal, leaves in zip(self.held_out, initial, strict=True):
            _, job = job_of(signal, self.ensemble, training, self.catalog)
            jobs.append(replace(job, initial=leaves, learning_rate=job.learning_rate * rate))
        outcomes = train(jobs, training, torch.device("cpu"))
        return [
            [psnr_paper_db(loss) + PSNR_OFFSET_DB for loss in outcome.losses[0].tolist()]
            for outcome in outcomes
        ]

    def row(self, name: str, starts: Sequence[Sequence[Params | None]], rate: float) -> list[str]:
        """Return a row of the table, over all starts of one name."""
        whole = [curve for one in starts for curve in self.curves(one, self.steps, rate)]
        cells = [name, f"{rate:g}", reached(whole, self.target_db)]
        cells.append(f"{statistics.fmean(curve[0] for curve in whole):.1f}")
        for steps in self.short:
            short = [curve for one in starts for curve in self.curves(one, steps, rate)]
            cells.append(f"{statistics.fmean(map(max, short)):.1f}")
        return [*cells, f"{statistics.fmean(map(max, whole)):.1f}"]


def reached(curves: Sequence[Sequence[float]], target_db: float) -> str:
    """Return the steps to a PSNR: their median and range, and how many do not reach it."""
    steps = sorted(n for n in (steps_to(curve, target_db) for curve in curves) if n is not None)
    if not steps:
        return "never"
    # Those that do not reach it count as later than all others.
    middle = (len(curves) - 1) // 2
    median = f"{steps[middle]}" if middle < len(steps) else "-"
    missing = len(curves) - len(steps)
    return f"{median} ({steps[0]} to {steps[-1]}" + (f", {missing} never)" if missing else ")")


def steps_to(curve: Sequence[float], target_db: float) -> int | None:
    """Return the number of steps after which a PSNR is reached, or None."""
    return next((n for n, psnr in enumerate(curve) if psnr >= target_db), None)


def crops(catalog: Catalog, names: Sequence[str], each: int) -> tuple[Signal, ...]:
    """Cut crops that do not overlap out of each photograph, spread over it."""
    package = find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        sys.exit("scikit-image is not installed: run pip install '.[samples]'")
    found = []
    for name in names:
        file = Path(package.submodule_search_locations[0], "data", name)
        values = load_signal(catalog, str(file), {}).values
        rows, columns = (length // SIDE for length in values.shape[:2])
        places = [(row, column) for row in range(rows) for column in range(columns)]
        picked = {round(i * (len(places) - 1) / max(each - 1, 1)) for i in range(each)}
        for row, column in (places[index] for index in sorted(picked)):
            part = values[row * SIDE :, column * SIDE :][:SIDE, :SIDE].contiguous()
            found.append(Signal(part, "image", f"{Path(name).stem}-{row}-{column}"))
    return tuple(found)


def shifted(signal: Signal) -> Signal:
    """Return a picture shifted by one column, as the next frame of a film might be."""
    return replace(signal, values=torch.roll(signal.values, 1, dims=1))


def darker(signal: Signal) -> Signal:
    """Return a darker picture."""
    return replace(signal, values=(signal.values + 1) * DARKER - 1)


def starts(bench: Bench) -> Iterator[tuple[str, list[list[Params | None]]]]:
    """Return the starts by name: for each, one or more lists with the leaves for each crop."""
    count = len(bench.held_out)

    def for_all(start: Start) -> list[Params | None]:
        return [start.leaves] * count

    yield "drawn", [[None] * count]
    same = bench.models(bench.sources)
    singles = same[:: max(1, len(same) // SINGLE)][:SINGLE]
    yield "a model of another picture", [[model.by_cell()] * count for model in singles]
    own = bench.models(bench.sources, own_seeds=True)
    yield "mean, a seed for each model", [for_all(bench.mean(own))]
    yield "mean, one seed for all", [for_all(bench.mean(same))]
    start = None
    for _ in range(ROUNDS):
        start = bench.mean(bench.models(bench.sources, steps=ROUND_STEPS, start=start))
    assert start is not None
    yield f"mean after {ROUNDS} rounds of {ROUND_STEPS} steps", [for_all(start)]
    for name, changed in (("shifted by a column", shifted), ("darker by a fifth", darker)):
        models = bench.models([changed(signal) for signal in bench.held_out])
        yield f"a model of the picture {name}", [[model.by_cell() for model in models]]


def table(bench: Bench) -> str:
    """Measure; return the table."""
    rows = []
    for name, given in starts(bench):
        for rate in (1.0, SLOWER):
            rows.append(bench.row(name, given, rate))
            print(rows[-1], file=sys.stderr, flush=True)
    fits = [f"{steps} steps" for steps in (*bench.short, bench.steps)]
    target = f"steps to {bench.target_db:g} dB: median (range)"
    return markdown(("start", "rate", target, "at the start", *fits), rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--architecture", nargs=3, type=int, default=(8, 1, 16), metavar=("M", "D", "W")
    )
    parser.add_argument("--profile", default="smooth")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--short", nargs="*", type=int, default=(25, 50, 100))
    parser.add_argument("--target", type=float, default=35.0, help="PSNR in dB")
    parser.add_argument("--crops", type=int, default=6, help="crops of each source")
    parser.add_argument("--held-out", type=int, default=8, help="crops of each held-out picture")
    parser.add_argument("--page", type=Path, help="a page with a place for the table")
    args = parser.parse_args(argv)
    grid, depth, width = args.architecture
    catalog = load_catalog(plugins=False)
    bench = Bench(
        EnsembleSpec(grid=grid, depth=depth, width=width),
        args.profile,
        args.steps,
        tuple(args.short),
        args.target,
        crops(catalog, SOURCES, args.crops),
        crops(catalog, HELD_OUT, args.held_out),
        catalog,
    )
    print(
        f"{len(bench.sources)} crops of {len(SOURCES)} pictures, "
        f"{len(bench.held_out)} held-out crops of {len(HELD_OUT)}",
        file=sys.stderr,
    )
    found = table(bench)
    print(found)
    if args.page:
        name = f"shared-start-{args.profile}"
        args.page.write_text(filled(args.page.read_text(), {name: found}))


if __name__ == "__main__":
    main()
