"""Devices by name, and training where an operation is missing."""

import logging

import pytest
import torch

from enas_inr.errors import SpecError, is_missing_operation, is_out_of_memory
from enas_inr.training.device import device_name, gpu_count, resolve_device
from enas_inr.training.run import Run
from enas_inr.training.trainer import train
from tests.training.test_trainer import BACKBONES, CPU, TRAINING, job

MPS = torch.device("mps")
LACKING = [
    NotImplementedError(
        "The operator 'aten::linalg_qr' is not currently implemented for the MPS device."
    ),
    NotImplementedError("Could not run 'aten::_linalg_eigh' with arguments from the 'XPU'"),
    TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support"),
]


def test_an_unknown_or_absent_device_is_one_clear_error():
    assert resolve_device("cpu").type == "cpu"
    for name in ("tpu", "cuda:99", "meta", "mps:1", "xpu:99"):
        with pytest.raises(SpecError, match=name):
            resolve_device(name)


def test_matrix_products_are_full_float32():
    torch.set_float32_matmul_precision("medium")
    resolve_device("auto")
    assert torch.get_float32_matmul_precision() == "highest"


def test_apples_and_intels_devices_are_found_where_they_are(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("mps") == MPS
    assert device_name(MPS) == "mps"
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 2)
    assert gpu_count("xpu") == 2
    assert resolve_device("xpu:1").index == 1
    with pytest.raises(SpecError, match=r"'xpu:2' is not available \(GPUs: 2\)"):
        resolve_device("xpu:2")


@pytest.mark.parametrize("error", LACKING, ids=str)
def test_a_missing_operation_is_told_from_other_errors(error):
    assert is_missing_operation(error)
    assert not is_missing_operation(NotImplementedError("forward"))
    assert not is_missing_operation(TypeError("float64"))
    assert not is_missing_operation(RuntimeError(str(error)))


def test_apples_full_memory_is_known():
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)."))


def lacks(monkeypatch, error):
    """Let all devices but the CPU fail, as far as there are any."""
    start = Run.start

    def fail(jobs, training, device, *rest, **settings):
        if device.type != "cpu":
            raise error
        return start(jobs, training, device, *rest, **settings)

    monkeypatch.setattr(Run, "start", fail)
    monkeypatch.setattr("enas_inr.training.chunks.memory", lambda device: (2**30, 2**30))


@pytest.mark.parametrize("error", LACKING, ids=str)
def test_where_an_operation_is_missing_training_goes_on_on_the_cpu(monkeypatch, caplog, error):
    one = job(BACKBONES["siren"])
    (expected,) = train([one], TRAINING, CPU)
    lacks(monkeypatch, error)
    with caplog.at_level(logging.WARNING):
        (outcome,) = train([one], TRAINING, MPS)
    assert torch.equal(outcome.losses, expected.losses)
    assert outcome.device == CPU
    (record,) = caplog.records
    assert "training on the CPU, since mps failed: " in record.message


def test_with_cuda_it_is_an_error(monkeypatch):
    lacks(monkeypatch, LACKING[0])
    with pytest.raises(NotImplementedError):
        train([job(BACKBONES["siren"])], TRAINING, torch.device("cuda"))
