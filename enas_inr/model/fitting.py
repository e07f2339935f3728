"""Fit one ensemble to a signal, and hand it over as a Model."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from enas_inr.backbones.base import Params
from enas_inr.backbones.feasibility import candidate
from enas_inr.errors import SignalError, TrainingError
from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.trial import make_job
from enas_inr.model.header import ModelHeader
from enas_inr.model.model import Model
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import psnr_paper_db
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.signals.partition import cut
from enas_inr.signals.signal import Signal
from enas_inr.spec import PSNR_OFFSET_DB, EnsembleSpec, SignalInfo, TrainingSpec, TrialSpec
from enas_inr.training.checkpoint import BestWeights, from_tensors, to_tensors
from enas_inr.training.chunks import workspace_bytes
from enas_inr.training.device import resolve_device
from enas_inr.training.memory import within_memory
from enas_inr.training.trainer import Progress, Run
from enas_inr.training.workers import WorkerPool, plan_workers
from enas_inr.validation import Frozen

CHECKPOINT_SECONDS = 60.0  # between two checkpoints
DECIDED_EVERY = 20  # steps between two looks at whether a member became better, and at the target


class End(StrEnum):
    """Why a fit ended."""

    STEPS = auto()  # all were made, or no repeat became better any more
    TARGET = auto()
    ASKED = auto()  # it can go on


class FitSpec(Frozen):
    """Everything that decides what a fit becomes.

    Attributes:
        target_psnr_db: stop when one repeat has reached this usual PSNR.
        repeats: trainings from different seeds; the best is kept.
    """

    ensemble: EnsembleSpec
    training: TrainingSpec
    repeats: int = 1
    seed: int = 0
    target_psnr_db: float | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """The outcome of a fit.

    Attributes:
        model: the best repeat, each member with the best weights it had.
        end: why it ended.
        steps: that were made in all.
        seconds: of this call.
    """

    model: Model
    end: End
    steps: int
    seconds: float

    @property
    def finished(self) -> bool:
        """False if it was interrupted; the checkpoint then continues."""
        return self.end is not End.ASKED


def fit(
    signal: Signal,
    spec: FitSpec,
    *,
    catalog: Catalog,
    device: str = "auto",
    checkpoint: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[TrialProgress], None] = lambda progress: None,
) -> Fitted:
    """Train an ensemble on a signal.

    Args:
        signal: what to fit, at its full size.
        spec: the architecture and how it is trained.
        catalog: makes the backbone.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        checkpoint: a file from which an interrupted fit goes on, and that is written once a
            minute and on a stop; it is removed when the fit is finished.
        should_stop: asked after each round, which takes some seconds.
        on_progress: is told how far it is.

    Raises:
        SpecError: a setting that is not valid for this signal.
        TrainingError: every repeat diverged, or the checkpoint belongs to another fit.
        PluginError: the backbone, of a plugin, fails.
    """
    started = time.perf_counter()
    context = ExecutionContext(catalog, signal, device)
    info = context.info
    settled = candidate(spec.ensemble, info, catalog)
    spec = spec.model_copy(update={"ensemble": settled.spec})
    trial = TrialSpec(
        number=0,
        ensemble=settled.spec,
        cost=settled.cost,
        training=spec.training,
        repeats=spec.repeats,
        seed=spec.seed,
    )
    partition = cut(signal.values, (settled.spec.grid,) * len(info.shape), spec.training.margin)
    job = make_job(context, partition, trial)
    where = resolve_device(device)
    workers = plan_workers([job], where)
    identity = _identity(spec, info)

    def tell(progress: Progress) -> None:
        on_progress(
            TrialProgress(
                None, settled.spec.label(), progress.done, progress.step, progress.psnr_paper_db
            )
        )

    def attempt(workspace: int) -> Fitted:
        run = Run.start([job], spec.training, where, workspace, workers, every=DECIDED_EVERY)
        best = BestWeights(run)
        if checkpoint and checkpoint.exists():
            _resume(run, best, checkpoint, identity)
        saved = time.perf_counter()
        end = End.STEPS
        with WorkerPool(workers) as pool:
            for _ in run.rounds(pool, tell):
                best.update(run)
                if _reached(run, best, spec.target_psnr_db):
                    end = End.TARGET
                    break
                if should_stop():
                    end = End.ASKED
                    break
                if checkpoint and time.perf_counter() - saved > CHECKPOINT_SECONDS:
                    _save(run, best, checkpoint, identity)
                    saved = time.perf_counter()
            if end is End.ASKED and checkpoint:
                _save(run, best, checkpoint, identity)
            if end is End.STEPS:  # else the last weights have not been looked at
                run.probe(pool)
                best.update(run)
        model = _model(signal, info, spec, run, best, catalog)
        return Fitted(model, end, run.decided, time.perf_counter() - started)

    with catalog.blame("backbone", settled.spec.backbone):
        fitted = within_memory(attempt, workspace_bytes(where, workers), where)
    if fitted.finished and checkpoint:
        checkpoint.unlink(missing_ok=True)
    return fitted


def _reached(run: Run, best: BestWeights, target_db: float | None) -> bool:
    if target_db is None:
        return False
    lowest = float(best.mse(run).min())
    return psnr_paper_db(lowest) + PSNR_OFFSET_DB >= target_db


def _model(
    signal: Signal, info: SignalInfo, spec: FitSpec, run: Run, best: BestWeights, catalog: Catalog
) -> Model:
    """Build the model of the best repeat."""
    mse = best.mse(run)
    repeat = int(mse.argmin())
    if not bool(torch.isfinite(mse[repeat])):
        raise TrainingError(
            "every repeat diverged: a loss was never finite", "use a smaller learning rate"
        )
    blocks: dict[int, Params] = {}
    for batch, leaves in zip(run.batches, best.leaves, strict=True):
        rows = [row for row, member in enumerate(batch.members) if member.repeat == repeat]
        constants = [chunk.constants for chunk in batch.chunks]
        whole = dict(leaves) | {
            name: torch.cat([part[name] for part in constants]).cpu() for name in constants[0]
        }
        blocks[batch.block] = {name: leaf[rows].clone() for name, leaf in whole.items()}
    origin = catalog.find("backbone", spec.ensemble.backbone).origin
    (job,) = run.jobs
    header = ModelHeader(
        ensemble=spec.ensemble,
        signal=info,
        meta=dict(signal.meta),
        training=spec.training.model_copy(update={"learning_rate": job.learning_rate}),
        seed=spec.seed,
        repeat=repeat,
        metrics={"steps": run.decided},
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "enas-inr": version("enas-inr"),
        },
        backbone_from=(origin.distribution, origin.version),
    )
    members = tuple(blocks[index] for index in sorted(blocks))
    blame = partial(catalog.blame, "backbone", spec.ensemble.backbone)
    return Model(header, job.backbone, members, blame)


def _identity(spec: FitSpec, info: SignalInfo) -> str:
    """What a checkpoint must have in common with a fit that continues it; more steps are fine."""
    settled: dict[str, Any] = spec.model_dump(exclude={"target_psnr_db"})
    del settled["training"]["steps"]
    text = f"{settled}|{info.fingerprint}|{info.shape}"
    return hashlib.sha256(text.encode()).hexdigest()


def _save(run: Run, best: BestWeights, path: Path, identity: str) -> None:
    replace_bytes(path, save_tensors(to_tensors(run, best), metadata={"identity": identity}))


def _resume(run: Run, best: BestWeights, path: Path, identity: str) -> None:
    content = read_bytes(path)
    hint = "remove it to begin again"
    if identity.encode() not in content[: 2**20]:
        raise TrainingError(f"checkpoint {str(path)!r} belongs to another fit", hint)
    try:
        from_tensors(run, best, load_tensors(content))
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise SignalError(f"checkpoint {str(path)!r} is damaged: {error}", hint) from None
