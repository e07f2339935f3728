"""The methods of `training.py`: one SIREN for each cell, trained in common ways and by our trainer.

Each alternative is a function that performs one training step. A check compares the losses of all
methods.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from enas_inr.backbones.layered import bias_name, weight_name
from enas_inr.signals.partition import cell_coordinates
from enas_inr.signals.signal import Signal
from enas_inr.training.batch import Job
from enas_inr.training.timing import Timer, synchronize
from enas_inr.training.trainer import train
from enas_inr.training.workload import LEARNING_RATE, OMEGA, TRAINING, Config, make_job

CHECK_STEPS = 10
TOLERANCE = 1e-3  # relative, since the methods sum float32 numbers in different orders


@dataclass(frozen=True, eq=False)
class Task:
    """The task of every method: one SIREN for each cell of a signal.

    Attributes:
        job: the same task as a job for `train`.
        coordinates: coordinates of the samples of a cell, which are equal for all cells.
        targets: values of the samples.
        weights: initial weights of each layer.
        biases: initial biases of each layer.
    """

    job: Job
    device: torch.device
    coordinates: Float[Tensor, "points axes"]
    targets: Float[Tensor, "cells points channels"]
    weights: tuple[Float[Tensor, "cells out in"], ...]
    biases: tuple[Float[Tensor, "cells out"], ...]


def make_task(signal: Signal, config: Config, device: torch.device, repeats: int = 1) -> Task:
    """Cut the signal and draw the initial weights as our trainer does.

    Args:
        signal: the signal.
        config: the architecture.
        device: where it is trained.
        repeats: number of members for each cell; the cells of the task are those of all repeats.

    Raises:
        ValueError: the cells have different shapes.
    """
    job = replace(make_job(signal, config), seeds=tuple(range(repeats)))
    block = job.partition.blocks[0]
    drawn = train([job], TRAINING, device, steps=0, keep_params=True)[0].params[0]
    layers = range(config.depth + 2)
    return Task(
        job=job,
        device=device,
        coordinates=cell_coordinates(block.shape, TRAINING.coordinates).to(device),
        targets=block.values.repeat(repeats, 1, 1).to(device),
        weights=tuple(drawn[weight_name(index)].flatten(0, 1).to(device) for index in layers),
        biases=tuple(drawn[bias_name(index)].flatten(0, 1).to(device) for index in layers),
    )


Step = Callable[[], Float[Tensor, " cells"]]
"""Performs one step, and returns the mean squared error of each cell before the update."""


class Sine(nn.Module):
    """sin(omega_0 z)."""

    def forward(self, z: Tensor) -> Tensor:
        """Return sin(omega_0 z)."""
        return torch.sin(OMEGA * z)


def make_net(task: Task, cell: int) -> nn.Sequential:
    """The SIREN of one cell, with its initial weights."""
    modules: list[nn.Module] = []
    for weights, biases in zip(task.weights, task.biases, strict=True):
        linear = nn.Linear(weights.shape[2], weights.shape[1], device=task.device)
        linear.load_state_dict({"weight": weights[cell], "bias": biases[cell]})
        modules += [linear, Sine()]
    return nn.Sequential(*modules[:-1])


def make_update(
    parameters: Iterable[Tensor], *, capturable: bool = False
) -> Callable[[Tensor], Tensor]:
    """Return a function that performs one step of Adam and returns the losses `cells`.

    Cells share no weights, so the gradient of the sum of the losses contains that of each cell.

    Args:
        parameters: what to update.
        capturable: whether the step can be part of a CUDA graph.
    """
    adam = torch.optim.Adam(
        list(parameters),
        LEARNING_RATE,
        TRAINING.betas,
        TRAINING.epsilon,
        fused=True,
        capturable=capturable,
    )

    def update(losses: Tensor) -> Tensor:
        adam.zero_grad()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        adam.step()
        return losses.detach()

    return update


def make_loop(task: Task) -> Step:
    """Return the step of a Python loop over one `nn.Module` per cell."""
    nets = nn.ModuleList(make_net(task, cell) for cell in range(len(task.targets)))
    targets = task.targets.unbind()
    update = make_update(nets.parameters())

    def step() -> Tensor:
        pairs = zip(nets, targets, strict=True)
        losses = [F.mse_loss(net(task.coordinates), target) for net, target in pairs]
        return update(torch.stack(losses))

    return step


def make_vmap(task: Task) -> Step:
    """Return the step of the same modules, stacked and called by `torch.func`."""
    nets = [make_net(task, cell) for cell in range(len(task.targets))]
    parameters, _ = stack_module_state(nets)
    base = copy.deepcopy(nets[0]).to("meta")
    update = make_update(parameters.values())

    def evaluate(leaves: dict[str, Tensor]) -> Tensor:
        outputs: Tensor = functional_call(base, leaves, (task.coordinates,))
        return outputs

    def step() -> Tensor:
        outputs = vmap(evaluate)(parameters)
        return update((outputs - task.targets).square().mean(dim=(1, 2)))

    return step


def make_bmm(task: Task, *, compiled: bool = False, capturable: bool = False) -> Step:
    """Return the step with batched matrix products, in which the factor omega_0 is included.

    Args:
        task: what to train.
        compiled: whether `torch.compile` compiles the forward and the backward pass.
        capturable: whether the step can be part of a CUDA graph.
    """
    weights = [leaf.transpose(1, 2).contiguous().requires_grad_() for leaf in task.weights]
    biases = [leaf.unsqueeze(1).clone().requires_grad_() for leaf in task.biases]
    coordinates = task.coordinates.expand(len(task.targets), -1, -1)
    update = make_update([*weights, *biases], capturable=capturable)

    def evaluate() -> Tensor:
        h = coordinates
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            h = torch.sin(torch.baddbmm(bias, h, weight, beta=OMEGA, alpha=OMEGA))
        outputs = torch.baddbmm(biases[-1], h, weights[-1])
        return (outputs - task.targets).square().mean(dim=(1, 2))

    losses: Callable[[], Tensor] = torch.compile(evaluate) if compiled else evaluate
    return lambda: update(losses())


def make_compiled(task: Task) -> Step:
    """The step of `bmm` under `torch.compile`, which needs a C++ compiler for a CPU."""
    torch.compiler.reset()
    return make_bmm(task, compiled=True)


def compiler_error(device: torch.device) -> str | None:
    """Return in one line why `torch.compile` does not work here, or None if it does."""
    try:
        torch.compile(torch.sin)(torch.ones(2, device=device))
    except Exception as error:  # there are many reasons, each with its own exception
        return str(error).strip().partition("\n")[0] or type(error).__name__
    return None


def step_timer(step: Step, device: torch.device) -> Timer:
    """Measures the time of the steps of an alternative."""

    def seconds(steps: int) -> float:
        synchronize(device)
        started = time.perf_counter()
        for _ in range(steps):
            step()
        synchronize(device)
        return (time.perf_counter() - started) / steps

    return seconds


ALTERNATIVES: Mapping[str, Callable[[Task], Step]] = {
    "loop": make_loop,
    "vmap": make_vmap,
    "bmm": make_bmm,
}
COMPILED = "compile"
OURS = "ours"


def our_losses(task: Task, steps: int) -> Float[Tensor, " steps"]:
    """Return the mean loss before each step of our trainer."""
    return train([task.job], TRAINING, task.device, steps=steps)[0].losses.mean(dim=0)


def deviations(task: Task, alternatives: Mapping[str, Step]) -> dict[str, float]:
    """Return the relative deviation of the mean loss of each alternative from that of our trainer.

    Returns:
        The largest deviation over 10 steps, or NaN if a loss is NaN.
    """
    ours = our_losses(task, CHECK_STEPS + 1)
    found = {}
    for name, step in alternatives.items():
        theirs = torch.stack([step().double().mean() for _ in range(CHECK_STEPS + 1)]).cpu()
        found[name] = float(((theirs - ours).abs() / ours).max())
    return found


def check(task: Task, alternatives: Mapping[str, Step]) -> None:
    """Compare the losses of the methods.

    Raises:
        SystemExit: the losses differ.
    """
    found = deviations(task, alternatives)
    if not all(deviation <= TOLERANCE for deviation in found.values()):
        sys.exit(f"the methods disagree: relative deviations {found}, allowed {TOLERANCE}")
