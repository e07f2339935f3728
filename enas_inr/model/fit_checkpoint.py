"""The file from which interrupted fits are resumed.

It holds the states of the signals that were trained together. Each of them has an identity, so that
whichever of them are left go on, alone or with others.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from enas_inr.errors import SignalError
from enas_inr.plain_text import read_json
from enas_inr.signals.files import make_folder, read_bytes, replace_bytes
from enas_inr.signals.outputs import NAME_BYTES

SUFFIX = ".checkpoint"
"""It is appended to the name of the model file."""

FITS, SLOWER = "fits", "slower"  # keys of the metadata, whose values are JSON
ONE, AGAIN = "identity", "-slower"  # the same in version 0.1, which kept one fit in a file
LARGEST_INDEX = 2**26  # bytes: a few hundred for each leaf of each signal
HINT = "remove it to begin again"

State = Mapping[str, Tensor]


def checkpoint_of(path: Path) -> Path:
    """Return the path of the checkpoint of a model file.

    A name that would be longer than file systems allow is replaced by its digest.
    """
    name = path.name + SUFFIX
    if len(os.fsencode(name)) > NAME_BYTES:
        name = hashlib.sha256(os.fsencode(path.name)).hexdigest() + SUFFIX
    return path.with_name(name)


@dataclass(frozen=True)
class Checkpoint:
    """A file of states.

    Attributes:
        path: the file; None to keep nothing.
        slower: identities of fits that have diverged, and wait to be trained at a lower rate.
    """

    path: Path | None
    slower: set[str] = field(default_factory=set)

    def identities(self) -> tuple[str, ...]:
        """Return the identities of the fits in the file, and note which of them have diverged.

        Raises:
            SignalError: the file cannot be read.
        """
        if self.path is None or not self.path.exists():
            return ()
        fits, slower = _metadata(_index(self.path), self.path)
        self.slower.update(slower)
        return tuple(fits)

    def states(self) -> dict[str, State]:
        """Read the states by the identities of their fits; there are none if there is no file.

        Raises:
            SignalError: the file cannot be read.
        """
        if self.path is None or not self.path.exists():
            return {}
        content = read_bytes(self.path)
        fits, slower = _metadata(content, self.path)
        try:
            tensors = load_tensors(content)
            if "done" in tensors:
                return {fits[0]: _of_one(tensors, retried=bool(slower))}
            states: dict[str, dict[str, Tensor]] = {fit: {} for fit in fits}
            for name, tensor in tensors.items():
                number, _, key = name.partition(".")
                states[fits[int(number)]][key] = tensor
        except (SafetensorError, ValueError, IndexError, KeyError, RuntimeError) as error:
            raise damaged(self.path, error) from None
        return dict(states)

    def save(self, states: Mapping[str, State]) -> None:
        """Replace the states in the file, whose folder is made again if it has gone.

        Raises:
            SignalError: the file cannot be written; the old one is as it was.
        """
        if self.path is None:
            return
        make_folder(self.path.parent)
        tensors = {
            f"{number}.{key}": tensor.contiguous()
            for number, state in enumerate(states.values())
            for key, tensor in state.items()
        }
        metadata = {FITS: json.dumps(list(states)), SLOWER: json.dumps(sorted(self.slower))}
        replace_bytes(self.path, save_tensors(tensors, metadata=metadata))

    def remove(self) -> None:
        """Remove the file, if there is one."""
        if self.path:
            self.path.unlink(missing_ok=True)


def identities_in(path: Path) -> tuple[str, ...]:
    """Return the identities of all fits that go on from a checkpoint.

    Raises:
        SignalError: the file cannot be read.
    """
    fits, slower = _metadata(_index(path), path)
    return (*fits, *slower)


def _index(path: Path) -> bytes:
    """Return the beginning of the file, without the numbers."""
    try:
        with path.open("rb") as file:
            length = file.read(8)
            return length + file.read(min(int.from_bytes(length, "little"), LARGEST_INDEX))
    except OSError:
        return read_bytes(path)  # says what is wrong


def _metadata(content: bytes, path: Path) -> tuple[Sequence[str], Iterable[str]]:
    """Return the identities of the fits, and of those that have diverged."""
    length = int.from_bytes(content[:8], "little")
    try:
        found = read_json(content[8 : 8 + length])["__metadata__"]
        if ONE in found:
            fit = found[ONE].removesuffix(AGAIN)
            return [fit], [fit] if found[ONE] != fit else []
        fits, slower = (read_json(found.get(key, "[]")) for key in (FITS, SLOWER))
        if not all(isinstance(one, list) for one in (fits, slower)):
            raise ValueError("its identities are not lists")
        if not all(isinstance(identity, str) for identity in [*fits, *slower]):
            raise ValueError("an identity is not a text")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, error) from None
    return fits, slower


def _of_one(tensors: Mapping[str, Tensor], *, retried: bool) -> State:
    """Return the state in a file of version 0.1, which is that of a single fit."""
    state = {"retried": torch.tensor(retried)}
    for name, tensor in tensors.items():
        block, _, kind = name.partition(".")
        if kind == "best_losses":
            state[f"{block}.best_known.losses"] = tensor
            state[f"{block}.best_known.final"] = torch.zeros(len(tensor), dtype=torch.bool)
        else:
            state[name] = tensor
    return state


def damaged(path: Path | None, error: Exception) -> SignalError:
    """Return the error of a checkpoint that cannot be used."""
    return SignalError(f"checkpoint {str(path)!r} is damaged: {error}", HINT)
