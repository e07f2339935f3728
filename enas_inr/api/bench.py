"""The function behind `enas-inr bench`: measure the speed of this machine."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from enas_inr.api.search import search
from enas_inr.backbones.opaque import Opaque
from enas_inr.model import fitting
from enas_inr.model.model import Model
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec
from enas_inr.training import loops
from enas_inr.training.device import device_name, processor_name, resolve_device
from enas_inr.training.timing import DISTURBED, Turn, matrix_peak, measure, train_timer
from enas_inr.training.workload import CONFIGS, Config, make_job, step_flops

if TYPE_CHECKING:
    import torch

SIGNAL = "sample:photo"
RENDERED = EnsembleSpec(grid=8, depth=1, width=128)
PACKAGES = ("enas-inr", "torch", "numpy", "numba")


@dataclass(frozen=True)
class Effort:
    """How much a benchmark measures.

    Attributes:
        configs: the configurations on which training is measured.
        side: samples along each axis of the picture that they are trained on.
        rounds: number of turns of each kernel, of which the median counts.
        seconds: approximate seconds of a turn.
        peak_seconds: seconds for each size of matrices.
        peak_sizes: sides of these matrices.
        scale: factor from `side` to the side of the rendering.
        renderings: number of renderings, of which the median counts.
        search_side: samples along each axis of the picture of the search.
        search_steps: steps of each trial of the search.
    """

    configs: tuple[Config, ...] = CONFIGS
    side: int = 128
    rounds: int = 5
    seconds: float = 1.0
    peak_seconds: float = 0.5
    peak_sizes: tuple[int, ...] = (1024, 2048, 3072, 4096)
    scale: int = 8
    renderings: int = 5
    search_side: int = 64
    search_steps: int = 200


FULL = Effort()
QUICK = replace(
    FULL,
    configs=(CONFIGS[0], CONFIGS[-1]),
    rounds=1,
    seconds=0.3,
    peak_seconds=0.2,
    peak_sizes=(1024, 2048),
    renderings=2,
)


@dataclass(frozen=True)
class KernelSpeed:
    """The speed of one kernel on one configuration.

    Attributes:
        kernel: `layered` (hand-written) or `autograd` (for any backbone).
        seconds_per_step: median over the turns.
        flops_per_step: see `enas_inr.training.workload.step_flops`.
        share_of_peak: FLOP/s of the steps, divided by those of the matrix product.
        disturbed: turns during which other programs used more than a twentieth of a core.
    """

    config: Config
    kernel: str
    seconds_per_step: float
    flops_per_step: int
    share_of_peak: float
    disturbed: int


@dataclass(frozen=True)
class RenderSpeed:
    """The speed of `render`.

    Attributes:
        ensemble: label of the rendered ensemble.
        samples: samples of a rendering.
        seconds: median seconds of a rendering.
    """

    ensemble: str
    samples: int
    seconds: float

    @property
    def samples_per_second(self) -> float:
        """Samples, with all channels, in a second."""
        return self.samples / self.seconds


@dataclass(frozen=True)
class SearchSpeed:
    """The duration of a small search.

    Attributes:
        trials: number of trials.
        steps: training steps of all repeats of all trials.
        seconds: wall time, with reading the signal and writing the study.
    """

    trials: int
    steps: int
    seconds: float


@dataclass(frozen=True)
class BenchResult:
    """The measurements of `bench`.

    Attributes:
        machine: device, processor, threads, system, and whether compiled loops are used.
        versions: versions of Python and of the packages, by name.
        turns: number of turns of each kernel.
        peak_flops_per_second: FLOP/s of the fastest of some float32 matrix products.
        kernels: speed of each kernel on each configuration.
        render: speed of a rendering.
        search: duration of a search.
    """

    machine: dict[str, Any]
    versions: dict[str, str]
    turns: int
    peak_flops_per_second: float
    kernels: tuple[KernelSpeed, ...]
    render: RenderSpeed
    search: SearchSpeed

    def to_dict(self) -> dict[str, Any]:
        """Return all measurements as JSON values, in seconds and FLOP/s."""
        kernels = [asdict(found.config) | asdict(found) for found in self.kernels]
        for row in kernels:
            del row["config"]
        return asdict(self) | {
            "kernels": kernels,
            "render": asdict(self.render) | {"samples_per_second": self.render.samples_per_second},
        }


def bench(
    device: str = "auto",
    effort: Effort = FULL,
    on_progress: Callable[[str], None] = lambda line: None,
) -> BenchResult:
    """Measure how fast this machine trains, renders and searches. Nothing is stored.

    Args:
        device: `auto`, `cpu`, `cuda`, `cuda:N`, `mps` or `xpu`.
        effort: how much is measured.
        on_progress: called with a line about what is measured next.

    Raises:
        SpecError: the device is not valid or not available.
    """
    where = resolve_device(device)
    catalog = load_catalog(plugins=False)
    signal = load_signal(catalog, SIGNAL, {"size": [effort.side, effort.side]})
    on_progress("matrix product")
    peak = matrix_peak(where, effort.peak_seconds, effort.peak_sizes)
    kernels: list[KernelSpeed] = []
    for config in effort.configs:
        on_progress(f"training steps of {config}")
        kernels += _kernel_speeds(signal, config, where, effort, peak)
    on_progress("rendering")
    rendered = _render_speed(signal, where, catalog, effort)
    on_progress("search")
    searched = _search_speed(device, catalog, effort)
    return BenchResult(
        machine=machine(where),
        versions=versions(),
        turns=effort.rounds,
        peak_flops_per_second=peak,
        kernels=tuple(kernels),
        render=rendered,
        search=searched,
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages on which the speed depends."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):  # numba is optional
            found[name] = version(name)
    return found


def machine(device: torch.device) -> dict[str, Any]:
    """Return what `BenchResult.machine` holds."""
    from torch import get_num_threads

    return {
        "device": device_name(device),
        "processor": processor_name(),
        "threads": get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "compiled_loops": device.type == "cpu" and loops.available(),
    }


def _kernel_speeds(
    signal: Signal, config: Config, device: torch.device, effort: Effort, peak: float
) -> list[KernelSpeed]:
    job = make_job(signal, config)
    jobs = {"layered": job, "autograd": replace(job, backbone=Opaque(job.backbone))}
    timers = {name: train_timer(one, device) for name, one in jobs.items()}
    flops = step_flops(job)

    def speed(kernel: str, turns: list[Turn]) -> KernelSpeed:
        seconds = statistics.median(turn.seconds for turn in turns)
        return KernelSpeed(
            config=config,
            kernel=kernel,
            seconds_per_step=seconds,
            flops_per_step=flops,
            share_of_peak=flops / seconds / peak,
            disturbed=sum(turn.others > DISTURBED for turn in turns),
        )

    measured = measure(timers, effort.rounds, effort.seconds)
    return [speed(kernel, turns) for kernel, turns in measured.items()]


def _render_speed(
    signal: Signal, device: torch.device, catalog: Catalog, effort: Effort
) -> RenderSpeed:
    """Render a model at a multiple of its size; one step of training is enough to time it."""
    spec = fitting.FitSpec(ensemble=RENDERED, training=TrainingSpec(steps=1))
    fitted: Model = fitting.fit(signal, spec, catalog=catalog, device=str(device)).model
    model = fitted.to(device)
    taken = []
    for _ in range(effort.renderings + 1):
        started = time.perf_counter()
        rendered = model.render(scale=effort.scale)
        taken.append(time.perf_counter() - started)
    samples = rendered.info().samples
    return RenderSpeed(RENDERED.label(), samples, statistics.median(taken[1:]))


def _search_speed(device: str, catalog: Catalog, effort: Effort) -> SearchSpeed:
    """Search among four architectures, with a storage in a temporary folder."""
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        found = search(
            SIGNAL,
            size=str(effort.search_side),
            grid=4,
            widths=[16, 32],
            depths=[1, 2],
            repeats=2,
            steps=effort.search_steps,
            strategy="exhaustive",
            profile="paper",
            device=device,
            storage=str(Path(folder) / "bench.db"),
            catalog=catalog,
        )
        seconds = time.perf_counter() - started
    steps = sum(repeat.steps for trial in found.trials for repeat in trial.repeats)
    return SearchSpeed(len(found.trials), steps, seconds)
