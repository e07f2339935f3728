"""Fit one ensemble to a signal; the result is a Model."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from enas_inr.backbones.feasibility import resolved
from enas_inr.errors import SignalError, SpecError, TrainingError, is_out_of_memory
from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.known_cells import Cells, in_blocks, known_cells, without
from enas_inr.executors.states import States
from enas_inr.executors.trial import make_jobs
from enas_inr.model.architecture import Architecture
from enas_inr.model.header import ModelHeader, StartNote
from enas_inr.model.model import Model
from enas_inr.model.start import Start
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.signals.partition import block_cells
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB, EnsembleSpec, SignalInfo, TrainingSpec, TrialSpec
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import BestWeights, from_tensors, to_tensors
from enas_inr.training.device import resolve_device
from enas_inr.training.run import OnProgress, Progress, Run
from enas_inr.training.trainer import Trainer
from enas_inr.training.workers import WorkerPool
from enas_inr.validation import Lasting

CHECKPOINT_SECONDS = 60.0  # seconds between two checkpoints
DECIDED_EVERY = 20  # steps between two checks for improved members and for the target


class End(StrEnum):
    """Why a fit ended."""

    STEPS = auto()  # all steps were made, or no repeat improved any more
    TARGET = auto()
    ASKED = auto()  # it can be resumed
    DIVERGED = auto()  # it is to be tried again


class FitSpec(Lasting):
    """Everything that determines the result of a fit.

    Attributes:
        start: the weights from which the members start; None to draw them from the seed.
        target_psnr_db: the fit stops when a repeat reaches this PSNR (usual convention).
        repeats: number of trainings from different seeds; the best one is kept.
    """

    ensemble: EnsembleSpec
    training: TrainingSpec
    repeats: int = 1
    seed: int = 0
    target_psnr_db: float | None = None
    start: StartNote | None = None

    later: ClassVar[tuple[str, ...]] = ("start",)


@dataclass(frozen=True, eq=False)
class Fitted:
    """The outcome of a fit.

    Attributes:
        model: the best repeat, with the best weights of each member.
        end: why the fit ended.
        steps: total number of steps.
        seconds: duration of this call.
        retried: whether the training diverged at first, and was repeated at a lower rate.
        known: number of cells that a search had trained before.
    """

    model: Model
    end: End
    steps: int
    seconds: float
    retried: bool = False
    known: int = 0

    @property
    def finished(self) -> bool:
        """False if the fit was interrupted; it can be resumed from the checkpoint."""
        return self.end is not End.ASKED


def fit(
    signal: Signal,
    spec: FitSpec,
    *,
    catalog: Catalog,
    device: str = "auto",
    checkpoint: Path | None = None,
    states: Path | None = None,
    start: Start | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[TrialProgress], None] = lambda progress: None,
) -> Fitted:
    """Train an ensemble on a signal.

    Args:
        signal: what to fit, at its full size.
        spec: the architecture and how it is trained.
        catalog: makes the backbone.
        device: `auto`, `cpu`, `cuda`, `cuda:N`, `mps` or `xpu`.
        checkpoint: file from which an interrupted fit is resumed. It is written once a minute and
            when the fit is stopped, and removed when the fit is finished.
        states: folder of the states of a search (see `enas_inr.executors.states`). Cells that it
            has trained in the same way are not trained again.
        start: weights from which the members start; they are then trained whatever a search knows.
        should_stop: called after each round, which takes some seconds.
        on_progress: called with the progress.

    Raises:
        SpecError: a setting is not valid for this signal.
        ModelError: the start is of another architecture.
        TrainingError: every repeat diverged, or the checkpoint belongs to another fit.
        PluginError: the backbone comes from a plugin and fails.
    """
    started = time.perf_counter()
    info = signal.info()
    spec, trial, job = _settled(signal, info, spec, catalog, start)
    known = known_cells(States(states, info, catalog), trial, job) if _takes_known(spec) else []
    known_count = sum(len(cells) for cells, _ in known)
    whole, job = job, without(job, signal, known)
    identity = _identity(spec, info, [cell for cells, _ in known for cell in cells])
    # The checkpoint of a second attempt (see `Job.slower`) is that of another fit.
    again = f"{identity}-slower"
    if checkpoint and _Checkpoint(checkpoint, again).exists():
        job, identity = job.slower(), again
    if not job.partition.blocks:
        model = _model(signal, info, spec, whole, known, catalog, steps=spec.training.steps)
        seconds = time.perf_counter() - started
        return Fitted(model, End.STEPS, spec.training.steps, seconds, known=known_count)

    def tell(progress: Progress) -> None:
        label = spec.ensemble.label()
        if job.retried:
            label += f", diverged, now at a rate of {job.learning_rate:.2g}"
        on_progress(
            TrialProgress(None, label, progress.done, progress.step, progress.psnr_paper_db)
        )

    def work(run: Run, pool: WorkerPool) -> Fitted | None:
        best = BestWeights(run)
        if kept:
            kept.resume(run, best)
        end = _train(run, pool, best, spec.target_psnr_db, kept, should_stop, tell)
        if end is End.DIVERGED:
            return None
        repeat, trained = _best_repeat(run, best)
        parts = known + trained
        model = _model(signal, info, spec, job, parts, catalog, run.decided, repeat)
        seconds = time.perf_counter() - started
        return Fitted(model, end, run.decided, seconds, job.retried, known_count)

    while True:
        kept = _Checkpoint(checkpoint, identity) if checkpoint else None
        trainer = Trainer([job], spec.training, resolve_device(device), every=DECIDED_EVERY)
        fitted = trainer.attempt(work)
        if checkpoint and (fitted is None or fitted.finished):
            checkpoint.unlink(missing_ok=True)
        if fitted:
            return fitted
        job, identity = job.slower(), again


def _takes_known(spec: FitSpec) -> bool:
    """Whether the weights at the last step are those of the fit, and as good as the best ones."""
    falls = spec.training.schedule != "constant"
    return spec.start is None and falls and spec.repeats == 1 and spec.target_psnr_db is None


def _settled(
    signal: Signal, info: SignalInfo, spec: FitSpec, catalog: Catalog, start: Start | None = None
) -> tuple[FitSpec, TrialSpec, Job]:
    """Return the specification with resolved options, its trial, and the job of the trainer."""
    if start and spec.repeats > 1:
        raise SpecError(
            f"{spec.repeats} repeats from the same weights would all be equal", "make one repeat"
        )
    catalog.options("optimizer", spec.training.optimizer, spec.training.optimizer_options)
    ensemble, cost = resolved(spec.ensemble, info, catalog, spec.training)
    trial = TrialSpec(
        number=0,
        ensemble=ensemble,
        cost=cost,
        training=spec.training,
        repeats=spec.repeats,
        seed=spec.seed,
    )
    (job,) = make_jobs(ExecutionContext(catalog, signal), [trial])
    if start:
        start.check(Architecture.of(ensemble, job.backbone, job.shape))
        job = replace(job, initial=start.leaves)
    note = start.note if start else None
    return spec.model_copy(update={"ensemble": ensemble, "start": note}), trial, job


def _train(
    run: Run,
    pool: WorkerPool,
    best: BestWeights,
    target_db: float | None,
    kept: _Checkpoint | None,
    should_stop: Callable[[], bool],
    tell: OnProgress,
) -> End:
    """Train until the fit ends; `best` then holds the best weights of each member."""
    saved = time.perf_counter()
    for _ in run.rounds(pool, tell):
        best.update(run)
        run.drop_diverged()
        if run.dropped:
            return End.DIVERGED
        if _reached(run, best, target_db):
            return End.TARGET
        if should_stop():
            if kept:
                kept.save(run, best)
            return End.ASKED
        if kept and time.perf_counter() - saved > CHECKPOINT_SECONDS:
            kept.save(run, best)
            saved = time.perf_counter()
    run.probe(pool)  # the last weights have not been evaluated yet
    best.update(run)
    return End.STEPS


def _reached(run: Run, best: BestWeights, target_db: float | None) -> bool:
    if target_db is None:
        return False
    lowest = float(best.mse(run).min())
    return psnr_paper_db(lowest) + PSNR_OFFSET_DB >= target_db


def _best_repeat(run: Run, best: BestWeights) -> tuple[int, list[Cells]]:
    """Return the number of the best repeat, and the best weights of its members.

    Raises:
        TrainingError: every repeat diverged.
    """
    mse = best.mse(run)
    repeat = int(mse.argmin())
    if not bool(torch.isfinite(mse[repeat])):
        raise TrainingError(
            "every repeat diverged: a loss was never finite", "use a smaller learning rate"
        )
    found: list[Cells] = []
    (job,) = run.jobs
    for batch, leaves in zip(run.batches, best.leaves, strict=True):
        rows = [row for row, member in enumerate(batch.members) if member.repeat == repeat]
        constants = [chunk.constants for chunk in batch.chunks]
        whole = dict(leaves) | {
            name: torch.cat([part[name] for part in constants]).cpu() for name in constants[0]
        }
        cells = job.partition.blocks[batch.block].cells
        found.append((list(cells), {name: leaf[rows].clone() for name, leaf in whole.items()}))
    return repeat, found


def _model(
    signal: Signal,
    info: SignalInfo,
    spec: FitSpec,
    job: Job,
    cells: list[Cells],
    catalog: Catalog,
    steps: int,
    repeat: int = 0,
) -> Model:
    """Build the model of the best repeat from the leaves of all cells."""
    origin = catalog.find("backbone", spec.ensemble.backbone).origin
    header = ModelHeader(
        # Programs of version 1 do not know the note, and should say that they have to be updated.
        format_version=2 if spec.start else 1,
        ensemble=spec.ensemble,
        signal=info,
        meta=dict(signal.meta),
        training=spec.training.model_copy(update={"learning_rate": job.learning_rate}),
        seed=spec.seed,
        repeat=repeat,
        metrics={"steps": steps},
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "enas-inr": version("enas-inr"),
        },
        backbone_from=(origin.distribution, origin.version),
        start=spec.start,
    )
    return Model(
        header, job.backbone, in_blocks(cells, block_cells(info.shape, job.partition.grid))
    )


def _identity(spec: FitSpec, info: SignalInfo, known: list[int]) -> str:
    """Return what a checkpoint and the fit that resumes it must share; steps may differ."""
    settled: dict[str, Any] = spec.model_dump(exclude={"target_psnr_db"})
    del settled["training"]["steps"]
    if spec.start:
        del settled["start"]["source"]  # the weights decide, wherever they lie
    text = f"{settled}|{info.fingerprint}|{info.shape}" + (f"|{sorted(known)}" if known else "")
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _Checkpoint:
    """The file from which an interrupted fit is resumed.

    Attributes:
        identity: identity of its fit.
    """

    path: Path
    identity: str

    def exists(self) -> bool:
        """Whether there is a checkpoint, and it belongs to this fit."""
        return self.path.exists() and self._mine(read_bytes(self.path))

    def _mine(self, content: bytes) -> bool:
        # With the quotes around it, since one identity can be the beginning of another.
        return f'"{self.identity}"'.encode() in content[: 2**20]

    def save(self, run: Run, best: BestWeights) -> None:
        metadata = {"identity": self.identity}
        replace_bytes(self.path, save_tensors(to_tensors(run, best), metadata=metadata))

    def resume(self, run: Run, best: BestWeights) -> None:
        """Bring a new run to the state of the checkpoint, if there is one.

        Raises:
            TrainingError: the file belongs to another fit.
            SignalError: the file cannot be read.
        """
        if not self.path.exists():
            return
        content = read_bytes(self.path)
        hint = "remove it to begin again"
        if not self._mine(content):
            raise TrainingError(f"checkpoint {str(self.path)!r} belongs to another fit", hint)
        try:
            from_tensors(run, best, load_tensors(content))
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            raise SignalError(f"checkpoint {str(self.path)!r} is damaged: {error}", hint) from None
