"""The measurements of `gpu.py`: seconds of a step, of Algorithm 1, and of a large picture."""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from gpu_setup import Setup
from training_methods import Step, Task, make_bmm, make_task, step_timer

import enas_inr
from enas_inr.plugins.catalog import load_catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal
from enas_inr.training.timing import matrix_peak, measure, synchronize, train_timer
from enas_inr.training.trainer import train
from enas_inr.training.workload import (
    CONFIGS,
    LEARNING_RATE,
    OMEGA,
    TRAINING,
    Config,
    step_flops,
)

S4 = Config(32, 1, 128)
WARM_UPS = 3  # steps before one is recorded as a CUDA graph


def picture(setup: Setup, side: int) -> Signal:
    """Read the picture at a size."""
    return load_signal(load_catalog(plugins=False), setup.image, {"size": [side, side]})


def make_graphed(task: Task, *, compiled: bool = False) -> Step:
    """Return the step of `bmm` as one CUDA graph, Adam included."""
    step = make_bmm(task, compiled=compiled, capturable=True)
    stream = torch.cuda.Stream(task.device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(task.device))
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            step()
    torch.cuda.current_stream(task.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        losses = step()

    def replay() -> torch.Tensor:
        graph.replay()
        return losses

    return replay


def alternatives(setup: Setup) -> Mapping[str, Callable[[Task], Step]]:
    """Return the methods to compare with, by name."""
    found: dict[str, Callable[[Task], Step]] = {"bmm": make_bmm}
    if not (setup.quick and setup.device.type == "cpu"):  # compiling takes minutes on a small CPU
        found["compile"] = partial(make_bmm, compiled=True)
    if setup.device.type == "cuda":
        found |= {
            "bmm, graph": make_graphed,
            "compile, graph": partial(make_graphed, compiled=True),
        }
    return found


def steps(setup: Setup) -> dict[str, Any]:
    """Measure the time of a step of each method, with 1 and 5 repeats."""
    signal = picture(setup, setup.choose(128, 64))
    sizes = setup.choose((2048, 4096, 8192), (512,))
    peak = matrix_peak(setup.device, setup.choose(0.5, 0.05), sizes)
    rows = [
        _measured(setup, signal, config, repeats, peak)
        for config in setup.choose(CONFIGS, (CONFIGS[0], CONFIGS[-1]))
        for repeats in setup.choose((1, 5), (1, 2))
    ]
    return {
        "peak_flops_per_second": peak,
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "rows": rows,
    }


def _measured(
    setup: Setup, signal: Signal, config: Config, repeats: int, peak: float
) -> dict[str, Any]:
    """Measure all methods on one configuration; a method that fails has an error."""
    task = make_task(signal, config, setup.device, repeats)
    timers, errors = {"ours": train_timer(task.job, setup.device)}, {}
    for name, make in alternatives(setup).items():
        try:
            torch.compiler.reset()
            timers[name] = step_timer(make(task), setup.device)
            timers[name](2)
        except Exception as error:  # the other methods may still work
            timers.pop(name, None)
            errors[name] = f"{type(error).__name__}: {error}"[:500]
    turns = measure(timers, setup.choose(5, 1), setup.choose(0.5, 0.05))
    seconds = {name: statistics.median(t.seconds for t in taken) for name, taken in turns.items()}
    flops = step_flops(task.job)
    fastest = min((value for name, value in seconds.items() if name != "ours"), default=None)
    return {
        "config": str(config),
        "repeats": repeats,
        "ms_per_step": {name: round(1e3 * value, 4) for name, value in seconds.items()},
        "of_peak": {name: round(flops / value / peak, 4) for name, value in seconds.items()},
        "fastest_other_by_ours": fastest and round(fastest / seconds["ours"], 3),
        "errors": errors,
    }


def algorithm(setup: Setup) -> list[dict[str, Any]]:
    """Measure Algorithm 1 from the command line, for several grids."""
    found = []
    small = ["--widths", "8,16", "--depths", "1,2", "--repeats", "1", "--steps", "20"]
    for grid in setup.choose((2, 4, 8, 16, 32), (2,)):
        started = time.perf_counter()
        output = setup.output(
            "search", setup.image, "--size", setup.choose("128", "32"), "--grid", str(grid),
            "--profile", "paper", "--storage", f"algorithm-{grid}.db", "--no-pictures",
            "--json", "--quiet", *setup.choose([], small),
        )  # fmt: skip
        seconds = time.perf_counter() - started
        found.append(
            {"grid": grid, "seconds": round(seconds, 2), "best": json.loads(output)["best"]}
        )
    return found


def s4(setup: Setup) -> dict[str, Any]:
    """Measure 500 steps of ENRP-S4, with everything that the trainer does."""
    task = make_task(
        picture(setup, setup.choose(128, 32)), setup.choose(S4, Config(4, 1, 16)), setup.device
    )
    count = setup.choose(500, 20)
    train([task.job], TRAINING, setup.device, steps=20)  # compiles what it needs
    started = time.perf_counter()
    (outcome,) = train([task.job], TRAINING, setup.device, steps=count)
    seconds = time.perf_counter() - started
    best = outcome.repeats[0].best_loss
    return {
        "omega": OMEGA,
        "learning_rate": LEARNING_RATE,
        "steps": count,
        "seconds": round(seconds, 3),
        "psnr_paper_db": best and round(psnr_paper_db(best), 2),
    }


def large(setup: Setup) -> dict[str, Any]:
    """Fit a large picture until it reaches a PSNR, and measure the time and the peak memory."""
    side, grid, target = setup.choose((4096, 64, 40.0), (128, 8, 20.0))
    if setup.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(setup.device)
    synchronize(setup.device)
    started = time.perf_counter()
    result = enas_inr.fit(
        setup.image,
        size=str(side),
        grid=grid,
        depth=1,
        width=32,
        steps=setup.choose(2000, 60),
        target_psnr_db=target,
        device=str(setup.device),
        output=setup.folder / "large.inr",
    )
    return {
        "side": side,
        "grid": grid,
        "target_psnr_db": target,
        "seconds": round(time.perf_counter() - started, 2),
        "training_seconds": result.metrics["seconds"],
        "steps": result.metrics["steps"],
        "psnr_db": result.metrics["psnr_db"],
        "peak_bytes_of_device": _peak(setup.device),
        "peak_bytes_of_process": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def _peak(device: torch.device) -> int | None:
    """Return the largest number of bytes that tensors have used, if the device counts them."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
