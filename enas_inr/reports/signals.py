"""What the configurations of a study reach on each signal of a set."""

from __future__ import annotations

from dataclasses import dataclass

from enas_inr.result import RepeatResult, TrialResult, TrialStatus, best_of, compared
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import StudyRecord


@dataclass(frozen=True)
class SignalRow:
    """What a study has found on one signal of its set.

    Attributes:
        name: name of the signal.
        number: its number.
        shape: its samples along each axis.
        psnr_db: PSNR of the best configuration of the study.
        score: score of it on this signal.
        rank: its place by the score among all that were trained on this signal, from 1.
        of: number of these.
        best: the configuration that is best on this signal.
        psnrs_db: PSNR of each configuration.
        trial: number of the stored trial of the best configuration of the study.
    """

    name: str
    number: int
    shape: tuple[int, ...]
    psnr_db: float
    score: float
    rank: int
    of: int
    best: str
    psnrs_db: tuple[float, ...]
    trial: int


def signal_rows(study: StudyRecord) -> list[SignalRow]:
    """Return a row for each signal, the one with the highest PSNR first; none without a set."""
    winner = best_of(compared(study.results, study.trace))
    if winner is None or winner.over is None:
        return []
    latest = {result.key: result for result in study.results if result.over}
    rows = []
    for ours in winner.over.signals:
        known = [
            (one.score, one.psnr_paper_db, result)
            for result in latest.values()
            for one in (result.over.signals if result.over else ())
            if one.signal == ours.signal
        ]
        best = max(known, key=lambda one: one[0])[2]
        info = study.spec.signals[ours.signal]
        rows.append(
            SignalRow(
                name=info.name,
                number=ours.signal,
                shape=info.shape,
                psnr_db=ours.psnr_paper_db + PSNR_OFFSET_DB,
                score=ours.score,
                rank=1 + sum(score > ours.score for score, _, _ in known),
                of=len(known),
                best=study.name_of(best),
                psnrs_db=tuple(psnr + PSNR_OFFSET_DB for _, psnr, _ in known),
                trial=ours.number,
            )
        )
    return sorted(rows, key=lambda row: row.psnr_db, reverse=True)


def on_signal(result: TrialResult, row: SignalRow) -> TrialResult:
    """Return the result of a configuration on one signal of the set, for a picture of it."""
    repeat = RepeatResult(
        status=TrialStatus.COMPLETE, steps=1, psnr_paper_db=row.psnr_db - PSNR_OFFSET_DB
    )
    return result.model_copy(update={"repeats": (repeat,), "score": row.score, "over": None})
