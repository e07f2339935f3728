"""The conformance suite for executors, which trains a few steps on a tiny picture.

Example::

    class TestMine(ExecutorSuite):
        @pytest.fixture
        def plugin(self):
            return installed("executor", "mine", workers=2)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any

from enas_inr.backbones.feasibility import resolved
from enas_inr.executors.base import ExecutionContext, Executor, given
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.spec import EnsembleSpec, TrainingSpec, TrialSpec
from enas_inr.testing.plugin import Plugin, Suite, require
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

REPEATS = 2
TOLERANCE_DB = 0.01
TRAINING = TrainingSpec(steps=20, learning_rate=1e-3)
DIVERGING = TrainingSpec(steps=20, learning_rate=1e38)
SPECS = (
    EnsembleSpec(grid=2, depth=1, width=4),
    EnsembleSpec(grid=2, depth=1, width=4, options={"omega_first": 10.0}),
    EnsembleSpec(grid=1, depth=0, width=8),
    EnsembleSpec(grid=3, depth=2, width=4, backbone="relu"),
)
WRONG_OPTION = EnsembleSpec(grid=5, depth=1, width=4, options={"omega_first": -1.0})
NO_SUCH_BACKBONE = EnsembleSpec(backbone="no-such-backbone", grid=2, depth=1, width=4)


class ExecutorSuite(Suite):
    """The rules for executors. Derive a test class with a fixture `plugin` that returns yours."""

    def test_no_trials_give_no_results(self, plugin: Plugin) -> None:
        """No trials give no results."""
        require(
            not run(plugin, []),
            "the executor returned results for no trials; return one result for each trial",
        )

    def test_each_trial_has_a_complete_result(self, plugin: Plugin) -> None:
        """Each trial gives one complete result with repeats, curves, device and versions."""
        asked = trials(plugin.catalog)
        results = run(plugin, asked)
        _require_one_each(results, asked)
        for result in results:
            label = result.trial.ensemble.label()
            require(
                result.status is TrialStatus.COMPLETE,
                f"{label} is {result.status} instead of complete: {result.message}",
            )
            psnrs = [repeat.psnr_paper_db for repeat in result.repeats]
            require(
                len(psnrs) == REPEATS and all(p is not None and math.isfinite(p) for p in psnrs),
                f"{label} has the PSNRs {psnrs}; give each of {REPEATS} repeats a finite one",
            )
            require(
                bool(result.curve.steps) and len(result.curve.psnr_paper_db) == REPEATS,
                f"{label} does not have a learning curve for each repeat; see "
                "executors.trial.trial_result",
            )
            require(
                bool(result.device) and bool(result.versions) and result.seconds > 0,
                f"{label} has device {result.device!r}, versions {result.versions!r} and "
                f"{result.seconds} seconds; fill in all three",
            )
            require(
                result.score is None,
                f"{label} has the score {result.score}; leave scores to the search loop",
            )

    def test_it_trains_as_if_each_trial_were_alone(self, plugin: Plugin) -> None:
        """A trial has the PSNRs that it has alone, whatever other trials are run with it."""
        asked = trials(plugin.catalog)
        for results in (run(plugin, asked), run(plugin, asked, at_once=1)):
            _require_one_each(results, asked)
            for result in results:
                expected = _alone(result.trial, plugin.catalog)
                for index, repeat in enumerate(result.repeats):
                    ours, theirs = repeat.psnr_paper_db, expected.repeats[index].psnr_paper_db
                    require(
                        ours is not None
                        and theirs is not None
                        and abs(ours - theirs) <= TOLERANCE_DB,
                        f"{result.trial.ensemble.label()} reached {ours} dB in repeat {index}, but "
                        f"{theirs} dB alone; seed each member by TrialSpec.seed and its repeat",
                    )

    def test_a_trial_that_fails_is_a_result(self, plugin: Plugin) -> None:
        """A trial that cannot be trained gives a failed result with a message; others continue."""
        good = trials(plugin.catalog)[:2]
        for wrong in (WRONG_OPTION, NO_SUCH_BACKBONE):
            bad = good[0].model_copy(update={"ensemble": wrong, "number": 7})
            asked = [good[0], bad, good[1]]
            results = run(plugin, asked)
            _require_one_each(results, asked)
            for result in results:
                expected = TrialStatus.FAILED if result.trial == bad else TrialStatus.COMPLETE
                label = result.trial.ensemble.label()
                require(
                    result.status is expected,
                    f"{label} is {result.status} instead of {expected} in a call with "
                    f"{wrong.label()}: {result.message}",
                )
                require(
                    expected is TrialStatus.COMPLETE
                    or (bool(result.message) and "\n" not in result.message),
                    f"{label} failed with the message {result.message!r}; give the reason in one "
                    "line",
                )

    def test_a_trial_that_diverges_is_a_result(self, plugin: Plugin) -> None:
        """A trial whose loss becomes infinite or NaN gives a diverged result with a message."""
        diverging = trials(plugin.catalog)[0].model_copy(update={"training": DIVERGING})
        results = run(plugin, [diverging])
        _require_one_each(results, [diverging])
        for result in results:
            require(
                result.status is TrialStatus.DIVERGED and bool(result.message),
                f"a trial with an infinite loss is {result.status} with the message "
                f"{result.message!r}; return the status diverged, and the step in the message",
            )

    def test_pictures_come_when_asked_for(self, plugin: Plugin) -> None:
        """The picture of a complete trial comes before its result, if and only if it is wanted."""
        pair = trials(plugin.catalog)[:2]
        for pictures in (False, True):
            came: list[str] = []
            with ExitStack() as at_end:
                context = ExecutionContext(
                    plugin.catalog,
                    _picture(),
                    "cpu",
                    title="suite",
                    at_end=at_end,
                    pictures=pictures,
                    keep_picture=lambda trial, picture: came.append(trial.ensemble.key()),  # noqa: B023
                )
                executor: Executor = plugin.create(context)
                for result in executor.run(given(pair)):
                    require(
                        came.count(result.key) == pictures,
                        f"pictures={pictures}, but ExecutionContext.keep_picture was called "
                        f"{counted(came.count(result.key), 'time')} before the result of "
                        f"{result.trial.ensemble.label()} came: see executors.local.train_trial",
                    )


def run(plugin: Plugin, asked: Sequence[TrialSpec], *, at_once: int = 64) -> list[TrialResult]:
    """Let an executor train trials, at most `at_once` in each call."""
    with ExitStack() as at_end:
        context = ExecutionContext(plugin.catalog, _picture(), "cpu", title="suite", at_end=at_end)
        executor: Executor = plugin.create(context)
        results = list(executor.run(given(asked[:at_once])))
        for start in range(at_once, len(asked), at_once):
            results += executor.run(given(asked[start : start + at_once]))
        return results


def trials(catalog: Catalog) -> list[TrialSpec]:
    """Return small trials: two of equal shape, one with depth 0, and one of another backbone."""
    info = _picture().info()
    pairs = [resolved(spec, info, catalog) for spec in SPECS]
    return [
        TrialSpec(
            number=number,
            ensemble=ensemble,
            cost=cost,
            training=TRAINING,
            repeats=REPEATS,
            seed=5,
        )
        for number, (ensemble, cost) in enumerate(pairs)
    ]


def _alone(trial: TrialSpec, catalog: Catalog) -> TrialResult:
    from enas_inr.executors.local import LocalExecutor

    (result,) = LocalExecutor(ExecutionContext(catalog, _picture(), "cpu")).run(given([trial]))
    return result


@cache
def _picture() -> Signal:
    """Return a colour picture of 9x12 pixels with waves in three directions."""
    import torch

    from enas_inr.signals.signal import Signal

    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(12.0), indexing="ij")
    phases: Any = (rows, columns, rows + columns)
    values = torch.stack([torch.sin(phase * 0.7) for phase in phases], dim=-1)
    return Signal(values, "image", "waves")


def _require_one_each(results: Sequence[TrialResult], asked: Sequence[TrialSpec]) -> None:
    returned = sorted(result.trial.number for result in results)
    expected = sorted(trial.number for trial in asked)
    require(
        returned == expected and all(result.trial in asked for result in results),
        f"the executor returned results of the trials {returned} when given {expected}; return one "
        "result for each trial, with its TrialSpec unchanged",
    )
