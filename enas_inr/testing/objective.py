"""The conformance suite for objectives: a finite, pure score that prefers PSNR and low cost.

Example::

    class TestMine(ObjectiveSuite):
        @pytest.fixture
        def plugin(self):
            return installed("objective", "mine")
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from enas_inr.cost import ensemble_cost
from enas_inr.objectives.base import Objective
from enas_inr.result import RepeatResult, TrialResult, TrialStatus
from enas_inr.spec import Cost, EnsembleSpec, SignalInfo, TrainingSpec, TrialSpec
from enas_inr.testing.lookup import PICTURE, siren_cost
from enas_inr.testing.plugin import Plugin, Suite, require

SIGNALS = (
    SignalInfo(name="sound", modality="audio", shape=(16_000,), channels=1, sample_rate=8_000),
    PICTURE,
    SignalInfo(name="volume", modality="volume", shape=(16, 24, 32), channels=1),
)
SPECS = tuple(
    EnsembleSpec(grid=grid, depth=depth, width=width)
    for grid, depth, width in ((1, 0, 1), (2, 1, 16), (8, 2, 64), (16, 5, 512))
)
PSNRS = (-20.0, 0.0, 15.5, 40.0, 150.0)  # dB, in the paper's convention
RISES = (1.01, 2.0, 1000.0)  # factors by which a cost is raised
GRID = 4  # for which options are resolved, as in a study whose base architecture has this grid


class ObjectiveSuite(Suite):
    """The rules for objectives. Derive a test class with a fixture `plugin` that returns yours."""

    def test_a_score_is_a_finite_float(self, plugin: Plugin) -> None:
        """The score of every complete trial, with one repeat or several, is a finite float."""
        for signal, cost in _costs():
            objective = make(plugin, signal)
            for psnr in PSNRS:
                for repeats in ((psnr,), (psnr, psnr), (psnr - 1, psnr, psnr + 3)):
                    score = objective.score(toy_result(cost, repeats))
                    require(
                        isinstance(score, float) and math.isfinite(score),
                        f"the score of repeats of {_text(repeats)} dB at {cost!r} is {score!r}; "
                        "return a finite float",
                    )

    def test_a_score_is_pure(self, plugin: Plugin) -> None:
        """The same result has the same score, also from a new instance, and is not changed."""
        for signal, cost in _costs():
            result = toy_result(cost, (20.0, 21.0))
            before, objective = result.model_dump_json(), make(plugin, signal)
            first = objective.score(result)
            objective.score(toy_result(cost, (50.0,)))
            again, fresh = objective.score(result), make(plugin, signal).score(result)
            require(
                first == again == fresh,
                f"one result has the scores {first}, {again} and {fresh}; compute the score only "
                "from the result and the options",
            )
            require(
                result.model_dump_json() == before,
                "the objective changed the result; only read it",
            )

    def test_more_psnr_never_scores_worse(self, plugin: Plugin) -> None:
        """At equal cost, a higher PSNR never has a lower score."""
        for signal, cost in _costs():
            objective = make(plugin, signal)
            scores = [objective.score(toy_result(cost, (psnr,))) for psnr in PSNRS]
            require(
                scores == sorted(scores),
                f"at {cost!r} the scores of {_text(PSNRS)} dB are {_text(scores)}; scores are "
                "maximised, so a higher PSNR must not lower them",
            )

    def test_more_cost_never_scores_better(self, plugin: Plugin) -> None:
        """At equal PSNR, more FLOPs, parameters or bytes never have a higher score."""
        for signal, cost in _costs():
            objective = make(plugin, signal)
            score = objective.score(toy_result(cost, (30.0,)))
            for name in (*Cost.model_fields, "all"):
                for rise in RISES:
                    more = objective.score(toy_result(_raised(cost, name, rise), (30.0,)))
                    require(
                        more <= score,
                        f"{rise:g} times the {name} of {cost!r} raises the score from {score:g} to "
                        f"{more:g}; scores are maximised, so a higher cost must not raise them",
                    )


def make(plugin: Plugin, signal: SignalInfo) -> Objective:
    """Make an objective with its options resolved for a signal, as a search does."""
    objective: Objective = plugin.create(options=plugin.resolved(signal, GRID))
    return objective


def toy_result(cost: Cost, psnr_paper_db: Sequence[float]) -> TrialResult:
    """Return a complete trial with a repeat for each PSNR (in dB, in the paper's convention)."""
    trial = TrialSpec(
        number=0,
        ensemble=EnsembleSpec(),
        cost=cost,
        training=TrainingSpec(),
        repeats=len(psnr_paper_db),
        seed=0,
    )
    return TrialResult(
        trial=trial,
        status=TrialStatus.COMPLETE,
        repeats=tuple(
            RepeatResult(status=TrialStatus.COMPLETE, steps=500, psnr_paper_db=psnr, best_step=400)
            for psnr in psnr_paper_db
        ),
        seconds=1.5,
        device="cpu",
    )


def _costs() -> Iterator[tuple[SignalInfo, Cost]]:
    """Iterate over signals of one to three axes and the costs of small and large ensembles."""
    for signal in SIGNALS:
        for spec in SPECS:
            yield signal, ensemble_cost(siren_cost(spec, signal), spec.grid, signal)


def _raised(cost: Cost, name: str, rise: float) -> Cost:
    return cost.model_copy(
        update={
            field: math.ceil(value * rise)
            for field, value in cost.model_dump().items()
            if name in (field, "all")
        }
    )


def _text(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
