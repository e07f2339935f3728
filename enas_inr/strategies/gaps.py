"""How far two results are apart, on the cells and signals that both have."""

from __future__ import annotations

import math

from enas_inr.estimate import Sample, difference_db
from enas_inr.result import SignalResult, TrialResult


def gap(ours: TrialResult, theirs: TrialResult, worth: float) -> tuple[float, float]:
    """Return how much higher our score is, and half the width of the 95% interval of that.

    Both are compared on the cells and the signals that both have, since the difference is then
    known much better than either score.

    Args:
        ours: a complete result.
        theirs: another one.
        worth: how much of the score one decibel is worth.
    """
    assert ours.score is not None
    assert theirs.score is not None
    if ours.over and theirs.over:
        common = min(len(ours.over.signals), len(theirs.over.signals))
        us, them = ours.over.signals[:common], theirs.over.signals[:common]
        pairs = [_of_signal(a, b, worth) for a, b in zip(us, them, strict=True)]
        ahead = [pair[0] for pair in pairs]
        rule = ours.over.rule
        half = rule.interval(ahead, [pair[1] for pair in pairs], ours.over.of)
        scores = [b.score for b in them]
        higher = rule.of([b + a for b, a in zip(scores, ahead, strict=True)]) - rule.of(scores)
        return higher, half
    known = (ours.psnr_paper_db or 0) - (theirs.psnr_paper_db or 0)
    if ours.sample and theirs.sample:
        higher, half = difference_db(ours.losses, theirs.losses, _of(ours.sample, theirs.sample))
    else:
        higher, half = known, math.hypot(ours.interval_db, theirs.interval_db)
    return ours.score - theirs.score + worth * (higher - known), worth * half


def _of_signal(ours: SignalResult, theirs: SignalResult, worth: float) -> tuple[float, float]:
    """The same on one signal."""
    known = ours.psnr_paper_db - theirs.psnr_paper_db
    if ours.sample and theirs.sample:
        losses = ours.losses, theirs.losses
        higher, half = difference_db(*losses, _of(ours.sample, theirs.sample))
    else:
        higher, half = known, math.hypot(ours.interval_db, theirs.interval_db)
    return ours.score - theirs.score + worth * (higher - known), worth * half


def _of(ours: Sample, theirs: Sample) -> tuple[int, int]:
    return ours.of, theirs.of
