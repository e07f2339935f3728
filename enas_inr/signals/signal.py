"""A signal in memory, and the contract of a modality, which reads and writes signals."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import torch
from jaxtyping import Float
from pydantic import JsonValue
from torch import Tensor

from enas_inr.errors import SignalError
from enas_inr.signals.levels import Levels
from enas_inr.spec import SignalInfo
from enas_inr.validation import counted

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MAX_AXES", "Modality", "Signal", "check_values"]

MAX_AXES = 4
"""The largest number of spatial axes of a signal."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Values on a regular grid.

    Attributes:
        values: float32 in [-1, 1], `*grid channels`: image rows, columns, channels; audio frames,
            channels.
        modality: name of the modality that reads and writes it.
        name: short name for people, such as the stem of the file.
        sample_rate: samples per second along a time axis, if there is one.
        meta: what the modality needs to write the original format again (JSON values).
        window: the part of the original that a rendering covers: (start, stop) along each axis in
            samples of the original, counted from its edge; None if it has the original's samples.
    """

    values: Float[Tensor, "*grid channels"]
    modality: str
    name: str
    sample_rate: int | None = None
    meta: Mapping[str, JsonValue] = field(default_factory=dict)
    window: tuple[tuple[float, float], ...] | None = None

    @property
    def sampling(self) -> tuple[tuple[float, float], ...]:
        """The positions of the samples in the original: the first one and the step along each axis.

        Both are counted in samples of the original, so they are 0 and 1 without a window. With
        them, the content of `meta` (where a voxel lies, how long a frame lasts) can be carried over
        to a rendering.
        """
        shape = self.values.shape[:-1]
        if self.window is None:
            return ((0.0, 1.0),) * len(shape)
        steps = [(stop - start) / n for (start, stop), n in zip(self.window, shape, strict=True)]
        return tuple(
            (start + (step - 1) / 2, step)
            for (start, _), step in zip(self.window, steps, strict=True)
        )

    def numpy(self) -> npt.NDArray[Any]:
        """Return the numbers with the type and the range of the original.

        Pictures have 8 bits and sounds float32 from -1 to 1 if nothing else is known. A single
        channel has no axis of its own.
        """
        values = self.values.detach().cpu()
        alone = values[..., 0] if values.shape[-1] == 1 else values
        if "dtype" not in self.meta and "mode" not in self.meta:
            array: npt.NDArray[Any] = alone.clamp(-1, 1).float().numpy()
            return array
        levels = Levels.from_meta(self.meta)
        numbers = levels.numbers(alone)
        if "mode" in self.meta and values.shape[-1] == 4:  # alpha has the range of its type
            numbers[..., 3] = Levels.of_type(levels.dtype).numbers(values[..., 3])
        return numbers

    def to_pil(self) -> Image.Image:
        """Return a picture of Pillow, of 8 bits.

        Raises:
            SignalError: the signal is not a picture.
        """
        from PIL import Image

        if self.values.ndim != 3 or self.values.shape[-1] not in (1, 3, 4):
            raise SignalError(
                f"signal {self.name!r} of shape {tuple(self.values.shape)} is not a picture",
                "take its numpy()",
            )
        values = self.values.detach().cpu()
        alone = values[..., 0] if values.shape[-1] == 1 else values
        return Image.fromarray(Levels().numbers(alone))

    def check(self) -> None:
        """Refuse values that are not finite float32 numbers in about [-1, 1] on 1 to 4 axes.

        Raises:
            SignalError: the message says what is wrong.
        """
        what = f"signal {self.name!r}"
        axes = self.values.ndim - 1
        if not 1 <= axes <= MAX_AXES:
            raise SignalError(
                f"{what}: has {axes} axes besides its channels", f"give 1 to {MAX_AXES}"
            )
        if self.values.dtype != torch.float32:
            raise SignalError(f"{what}: values are {self.values.dtype}", "give torch.float32")
        check_values(self.values, what)
        if problem := self.meta_problem():
            raise SignalError(f"{what}: {problem}", "leave it out")
        largest = float(self.values.abs().max())
        if largest > 1.001:
            raise SignalError(f"{what}: values reach {largest:g}", "scale them to [-1, 1]")

    def meta_problem(self) -> str:
        """Return why no model can hold `meta`, or an empty text.

        JSON has neither NaN nor infinity.
        """
        try:
            json.dumps(dict(self.meta), allow_nan=False)
        except (TypeError, ValueError) as error:
            return f"meta is not JSON: {error}"
        return ""

    def info(self) -> SignalInfo:
        """Return the metadata of this signal, with its fingerprint."""
        *shape, channels = self.values.shape
        digest = hashlib.sha256(self.values.contiguous().numpy().data).hexdigest()
        return SignalInfo(
            name=self.name,
            modality=self.modality,
            shape=tuple(shape),
            channels=channels,
            sample_rate=self.sample_rate,
            fingerprint=digest,
        )


class Modality(ABC):
    """Reads and writes one kind of signal. Constructed with its options, if it has any."""

    @abstractmethod
    def read(self, path: Path) -> Signal:
        """Read a file.

        Raises:
            SignalError: the file cannot be read as this modality.
        """

    @abstractmethod
    def write(self, signal: Signal, path: Path) -> None:
        """Write a signal of this modality in the format of the suffix.

        Raises:
            SignalError: the file cannot be written.
        """


def check_values(values: Float[Tensor, "*grid channels"], what: str) -> None:
    """Refuse a signal that is empty or holds NaN or infinity; the first place is named.

    Raises:
        SignalError: the message begins with `what`.
    """
    if not values.numel():
        raise SignalError(f"{what}: holds no samples", "give a signal of at least one sample")
    parts: tuple[Tensor, ...] = torch.split(values, 1024)
    bad = [int((~torch.isfinite(part)).sum()) for part in parts]
    if not any(bad):
        return
    number = next(index for index, count in enumerate(bad) if count)
    place = (~torch.isfinite(parts[number])).nonzero()[0].tolist()
    place[0] += 1024 * number
    first = ", ".join(map(str, place))
    raise SignalError(
        f"{what}: {counted(sum(bad), 'NaN or infinite value')} among {values.numel()}, the first"
        f" at [{first}], counted from 0",
        "repair the file first",
    )
