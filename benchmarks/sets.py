"""Write the tables of docs/sets.md: how good a search over a set is, and what it costs.

`--part oracle`: a search over a set, beside its oracle, which trains all configurations on all
signals in full: the regret of the winner in mean score, and the share of the oracle's FLOPs.

`--part held-out`: a search over a part of a set, and what its winner reaches on the signals that
were held out, beside the best configuration for each.

`--part memory`: the memory of a search over 100, 300 and 1,000 pictures of 128x128.

All trainings are kept in `--storage`, so an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pages import filled, markdown
from PIL import Image

import enas_inr
from enas_inr.api.worth import spent_of
from enas_inr.executors.parts import training_flops
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import SearchResult
from enas_inr.studies.loop import Observer
from enas_inr.studies.reading import read_study

PAGE = Path(__file__).parents[1] / "docs" / "sets.md"
COUNTS = (100, 300, 1000)
SIDE = 128


class Lines(Observer):
    """Prints a line for each configuration."""

    def finished(self, result: Any) -> None:
        """Print one."""
        label = result.trial.configuration.short_label()
        print(f"{label} {result.amount} score {result.score}", file=sys.stderr, flush=True)


def search(signals: Sequence[str], settings: argparse.Namespace, **changes: Any) -> SearchResult:
    """Search a set as `enas-inr search` does, with one repeat."""
    asked = {
        "size": settings.size,
        "steps": settings.steps,
        "repeats": 1,
        "storage": settings.storage,
        "pictures": False,
        "observer": Lines(),
    }
    if settings.bits is not None:  # the best PSNR within a size
        asked |= {"objective": "best", "max_flops": "none", "max_bits_per_sample": settings.bits}
    return enas_inr.search(list(signals), **asked | changes)


def oracle(settings: argparse.Namespace) -> dict[str, Any]:
    """Compare a search over a set with its oracle."""
    found = search(settings.signals, settings, study="race")
    asked = {"strategy": "exhaustive", "racing": False, "study": "oracle"}
    every = search(settings.signals, settings, **asked, storage=f"{settings.storage}-oracle")
    spent = spent_of(found, load_catalog())
    _, trained = read_study("oracle", every.storage)
    scores = {one.key: one.score for one in every.trials if one.score is not None}
    best = max(scores, key=lambda key: scores[key])
    names = {one.key: every.spec.space.label(one.trial.configuration) for one in every.trials}
    ordered = sorted(scores.values(), reverse=True)
    return {
        "signals": len(found.spec.signals),
        "configurations": len(scores),
        "best": names[best],
        "best_score": scores[best],
        "second_score": ordered[1],
        "winner": names[found.best.key],
        "winner_score": scores[found.best.key],
        "regret": scores[best] - scores[found.best.key],
        "share": spent.flops / training_flops(trained),
    }


def held_out(settings: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what the winner of a search over a part of a set reaches on the rest."""
    found = search(settings.signals, settings, hold_out=settings.hold_out)
    print(f"winner: {found.best.trial.configuration.label()}", file=sys.stderr)
    return [one.model_dump() | {"regret": one.regret} for one in found.held_out]


def memory(settings: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the peak of the memory of searches over many pictures, each in its own process."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(max(COUNTS)):
            draw = np.random.default_rng(number)
            small = draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            picture.save(Path(folder, f"{number:04}.png"))
        for count in COUNTS:
            command = [sys.executable, __file__, "--part", "one", "--steps", str(settings.steps)]
            command += ["--signals", folder, "--limit", str(count)]
            command += ["--storage", f"{folder}/{count}.db"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows.append({"signals": count} | json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def one(settings: argparse.Namespace) -> dict[str, Any]:
    """Search a set of small networks in this process, and return the peak of its memory."""
    asked = {"grid": 8, "widths": (8, 16), "depths": (1, 2), "floor_db": -99.0}
    found = search(settings.signals, settings, **asked, limit=settings.limit, size="none")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    _, trained = read_study(found.study, found.storage)
    return {"mb": round(peak), "trials": len(trained), "seconds": round(found.seconds)}


def tables(part: str, measured: Any) -> dict[str, str]:
    """Return the tables of a part by their names in the page."""
    if part == "oracle":
        shown = [
            ("signals", str(measured["signals"])),
            ("configurations", str(measured["configurations"])),
            ("best of the oracle", f"{measured['best']}, mean score {measured['best_score']:.2f}"),
            ("second of the oracle, mean score", f"{measured['second_score']:.2f}"),
            ("winner of the race", f"{measured['winner']}, {measured['winner_score']:.2f}"),
            ("regret in mean score", f"{measured['regret']:.2f}"),
            ("share of the FLOPs of the oracle", f"{measured['share']:.1%}"),
        ]
        return {"oracle": markdown(("", "value"), shown)}
    if part == "memory":
        names = ("signals", "trials", "peak MB", "s")
        cells = [[str(r[k]) for k in ("signals", "trials", "mb", "seconds")] for r in measured]
        return {"memory": markdown(names, cells)}
    heads = ("held out", "PSNR dB", "score", "best PSNR dB", "best score", "regret", "its best")
    keys = ("psnr_db", "score", "best_psnr_db", "best_score", "regret")
    lines: list[tuple[str, ...]] = [
        (r["name"], *("-" if r[key] is None else f"{r[key]:.2f}" for key in keys), r["best"])
        for r in measured
    ]
    known = [r["regret"] for r in measured if r["regret"] is not None]
    lines.append(("mean", "", "", "", "", f"{statistics.fmean(known):.2f}", ""))
    return {"held-out": markdown(heads, lines)}


PARTS = {"oracle": oracle, "held-out": held_out, "memory": memory, "one": one}


def main() -> None:
    """Measure a part, and print its tables or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="oracle")
    parser.add_argument("--signals", nargs="+", default=["samples:photos"])
    parser.add_argument("--size", default="96")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--hold-out", type=float, default=0.5)
    parser.add_argument("--bits", help="search the best PSNR within so many bits per sample")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--storage", default="sets.db")
    parser.add_argument("--name", help="name of the table in the page; by default the part's")
    parser.add_argument("--page", action="store_true", help="write the tables into the page")
    settings = parser.parse_args()
    measured = PARTS[settings.part](settings)
    if settings.part == "one":
        print(json.dumps(measured))
        return
    for name, text in tables(settings.part, measured).items():
        if settings.page:
            page = PAGE.read_text(encoding="utf-8")
            PAGE.write_text(filled(page, {settings.name or name: text}), encoding="utf-8")
        print(text)


if __name__ == "__main__":
    main()
