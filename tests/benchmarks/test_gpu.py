"""The script for GPUs runs each section on its own, and reports failures."""

import json
import sys

import pytest
import torch

from tests.scripts import BENCHMARKS, script

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def gpu():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)  # as Python does for a script
        with script(BENCHMARKS / "gpu.py") as module:
            yield module


def test_a_section_that_fails_is_reported_and_the_next_begins(gpu, monkeypatch, tmp_path):
    def broken(setup):
        raise RuntimeError("no such kernel")

    file = tmp_path / "report.json"
    monkeypatch.setattr(gpu, "SECTIONS", {"broken": broken, "s4": gpu.s4})
    arguments = ["--device", "cpu", "--quick", "--json", str(file)]
    assert gpu.main([*arguments, "--only", "s4"]) == 0
    assert gpu.main(arguments) == 1
    report = json.loads(file.read_text())
    assert report["machine"]["device"] == "cpu"
    assert report["sections"]["broken"]["error"] == "RuntimeError: no such kernel"
    assert report["sections"]["s4"]["result"]["steps"] == 20


def test_a_command_that_fails_says_why(gpu, tmp_path):
    setup = gpu.Setup(CPU, True, "sample:photo", tmp_path)
    with pytest.raises(RuntimeError, match=r"exit code 3: .*absent\.inr"):
        setup.output("info", "absent.inr", device=False)


def test_batched_products_of_several_repeats_are_those_of_our_trainer(gpu):
    methods = sys.modules["training_methods"]
    values = torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    signal = methods.Signal(values, "image", "noise")
    task = methods.make_task(signal, methods.Config(2, 1, 8), CPU, repeats=2)
    assert len(task.targets) == len(task.weights[0]) == 8
    found = methods.deviations(task, {"bmm": methods.make_bmm(task)})
    assert found["bmm"] < methods.TOLERANCE
