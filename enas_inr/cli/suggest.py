"""`enas-inr suggest`: where a search of a signal may begin, and why."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json

if TYPE_CHECKING:
    from enas_inr.api.settings import SuggestSettings
    from enas_inr.backbones.suggestion import Suggestion


def suggest(
    context: typer.Context,
    signal: arguments.Signal,
    settings: SuggestSettings,
    as_json: arguments.OutputJson = False,
) -> None:
    """Suggest a grid, a width, frequencies and a learning rate for a signal, with the reasons.

    Nothing is trained: they follow from the size and the spectrum of the signal.
    """
    from enas_inr.api.reading import take_signal
    from enas_inr.api.suggest import suggest as suggest_for
    from enas_inr.cli.setting_options import spell
    from enas_inr.cli.signals import described, words
    from enas_inr.signals.codecs import raw_bytes
    from enas_inr.signals.loading import original_size
    from enas_inr.studies.settings import SignalSettings

    catalog = arguments.load_catalog(context)
    asked = settings.settled(catalog, partial(spell, type(settings)))
    read = take_signal(catalog, signal, asked)
    original = original_size(catalog, signal, asked.signal_options)
    given = {k: v for k, v in asked.given().items() if k not in SignalSettings.marks()}
    found = suggest_for(read, **given, catalog=catalog)
    raw = raw_bytes(read)
    further = shlex.join(
        ["enas-inr", "search", *words(signal, settings, original, read), *_search(found, settings)]
    )
    if as_json:
        say_json(found.to_dict() | {"raw_bytes": raw, "next": further})
        return
    say(described(signal, read, original))
    _print(found, raw)
    say(f"next: {further}", command=True)


def _print(found: Suggestion, raw: int) -> None:
    from enas_inr.cli.tables import console, table
    from enas_inr.validation import format_quantity

    rows = table("setting", "value", "reason", right=("value",))
    for name, reason in found.reasons.items():
        value = found.value(name)
        rows.add_row(name, f"{value:.3g}" if name == "learning_rate" else f"{value:g}", reason)
    console().print(rows)
    detail, cost = found.detail, found.cost
    say(
        f"values vary by {detail.typical:.2f} in a typical place, by {detail.busy:.2f} or more in "
        f"the busiest tenth; {detail.flat:.0%} of the signal is almost flat"
    )
    say(
        f"the model has {format_quantity(cost.parameters)} parameters, "
        f"{format_quantity(cost.bytes)}B as float32 ({format_quantity(cost.bytes / 4)}B as int8); "
        f"the raw samples are {format_quantity(raw)}B"
    )


def _search(found: Suggestion, settings: SuggestSettings) -> list[str]:
    """Return the options of a search around the suggestion."""
    from enas_inr.cli.signals import pairs

    width = found.ensemble.width
    grids = (
        ["--grid", str(found.grids[0])]
        if len(found.grids) == 1
        else ["--search", f"grid={','.join(map(str, found.grids))}"]
    )
    return [
        *(["--backbone", settings.backbone] if settings.backbone != "siren" else []),
        *pairs("--backbone-option", settings.backbone_options),
        *(["--profile", settings.profile] if settings.profile else []),
        *(["--steps", str(settings.steps)] if settings.steps else []),
        *grids,
        *("--widths", f"{max(2, width // 2)},{width},{2 * width}", "--depths", "1,2"),
        *("--strategy", "race"),
    ]
