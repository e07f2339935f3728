"""The header of a model whose numbers were trained by other code than ours."""

from __future__ import annotations

import torch

from enas_inr.backbones.base import Params
from enas_inr.errors import ModelError
from enas_inr.model.file import digest_of_leaves
from enas_inr.model.header import ModelHeader, StartNote


def header_of_trained(
    header: ModelHeader, before: Params, after: Params, source: str
) -> ModelHeader:
    """Return the header of other numbers; the same if they are the same.

    Args:
        header: that of the model from which they were trained.
        before: the leaves of all cells of that model.
        after: the leaves that were made of them, on the CPU.
        source: from what they were trained, in words; the name of the signal by default.

    Raises:
        ModelError: the leaves are of another architecture, or a number is not finite.
    """
    ours, theirs = ({n: tuple(leaf.shape) for n, leaf in some.items()} for some in (before, after))
    if ours != theirs:
        differing = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        raise ModelError(
            f"the module is of another architecture than the model (leaves {', '.join(differing)})",
            "give one that `Model.module` of this model has made",
        )
    for name, leaf in after.items():
        if not bool(torch.isfinite(leaf).all()):
            raise ModelError(
                f"leaf {name!r} of the module has numbers that are not finite",
                "train at a lower learning rate",
            )
    if all(torch.equal(leaf, after[name]) for name, leaf in before.items()):
        return header
    source = source or f"the model of {header.signal.name}, trained further with another loss"
    start = StartNote(source=source, sha256=digest_of_leaves(before))
    return header.model_copy(update={"metrics": {}, "start": start}).stored_as("float32")
