import math
import random

import pytest
import torch

from enas_inr.result import psnr_paper_db
from enas_inr.training.curves import diverged_at, summarise


def by_the_book(losses: list[float], patience: int) -> tuple[int, int, float]:
    """The paper's code, step by step: stop after `patience` steps without a new minimum."""
    best, best_step = math.inf, 0
    for step, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_step = loss, step
        elif step - best_step >= patience:
            return step, best_step, best
    return len(losses), best_step, best


@pytest.mark.parametrize("patience", [1, 2, 5, 30])
def test_it_stops_where_the_paper_stops(patience):
    generator = random.Random(patience)
    for _ in range(200):
        losses = [round(generator.random() / (1 + i / 5), 2) for i in range(40)]
        summary = summarise(torch.tensor(losses, dtype=torch.float64), patience)
        steps, best_step, best = by_the_book(losses, patience)
        assert (summary.steps, summary.best_step) == (steps, best_step)
        assert summary.best_loss == pytest.approx(best)


def test_equal_losses_are_no_new_minimum():
    summary = summarise(torch.full((10,), 0.5), 3)
    assert (summary.best_step, summary.steps, summary.stopped) == (1, 4, True)


def test_a_loss_that_is_not_finite_is_divergence_at_that_step():
    for bad in (float("nan"), float("inf")):
        summary = summarise(torch.tensor([3.0, 2.0, bad, 1.0]), 200)
        assert (summary.diverged_at, summary.best_loss, summary.stopped) == (3, None, True)


def test_what_comes_after_the_stop_does_not_matter():
    summary = summarise(torch.tensor([1.0, 2.0, 2.0, float("nan"), 0.1]), 2)
    assert (summary.diverged_at, summary.best_step, summary.best_loss) == (None, 1, 1.0)


def test_psnr_of_the_paper_has_peak_one():
    assert psnr_paper_db(1.0) == 0
    assert psnr_paper_db(0.01) == pytest.approx(20)
    assert math.isfinite(psnr_paper_db(0.0))


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ([0.5, 0.4, math.inf, math.nan], 3),
        ([0.5, *[0.6] * 60], 2),
        ([0.5, *[0.49] * 60], None),  # slow
        ([0.5, 0.1, *[0.4] * 60], None),
        ([0.5, *[0.6] * 20], None),  # too early to judge
    ],
)
def test_where_a_training_has_diverged(losses, step):
    assert diverged_at(torch.tensor(losses, dtype=torch.float64)) == step
