"""The note of a study, which optuna-dashboard shows as its own page: the best architecture first.

The keys are those of optuna-dashboard, which need not be installed where a search runs.
"""

from __future__ import annotations

import hashlib
import math
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from enas_inr.plain_text import printable
from enas_inr.result import TraceStep, TrialResult, best_of, compared
from enas_inr.spec import StudySpec
from enas_inr.validation import counted, format_quantity

VERSION_KEY, TEXT_KEY = "dashboard:note_ver", "dashboard:note_str:"
SECONDS_BETWEEN = 20.0
"""Least seconds between two notes, so that a search of many short trials is not slowed down."""

_PIECE = 2000  # characters of an attribute, of which optuna-dashboard takes up to 2045
_MOST_STEPS = 12  # of a trace
_MOST_CANDIDATES = 8
_MARK = re.compile(r"\n\n\[enas-inr\]: #(\w+)\s*\Z")  # a definition, which shows nothing
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>&$~-])")


def note_text(
    spec: StudySpec,
    command: str,
    results: Sequence[TrialResult],
    trace: Sequence[TraceStep],
    address: Callable[[TrialResult], tuple[str, str] | None],
    *,
    ended: bool,
) -> str:
    """Return the note in Markdown; empty if no trial is complete.

    Args:
        spec: specification of the study.
        command: the command that fits the best architecture.
        results: the trials that the strategy saw.
        trace: its decisions.
        address: returns the MIME type and the address of the reconstruction of a trial.
        ended: whether the search has ended.
    """
    best = best_of(compared(results, trace))
    if best is None:
        return ""
    blocks = [
        f"# {escaped(spec.space.label(best.trial.configuration))}",
        f"The best of {counted(len(results), 'trial')} on {escaped(spec.about_text)}"
        + ("." if ended else " so far; the search is running."),
        *_picture(best, address),
        _table(("", "best"), _facts(best)),
        # A code span, since the lines of a code block do not break and widen the whole page.
        f"Train it in full and write its model:\n\n{code_span(command)}",
        *_trace(spec, trace),
        "## Settings\n\n" + _table(("", "value"), _settings(spec)),
        "Curves and `psnr_db` show the usual PSNR, whose peak is the range of the data; "
        "`psnr_paper_db` is that of the paper, 6.02 dB less. Studies that were begun with "
        "an earlier version draw their curves in the paper's convention.",
    ]
    return "\n\n".join(blocks)


def marked(text: str) -> str:
    """Return a note with a mark by which `is_ours` recognises it."""
    return f"{text}\n\n[enas-inr]: #{_digest(text)}"


def is_ours(text: str) -> bool:
    """Whether a stored note is empty or as it was written, and not changed by a person."""
    found = _MARK.search(text)
    return not text or bool(found and _digest(text[: found.start()]) == found[1])


def note_in(attributes: Mapping[str, Any]) -> str:
    """Return the note that the system attributes of a study hold; empty if there is none."""
    pieces = sum(key.startswith(TEXT_KEY) for key in attributes)
    return "".join(str(attributes.get(f"{TEXT_KEY}{n}", "")) for n in range(pieces))


def note_attributes(text: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the system attributes of a note; those of longer ones before are emptied."""
    version = before.get(VERSION_KEY, 0)
    found: dict[str, Any] = {key: "" for key in before if key.startswith(TEXT_KEY)}
    for number in range(math.ceil(len(text) / _PIECE)):
        found[f"{TEXT_KEY}{number}"] = text[number * _PIECE : (number + 1) * _PIECE]
    return {VERSION_KEY: (version if isinstance(version, int) else 0) + 1} | found


@dataclass(eq=False)
class Noting:
    """Writes notes about the trials so far, at most every `SECONDS_BETWEEN`.

    Attributes:
        write: writes the note.
    """

    write: Callable[[Sequence[TrialResult]], None]
    _written: float = -math.inf

    def __call__(self, history: Sequence[TrialResult]) -> None:
        """Write a note if the last one is old enough."""
        if time.monotonic() - self._written >= SECONDS_BETWEEN:
            self.write(history)
            self._written = time.monotonic()


def fit_command(study: str, storage: str) -> str:
    """Return the command that fits the best architecture of a study, with FILE for the signal."""
    words = ["enas-inr", "fit", "FILE", "--study", study, "--storage", storage, "-o", "model.inr"]
    return shlex.join(printable(word) for word in words)


def _facts(best: TrialResult) -> Iterator[tuple[str, str]]:
    cost = best.trial.cost
    if best.psnr_db is not None:
        spread = f" (sd {best.psnr_std_db:.2f})" if len(best.repeats) > 1 else ""
        yield "PSNR", f"**{best.psnr_db:.2f} dB**{spread}"
    if best.amount:  # so far, in a race
        yield "trained", best.amount
    if best.score is not None:
        yield "score", f"{best.score:.2f}"
    yield "bytes as float32", format_quantity(cost.bytes)
    yield "parameters", format_quantity(cost.parameters)
    yield "FLOPs", format_quantity(cost.flops)
    yield "trial", f"{best.trial.number}"


def _settings(spec: StudySpec) -> Iterator[tuple[str, str]]:
    training = spec.training
    rate = training.learning_rate or ("fitted" if training.fits_rate else "the backbone's")
    yield "signal", escaped(spec.about_text)
    yield "architectures", escaped(spec.space.text())
    yield "strategy", escaped(spec.strategy.name)
    yield "objective", escaped(spec.objective.name)
    yield "profile", escaped(training.profile)
    yield "steps", str(training.steps)
    yield "learning rate", str(rate)
    yield "repeats", f"{spec.repeats} from seed {spec.seed}"


def _picture(
    best: TrialResult, address: Callable[[TrialResult], tuple[str, str] | None]
) -> Iterator[str]:
    found = address(best)
    if found and found[0].startswith("image/"):
        yield f"![reconstruction]({found[1]})"
    elif found:
        yield f"[Listen to its reconstruction]({found[1]})"


def _trace(spec: StudySpec, trace: Sequence[TraceStep]) -> Iterator[str]:
    """Give the decisions as a table, the last ones if there are many."""
    rows = []
    for number, step in enumerate(trace, 1):
        chosen = next((r for r in step.candidates if r.key == step.choice), None)
        if chosen is None:
            continue
        tried = list(dict.fromkeys(_tried(spec, step)))
        more = len(tried) - _MOST_CANDIDATES
        names = ", ".join(tried[:_MOST_CANDIDATES]) + (f" and {more} more" if more > 0 else "")
        psnr = "" if chosen.psnr_db is None else f"{chosen.psnr_db:.2f} dB"
        label = spec.space.label(chosen.trial.configuration)
        rows.append((f"{number} {step.axis}".strip(), escaped(names), escaped(label), psnr))
    if rows:
        yield "## How the search went\n\n" + _table(
            ("decision", "compared", "chosen", "PSNR"), rows[-_MOST_STEPS:]
        )


def _tried(spec: StudySpec, step: TraceStep) -> Iterator[str]:
    """Give what a step has compared: the values on its axis, or whole configurations."""
    for result in step.candidates:
        configuration = result.trial.configuration
        value = configuration.value(step.axis) if step.axis else None
        yield spec.space.label(configuration) if value is None else str(value)


def _table(titles: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[Any]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def escaped(text: str) -> str:
    """Return a text as text: dashboards render Markdown, and some of them HTML within it."""
    return _SPECIAL.sub(r"\\\1", printable(text)).replace(r"\<", "&lt;").replace(r"\>", "&gt;")


def code_span(text: str) -> str:
    """Return a text as code in a line of Markdown, which may have backticks."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{text}{space}{fence}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
