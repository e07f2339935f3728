"""The loops for GPUs, run by Triton's interpreter on the CPU, against float64 and torch."""

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.backbones.interpreted import ACTIVATIONS

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs Triton, which is there on Linux alone"
)

ROOT = Path(__file__).parents[2]
BOUNDS = (1, 30, 3000, 100_000)
SHAPE = (3, 5, 2003)  # several blocks for each member, and a part of one
NOT_A_NUMBER = np.array([0.5, np.nan, 1.0, -1.0] * 4, np.float32).reshape(1, 4, 4)


def drawn(bound, shape=SHAPE):
    return np.random.default_rng(1).uniform(-bound, bound, shape).astype(np.float32)


NUMBERS = {
    **{f"sine-{bound}": drawn(bound) for bound in BOUNDS},
    "sine-far": np.array([1.1e5, -3e7, 1e30, 0.5] * 4, np.float32).reshape(2, 2, 4),
    **{name: drawn(3, (2, 3, 41)) for name in ACTIVATIONS},
    **{f"{name}-nan": NOT_A_NUMBER for name in ("sine", "rectifier")},
    "rectifier-zero": np.array([-1.0, -0.0, 0.0, 2.0], np.float32).reshape(1, 1, 4),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Values and slopes of all numbers, by name."""
    folder = tmp_path_factory.mktemp("triton")
    np.savez(folder / "numbers.npz", allow_pickle=False, **NUMBERS)
    subprocess.run(
        [sys.executable, "-m", "tests.backbones.interpreted", "numbers.npz", "results.npz"],
        env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)},
        cwd=folder,
        check=True,
    )
    with np.load(folder / "results.npz") as results:
        return dict(results)


@pytest.mark.parametrize("bound", BOUNDS)
def test_the_sine_is_as_accurate_as_torchs(found, bound):
    z = NUMBERS[f"sine-{bound}"]
    wide = z.astype(np.float64)
    unit = 2.0**-24  # half a unit in the last place of the largest values
    for ours, exact, theirs in (
        (found[f"sine-{bound}.value"][:, :-1], np.sin(wide), torch.from_numpy(z).sin().numpy()),
        (found[f"sine-{bound}.slope"], np.cos(wide), torch.from_numpy(z).cos().numpy()),
    ):
        assert np.abs(ours - exact).max() < unit
        assert np.abs(ours - exact).mean() < 1.05 * np.abs(theirs - exact).mean()


def test_the_sine_of_numbers_beyond_its_range_is_still_right(found):
    wide = NUMBERS["sine-far"].astype(np.float64)
    np.testing.assert_allclose(found["sine-far.value"][:, :-1], np.sin(wide), atol=1e-7)
    np.testing.assert_allclose(found["sine-far.slope"], np.cos(wide), atol=1e-7)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_loop_agrees_with_torch(found, name):
    z = torch.from_numpy(NUMBERS[name].copy())
    value = torch.empty_like(z)
    ACTIVATIONS[name].value_and_slope_(z, value)
    np.testing.assert_allclose(found[f"{name}.value"][:, :-1], value.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[f"{name}.slope"], z.numpy(), rtol=1e-4, atol=1e-4)


def test_the_row_of_ones_is_left_alone(found):
    values = [array for name, array in found.items() if name.endswith(".value")]
    assert len(values) == len(NUMBERS)
    assert all((array[:, -1] == 7).all() for array in values)


@pytest.mark.parametrize("name", ["sine", "rectifier"])
def test_what_is_no_number_stays_none(found, name):
    value = found[f"{name}-nan.value"][:, :-1]
    assert np.array_equal(np.isnan(value), np.isnan(NOT_A_NUMBER))


def test_a_rectifier_has_slope_0_at_0(found):
    assert found["rectifier-zero.value"][0, 0].tolist() == [0, 0, 0, 2]
    assert found["rectifier-zero.slope"].flatten().tolist() == [0, 0, 0, 1]


SIGNATURE = {
    "z": "*fp32",
    "out": "*fp32",
    "size": "i32",
    "stride": "i32",
    "blocks": "i32",
}
KERNELS = {
    "sine": ("enas_inr.backbones.triton_loops", "_sine", {}),
    "rectifier": ("enas_inr.backbones.triton_loops", "_rectifier", {}),
    "finer": ("enas_inr_finer.gpu_loops", "_variable_sine", {"omega": "fp32"}),
    "gauss": ("enas_inr_gauss.gpu_loops", "_bell", {}),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_loop_compiles_for_a_gpu_with_no_approximate_sine(name, monkeypatch, tmp_path):
    """The compiler of Triton needs no GPU, unlike what it compiles."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    module, kernel, further = KERNELS[name]
    source = ASTSource(
        getattr(importlib.import_module(module), kernel),
        SIGNATURE | further | {"BLOCK": "constexpr"},
        constexprs={"BLOCK": 1024},
    )
    made = triton.compile(source, target=GPUTarget("cuda", 80, 32))
    assert made.asm["cubin"]
    assert "sin.approx" not in made.asm["ptx"]
