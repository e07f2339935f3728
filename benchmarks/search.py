"""Write the tables of docs/search.md: how good the winners of searches are, and what they cost.

`--part pairs`: on pairs of a photograph (128x128) and a grid, the regret of strategies among the
paper's architectures. The oracle has trained all of them in full with three repeats; the regret is
the score of its best minus that of the strategy's winner in the oracle, and the cost is the share
of the oracle's training FLOPs. All architectures are trained in parts, which are written to
`--lines`; the searches are replayed from these without training (see `cell_tables.py`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cell_tables import TableExecutor, parts_of
from pages import filled, markdown
from whole_signals import sizes, smallest, targets

from enas_inr.api.reading import read_signal
from enas_inr.api.settings import SearchSettings
from enas_inr.backbones.feasibility import feasible_space
from enas_inr.cli.arguments import parse_options
from enas_inr.cost import FeasibleSpace
from enas_inr.executors.base import ExecutionContext, Executor, given
from enas_inr.executors.local import LocalExecutor
from enas_inr.objectives.making import make_objective
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import Curve, TrialResult
from enas_inr.signals.signal import Signal
from enas_inr.spec import StudySpec, TrialSpec
from enas_inr.strategies.base import Strategy
from enas_inr.studies.ask import study_spec
from enas_inr.studies.gathering import Gathering
from enas_inr.studies.loop import Observer, run_loop
from enas_inr.studies.oracle import Regret, regret
from enas_inr.testing.lookup import MemoryRecords

PAGE = Path(__file__).parents[1] / "docs" / "search.md"
PHOTOGRAPHS = ("photo", "astronaut", "coffee", "cat", "rocket")
SIZES = ("512x512", "1024x768", "1024x1024", "2048x2048")
GRIDS = (8, 16)
REPEATS = 3
STRATEGIES = ("race", "coordinate")
CLOSE = 0.3  # score

Table = dict[str, TrialResult]
"""Results of parts by `identity`."""


@dataclass(frozen=True)
class Pair:
    """A photograph and a grid: what the oracle of the paper's architectures would train."""

    signal: Signal
    spec: StudySpec
    space: FeasibleSpace

    @property
    def name(self) -> str:
        """The photograph, for people."""
        return self.signal.name

    @property
    def grid(self) -> int:
        """M."""
        return self.spec.space.base.grid


def pairs(
    catalog: Catalog, photographs: Sequence[str], grids: Sequence[int], settings: Mapping[str, Any]
) -> Iterator[Pair]:
    """Iterate over the pairs; `settings` are those of the searches."""
    for name in photographs:
        signal = read_signal(catalog, source(name), None)
        for grid in grids:
            asked = SearchSettings(**settings, strategy="exhaustive", racing=False, grid=grid)
            spec = study_spec(asked, signal.info(), catalog)
            yield Pair(signal, spec, feasible_space(spec, catalog))


def source(name: str) -> str:
    """Return where a photograph is: a JPEG file of scikit-image, or a sample."""
    found = find_spec("skimage")
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder, "data", f"{name}.jpg")
        if file.exists():
            return str(file)
    return f"sample:{name}"


def identity(signal: str, trial: TrialSpec) -> str:
    """Return everything that determines a result."""
    return f"{signal} {trial.model_dump_json(exclude={'number', 'cost'})}"


def read(lines: Path | None) -> Table:
    """Return the parts that have been trained."""
    known: Table = {}
    for text in lines.read_text().splitlines() if lines and lines.exists() else []:
        line = json.loads(text)
        result = TrialResult.model_validate(line["result"])
        known[identity(line["signal"], result.trial)] = result
    return known


def train(pair: Pair, executor: Executor, known: Table, lines: Path | None) -> None:
    """Train the parts that are not known, and add a line for each."""
    for trial in parts_of(pair.spec, pair.space):
        key = identity(pair.name, trial)
        if key in known:
            continue
        (result,) = executor.run(given([trial]))
        known[key] = result.model_copy(update={"curve": Curve()})  # the sample has all of it
        if lines:
            line = {"signal": pair.name, "result": known[key].model_dump(mode="json")}
            with lines.open("a") as file:
                print(json.dumps(line), file=file)
        told = f"{pair.name} {trial.configuration.label()}, {trial.part}"
        print(f"{told}: {result.seconds:.1f} s", file=sys.stderr, flush=True)


def replay(pair: Pair, strategy: str, known: Table, catalog: Catalog) -> list[TrialResult]:
    """Return the trials of a search.

    Args:
        pair: what is searched.
        strategy: a strategy and its options, such as `race first=0.125`.
        known: the parts of all architectures.
        catalog: makes the strategy.
    """
    by_key: dict[str, list[TrialResult]] = {}
    for trial in parts_of(pair.spec, pair.space):
        by_key.setdefault(trial.configuration.key(), []).append(known[identity(pair.name, trial)])
    name, *options = strategy.split()
    searched: Strategy = catalog.create(
        "strategy", name, pair.space, options=parse_options(options, strategy)
    )
    objective = make_objective(catalog, pair.spec)
    executor = TableExecutor(by_key)
    return run_loop(
        Gathering(pair.spec, pair.space, objective),
        searched,
        executor,
        MemoryRecords(),
        Observer(),
    )


@dataclass(frozen=True)
class Judged:
    """What strategies have found on a pair.

    Attributes:
        pair: the pair.
        ahead: score of the oracle's best architecture minus that of the second.
        regrets: regret by strategy.
    """

    pair: Pair
    ahead: float
    regrets: Mapping[str, Regret]


def judge(pair: Pair, strategies: Sequence[str], known: Table, catalog: Catalog) -> Judged:
    """Replay the searches of a pair."""
    trials = replay(pair, "exhaustive", known, catalog)
    best, second, *_ = sorted((t.score for t in trials if t.score is not None), reverse=True)
    regrets = {
        strategy: regret(
            replay(pair, strategy, known, catalog), "oracle", pair.spec, trials, pair.space
        )
        for strategy in strategies
    }
    return Judged(pair, best - second, regrets)


def table(judged: Sequence[Judged], strategies: Sequence[str]) -> str:
    """Return a row for each pair."""
    columns = [
        f"{name}: {column}" for name in strategies for column in ("winner", "regret", "cost")
    ]
    rows = []
    for one in judged:
        best = one.regrets[strategies[0]].best
        row = [one.pair.name, str(one.pair.grid), _sizes(best), f"{best.psnr_db:.2f}"]
        row += [f"{best.score:.2f}", f"{one.ahead:.2f}"]
        for found in one.regrets.values():
            row += [_sizes(found.winner), f"{found.score:.2f}", f"{found.share:.1%}"]
        rows.append(row)
    return markdown(("photograph", "M", "best", "PSNR", "score", "ahead", *columns), rows)


def summary(judged: Sequence[Judged], strategies: Sequence[str]) -> str:
    """Return a row for each strategy."""
    rows = []
    for name in strategies:
        found = [one.regrets[name] for one in judged]
        scores, shares = [one.score for one in found], [one.share for one in found]
        rows.append(
            [
                f"`{name}`",
                f"{sum(score <= CLOSE for score in scores)} of {len(scores)}",
                f"{statistics.median(scores):.2f}",
                f"{max(scores):.2f}",
                f"{statistics.median(shares):.1%}",
                f"{max(shares):.1%}",
            ]
        )
    headings = (f"within {CLOSE}", "median regret", "largest", "median cost", "largest")
    return markdown(("strategy", *headings), rows)


def _sizes(result: TrialResult) -> str:
    return result.trial.configuration.short_label(("depth", "width"))


def measure_pairs(args: argparse.Namespace) -> dict[str, str]:
    """Train and judge all pairs; return the parts of the page by name."""
    catalog = load_catalog()
    settings = {"profile": args.profile, "steps": args.steps, "repeats": REPEATS}
    known = read(args.lines)
    for path in args.also:
        known |= read(path)
    judged = []
    for pair in pairs(catalog, args.photographs, args.grids, settings):
        executor = LocalExecutor(ExecutionContext(catalog, pair.signal, device="cpu"))
        if not args.trained:
            train(pair, executor, known, args.lines)
        if all(identity(pair.name, trial) in known for trial in parts_of(pair.spec, pair.space)):
            judged.append(judge(pair, args.strategies, known, catalog))
    if not judged:
        return {}
    return {
        f"{args.profile}-summary": summary(judged, args.strategies),
        f"{args.profile}-pairs": table(judged, args.strategies),
    }


def measure_sizes(args: argparse.Namespace) -> dict[str, str]:
    """Search a photograph by default at several sizes."""
    return {"sizes": sizes(load_catalog(), args.photograph, args.sizes)}


def measure_smallest(args: argparse.Namespace) -> dict[str, str]:
    """Make the smallest file of a photograph that reaches a PSNR."""
    return {"smallest": smallest(load_catalog(), args.photograph, args.target_psnr)}


def measure_targets(args: argparse.Namespace) -> dict[str, str]:
    """Make files of several signals for several PSNRs to reach."""
    names = [f"sample:{name}" for name in ("astronaut", "coffee", "cat", "chord")]
    return {"targets": targets(load_catalog(), names)}


PARTS = {
    "pairs": measure_pairs,
    "sizes": measure_sizes,
    "smallest": measure_smallest,
    "targets": measure_targets,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure a part of the page, print it, and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="pairs", help="what to measure")
    parser.add_argument("--photographs", nargs="+", default=PHOTOGRAPHS)
    parser.add_argument("--grids", type=int, nargs="+", default=GRIDS)
    parser.add_argument("--profile", default="paper")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument(
        "--strategies", nargs="+", default=STRATEGIES, help="such as 'race samples=2048'"
    )
    parser.add_argument(
        "--lines", type=Path, metavar="FILE", help="write each result here; go on from it"
    )
    parser.add_argument("--also", type=Path, nargs="+", default=[], help="take these lines, too")
    parser.add_argument(
        "--trained", action="store_true", help="train nothing; show the pairs that are complete"
    )
    parser.add_argument("--photograph", help="file of the parts sizes and smallest")
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="of the part sizes")
    parser.add_argument("--target-psnr", type=float, default=35.0, help="of the part smallest")
    parser.add_argument("--page", type=Path, help="a page with a place for the tables")
    args = parser.parse_args(argv)
    parts = PARTS[args.part](args)
    for name, text in parts.items():
        print(f"{name}\n\n{text}\n")
    if args.page:
        args.page.write_text(filled(args.page.read_text(), parts))


if __name__ == "__main__":
    main()
