"""The checks of `gpu.py`: whether everything works on a GPU, and computes the same as on a CPU."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_setup import Setup
from jobs import job_of

import enas_inr
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.training.trainer import train

ROOT = Path(__file__).parents[1]
TOLERANCE = 1e-3  # relative, of losses
BACKBONES = ("siren", "relu", "fourier")
OPTIMIZERS = ("adam", "muon")

# In a process of its own, since the limit holds for the whole process. The same steps are made with
# and without the limit.
LITTLE_MEMORY = """
import json, sys, torch
from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.signals.partition import cut
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.run import Run
from enas_inr.training.trainer import train

name, fraction, side, grid, repeats = sys.argv[1], *map(float, sys.argv[2:])
device = torch.device(name)
values = torch.rand(int(side), int(side), 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
siren = Siren(SirenOptions(omega_first=30.0, bias_init="fan_in"))
partition = cut(values, (int(grid), int(grid)))
job = Job(siren, NetShape(2, 3, 2, 64), partition, tuple(range(int(repeats))), 1e-4)
sizes, start = [], Run.start

def noted(jobs, training, where, workspace, *rest, **settings):
    sizes.append(workspace)
    return start(jobs, training, where, workspace, *rest, **settings)

Run.start = noted
with_all = train([job], TrainingSpec(steps=3), device)[0].losses
torch.cuda.empty_cache()
torch.cuda.set_per_process_memory_fraction(fraction)
with_little = train([job], TrainingSpec(steps=3), device)[0].losses
worst = float(((with_all - with_little).abs() / with_all).max())
print(json.dumps({"workspaces": sizes, "deviation": worst}))
"""


def tests(setup: Setup) -> dict[str, Any]:
    """Run the tests of the trainer; those that need CUDA are skipped elsewhere."""
    chosen = setup.choose(
        ["tests/training", "tests/backbones"], ["tests/training/test_graphs.py", "-k", "rows"]
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider", *chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {"exit_code": done.returncode, "end": done.stdout.strip().splitlines()[-15:]}


def commands(setup: Setup) -> dict[str, Any]:
    """Run search, fit, render and info on three kinds of signals; a failure is the result."""
    axis = np.linspace(-1, 1, 16)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    np.save(setup.folder / "volume.npy", np.exp(-4 * (x**2 + y**2 + z**2)).astype(np.float32))
    signals = {
        "picture": (setup.image, "rendered.png", ["--size", "64"]),
        "sound": ("sample:chord", "rendered.wav", []),
        "volume": (str(setup.folder / "volume.npy"), "rendered.npy", []),
    }
    found: dict[str, Any] = {}
    for kind in setup.choose(list(signals), ["picture"]):
        signal, rendered, size = signals[kind]
        try:
            found[kind] = _commands(setup, kind, signal, rendered, size)
        except Exception as error:  # the other signals may still work
            found[kind] = {"error": str(error)}
    return found


def _commands(
    setup: Setup, kind: str, signal: str, rendered: str, size: list[str]
) -> dict[str, Any]:
    steps = str(setup.choose(200, 20))
    storage = ["--storage", f"{kind}.db", "--study", kind]
    searched = json.loads(
        setup.output(
            "search", signal, *size, *storage, "--grid", "4", "--widths", "8,16", "--depths", "1",
            "--repeats", "1", "--steps", steps, "--json", "--quiet",
        )
    )  # fmt: skip
    model = f"{kind}.inr"
    fit = ["fit", signal, *size, "--grid", "4", "--depth", "1", "--width", "16", "-o", model]
    code, _, errors = setup.call([*fit, "--steps", "10000000"], stop_after=setup.choose(25.0, 8.0))
    stopped = re.search(r"interrupted at step (\d+)", errors)
    if not stopped:
        raise RuntimeError(f"fit was not interrupted (exit code {code}): {errors[-500:]}")
    further = int(stopped[1]) + int(steps)
    fitted = json.loads(setup.output(*fit, "--steps", str(further), "--json", "--quiet"))
    setup.output("render", model, "--scale", "2", "-o", rendered)
    info = json.loads(setup.output("info", model, "--json", device=False))
    return {
        "best": searched["best"],
        "stopped_at": int(stopped[1]),
        "steps": fitted["steps"],
        "psnr_db": fitted["psnr_db"],
        "rendered_bytes": (setup.folder / rendered).stat().st_size,
        "info": sorted(info),
    }


def memory(setup: Setup) -> dict[str, Any]:
    """Train with a small part of the memory: the same losses in smaller chunks."""
    if setup.device.type != "cuda":
        return {"skipped": "the memory of a process can be limited with CUDA only"}
    limits = setup.choose(["0.02", "512", "32", "16"], ["0.01", "256", "16", "16"])
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(setup.device), *limits],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"agrees": found["deviation"] <= TOLERANCE}


def agreement(setup: Setup) -> dict[str, Any]:
    """Compare losses and the winner of a search with those of the CPU."""
    found: dict[str, Any] = {
        f"{backbone}, {optimizer}": _deviation(setup, backbone, optimizer)
        for backbone in BACKBONES
        for optimizer in OPTIMIZERS
    }
    winners = [_winner(setup, device) for device in ("cpu", str(setup.device))]
    found["winners"] = winners
    found["agrees"] = winners[0] == winners[1] and all(
        value <= TOLERANCE for value in found.values() if isinstance(value, float)
    )
    return found


def _deviation(setup: Setup, backbone: str, optimizer: str) -> float:
    """Return the largest relative deviation of the losses of the first steps."""
    catalog = load_catalog(plugins=False)
    signal = load_signal(catalog, setup.image, {"size": [64, 64]})
    training = TrainingSpec.from_profile("tuned", steps=setup.choose(100, 20), optimizer=optimizer)
    spec = EnsembleSpec(backbone=backbone, grid=4, depth=2, width=32)
    _, job = job_of(signal, spec, training, catalog, repeats=2)
    cpu, other = (
        train([job], training, device)[0].losses for device in (torch.device("cpu"), setup.device)
    )
    return float(((cpu - other).abs() / cpu).max())


def _winner(setup: Setup, device: str) -> str:
    """Return the label of the best architecture of a small search on a device."""
    result = enas_inr.search(
        setup.image,
        size="64",
        grid=4,
        widths=[8, 16, 32],
        depths=[1, 2],
        repeats=setup.choose(3, 1),
        steps=setup.choose(200, 20),
        profile="paper",
        device=device,
        storage=str(setup.folder / f"{device.replace(':', '-')}.db"),
        pictures=False,
    )
    return result.best.trial.ensemble.label()
