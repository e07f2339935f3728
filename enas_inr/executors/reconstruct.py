"""Reconstruct the signal of a finished trial by training it once more.

The tensors of a trial are not kept, but they are a function of its seed: the best repeat, trained
again up to its best step, gives the signal to which the PSNR of the result belongs.
"""

from __future__ import annotations

from dataclasses import replace

from enas_inr.errors import TrainingError
from enas_inr.executors.base import ExecutionContext, TrialProgress
from enas_inr.executors.trial import make_jobs
from enas_inr.result import TrialResult
from enas_inr.signals.signal import Signal
from enas_inr.training.device import resolve_device
from enas_inr.training.evaluate import evaluate
from enas_inr.training.run import Progress
from enas_inr.training.trainer import train


def reconstruct(context: ExecutionContext, result: TrialResult) -> Signal:
    """Return the reconstruction of the best repeat, in the format of the signal.

    Raises:
        TrainingError: the trial is not complete.
        PluginError: the backbone comes from a plugin and fails.
    """
    repeat, step = _best_repeat(result)
    whole = result.trial.model_copy(update={"part": None})
    (job,) = make_jobs(context, [whole])
    job = replace(job, seeds=(job.seeds[repeat],))
    label = f"reconstruction of {result.trial.configuration.label()}"

    def tell(progress: Progress) -> None:
        context.on_progress(
            TrialProgress(None, label, progress.done, progress.step, progress.psnr_paper_db)
        )

    training = result.trial.training
    # The loss of a step belongs to the weights before its update.
    (outcome,) = train(
        [job],
        training,
        resolve_device(context.device),
        steps=step - 1,
        keep_params=True,
        on_progress=tell,
    )
    values = evaluate(job, outcome.params, training, 0)
    return replace(context.signal, values=values, name=f"{context.signal.name}-reconstruction")


def _best_repeat(result: TrialResult) -> tuple[int, int]:
    """Return the index and the best step of the repeat with the highest PSNR."""
    known = [
        (repeat.psnr_paper_db, index, repeat.best_step)
        for index, repeat in enumerate(result.repeats)
        if repeat.psnr_paper_db is not None and repeat.best_step is not None
    ]
    if not known:
        raise TrainingError(f"trial {result.trial.number} is {result.status}", "choose another")
    _, index, step = max(known)
    return index, step
