"""Muon orthogonalises the hidden matrices, and leaves all other numbers to Adam."""

import pytest
import torch

from enas_inr.spec import TrainingSpec
from enas_inr.testing.optimizer import toy_gradient, toy_view, toy_weights
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Step
from enas_inr.training.optimizers.muon import Muon, orthogonalise
from enas_inr.training.optimizers.options import MuonOptions

STEP = Step(1, 0.01)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_singular_values_end_near_one_and_vectors_stay():
    matrices = drawn(4, 16, 16)
    left, values, right = torch.linalg.svd(matrices)
    made = left.mT @ orthogonalise(matrices, 5) @ right.mT
    off = made - torch.diag_embed(torch.diagonal(made, dim1=1, dim2=2))
    assert float(off.abs().max()) < 1e-3
    clear = values > 0.05 * values[:, :1]
    assert torch.diagonal(made, dim1=1, dim2=2)[clear].sub(1).abs().max() < 0.4


def test_a_matrix_does_not_depend_on_its_scale_or_its_neighbours():
    matrices = drawn(3, 8, 8)
    scaled = orthogonalise(matrices * torch.tensor([1e-3, 1.0, 1e3]).view(3, 1, 1), 5)
    assert torch.allclose(scaled, orthogonalise(matrices, 5), atol=1e-4)
    assert torch.equal(orthogonalise(torch.zeros(1, 8, 8), 5), torch.zeros(1, 8, 8))


def test_hidden_matrices_are_orthogonalised_and_the_rest_is_adams():
    by_muon, by_adam, before = toy_weights(3), toy_weights(3), toy_weights(3)
    muon, adam = Muon(TrainingSpec(), MuonOptions(factor=0.5)), Adam(TrainingSpec())
    gradient = toy_gradient(before)
    hidden = [matrix.clone() for matrix in gradient.matrices]
    adam.update_(by_adam, toy_gradient(before), adam.start(by_adam), STEP)
    muon.update_(by_muon, gradient, muon.start(by_muon), STEP)
    assert len(hidden) == 2
    for old, new, slope in zip(before.matrices, by_muon.matrices, hidden, strict=True):
        # At the first step, Nesterov's direction is a multiple of the gradient.
        assert torch.allclose(new, old - 0.005 * orthogonalise(slope, 5), atol=1e-5)
    for one, other in zip(by_muon.matrices, by_adam.matrices, strict=True):
        one.copy_(other)
    assert torch.equal(by_muon.flat, by_adam.flat)


def test_adams_moments_of_hidden_matrices_stay_zero():
    weights = toy_weights(2)
    muon = Muon(TrainingSpec(), MuonOptions())
    state = muon.start(weights)
    muon.update_(weights, toy_gradient(weights), state, STEP)
    for name in ("first_moment", "second_moment"):
        assert all(not matrix.any() for matrix in toy_view(state[name]).matrices)
        assert state[name].any()


@pytest.mark.parametrize("options", [{"factor": 0}, {"momentum": 1}, {"iterations": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        MuonOptions(**options)
