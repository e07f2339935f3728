"""Print models as text."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rich.text import Text

from enas_inr.api.fit_summary import FitManyResult, FitStatus
from enas_inr.cli.saying import say
from enas_inr.cli.tables import console, table
from enas_inr.spec import EnsembleSpec
from enas_inr.validation import counted, format_quantity

if TYPE_CHECKING:
    from enas_inr.api.fit import FitResult
    from enas_inr.signals.rivals import Rival

MOST_ROWS = 20
"""Rows of a table of several fits; if there are more, it has those that failed."""


def beside(size: int, rivals: Iterable[Rival]) -> str:
    """Return what the size of a model is in codecs of the same signal; empty if there is none."""
    parts = []
    for rival in rivals:
        how = "without loss" if rival.psnr_db is None else "at the same PSNR"
        times = f"{size / rival.bytes:.1f} times {rival.codec} {how}"
        parts.append(f"{times} ({format_quantity(rival.bytes)}B)")
    return ", ".join(parts)


def next_lines(result: FitResult) -> Iterator[str]:
    """Iterate over what can be done with a model that was written."""
    from enas_inr.signals.outputs import is_standard_output
    from enas_inr.viewer.network import is_shown

    if is_standard_output(result.path):
        return
    path = shlex.quote(str(result.path))
    if len(result.model.layout.shape) == 2:
        larger = shlex.quote(f"{result.path.stem}-4x.png")
        blend = "" if result.model.blends else " --blend"
        yield f"next: enas-inr render {path} -o {larger} --scale 4{blend}"
    if is_shown(result.model):
        yield f"next: enas-inr view {path} --serve --open"
    yield f"next: enas-inr info {path}"


def print_fit(result: FitResult) -> None:
    """Print the result of a fit."""
    metrics = result.metrics
    known = metrics["known_cells"]
    say(
        f"{result.model.header.ensemble.label()}, {counted(metrics['steps'], 'step')}, "
        f"{metrics['seconds']:.1f} s"
        + (f"; {counted(known, 'cell')} taken from the search" if known else "")
    )
    if metrics["start"]:
        say(f"started from {metrics['start']}")
    if metrics.get("diverged_at") is not None:
        say(
            f"the training diverged at step {metrics['diverged_at']}; the best weights before that "
            "are kept. Use a smaller learning rate"
        )
    say(quality(metrics))
    say(
        f"{format_quantity(metrics['parameters'])} parameters, "
        f"{format_quantity(metrics['flops'])} FLOPs, "
        f"{metrics['bits_per_sample']:.2f} bits per sample"
    )
    say(f"wrote {result.path} ({metrics['bytes']:,} bytes, {result.model.header.precision})")
    if line := beside(metrics["bytes"], result.rivals()):
        say(line)


def print_fits(result: FitManyResult) -> None:
    """Print the result of a fit of many signals: a row for each if they are few, and a summary."""
    shown = result.rows if len(result.rows) <= MOST_ROWS else result.failed[:MOST_ROWS]
    if shown:
        right = ("PSNR dB", "bytes", "seconds")
        rows = table("signal", "status", *right, "", right=right)
        for row in shown:
            rows.add_row(
                Text(row.name),
                row.status.value,
                "" if row.psnr_db is None else f"{row.psnr_db:.2f}",
                "" if row.bytes is None else f"{row.bytes:,}",
                "" if row.seconds is None else f"{row.seconds:.1f}",
                Text(row.message),
            )
        console().print(rows)
    found = result.to_dict()
    counts = [f"{found[status.value]} {status.value}" for status in FitStatus]
    say(
        f"{counted(len(result.rows), 'signal')}: "
        + ", ".join(text for text in counts if not text.startswith("0 "))
    )
    psnr = found["psnr_db"]
    if psnr["mean"] is not None:
        say(
            f"PSNR {psnr['mean']:.2f} dB on average, {psnr['worst']:.2f} at worst, "
            f"{psnr['best']:.2f} at best; {found['bytes']:,} bytes, {result.seconds:.1f} s"
        )
    say(f"wrote {result.folder} (models, summary.csv and summary.json)")


def quality(metrics: dict[str, Any]) -> str:
    """Return PSNR, SSIM and the PSNR at the borders of cells in one line."""
    if metrics.get("psnr_db") is None or metrics.get("psnr_paper_db") is None:
        return "PSNR unknown: not measured since the numbers were changed"
    parts = [
        f"PSNR {metrics['psnr_db']:.2f} dB (the paper's convention: {metrics['psnr_paper_db']:.2f})"
    ]
    if metrics.get("psnr_db_float32") is not None:
        parts.append(f"{metrics['psnr_db_float32']:.2f} before rounding")
    if metrics.get("ssim") is not None:
        parts.append(f"SSIM {metrics['ssim']:.4f}")
    if metrics.get("border_psnr_db") is not None and metrics.get("interior_psnr_db") is not None:
        parts.append(
            f"at cell borders {metrics['border_psnr_db']:.2f} dB, "
            f"elsewhere {metrics['interior_psnr_db']:.2f}"
        )
    return ", ".join(parts)


def print_info(described: dict[str, Any]) -> None:
    """Print the content of a model file."""
    out = console()
    signal, training = described["signal"], described["training"]
    shape = "x".join(map(str, signal["shape"]))
    say(
        f"{described['file']}: {EnsembleSpec(**described['ensemble']).label()}, "
        f"{counted(described['cells'], 'cell')}, {described['precision']}"
    )
    rate = f" at {signal['sample_rate']} Hz" if signal["sample_rate"] else ""
    say(
        f"{signal['modality']} {signal['name']!r}: {shape} samples, "
        f"{counted(signal['channels'], 'channel')}{rate}"
    )
    steps = described["metrics"].get("steps")  # missing in models that another program has made
    say(
        f"{training['profile']} profile, {'? steps' if steps is None else counted(steps, 'step')}, "
        f"learning rate {training['learning_rate']:g}, seed {described['seed']}"
    )
    if described.get("start"):
        say(f"started from {described['start']['source']}")
    say(quality(described["metrics"]))
    layers = table("leaf", "shape", "numbers", "stored as", "", right=("numbers",))
    for layer in described["layers"]:
        size = "x".join(map(str, layer["shape"]))
        stored = described.get("leaf_precisions", {}).get(layer["name"], described["precision"])
        fixed = "" if layer["trained"] else "fixed"
        layers.add_row(layer["name"], size, f"{layer['numbers']:,}", stored, fixed)
    out.print(layers)
    say(
        f"{format_quantity(described['parameters'])} parameters, "
        f"{described['flops_per_sample']:,.0f} FLOPs per sample"
    )
    sizes = table(
        "signal stored as",
        "bytes",
        "bits per sample",
        "PSNR dB",
        right=("bytes", "bits per sample", "PSNR dB"),
    )
    samples = 8 * described["bytes"] / described["bits_per_sample"]
    for name, size, psnr in [
        ("this model", described["bytes"], described["metrics"].get("psnr_db")),
        *_codec_rows(described["codecs"]),
    ]:
        sizes.add_row(
            name, f"{size:,}", f"{8 * size / samples:.2f}", "" if psnr is None else f"{psnr:.2f}"
        )
    out.print(sizes)
    if _codec_rows(described["codecs"]) and described["codecs"]["of"] == "rendering":
        say(
            "codecs store the rendering of the model here; use --original to store the original "
            "signal instead"
        )


def print_archive(described: dict[str, Any]) -> None:
    """Print what the models of an archive have in common, and a table of them."""
    sizes = {name: described[name] for name in ("backbone", "grid", "depth", "width")}
    models = counted(described["models"], "model")
    say(
        f"{described['file']}: {models}, {EnsembleSpec(**sizes).label()}, "
        f"{counted(described['cells'], 'cell')}, {described['precision']}"
    )
    say(
        f"{format_quantity(described['numbers'])} numbers each, {described['bytes']:,} bytes, "
        f"{described['bits_per_sample']:.2f} bits per sample"
    )
    rows = table("name", "modality", "samples", "PSNR dB", "SSIM", right=("PSNR dB", "SSIM"))
    for signal in described["signals"]:
        psnr, ssim = (signal["metrics"].get(key) for key in ("psnr_db", "ssim"))
        rows.add_row(
            signal["name"],
            signal["modality"],
            "x".join(map(str, signal["shape"])),
            "" if psnr is None else f"{psnr:.2f}",
            "" if ssim is None else f"{ssim:.4f}",
        )
    console().print(rows)


def _codec_rows(codecs: dict[str, Any]) -> list[tuple[str, int, float | None]]:
    rows: list[tuple[str, int, float | None]] = []
    if codecs.get("png_bytes"):
        rows.append(("PNG", codecs["png_bytes"], codecs.get("png_psnr_db")))
    rows += [
        (f"JPEG quality {j['quality']}", j["bytes"], j["psnr_db"]) for j in codecs.get("jpeg", [])
    ]
    at = codecs.get("jpeg_at_model_bytes")
    if at:
        name = f"JPEG of at most the model's bytes (quality {at['quality']})"
        rows.append((name, at["bytes"], at["psnr_db"]))
    if codecs.get("flac_bytes"):
        rows.append(("FLAC", codecs["flac_bytes"], None))
    return rows
