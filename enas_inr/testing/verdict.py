"""Check a plugin against a conformance suite without pytest."""

from __future__ import annotations

import inspect
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from unittest import SkipTest

from enas_inr.testing.backbone import BackboneSuite
from enas_inr.testing.executor import ExecutorSuite
from enas_inr.testing.modality import ModalitySuite
from enas_inr.testing.objective import ObjectiveSuite
from enas_inr.testing.observer import ObserverSuite
from enas_inr.testing.optimizer import OptimizerSuite
from enas_inr.testing.plugin import ConformanceError, Plugin, Suite
from enas_inr.testing.strategy import StrategySuite

SUITES: Mapping[str, type[Suite]] = {
    "backbone": BackboneSuite,
    "modality": ModalitySuite,
    "strategy": StrategySuite,
    "executor": ExecutorSuite,
    "objective": ObjectiveSuite,
    "optimizer": OptimizerSuite,
    "observer": ObserverSuite,
}
"""The suite for each kind of plugin."""


class RuleOutcome(StrEnum):
    """Whether a plugin passed, failed or skipped a rule."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Verdict:
    """One rule and its outcome.

    Attributes:
        rule: the rule in words.
        outcome: whether it passed, failed or was skipped.
        message: why it failed or was skipped.
        traceback: traceback of a failure.
    """

    rule: str
    outcome: RuleOutcome
    message: str = ""
    traceback: str = ""


def verdicts(suite: type[Suite], plugin: Plugin) -> Iterator[Verdict]:
    """Check the rules of a suite in order. An exception ends only the rule that raised it."""
    for name, rule in _rules(suite):
        words = _words(name, rule)
        with tempfile.TemporaryDirectory() as folder:
            available = {"plugin": plugin, "tmp_path": Path(folder)}
            asked = list(inspect.signature(rule).parameters)[1:]
            try:
                rule(suite(), **{argument: available[argument] for argument in asked})
            except SkipTest as why:
                yield Verdict(words, RuleOutcome.SKIPPED, str(why))
            except (Exception, SystemExit) as error:  # a plugin may raise anything
                yield Verdict(words, RuleOutcome.FAILED, _message(error), traceback.format_exc())
            else:
                yield Verdict(words, RuleOutcome.PASSED)


def rules(suite: type[Suite]) -> list[str]:
    """Return the rules of a suite in words, in the order in which they are checked."""
    return [_words(name, rule) for name, rule in _rules(suite)]


def _words(name: str, rule: Callable[..., None]) -> str:
    return (inspect.getdoc(rule) or name).splitlines()[0]


def _rules(suite: type[Suite]) -> list[tuple[str, Callable[..., None]]]:
    """Return the rules in the order in which they are written, those of the bases first."""
    named: dict[str, Callable[..., None]] = {}
    for part in reversed(suite.__mro__):
        named |= {name: rule for name, rule in vars(part).items() if name.startswith("test_")}
    return list(named.items())


def _message(error: BaseException) -> str:
    if isinstance(error, ConformanceError):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f" ({Path(frame.filename).name}, line {frame.lineno})"
    return " ".join(f"{type(error).__name__}: {error}".split()) + where
