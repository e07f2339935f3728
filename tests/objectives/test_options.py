"""The options of an objective may depend on the signal, for which they are resolved."""

from enas_inr.hookspecs import Objective
from enas_inr.objectives.base import Objective as Contract
from enas_inr.objectives.making import make_objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.spec import (
    Axis,
    Choice,
    EnsembleSpec,
    Options,
    SearchSpace,
    SignalInfo,
    StudySpec,
)


class PerSampleOptions(Options):
    samples: int | None = None
    grid: int | None = None

    def resolve(self, signal, grid):
        settled = {"samples": self.samples or signal.samples, "grid": grid}
        return self.model_copy(update=settled)


class PerSample(Contract):
    def __init__(self, options):
        self.options = options

    def score(self, result):
        return -result.trial.cost.bytes / self.options.samples


DESCRIBED = Objective(
    name="per_sample",
    summary="a test",
    target=f"{__name__}:PerSample",
    options=f"{__name__}:PerSampleOptions",
)
CATALOG = Catalog((Provider(DESCRIBED, Origin("enas-inr", "1", "tests")),))


def made(**options):
    spec = StudySpec(
        signal=SignalInfo(name="s", modality="image", shape=(4, 5), channels=3),
        space=SearchSpace(base=EnsembleSpec(grid=2), axes=(Axis(name="width", values=(4,)),)),
        objective=Choice(name="per_sample", options=options),
    )
    objective = make_objective(CATALOG, spec)
    assert isinstance(objective, PerSample)
    return objective.options


def test_what_depends_on_the_signal_is_settled_for_the_study():
    assert made() == PerSampleOptions(samples=20, grid=2)


def test_what_the_user_gives_stays():
    assert made(samples=7).samples == 7
