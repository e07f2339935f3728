"""The conformance suite for optimizers, which update toy members on quadratics and on a signal.

Example::

    class TestMine(OptimizerSuite):
        @pytest.fixture
        def plugin(self):
            return installed("optimizer", "mine")
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.options import SirenOptions
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.errors import ContractError
from enas_inr.signals.partition import cut
from enas_inr.spec import TrainingSpec
from enas_inr.testing.plugin import Plugin, Suite, require
from enas_inr.testing.toys import toy_shape, toy_signal
from enas_inr.training.batch import Job
from enas_inr.training.checkpoint import from_tensors, to_tensors
from enas_inr.training.optimizers.base import Numbers, Optimizer, Step
from enas_inr.training.optimizers.checks import check_state
from enas_inr.training.packing import LayeredPacking
from enas_inr.training.run import Run
from enas_inr.training.trainer import train
from enas_inr.training.workers import WorkerPool

SHAPE = NetShape(in_features=2, out_features=3, depth=2, width=8)
MEMBERS = 3
STEPS = 40
RATE = 1e-2
TOLERANCE = 1e-3  # relative: batches may sum in another order, and training amplifies that
COMPARED = 10  # steps, before roundings grow
CAREFUL_RATE = 1e-3
LEARNED_STEPS, LEARNED_RATE = 100, 3e-3
TRAINING = TrainingSpec(steps=STEPS, patience=1000, learning_rate=RATE)
WORKSPACE = 2**22  # bytes of a chunk


class OptimizerSuite(Suite):
    """The rules for optimizers. Derive a test class with a fixture `plugin` that returns yours."""

    def test_the_state_fits(self, plugin: Plugin) -> None:
        """The state consists of tensors shaped like the numbers, or with the members first."""
        optimizer, weights = make(plugin), toy_weights(MEMBERS)
        state = optimizer.start(weights)
        try:
            check_state(optimizer, state, weights)
        except ContractError as error:
            require(False, str(error))

    def test_an_update_is_in_place(self, plugin: Plugin) -> None:
        """An update changes the weights and the state in place, and adds no state."""
        optimizer, weights = make(plugin), toy_weights(MEMBERS)
        before, state = weights.flat.clone(), optimizer.start(weights)
        held = dict(state)
        optimizer.update_(weights, toy_gradient(weights), state, Step(1, RATE))
        require(not torch.equal(weights.flat, before), "the weights did not change")
        require(
            state.keys() == held.keys() and all(state[name] is held[name] for name in held),
            "the state holds other tensors after an update; return all of them from `start`, and "
            "change them in place",
        )

    def test_without_a_gradient_nothing_breaks(self, plugin: Plugin) -> None:
        """Members whose gradient is zero keep finite weights."""
        optimizer, weights = make(plugin), toy_weights(MEMBERS)
        state = optimizer.start(weights)
        for number in range(1, 4):
            nothing = toy_view(torch.zeros_like(weights.flat))
            optimizer.update_(weights, nothing, state, Step(number, RATE))
        require(
            bool(weights.flat.isfinite().all()),
            "weights are not finite after updates with a gradient of zero; add a small number to "
            "every denominator",
        )

    def test_a_quadratic_decreases(self, plugin: Plugin) -> None:
        """On a quadratic function, the loss of every member falls to a tenth."""
        optimizer, weights = make(plugin), toy_weights(MEMBERS)
        state = optimizer.start(weights)
        target = toy_weights(MEMBERS, seed=7).flat
        first = _losses(weights.flat - target)
        for number in range(1, 20 * STEPS + 1):
            gradient = toy_view(weights.flat - target)
            optimizer.update_(weights, gradient, state, Step(number, RATE))
        last = _losses(weights.flat - target)
        require(
            bool((last < 0.1 * first).all()),
            f"after {20 * STEPS} steps on a quadratic, the losses of the members fell from "
            f"{first.tolist()} to {last.tolist()}",
        )

    def test_the_rate_scales_the_update(self, plugin: Plugin) -> None:
        """A learning rate of zero leaves the weights as they are."""
        optimizer, weights = make(plugin), toy_weights(MEMBERS)
        before, state = weights.flat.clone(), optimizer.start(weights)
        optimizer.update_(weights, toy_gradient(weights), state, Step(1, 0.0))
        require(
            torch.equal(weights.flat, before),
            "the weights changed although the learning rate was 0; multiply the update by "
            "`step.rate`, which follows the schedule",
        )

    def test_a_batched_member_equals_one_trained_alone(self, plugin: Plugin) -> None:
        """A member that is trained in a batch has the losses of the same member trained alone."""
        together = _fit(plugin, (0, 1, 2), COMPARED, CAREFUL_RATE)
        for index, seed in enumerate((0, 1, 2)):
            alone = _fit(plugin, (seed,), COMPARED, CAREFUL_RATE)[0]
            worst = float(((together[index] - alone) / alone).abs().max())
            require(
                worst < TOLERANCE,
                f"the losses of a member differ by up to {worst:.2g} (relative) between a batch "
                "and a training alone; members must not influence each other",
            )

    def test_a_resumed_training_is_equal(self, plugin: Plugin) -> None:
        """A training that is resumed from a checkpoint has the same losses, to the last bit."""
        whole, resumed = _start(plugin), _start(plugin)
        with WorkerPool(1) as pool:
            whole.advance(pool, STEPS // 2)
            from_tensors(resumed, to_tensors(whole))
            whole.advance(pool, STEPS)
            resumed.advance(pool, STEPS)
        require(
            torch.equal(whole.losses, resumed.losses),
            "the losses differ after a resume; keep everything that changes in the state that "
            "`start` returns, and use `step.number` instead of counting",
        )

    def test_a_signal_is_learned(self, plugin: Plugin) -> None:
        """The loss on a signal falls to a half."""
        losses = _fit(plugin, (0,), LEARNED_STEPS, LEARNED_RATE)[0]
        require(
            float(losses.min()) < 0.5 * float(losses[0]),
            f"the loss on a signal fell from {float(losses[0]):.3g} only to "
            f"{float(losses.min()):.3g} in {LEARNED_STEPS} steps",
        )


def make(plugin: Plugin) -> Optimizer:
    """Make an optimizer as a training does."""
    optimizer: Optimizer = plugin.create(TRAINING)
    return optimizer


def toy_weights(members: int, seed: int = 0) -> Numbers:
    """Return the numbers of newly initialised SIREN members of depth 2 and width 8."""
    params = _siren().init(SHAPE, [seed + index for index in range(members)])
    return toy_view(_packing().pack(params))


def toy_view(flat: Float[Tensor, " flat"]) -> Numbers:
    """Return the view of a flat buffer of such members."""
    return _packing().view(flat)


def toy_gradient(weights: Numbers) -> Numbers:
    """Return random numbers as a gradient."""
    generator = torch.Generator().manual_seed(1)
    return toy_view(torch.randn(weights.flat.shape, generator=generator))


def _losses(error: Float[Tensor, " flat"]) -> Float[Tensor, " members"]:
    """Return half the square of the error of each member."""
    layers = _packing().matrices(error.square())
    return torch.stack([layer.sum(dim=(1, 2)) for layer in layers]).sum(dim=0) / 2


def _siren() -> Siren:
    return Siren(SirenOptions(bias_init="fan_in"))


def _packing() -> LayeredPacking:
    return LayeredPacking(_siren().layers(SHAPE))


def _job(plugin: Plugin, seeds: tuple[int, ...], rate: float) -> Job:
    signal = toy_signal(toy_shape(2), SHAPE.out_features)
    return Job(_siren(), SHAPE, cut(signal.values, (1, 1)), seeds, rate, make(plugin))


def _fit(
    plugin: Plugin, seeds: tuple[int, ...], steps: int, rate: float
) -> Float[Tensor, "seeds steps"]:
    return train([_job(plugin, seeds, rate)], TRAINING, torch.device("cpu"), steps=steps)[0].losses


def _start(plugin: Plugin) -> Run:
    return Run.start([_job(plugin, (0, 1), RATE)], TRAINING, torch.device("cpu"), WORKSPACE, 1)
