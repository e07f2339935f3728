"""The compiled loops of the built-in activations, against torch and float64."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from enas_inr.backbones import loops
from enas_inr.backbones.relu import Rectifier
from enas_inr.backbones.siren import Sine

LONG = 2**18


def run(loop, numbers):
    """The values and slopes of a flat array."""
    z = np.array(numbers, np.float32).reshape(1, 4, -1)
    out = np.full((1, 5, z.shape[2]), 7, np.float32)
    loop(z, out)
    assert (out[:, -1] == 7).all()
    return out[:, :-1].reshape(-1), z.reshape(-1)


@pytest.mark.parametrize("bound", [1, 30, 3000, 1e5])
def test_the_sine_is_as_accurate_as_torchs(bound):
    z = np.random.default_rng(1).uniform(-bound, bound, LONG).astype(np.float32)
    value, slope = run(Sine().loop(), z)
    wide = z.astype(np.float64)
    unit = 2.0**-24  # half a unit in the last place of the largest values
    for ours, exact, theirs in (
        (value, np.sin(wide), torch.from_numpy(z).sin().numpy()),
        (slope, np.cos(wide), torch.from_numpy(z).cos().numpy()),
    ):
        assert np.abs(ours - exact).max() < unit
        assert np.abs(ours - exact).mean() < 1.05 * np.abs(theirs - exact).mean()


def test_the_sine_of_numbers_beyond_its_range_is_still_right():
    z = np.array([1.1e5, -3e7, 1e30, 0.5] * 4, np.float32)
    value, slope = run(Sine().loop(), z)
    np.testing.assert_allclose(value, np.sin(z.astype(np.float64)), atol=1e-7)
    np.testing.assert_allclose(slope, np.cos(z.astype(np.float64)), atol=1e-7)


@pytest.mark.parametrize("activation", [Sine(), Rectifier()])
def test_what_is_no_number_stays_none(activation):
    value, _ = run(activation.loop(), [0.5, np.nan, 1.0, -1.0])
    assert np.isnan(value).tolist() == [False, True, False, False]


def test_a_rectifier_has_slope_0_at_0():
    value, slope = run(Rectifier().loop(), [-1.0, -0.0, 0.0, 2.0])
    assert value.tolist() == [0, 0, 0, 2]
    assert slope.tolist() == [0, 0, 0, 1]


@loops.compiled
def exponentials(z, out):
    for member in range(z.shape[0]):
        for feature in range(z.shape[1]):
            for point in range(z.shape[2]):
                out[member, feature, point] = loops.exponential(z[member, feature, point])


def test_the_exponential_is_accurate_and_stays_in_range():
    z = np.random.default_rng(1).uniform(-80, 80, LONG).astype(np.float32)
    value, _ = run(exponentials, z)
    np.testing.assert_allclose(value, np.exp(z.astype(np.float64)), rtol=2e-7)
    value, _ = run(exponentials, [-np.inf, -1e4, np.nan, 1e4])
    assert (value[:2] < 1e-37).all()
    assert np.isnan(value[2])
    assert value[3] > 1e38


PROBE = """
import numpy as np
from enas_inr.backbones.siren import Sine
from enas_inr.training import loops
assert loops.available() is loops.available()
print(loops.available(), loops.loop_of(Sine()) is not None)
"""


def probe(tmp_path, **environment):
    """Whether loops are used in a new process, and what it logs."""
    found = subprocess.run(
        [sys.executable, "-c", PROBE],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip(), found.stderr.splitlines()


def test_compiled_code_is_cached_in_a_folder_of_the_users_choice(tmp_path):
    assert probe(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == ("True True", [])
    assert {path.suffix for path in tmp_path.rglob("cache/**/*.nb*")} == {".nbi", ".nbc"}


def test_without_numba_torch_does_everything_and_says_so_once(tmp_path):
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "numba.py").write_text("raise ImportError('not here')\n")
    for environment in ({"NUMBA_DISABLE_JIT": "1"}, {"PYTHONPATH": str(absent)}):
        used, logged = probe(tmp_path, **environment)
        assert used == "False False"
        (line,) = logged
        assert "training with torch's operations alone" in line
