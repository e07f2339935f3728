"""Measure what storing a model as float16 and int8 costs, with and without precisions by leaf.

Each model is fitted once. `plain` stores all leaves at the precision; `by leaf` is what `fit` does
(docs/format.md): leaves whose rounding costs too much are stored more finely.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages import filled, markdown

import enas_inr
from enas_inr.api.reading import read_signal
from enas_inr.api.rounding import rounded
from enas_inr.model.file import decode, encode
from enas_inr.model.measure import measure
from enas_inr.model.model import Model
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.signal import Signal
from enas_inr.spec.budget import Precision

PAGE = Path(__file__).parents[1] / "docs" / "format.md"
PRECISIONS: tuple[Precision, ...] = ("float16", "int8")


@dataclass(frozen=True)
class Case:
    """A fit whose model is stored.

    Attributes:
        name: what it is, for people.
        signal: what is fitted.
        settings: of `enas_inr.fit`.
        size: samples on a side of a picture; None for its own.
    """

    name: str
    signal: str
    settings: dict[str, Any]
    size: str | None = None


CASES = (
    Case("photograph, SIREN w=32", "sample:photo", {"width": 32}, "128"),
    Case("photograph, grid 16, w=16", "sample:photo", {"width": 16, "grid": 16}, "128"),
    Case("photograph, ReLU", "sample:photo", {"backbone": "relu", "width": 32}, "128"),
    Case("photograph, Fourier", "sample:photo", {"backbone": "fourier", "width": 32}, "128"),
    Case("chord, SIREN w=32", "sample:chord", {"width": 32, "steps": 300}),
    Case(
        "chord, the paper's omega 3000",
        "sample:chord",
        {"width": 32, "steps": 300, "backbone_options": {"omega_first": 3000}},
    ),
    Case("sweep, SIREN w=32, grid 16", "sample:sweep", {"width": 32, "grid": 16}),
)


def measured(case: Case, catalog: Catalog, steps: int | None) -> Iterator[list[str]]:
    """Fit a case, and iterate over the rows of its table."""
    settings = case.settings | ({"steps": steps} if steps else {})
    if case.signal == "sample:sweep":
        signal = sweep()
    else:
        signal = read_signal(catalog, case.signal, size=case.size)
    with tempfile.TemporaryDirectory() as folder:
        model = enas_inr.fit(signal, output=f"{folder}/m.inr", **settings).model
    for precision in PRECISIONS:
        plain = encode(model.header.stored_as(precision), model.blocks)
        before = measure(Model.of(decode(plain, catalog, "m")), signal)["psnr_db"]
        stored = rounded(model, signal, precision, catalog)
        size = len(encode(stored.header, stored.blocks))
        finer = stored.header.leaf_precisions
        yield [
            case.name,
            precision,
            f"{stored.header.metrics['psnr_db_float32']:.2f}",
            f"{before:.2f}",
            f"{stored.header.metrics['psnr_db']:.2f}",
            f"{len(plain):,}",
            f"{size:,} ({size / len(plain) - 1:+.1%})",
            ", ".join(f"{name} {kind}" for name, kind in finer.items()) or "-",
        ]


def sweep() -> Signal:
    """Return a second of a tone that rises from 100 Hz to 2 kHz."""
    import torch

    rate = 16_000
    time = torch.arange(rate, dtype=torch.float64) / rate
    phase = 2 * torch.pi * (100 * time + 950 * time**2)
    return Signal((0.8 * torch.sin(phase)).float()[:, None], "audio", "sweep", rate)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and with --page write it to the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, help="steps of each fit, instead of its own")
    parser.add_argument("--cases", type=int, default=len(CASES), help="number of cases")
    parser.add_argument("--page", type=Path, nargs="?", const=PAGE, help="page to write it to")
    asked = parser.parse_args(arguments)
    catalog = load_catalog()
    rows: list[list[str]] = []
    for case in CASES[: asked.cases]:
        print(case.name, file=sys.stderr)
        rows += measured(case, catalog, asked.steps)
    table = markdown(
        ["model", "precision", "float32", "plain", "by leaf", "bytes, plain", "bytes, by leaf",
         "leaves stored more finely"],
        rows,
    )  # fmt: skip
    print(table)
    if asked.page:
        page = asked.page.read_text(encoding="utf-8")
        asked.page.write_text(filled(page, {"precision": table}), encoding="utf-8")


if __name__ == "__main__":
    main()
