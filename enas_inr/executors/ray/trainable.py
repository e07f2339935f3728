"""A trial as Ray Tune trains it: some steps at a time, each time with a report.

A trial keeps a checkpoint of its own in a folder, so that one whose worker, node or search was
killed goes on where it was, under whatever name Tune gives it then.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any, final

import torch
from ray import tune
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from enas_inr.errors import PluginError, SignalError
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.trial import failure, make_jobs, trial_picture, trial_result
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.spec import TrialSpec
from enas_inr.training.checkpoint import from_tensors, to_tensors
from enas_inr.training.chunks import workspace_bytes
from enas_inr.training.device import resolve_device
from enas_inr.training.trainer import Run
from enas_inr.training.workers import WorkerPool, plan_workers

STATE = "state.safetensors"
LOWEST = -1e9  # the metrics of a trial that is not complete: Tune wants numbers


def checkpoint_file(folder: Path, trial: TrialSpec) -> Path:
    """Where a trial is kept that has not ended."""
    digest = hashlib.sha256(trial.model_dump_json(exclude={"number"}).encode()).hexdigest()
    return folder / f"{digest[:24]}.safetensors"


@final
class Training(tune.Trainable):
    """Trains the trial `config["trial"]`, as JSON, `steps_per_report` steps at a time."""

    def setup(  # type: ignore[override]  # tune.with_parameters adds the others
        self,
        config: dict[str, Any],
        context: ExecutionContext,
        score: Any,
        folder: str,
        steps_per_report: int,
        threads: int,
    ) -> None:
        """Called by Tune in each new actor."""
        self._context, self._score, self._folder = context, score, Path(folder)
        self._steps, self._threads = steps_per_report, threads
        self._run: Run | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Called by Tune to use the actor again for another trial."""
        self._run = None
        return True

    def _begin(self) -> Run:
        """Draw the trial's members, or read them from its checkpoint.

        Not before the first step: Tune tries again what dies in a step, not what dies before.
        """
        torch.set_num_threads(self._threads)
        trial = TrialSpec.model_validate_json(self.config["trial"])
        if "learning_rate" in self.config:  # PBT changes it
            rate = self.config["learning_rate"]
            training = trial.training.model_copy(update={"learning_rate": rate})
            trial = trial.model_copy(update={"training": training})
        self._trial, self._started = trial, time.perf_counter()
        self._device = resolve_device(self._context.device)
        jobs = make_jobs(self._context, self._context.signal.info(), [trial])
        self._workers = plan_workers(jobs, self._device)
        space = workspace_bytes(self._device, self._workers, self._context.share)
        run = Run.start(jobs, trial.training, self._device, space, self._workers)
        _load(run, checkpoint_file(self._folder, trial))
        return run

    def step(self) -> dict[str, Any]:
        """Train some steps; called by Tune as long as its scheduler wants."""
        trial = TrialSpec.model_validate_json(self.config["trial"])
        try:
            with self._context.catalog.blame("backbone", trial.ensemble.backbone):
                return self._advance()
        except PluginError as error:  # no death of a worker: it would fail again
            failed = TrialResult(trial=trial, status=TrialStatus.FAILED, message=failure(error))
            return {
                "steps": self._run.done if self._run else 0,
                "psnr_db": LOWEST,
                "score": LOWEST,
                "done": True,
                "trial_result": failed.model_dump_json(),
                "picture": None,
            }

    def _advance(self) -> dict[str, Any]:
        run = self._run = self._run or self._begin()
        torch.set_num_threads(self._threads)  # a setting of the thread
        with WorkerPool(self._workers) as pool:
            more = run.advance(pool, self._steps)
        seconds = time.perf_counter() - self._started
        (outcome,) = run.outcomes(keep_params=not more and self._context.pictures)
        result = trial_result(self._context, self._trial, outcome, seconds, self._device)
        _keep(run, checkpoint_file(self._folder, self._trial))
        complete = result.status is TrialStatus.COMPLETE
        return {
            "steps": run.done,
            "psnr_db": result.psnr_db if complete else LOWEST,
            "score": self._score(result) if complete else LOWEST,
            "done": not more or not complete,
            "trial_result": _ended(result, stopped=more).model_dump_json(),
            "picture": trial_picture(self._context, run.jobs[0], outcome, result),
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Called by schedulers that pause trials, or copy them."""
        self._run = self._run or self._begin()
        _keep(self._run, Path(checkpoint_dir) / STATE)

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Likewise."""
        self._run = self._run or self._begin()
        _load(self._run, Path(checkpoint) / STATE)


def _keep(run: Run, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)  # a machine other than the search's has none
    replace_bytes(path, save_tensors(to_tensors(run)))


def _load(run: Run, path: Path) -> None:
    try:
        from_tensors(run, None, load_tensors(read_bytes(path)))
    except (SignalError, SafetensorError, KeyError, ValueError, RuntimeError):
        return  # there is none, or none that fits: from the beginning


def _ended(result: TrialResult, *, stopped: bool) -> TrialResult:
    """The result as it is if the trial ends here."""
    if not stopped or result.status is not TrialStatus.COMPLETE:
        return result
    steps = max(repeat.steps for repeat in result.repeats)
    message = f"after {steps} of {result.trial.training.steps} steps, at {result.psnr_db:.2f} dB"
    return result.model_copy(update={"status": TrialStatus.STOPPED, "message": message})
