"""Sets of signals, and what a search has found for them, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from enas_inr.cli.saying import say
from enas_inr.cli.signals import pairs
from enas_inr.cli.tables import console, table
from enas_inr.result import HeldOut, SearchResult, SignalResult
from enas_inr.spec import PSNR_OFFSET_DB, SignalInfo
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.studies.settings import SetSettings

MOST_ROWS = 20  # signals in a table; of more, the best and the worst


def described_set(named: Sequence[str], infos: Sequence[SignalInfo]) -> str:
    """Return a line about a set, such as `photos: 20 signals (image), 64x48 to 640x480 samples`.

    Args:
        named: what the user has named.
        infos: the signals.
    """
    by_size = sorted(infos, key=lambda info: info.samples)
    first, last = ("x".join(map(str, info.shape)) for info in (by_size[0], by_size[-1]))
    sizes = first if first == last else f"{first} to {last}"
    channels = sorted({info.channels for info in infos})
    several = " or ".join(map(str, channels))
    noun = "channel" if channels == [1] else "channels"
    source = named[0] if len(named) == 1 else f"{named[0]} and {len(named) - 1} more"
    return (
        f"{source}: {counted(len(infos), 'signal')} ({infos[0].modality}), {sizes} samples, "
        f"{several} {noun}"
    )


def set_words(named: Sequence[str], settings: SetSettings) -> list[str]:
    """Return the words of a command that reads the same set again: its names and options."""
    size, limit = settings.size, settings.limit
    return [
        *named,
        *(["--size", str(size)] if size is not None else []),
        *(["--limit", str(limit)] if limit is not None else []),
        *(["--skip-bad"] if settings.skip_bad else []),
        *pairs("--signal-option", settings.signal_options),
    ]


def print_signals(result: SearchResult) -> None:
    """Print what the best configuration reaches on each signal, the best one first."""
    over = result.best.over
    if over is None:
        return
    ordered = sorted(over.signals, key=lambda one: one.psnr_paper_db, reverse=True)
    numbers = ("PSNR dB", "score")
    rows = table("signal", *numbers, right=numbers, title="On each signal")
    half = MOST_ROWS // 2
    shown = ordered if len(ordered) <= MOST_ROWS else [*ordered[:half], None, *ordered[-half:]]
    for one in shown:
        if one is None:
            rows.add_row(f"{len(ordered) - 2 * half} more", "", "")
        else:
            rows.add_row(result.spec.signals[one.signal].name, *_numbers(one))
    console().print(rows)
    how = "" if result.spec.aggregate == "mean" else f", aggregate: {result.spec.aggregate}"
    say(
        f"{counted(len(over.signals), 'signal')}, standard deviation over them "
        f"{over.spread_db:.2f} dB{how}"
    )


def _numbers(one: SignalResult) -> tuple[str, str]:
    return f"{one.psnr_paper_db + PSNR_OFFSET_DB:.2f}", f"{one.score:.2f}"


def print_held_out(held: Sequence[HeldOut]) -> None:
    """Print what one configuration for all signals costs on those that were held out."""
    if not held:
        return
    numbers = ("PSNR dB", "score", "best PSNR dB", "best score", "regret")
    rows = table("held out", *numbers, "its best", right=numbers, title="Signals held out")
    for one in held:
        values = (one.psnr_db, one.score, one.best_psnr_db, one.best_score, one.regret)
        rows.add_row(one.name, *("-" if v is None else f"{v:.2f}" for v in values), one.best)
    console().print(rows)
    known = [one.regret for one in held if one.regret is not None]
    if known:
        say(
            f"one configuration for all signals costs {sum(known) / len(known):.2f} in score on "
            f"average (at most {max(known):.2f}) on {counted(len(held), 'signal')} held out"
        )
