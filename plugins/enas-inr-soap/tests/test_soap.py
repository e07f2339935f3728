import pytest
import torch
from enas_inr_soap.options import SoapOptions
from enas_inr_soap.soap import Rotated, Soap

from enas_inr.spec import TrainingSpec
from enas_inr.testing import OptimizerSuite, installed
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Numbers, Step

MEMBERS, SIDE = 3, 8


class TestSoap(OptimizerSuite):
    @pytest.fixture
    def plugin(self):
        return installed("optimizer", "soap")


def view(flat):
    """Two hidden matrices of each member, then its other numbers."""
    size = MEMBERS * SIDE * SIDE
    pieces = flat[:size], flat[size : 2 * size]
    return Numbers(flat, tuple(piece.view(MEMBERS, SIDE, SIDE) for piece in pieces), MEMBERS)


def numbers(seed):
    generator = torch.Generator().manual_seed(seed)
    return view(torch.randn(MEMBERS * (2 * SIDE * SIDE + 5), generator=generator))


def weights_of_all():
    return numbers(0)


def gradient_of_all():
    return numbers(1)


def drawn(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(MEMBERS, SIDE, SIDE, generator=generator, dtype=torch.float64)


def new_layer():
    return Rotated(*(torch.zeros(MEMBERS, SIDE, SIDE, dtype=torch.float64) for _ in range(6)))


def diagonals(matrices):
    return torch.diagonal(matrices, dim1=1, dim2=2)


def off_diagonal(matrices):
    return (matrices - torch.diag_embed(diagonals(matrices))).abs().max()


def test_the_first_gradient_is_diagonal_in_its_own_bases():
    layer, slope = new_layer(), drawn()
    layer.observe_(slope, 0.9)
    layer.find_bases_()
    rotated = layer.rotate(slope)
    assert off_diagonal(rotated) < 1e-9
    torch.testing.assert_close(diagonals(rotated).abs(), torch.linalg.svdvals(slope))
    torch.testing.assert_close(layer.rotate_back(rotated), slope)


def test_refreshed_bases_approach_the_eigenvectors():
    layer = new_layer()
    layer.observe_(drawn(0), 0.0)
    layer.find_bases_()
    layer.left.copy_(drawn(1) @ drawn(1).mT)

    def rest():
        return off_diagonal(layer.left_basis.mT @ layer.left @ layer.left_basis)

    before = rest()
    for _ in range(200):
        layer.refresh_bases_()
    assert rest() < 1e-3 * before
    identity = torch.eye(SIDE, dtype=torch.float64).expand(MEMBERS, -1, -1)
    torch.testing.assert_close(layer.left_basis.mT @ layer.left_basis, identity)


def test_a_refresh_keeps_the_first_moment_and_reorders_the_second():
    layer = new_layer()
    layer.left_basis.copy_(torch.eye(SIDE))
    layer.right_basis.copy_(torch.eye(SIDE))
    rising = torch.arange(1.0, SIDE + 1).double()
    layer.left.copy_(torch.diag(rising))
    layer.right.copy_(torch.diag(rising))
    layer.first_moment.copy_(drawn(2))
    layer.second_moment.copy_(drawn(3).square())
    second = layer.second_moment.clone()
    layer.refresh_bases_()
    torch.testing.assert_close(layer.rotate_back(layer.first_moment), drawn(2))
    assert torch.equal(layer.second_moment, second.flip(1, 2))


def test_the_first_step_leaves_the_matrices_and_all_else_is_adams():
    by_soap, by_adam, before = weights_of_all(), weights_of_all(), weights_of_all()
    soap, adam = Soap(TrainingSpec()), Adam(TrainingSpec())
    states = soap.start(by_soap), adam.start(by_adam)
    for number in (1, 2):
        soap.update_(by_soap, gradient_of_all(), states[0], Step(number, 0.01))
        adam.update_(by_adam, gradient_of_all(), states[1], Step(number, 0.01))
        unchanged = [
            torch.equal(new, old)
            for new, old in zip(by_soap.matrices, before.matrices, strict=True)
        ]
        assert unchanged == [number == 1] * 2
    for one, other in zip(by_soap.matrices, by_adam.matrices, strict=True):
        one.copy_(other)
    assert torch.equal(by_soap.flat, by_adam.flat)
    for name in ("first_moment", "second_moment"):
        assert all(not matrix.any() for matrix in view(states[0][name]).matrices)


def test_in_bases_of_the_axes_the_direction_is_adams():
    weights, other = weights_of_all(), weights_of_all()
    soap, adam = Soap(TrainingSpec(), SoapOptions(every=1_000, factor=0.5)), Adam(TrainingSpec())
    state, other_state = soap.start(weights), adam.start(other)
    soap.update_(weights, gradient_of_all(), state, Step(1, 0.01))
    for name, value in state.items():
        if "basis" in name:
            value.copy_(torch.eye(SIDE))
    before = [matrix.clone() for matrix in weights.matrices]
    soap.update_(weights, gradient_of_all(), state, Step(2, 0.01))
    adam.update_(other, gradient_of_all(), other_state, Step(1, 0.005))
    for old, new, expected, start in zip(
        before, weights.matrices, other.matrices, weights_of_all().matrices, strict=True
    ):
        torch.testing.assert_close(new - old, expected - start, atol=1e-6, rtol=0)


@pytest.mark.parametrize("options", [{"factor": 0}, {"decay": 1}, {"every": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SoapOptions(**options)
