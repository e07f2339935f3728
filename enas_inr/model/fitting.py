"""Fit one ensemble to each of some signals; the results are Models."""

from __future__ import annotations

import hashlib
import math
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import JsonValue

from enas_inr.backbones.feasibility import resolved
from enas_inr.errors import EnasInrError, PluginError, SpecError, warn_once
from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.known_cells import in_blocks, known_cells, without
from enas_inr.executors.states import States
from enas_inr.executors.trial import make_job, make_jobs
from enas_inr.model.architecture import Architecture
from enas_inr.model.fit_checkpoint import Checkpoint
from enas_inr.model.fit_training import End as End
from enas_inr.model.fit_training import FitJob, Found, Training
from enas_inr.model.fit_training import FitSpec as FitSpec
from enas_inr.model.header import ModelHeader, Precision, StartNote
from enas_inr.model.model import Model
from enas_inr.model.start import Start
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.partition import CellBlock, Partition, block_cells
from enas_inr.signals.signal import Signal
from enas_inr.spec import SignalInfo, TrialSpec
from enas_inr.spec.sizes import capping
from enas_inr.training.batch import Job
from enas_inr.training.workers import limited_threads

REPEATS, TARGET, DIVERGED = "repeats", "target_psnr_db", "diverged_at"
"""Keys of the metrics of a model, which are there if they are not 1, None and None."""

_NOTHING = Signal(torch.empty(0, 1), "", "")  # where the values of a signal do not matter


@dataclass(frozen=True, eq=False)
class Fitted:
    """The outcome of a fit.

    Attributes:
        model: the best repeat, with the best weights of each member.
        end: why the fit ended.
        steps: total number of steps.
        seconds: duration of this call; of fits together, its share of it.
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


Outcome = Callable[[int, "Fitted | EnasInrError"], None]
"""Called with the number of a signal when its fit has ended, by a model or by an error."""


def fit(
    signal: Signal,
    spec: FitSpec,
    *,
    catalog: Catalog,
    device: str = "auto",
    checkpoint: Path | None = None,
    keeps: bool = False,
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
        checkpoint: file from which an interrupted fit is resumed. It is written once a minute,
            after each round that takes longer than five seconds, and when the fit is stopped.
        keeps: whether the checkpoint stays when there is a model, for a caller that removes it when
            the model is written.
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
    outcomes: list[Fitted | EnasInrError] = []
    fit_together(
        [(signal, spec)],
        lambda number, outcome: outcomes.append(outcome),
        catalog=catalog,
        device=device,
        checkpoint=checkpoint,
        keeps=keeps,
        states=states,
        start=start,
        should_stop=should_stop,
        on_progress=on_progress,
    )
    (outcome,) = outcomes
    if isinstance(outcome, EnasInrError):
        raise outcome
    return outcome


def fit_together(
    wanted: Sequence[tuple[Signal, FitSpec]],
    on_end: Outcome,
    *,
    catalog: Catalog,
    device: str = "auto",
    checkpoint: Path | None = None,
    keeps: bool = False,
    states: Path | None = None,
    start: Start | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[TrialProgress], None] = lambda progress: None,
    flush: Callable[[], None] = lambda: None,
) -> None:
    """Train an ensemble on each of some signals; those of equal shape share batches.

    Each model is the one that `fit` makes of its signal alone, since a member depends only on its
    seed and its cell.

    Args:
        wanted: the signals and their specifications, which differ in the ensemble at most.
        on_end: called once for each signal: with its model as soon as it is known, or with the
            error. After an interruption, with the unfinished models of those that are left.
        catalog: makes the backbones.
        device: as for `fit`.
        checkpoint: as for `fit`; it has the states of all signals whose fits have not ended.
        keeps: as for `fit`.
        states: as for `fit`.
        start: as for `fit`.
        should_stop: as for `fit`.
        on_progress: as for `fit`, with the progress of all.
        flush: called before fits that have ended are removed from the checkpoint; their models
            should then be on the disk.

    Raises:
        TrainingError: the checkpoint belongs to other fits, or the memory is too small.
        SignalError: the checkpoint cannot be read or written.
        PluginError: a backbone comes from a plugin and fails.
    """
    started = time.perf_counter()
    fits: list[FitJob] = []
    with limited_threads(1 if len(wanted) > 1 else torch.get_num_threads()):
        for number, (signal, spec) in enumerate(wanted):
            try:
                fits.append(_settled(number, signal, spec, catalog, states, start))
            except EnasInrError as error:
                if catalog.strict and isinstance(error, PluginError):
                    raise
                on_end(number, error)
    if not fits:
        return

    kept, failed = Checkpoint(checkpoint), False

    def ended(one: FitJob, job: Job, found: Found | EnasInrError) -> None:
        nonlocal failed
        if isinstance(found, EnasInrError):
            failed = True
            on_end(one.number, found)
            return
        model = _model(one, job, found, catalog)
        seconds = (time.perf_counter() - started) / len(wanted)
        known = sum(len(cells) for cells, _ in one.known)
        on_end(one.number, Fitted(model, found.end, found.steps, seconds, job.retried, known))

    Training(fits, kept, device, should_stop, on_progress, ended, flush, not keeps).run()
    if failed and keeps:
        kept.remove()


def _settled(
    number: int,
    signal: Signal,
    spec: FitSpec,
    catalog: Catalog,
    states: Path | None,
    start: Start | None,
) -> FitJob:
    info = signal.info()
    spec = spec.model_copy(update={"start": start.note if start else None})
    if start and spec.repeats > 1:
        raise SpecError(
            f"{spec.repeats} repeats from the same weights would all be equal", "make one repeat"
        )
    spec, trial = settled(info, spec, catalog)
    (job,) = make_jobs(ExecutionContext(catalog, signal), [trial])
    if start:
        start.check(Architecture.of(spec.ensemble, job.backbone, job.shape, info), info)
        job = replace(job, initial=start.leaves)
    known = known_cells(States(states, info, catalog), trial, job) if _takes_known(spec) else []
    left = without(job, signal, known)
    cells = [cell for cells, _ in known for cell in cells]
    return FitJob(number, signal, info, spec, job, known, left, identity_of(spec, info, cells))


def settled(info: SignalInfo, spec: FitSpec, catalog: Catalog) -> tuple[FitSpec, TrialSpec]:
    """Return the specification with the options resolved for a signal, and its trial.

    Raises:
        SpecError: a setting is not valid for this signal.
        PluginError: the backbone comes from a plugin and fails.
    """
    catalog.options("optimizer", spec.training.optimizer, spec.training.optimizer_options)
    if note := capping(info, spec.ensemble.grid):
        warn_once(note)
    ensemble, cost = resolved(spec.ensemble, info, catalog, spec.training)
    trial = TrialSpec(
        number=0,
        ensemble=ensemble,
        cost=cost,
        training=spec.training,
        repeats=spec.repeats,
        seed=spec.seed,
    )
    return spec.model_copy(update={"ensemble": ensemble}), trial


def _takes_known(spec: FitSpec) -> bool:
    """Whether the weights at the last step are those of the fit, and as good as the best ones."""
    falls = spec.training.schedule != "constant"
    return spec.start is None and falls and spec.repeats == 1 and spec.target_psnr_db is None


def _model(one: FitJob, job: Job, found: Found, catalog: Catalog) -> Model:
    """Build the model of the best repeat from the leaves of all cells."""
    spec = one.spec
    origin = catalog.find("backbone", spec.ensemble.backbone).origin
    header = ModelHeader(
        # Programs of version 1 do not know the note, and should say that they have to be updated.
        format_version=2 if spec.start else 1,
        ensemble=spec.ensemble,
        signal=one.info,
        meta=dict(one.signal.meta),
        training=spec.training.model_copy(update={"learning_rate": job.learning_rate}),
        seed=spec.seed,
        repeat=found.repeat,
        metrics={"steps": found.steps, **_unusual(spec), **_divergence(found)},
        versions=dict(_versions()),
        backbone_from=(origin.distribution, origin.version),
        start=spec.start,
    )
    cells = [*one.known, *found.cells]
    blocks = in_blocks(cells, block_cells(one.info.shape, job.partition.grid))
    return Model(header, job.backbone, blocks)


def _unusual(spec: FitSpec) -> dict[str, JsonValue]:
    """Return what else has decided the weights, as far as it is not as usual."""
    unusual: dict[str, JsonValue] = {}
    if spec.repeats > 1:
        unusual[REPEATS] = spec.repeats
    if spec.target_psnr_db is not None:
        unusual[TARGET] = spec.target_psnr_db
    return unusual


def _divergence(found: Found) -> dict[str, JsonValue]:
    return {} if found.diverged_at is None else {DIVERGED: found.diverged_at}


def scaling_of(meta: Mapping[str, JsonValue]) -> tuple[JsonValue, ...]:
    """Return the type and the range of the numbers of a file, if its modality keeps them."""
    return meta.get("dtype"), meta.get("range")


@dataclass(frozen=True)
class Expected:
    """What the header of a model says if it is the one that a fit would make.

    Attributes:
        signal: identity of the signal.
        spec: the specification, with resolved options.
        rates: the learning rates that it may have been trained at.
        precision: precision of its numbers.
        bytes: bytes of the numbers of its networks in training, as float32.
        scaling: how the numbers of its file became values (`scaling_of`): signals with the same
            values are others if these stand for other numbers.
    """

    signal: tuple[object, ...]
    spec: FitSpec
    rates: tuple[float, ...]
    precision: Precision
    bytes: int = 0
    scaling: tuple[JsonValue, ...] = (None, None)

    @classmethod
    def of(
        cls, info: SignalInfo, spec: FitSpec, catalog: Catalog, precision: Precision
    ) -> Expected:
        """Return what is expected of a fit of a signal; raises as `settled`."""
        spec, trial = settled(info, spec, catalog)
        grid = info.cells_along(spec.ensemble.grid)
        largest = tuple(math.ceil(n / m) for n, m in zip(info.shape, grid, strict=True))
        block = CellBlock(largest, (), torch.empty(0, math.prod(largest), info.channels))
        context = ExecutionContext(catalog, _NOTHING, known_info=info)
        job = make_job(context, Partition(grid, info.shape, (block,), spec.training.margin), trial)
        rates = [job.learning_rate]
        if spec.training.fits_rate:
            rates.append(job.slower().learning_rate)
        size = trial.cost.bytes * spec.repeats
        return cls(info.identity, spec, tuple(rates), precision, size)

    def differences(self, header: ModelHeader) -> list[str]:
        """Return the names of what is not as expected."""
        spec, rate = self.spec, {"learning_rate": None}
        same = {
            "signal": header.signal.identity == self.signal
            and scaling_of(header.meta) == self.scaling,
            "architecture": header.ensemble == spec.ensemble,
            "training": header.training.model_copy(update=rate)
            == spec.training.model_copy(update=rate)
            and header.training.learning_rate in self.rates,
            "seed": header.seed == spec.seed,
            "repeats": header.metrics.get(REPEATS, 1) == spec.repeats,
            "target": header.metrics.get(TARGET) == spec.target_psnr_db,
            "precision": header.precision == self.precision,
            "start": _weights(header.start) == _weights(spec.start),
        }
        return [name for name, is_same in same.items() if not is_same]


@cache
def _versions() -> Mapping[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "enas-inr": version("enas-inr"),
    }


def _weights(start: StartNote | None) -> str | None:
    return start.sha256 if start else None


def identity_of(spec: FitSpec, info: SignalInfo, known: Sequence[int] = ()) -> str:
    """Return what a checkpoint and the fit that resumes it must share; steps may differ.

    Args:
        spec: the specification with resolved options.
        info: the metadata of the signal.
        known: the cells that a search has trained, which only add to the end of the identity.
    """
    text: dict[str, Any] = spec.model_dump(exclude={"target_psnr_db"})
    del text["training"]["steps"]
    if spec.start:
        del text["start"]["source"]  # the weights decide, wherever they lie
    whole = _digest(f"{text}|{info.fingerprint}|{info.shape}")
    return f"{whole}-{_digest(str(sorted(known)))}" if known else whole


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
