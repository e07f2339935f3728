"""A trial of Ray Tune, trained in intervals of some steps, with a report after each interval.

A trial keeps its own checkpoint in a folder. If its worker, its node or the search is killed, the
trial continues from there, even if Tune then gives it another name.
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
from torch import Tensor

from enas_inr.errors import EnasInrError, SignalError
from enas_inr.executors.base import ExecutionContext
from enas_inr.executors.trial import (
    failed_result,
    failure,
    make_jobs,
    trial_picture,
    trial_result,
)
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.signals.files import read_bytes, replace_bytes
from enas_inr.spec import TrialSpec
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import to_tensors
from enas_inr.training.device import resolve_device
from enas_inr.training.run import Outcome, Run
from enas_inr.training.trainer import Trainer
from enas_inr.training.workers import WorkerPool

STATE = "state.safetensors"
RETRIED = "retried"  # in the state: whether it is that of a second attempt (see `Job.slower`)
LOWEST = -1e9  # the metrics of a trial that is not complete, because Tune requires numbers


def checkpoint_file(folder: Path, trial: TrialSpec) -> Path:
    """Return the checkpoint file of a trial that has not ended."""
    digest = hashlib.sha256(trial.model_dump_json(exclude={"number"}).encode()).hexdigest()
    return folder / f"{digest[:24]}.safetensors"


@final
class Training(tune.Trainable):
    """Trains the trial in `config["trial"]` (JSON), `steps_per_report` steps at a time."""

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
        self._trainer: Trainer | None = None
        self._done = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Called by Tune to use the actor again for another trial."""
        self._trainer, self._done = None, 0
        return True

    def _begun(self) -> Trainer:
        """Initialise the trial's members, or load them from its checkpoint, on the first call.

        This is done in the first step and not in `setup`, because Tune retries only a trial whose
        worker dies in a step.
        """
        torch.set_num_threads(self._threads)  # applies to the current thread only
        if self._trainer is None:
            trial = TrialSpec.model_validate_json(self.config["trial"])
            if "learning_rate" in self.config:  # PBT changes it
                rate = self.config["learning_rate"]
                training = trial.training.model_copy(update={"learning_rate": rate})
                trial = trial.model_copy(update={"training": training})
            self._trial, self._started = trial, time.perf_counter()
            self._device = resolve_device(self._context.device)
            (job,) = make_jobs(self._context, [trial])
            return self._load(self._train(job), checkpoint_file(self._folder, trial))
        return self._trainer

    def _train(self, job: Job) -> Trainer:
        """Train a job from now on, from its beginning."""
        self._job, share = job, self._context.share
        self._trainer = Trainer([job], self._trial.training, self._device, share=share)
        return self._trainer

    def step(self) -> dict[str, Any]:
        """Train some steps. Called by Tune until its scheduler stops the trial."""
        try:
            return self._advance()
        except EnasInrError as error:  # a retry would fail in the same way
            trial = TrialSpec.model_validate_json(self.config["trial"])
            failed = failed_result(self._context, trial, failure(error))
            return {
                "steps": self._done,
                "psnr_db": LOWEST,
                "score": LOWEST,
                "done": True,
                "trial_result": failed.model_dump_json(),
                "picture": None,
            }

    def _advance(self) -> dict[str, Any]:
        trainer = self._begun()

        def work(run: Run, pool: WorkerPool) -> tuple[bool, Outcome, dict[str, Tensor]] | None:
            # A second attempt catches up with the first one: schedulers expect that steps rise.
            behind = max(self._done - run.done, 0) if self._job.retried else 0
            reported = run.done + behind
            more = run.advance(pool, behind + self._steps)
            run.drop_diverged()
            self._done = reported if run.dropped else run.done
            if run.dropped:
                return None
            (outcome,) = run.outcomes(keep_params=not more and self._context.pictures)
            return more, outcome, self._state(run)

        advanced = trainer.attempt(work)
        if advanced is None:
            self._train(self._job.slower())
            return self._advance()
        more, outcome, state = advanced
        trainer.keep(state)
        _keep(state, checkpoint_file(self._folder, self._trial))
        seconds = time.perf_counter() - self._started
        result = trial_result(self._context, self._trial, outcome, seconds)
        complete = result.status is TrialStatus.COMPLETE
        return {
            "steps": self._done,
            "psnr_db": result.psnr_db if complete else LOWEST,
            "score": self._score(result) if complete else LOWEST,
            "done": not more or not complete,
            "trial_result": _ended(result, stopped=more).model_dump_json(),
            "picture": trial_picture(self._context, self._job, outcome, result),
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Save the state. Called by schedulers that pause or copy trials."""
        state = self._begun().attempt(lambda run, pool: self._state(run))
        _keep(state, Path(checkpoint_dir) / STATE)

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Load the state. Called by the same schedulers."""
        self._load(self._begun(), Path(checkpoint) / STATE)

    def _state(self, run: Run) -> dict[str, Tensor]:
        return to_tensors(run) | {RETRIED: torch.tensor(self._job.retried)}

    def _load(self, trainer: Trainer, path: Path) -> Trainer:
        """Go on from a checkpoint, if there is one that fits; else train from the beginning.

        Returns:
            The trainer, which is another one if the checkpoint is that of a second attempt.
        """
        try:
            state = load_tensors(read_bytes(path))
            if bool(state.pop(RETRIED, False)) and not self._job.retried:
                trainer = self._train(self._job.slower())
            trainer.go_on_from(state)
        except (SignalError, SafetensorError, KeyError, ValueError, RuntimeError):
            pass
        return trainer


def _keep(state: dict[str, Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)  # missing on machines other than the search's
    replace_bytes(path, save_tensors(state))


def _ended(result: TrialResult, *, stopped: bool) -> TrialResult:
    """Return the result of the trial if it ends here."""
    if not stopped or result.status is not TrialStatus.COMPLETE:
        return result
    steps = max(repeat.steps for repeat in result.repeats)
    message = f"after {steps} of {result.trial.training.steps} steps, at {result.psnr_db:.2f} dB"
    return result.model_copy(update={"status": TrialStatus.STOPPED, "message": message})
