"""The state of a run as named tensors: the best weights of each member, and checkpoints.

A checkpoint of a run (`to_tensors`) is for the same jobs; a job can also be taken out of a run, and
go on in another one (`states_of_jobs`).

The loss of a member at the first step of a round is exactly that of its weights when the round
starts. Each member therefore keeps the best of its weights at the starts of rounds, at the cost of
one copy for each round. Only rounds that start at a multiple of `Run.every` count, because the
length of rounds depends on the machine, and the result must not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.training.batch import Batch
from enas_inr.training.kernel import ChunkState
from enas_inr.training.run import Run

WEIGHTS = "weights"


def gather(batch: Batch, kind: str = WEIGHTS) -> Params:
    """Copy one kind of a batch's numbers to the CPU, as leaves `members ...`.

    Args:
        batch: the batch.
        kind: `weights`, or the name of a state of the optimizer. A state that is not one number
            for each weight is a single leaf with an empty name.
    """
    parts = [_leaves(batch, chunk, kind) for chunk in batch.chunks]
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def scatter(batch: Batch, leaves: Params, kind: str = WEIGHTS) -> None:
    """Copy leaves `members ...` into the chunks."""
    for chunk, _, place in batch.by_chunk():
        for name, view in _leaves(batch, chunk, kind).items():
            view.copy_(leaves[name][place])


def _leaves(batch: Batch, chunk: ChunkState, kind: str) -> Params:
    """Return one kind of a chunk's numbers as views `members ...`."""
    held = chunk.weights if kind == WEIGHTS else chunk.state[kind]
    return batch.packing.unpack(held) if held.shape == chunk.weights.shape else {"": held}


def kinds(batch: Batch) -> tuple[str, ...]:
    """Return the kinds of numbers of a batch: the weights, and the states of the optimizer."""
    return (WEIGHTS, *batch.chunks[0].state)


class BestWeights:
    """Each member's best weights so far.

    Attributes:
        losses: for each batch, the members' losses with these weights.
        leaves: for each batch, the weights, `members ...` on the CPU.
        now: for each batch, the weights at the last step that counts.
        final: for each batch, whether a member has stopped, so that its weights do not count any
            more. It may be trained further, since it shares a chunk with others.
    """

    def __init__(self, run: Run) -> None:
        self.losses = [torch.full((len(batch.members),), torch.inf) for batch in run.batches]
        self.leaves = [gather(batch) for batch in run.batches]
        self.now = [gather(batch) for batch in run.batches]
        self.final = [torch.zeros(len(batch.members), dtype=torch.bool) for batch in run.batches]
        self._known = False  # whether `now` has been compared

    def update(self, run: Run) -> None:
        """Compare the weights of the last step that counts; to be called after each round."""
        if not self._known:
            self._compare(run)
        self._known = run.done != run.decided
        if not self._known:
            self.now = [gather(batch) for batch in run.batches]

    def resume(self, run: Run) -> None:
        """Resume from a checkpoint, which is written after an update."""
        self._known = run.done != run.decided
        self.now = [gather(batch) for batch in run.batches]

    def _compare(self, run: Run) -> None:
        stopped = torch.ones(len(run.slots), dtype=torch.bool)
        stopped[list(run.trained)] = False
        for index, first in enumerate(run.first_losses):
            better = (first < self.losses[index]) & ~self.final[index]
            self.losses[index][better] = first[better]
            for name, leaf in self.leaves[index].items():
                leaf[better] = self.now[index][name][better]
            # Those at which a repeat stopped were compared just now, unless it was not trained.
            self.final[index] |= stopped[run.member_rows[index]] & (first != torch.inf)

    def of(self, index: int) -> dict[str, Params]:
        """Return what is known of the members of a batch, by kind, as leaves `members ...`."""
        known = {"losses": self.losses[index], "final": self.final[index]}
        return {"best": self.leaves[index], "best_known": known}

    def mse(self, run: Run) -> Float[Tensor, " slots"]:
        """The mean squared error of the whole signal with these weights, for each slot."""
        total = torch.zeros(len(run.slots), dtype=torch.float64)
        for batch, rows, losses in zip(run.batches, run.member_rows, self.losses, strict=True):
            total.index_add_(0, rows, losses.double() * batch.share)
        return total


def to_tensors(run: Run) -> dict[str, Tensor]:
    """Return everything that is needed to resume a run of the same jobs.

    The tensors of the run are copied, so that further training does not change them.
    """
    tensors = {
        "losses": run.losses[:, : run.done].clone(memory_format=torch.contiguous_format),
        "done": torch.tensor(run.done),
    }
    for index, batch in enumerate(run.batches):
        for kind in kinds(batch):
            leaves = gather(batch, kind)
            tensors |= {f"{index}.{kind}.{n}": _real(leaf) for n, leaf in leaves.items()}
    return tensors


def from_tensors(run: Run, tensors: Mapping[str, Tensor]) -> None:
    """Bring a run of equal jobs to the state in which `to_tensors` was called.

    Raises:
        KeyError, ValueError, RuntimeError: the tensors are not of such a run.
    """
    run.done = int(tensors["done"])
    run.losses[:, : run.done] = tensors["losses"]
    for index, batch in enumerate(run.batches):
        for kind in kinds(batch):
            scatter(batch, _named(tensors, f"{index}.{kind}.", gather(batch, kind)), kind)


def states_of_jobs(run: Run, best: BestWeights | None = None) -> list[dict[str, Tensor]]:
    """Return, for each job of a run, the state from which it can go on in whatever other run.

    That of a job whose steps are all made has the final weights of its first repeat alone, and the
    cells that they belong to, unless the best weights are to be in it as well.
    """
    ended = run.done == run.steps and best is None
    states: list[dict[str, Tensor]] = []
    for number, job in enumerate(run.jobs):
        rows = [run.rows[number, repeat] for repeat in range(len(job.seeds))]
        known = {"done": torch.tensor(run.done), "retried": torch.tensor(job.retried)}
        states.append(known if ended else known | {"losses": run.losses[rows, : run.done]})
    for index, batch in enumerate(run.batches):
        named = {kind: gather(batch, kind) for kind in ([WEIGHTS] if ended else kinds(batch))}
        if best:
            named |= best.of(index)
        if ended:
            constants = [chunk.constants for chunk in batch.chunks]
            named["constants"] = {
                name: torch.cat([part[name] for part in constants]).cpu() for name in constants[0]
            }
        for number, mine in _rows_of_jobs(batch, first_repeat=ended):
            for kind, leaves in named.items():
                states[number] |= {
                    f"{batch.block}.{kind}.{name}": _real(leaf[mine])
                    for name, leaf in leaves.items()
                }
            if ended:
                cells = run.jobs[number].partition.blocks[batch.block].cells
                states[number][f"{batch.block}.cells"] = torch.tensor(cells)
    return states


def final_weights(state: Mapping[str, Tensor], like: Params) -> list[tuple[list[int], Params]]:
    """Return the weights and constants of a state whose steps are all made.

    Args:
        state: as of `states_of_jobs`.
        like: leaves of one such member.

    Returns:
        For each block, its cells, and their leaves `cells ...`.

    Raises:
        KeyError, ValueError: the state has other leaves.
    """
    found: list[tuple[list[int], Params]] = []
    for key in [name for name in state if name.endswith(".cells")]:
        block, cells = key.removesuffix(".cells"), state[key].tolist()
        leaves = {}
        for name, leaf in like.items():
            kinds = [k for k in (WEIGHTS, "constants") if f"{block}.{k}.{name}" in state]
            stored = state[f"{block}.{kinds[0]}.{name}"] if kinds else state[name]
            leaves[name] = torch.view_as_complex(stored) if leaf.is_complex() else stored
            if leaves[name].shape != (len(cells), *leaf.shape[1:]):
                raise ValueError(f"{name} has shape {tuple(stored.shape)}")
        found.append((cells, leaves))
    return found


def restore_jobs(
    run: Run, states: Sequence[Mapping[str, Tensor]], best: BestWeights | None = None
) -> None:
    """Bring the jobs of a run to their states, which have all made as many steps.

    Args:
        run: a new run of the jobs.
        states: the state of each job; that of one that has been dropped may be empty.
        best: the best weights of the run, if they are in the states.

    Raises:
        KeyError, ValueError, RuntimeError: the tensors are not of such jobs.
    """
    for number, state in enumerate(states):
        if state:
            rows = [run.rows[number, repeat] for repeat in range(len(run.jobs[number].seeds))]
            run.done = int(state["done"])
            if not 0 <= run.done <= run.steps:
                raise ValueError(f"{run.done} of {run.steps} steps are done")
            run.losses[rows, : run.done] = state["losses"]
    for index, batch in enumerate(run.batches):
        held: dict[str, Params] = {kind: gather(batch, kind) for kind in kinds(batch)}
        for kind, leaves in (held | (best.of(index) if best else {})).items():
            for number, mine in _rows_of_jobs(batch):
                like = {name: leaf[mine] for name, leaf in leaves.items()}
                prefix = f"{batch.block}.{kind}."
                if states[number]:
                    for name, leaf in _named(states[number], prefix, like).items():
                        leaves[name][mine] = leaf
        for kind, leaves in held.items():
            scatter(batch, leaves, kind)
    if best:
        best.resume(run)


def _rows_of_jobs(batch: Batch, first_repeat: bool = False) -> Iterator[tuple[int, list[int]]]:
    """Iterate over the jobs of a batch, with the rows of their members in it."""
    rows: dict[int, list[int]] = {}
    for row, member in enumerate(batch.members):
        if member.repeat == 0 or not first_repeat:
            rows.setdefault(member.job, []).append(row)
    return iter(rows.items())


def _named(tensors: Mapping[str, Tensor], prefix: str, like: Params) -> Params:
    leaves = {}
    for name, leaf in like.items():
        stored = tensors[prefix + name]
        leaves[name] = torch.view_as_complex(stored) if leaf.is_complex() else stored
        if leaves[name].shape != leaf.shape:
            raise ValueError(f"{prefix + name} has shape {tuple(stored.shape)}")
    return leaves


def _real(leaf: Tensor) -> Tensor:
    return (torch.view_as_real(leaf) if leaf.is_complex() else leaf).contiguous()
