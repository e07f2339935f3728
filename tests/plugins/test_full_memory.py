"""A full GPU memory is not the fault of a plugin's backbone: it is trained in smaller chunks.

The memory is played by the backbone: after some calls it has no room for more than two members.
"""

import importlib
import json

import pytest
import torch

from enas_inr.backbones.feasibility import resolved
from enas_inr.errors import TrainingError
from enas_inr.executors.base import ExecutionContext
from enas_inr.model.fitting import FitSpec, fit
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.signals.loading import load_signal
from enas_inr.spec import EnsembleSpec, TrainingSpec, TrialSpec
from tests.command_line import call
from tests.plugins.plugin_site import backbone

NET = """
import torch
from enas_inr.backbones.base import Backbone
from enas_inr.cost import NetCost

members = []
full_after = 10**9

class Net(Backbone):
    def init(self, shape, seeds):
        size = (shape.in_features, shape.out_features)
        draw = [torch.Generator().manual_seed(seed) for seed in seeds]
        return {"weight": torch.stack([torch.randn(size, generator=g) for g in draw])}

    def forward(self, shape, params, x):
        members.append(len(x))
        if len(members) > full_after and len(x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return torch.bmm(x, params["weight"])

    def cost(self, shape):
        numbers = shape.in_features * shape.out_features
        return NetCost(numbers, numbers)
"""
STEPS = 6
TRAINING = TrainingSpec(steps=STEPS, learning_rate=1e-2)


@pytest.fixture
def net(site, tmp_path, monkeypatch):
    """The module of a plugin with this backbone; at first, all four members are one chunk."""
    site.write("net", NET)
    site.install("their-plugin", backbone("mine", target="net:Net"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("enas_inr.training.trainer.plan_workers", lambda jobs, device: 1)
    monkeypatch.setattr("enas_inr.training.trainer.SMALLEST_WORKSPACE", 1)
    return importlib.import_module("net")


def memory_fills(net, after: int) -> None:
    net.members.clear()
    net.full_after = after


@pytest.mark.parametrize("after", [0, 4], ids=["at once", "in a later step"])
def test_a_search_continues_with_smaller_chunks(net, after):
    line = "search sample:photo --backbone mine --size 16 --grid 2 --widths 4 --depths 1"
    line += f" --repeats 1 --steps {STEPS} --strategy exhaustive --json --quiet"
    expected = call(f"{line} --storage whole.db").json["best"]["psnr_db"]
    assert set(net.members) == {4}
    memory_fills(net, after)
    found = call(f"{line} --storage pieces.db")
    assert (found.code, found.err) == (0, "")
    assert 2 in net.members
    assert found.json["best"]["psnr_db"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("after", [0, 4], ids=["at once", "in a later step"])
def test_a_fit_continues_with_smaller_chunks(net, after):
    catalog = load_catalog()
    signal = load_signal(catalog, "sample:photo", {"size": [16, 16]})
    spec = FitSpec(ensemble=EnsembleSpec(backbone="mine", grid=2), training=TRAINING)
    expected = fit(signal, spec, catalog=catalog, device="cpu").model.render().values
    memory_fills(net, after)
    model = fit(signal, spec, catalog=catalog, device="cpu").model
    assert 2 in net.members
    net.full_after = 10**9  # rendering is not training
    torch.testing.assert_close(model.render().values, expected, atol=1e-5, rtol=1e-4)


@pytest.fixture
def trial():
    """Return a function that creates a trial as Ray Tune trains it, two steps at a time."""
    pytest.importorskip("ray")
    from enas_inr.executors.ray.trainable import Training

    catalog = load_catalog()
    signal = load_signal(catalog, "sample:photo", {"size": [16, 16]})
    ensemble, cost = resolved(EnsembleSpec(backbone="mine", grid=2), signal.info(), catalog)
    asked = TrialSpec(
        number=0,
        ensemble=ensemble,
        cost=cost,
        training=TRAINING,
        repeats=1,
        seed=0,
    )

    def make(folder):
        made = Training.__new__(Training)
        made.config = {"trial": asked.model_dump_json()}
        context = ExecutionContext(catalog, signal, "cpu")
        made.setup(made.config, context, lambda result: result.psnr_db, str(folder), 2, 1)
        return made

    return make


def trained(training) -> tuple[list[int], TrialResult]:
    """Return the reported steps and the last result."""
    reports = [training.step()]
    while not reports[-1]["done"]:
        reports.append(training.step())
    result = TrialResult.model_validate_json(reports[-1]["trial_result"])
    return [report["steps"] for report in reports], result


@pytest.mark.parametrize("after", [0, 3, 4], ids=["at once", "within a report", "between two"])
def test_ray_tune_continues_with_smaller_chunks_from_the_same_step(net, trial, tmp_path, after):
    steps, expected = trained(trial(tmp_path / "whole"))
    memory_fills(net, after)
    again, result = trained(trial(tmp_path / "pieces"))
    assert again == steps == [2, 4, 6]
    assert result.status is TrialStatus.COMPLETE, result.message
    assert result.psnr_db == pytest.approx(expected.psnr_db, abs=1e-4)
    # There are two chunks per step, and only the steps since the last report are repeated.
    assert net.members.count(2) == 2 * (STEPS - after // 2 * 2)


def test_ray_tune_also_continues_from_the_checkpoint_of_another_trial(net, trial, tmp_path):
    """As in population-based training, the trial's own file has another state."""
    other, mine = trial(tmp_path / "other"), trial(tmp_path / "mine")
    other.step(), other.step()
    other.save_checkpoint(str(tmp_path))
    mine.step()
    mine.load_checkpoint(str(tmp_path))
    memory_fills(net, 0)
    assert trained(mine)[0] == [6]


def test_ray_tune_ends_a_trial_that_does_not_fit_at_all(net, trial, tmp_path, monkeypatch):
    def none_left(*args):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("net.Net.forward", none_left)
    steps, result = trained(trial(tmp_path))
    assert (steps, result.status) == ([0], TrialStatus.FAILED)
    assert "TrainingError: out of memory on cpu even with the smallest chunk" in result.message
    assert "their-plugin" not in result.message


@pytest.mark.parametrize(
    "raised",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=lambda error: str(error)[:10],
)
def test_a_full_memory_reported_by_any_library_does_not_name_the_plugin(net, monkeypatch, raised):
    def none_left(*args):
        raise raised

    monkeypatch.setattr("net.Net.forward", none_left)
    line = "search sample:photo --backbone mine --size 16 --grid 2 --widths 4 --depths 1 --quiet"
    outcome = call(f"{line} --repeats 1 --steps 2")
    assert outcome.code == TrainingError.exit_code
    assert "out of memory on cpu even with the smallest chunk" in outcome.err
    assert "their-plugin" not in outcome.err
    assert json.dumps(outcome.out) == '""'
