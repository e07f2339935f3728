"""One run of Ray Tune, with our strategies as its searchers; the results go to our store."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

from ray import tune
from ray.tune.schedulers import (
    ASHAScheduler,
    FIFOScheduler,
    HyperBandScheduler,
    MedianStoppingRule,
    PopulationBasedTraining,
)
from ray.tune.search import Searcher

from enas_inr.errors import TrainingError, first_line
from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.folders import is_private, make_private
from enas_inr.executors.options import RayTuneOptions
from enas_inr.executors.ray.executor import RayExecutor
from enas_inr.executors.ray.log import SearchLog, progress_line
from enas_inr.executors.ray.trainable import Training, checkpoint_file
from enas_inr.executors.self_running import Loop
from enas_inr.executors.trial import make_jobs
from enas_inr.result import Picture, TrialResult, TrialStatus
from enas_inr.spec import Configuration, TrialSpec
from enas_inr.strategies.base import Strategy

REPORTS = 20  # number of reports of a trial that is not stopped early
QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # our own handler ends the search cleanly
}


def tune_trials(
    strategy: Strategy,
    options: RayTuneOptions,
    loop: Loop,
    executor: RayExecutor,
    most_steps: int | None = None,
) -> None:
    """Run Tune until enough architectures were tried, and store the result of each.

    Args:
        strategy: proposes architectures.
        options: options of Tune.
        loop: the interface to the search.
        executor: the executor with the cluster and the resources of each trial.
        most_steps: the most steps of a trial; None if all have as many.
    """
    first = strategy.propose(loop.history, (), 1)
    if not first:
        return
    os.environ.update(QUIET)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    steps = most_steps or loop.make_trial(first[0], 0).training.steps
    context = executor.context
    needs, workers = executor.cluster
    folder = trials_folder(f"{context.title}|{context.signal.info().fingerprint}")
    pbt = options.scheduler == "pbt"
    record = _Record(loop, context, folder, by_architecture=pbt, log=executor.log)
    shared = {
        "context": replace(needs.worker_context(context), pictures=context.pictures and not pbt),
        "score": loop.score,
        "folder": str(folder),
        "steps_per_report": max(1, steps // REPORTS),
        "threads": needs.threads,
    }
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(Training, **shared), {"cpu": needs.cpus, "gpu": needs.gpus}
        ),
        param_space=_population(strategy, options, record) if pbt else {},
        tune_config=tune.TuneConfig(
            search_alg=None if pbt else _Proposals(strategy, options.trials, loop),
            scheduler=_scheduler(options, steps),
            num_samples=1 if pbt else -1,
            max_concurrent_trials=workers,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(folder),
            failure_config=tune.FailureConfig(max_failures=options.retries),
            callbacks=[_Mirror(record)],
            verbose=0,
        ),
    )
    tuner.fit()
    record.end()
    shutil.rmtree(folder, ignore_errors=True)


def trials_folder(search: str) -> Path:
    """Return the folder of the unfinished trials, which is the same for the same study."""
    digest = hashlib.sha256(f"{os.getuid()}|{search}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"enas-inr-tune-{digest}"
    make_private(folder)
    # Tune unpickles what lies there, and others may write to the folder for temporary files.
    if not is_private(folder):
        raise TrainingError(
            f"the folder {folder} for unfinished trials is not this user's own",
            "remove it, or set TMPDIR to a folder of your own",
        )
    return folder


def _scheduler(options: RayTuneOptions, steps: int) -> Any:
    """Return the scheduler, which compares trials by their score at the same step."""
    grace = min(steps, options.grace_steps or max(1, steps // 10))
    common: dict[str, Any] = {"time_attr": "steps", "metric": "score", "mode": "max"}
    factor = options.reduction_factor
    match options.scheduler:
        case "asha":
            return ASHAScheduler(**common, max_t=steps, grace_period=grace, reduction_factor=factor)
        case "hyperband":
            return HyperBandScheduler(**common, max_t=steps, reduction_factor=factor)
        case "median":
            return MedianStoppingRule(**common, grace_period=grace)
        case "pbt":
            return PopulationBasedTraining(
                **common,
                perturbation_interval=grace,
                hyperparam_mutations={"learning_rate": tune.loguniform(1e-5, 1e-2)},
            )
    return FIFOScheduler()  # type: ignore[no-untyped-call]


def _population(strategy: Strategy, options: RayTuneOptions, record: _Record) -> dict[str, Any]:
    """Return all trials at once, since PBT takes no searcher, and the rates that it changes."""
    specs = strategy.propose(record.loop.history, (), options.trials)
    trials = [record.loop.make_trial(spec, number) for number, spec in enumerate(specs)]
    names = [trial.model_dump_json() for trial in trials]
    jobs = [make_jobs(record.context, [trial])[0] for trial in trials]
    rates = {name: job.learning_rate for name, job in zip(names, jobs, strict=True)}
    return {
        "trial": tune.grid_search(names),
        "learning_rate": tune.sample_from(lambda config: rates[config["trial"]]),
    }


@dataclass(eq=False)
class _Record:
    """Passes results on to our store.

    Attributes:
        log: the log of the search in Ray's dashboard.
        by_architecture: whether to pass on only the best result of each architecture, at the end,
            because PBT replaces bad trials with copies of good ones.
        latest: the best result so far, by architecture.
    """

    loop: Loop
    context: ExecutionContext
    folder: Path
    by_architecture: bool
    log: SearchLog
    latest: dict[str, TrialResult] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing: Tune pickles its state to restore it, but we restore from our store."""
        return {}

    def reported(self, result: TrialResult) -> None:
        """Handle the progress report of a trial."""
        known = self.latest.get(result.key)
        if known is None or _rank(result) >= _rank(known):
            self.latest[result.key] = result
        step = max((repeat.steps for repeat in result.repeats), default=0)
        progress = TrialProgress(
            result.trial.number,
            self.context.label(result.trial.configuration),
            step / result.trial.training.steps,
            step,
            _mean_psnr(result),
        )
        self.log.write(progress_line(progress))
        self.context.on_progress(progress)

    def ended(self, result: TrialResult, picture: Picture | None = None) -> None:
        """Handle the end of a trial, successful or not."""
        if not self.by_architecture:
            self._keep(result, picture)
        checkpoint_file(self.folder, result.trial).unlink(missing_ok=True)

    def end(self) -> None:
        """Handle the end of Tune."""
        for result in self.latest.values() if self.by_architecture else ():
            self._keep(result)

    def _keep(self, result: TrialResult, picture: Picture | None = None) -> None:
        if result.key not in {known.key for known in self.loop.history}:
            if picture:
                self.context.keep_picture(result.trial, picture)
            self.log.ended(self.context, result)
            self.loop.keep(result)


def _mean_psnr(result: TrialResult) -> float | None:
    """Return the mean PSNR over the repeats, including incomplete ones."""
    known = [r.psnr_paper_db for r in result.repeats if r.psnr_paper_db is not None]
    return sum(known) / len(known) if known else None


def _rank(result: TrialResult) -> tuple[bool, float]:
    """Return a key that is larger for better results: complete ones first, then by PSNR."""
    psnr = _mean_psnr(result)
    return result.status is TrialStatus.COMPLETE, float("-inf") if psnr is None else psnr


@final
class _Proposals(Searcher):
    """Adapts one of our strategies to Tune's interface for searchers."""

    def __init__(self, strategy: Strategy, trials: int, loop: Loop) -> None:
        super().__init__(metric="score", mode="max")
        self._propose, self._loop = strategy.propose, loop
        self._left = trials - len(loop.history)
        self._asked: list[Configuration] = []

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing, for the same reason as in `_Record`."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """Return a configuration, None to let Tune wait, or FINISHED at the end."""
        ended = {result.key for result in self._loop.history}
        pending = [spec for spec in self._asked if spec.key() not in ended]
        found = self._propose(self._loop.history, pending, 1) if self._left > 0 else ()
        if not found:
            return None if pending and self._left > 0 else Searcher.FINISHED
        number = len(ended) + len(pending)
        self._left -= 1
        self._asked.append(found[0])
        return {"trial": self._loop.make_trial(found[0], number).model_dump_json()}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: the history shows which trials have ended."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the proposals follow from our store."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing, for the same reason."""


@final
class _Mirror(tune.Callback):
    """Informs the record of all events of the trials."""

    def __init__(self, record: _Record) -> None:
        self._record = record

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Handle a report of a trial."""
        self._record.reported(TrialResult.model_validate_json(result["trial_result"]))

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Handle a trial that was trained to its end or stopped."""
        last = trial.last_result
        self._record.ended(TrialResult.model_validate_json(last["trial_result"]), last["picture"])

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Handle a trial that has failed and used up its retries."""
        error = trial.get_error()
        message = first_line(error) if isinstance(error, Exception) else str(error)
        failed = TrialSpec.model_validate_json(trial.config["trial"])
        self._record.ended(
            TrialResult(trial=failed, status=TrialStatus.FAILED, message=message.strip())
        )
