"""A fitted ensemble as a function of coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetShape, net_shape
from enas_inr.errors import ModelError, SignalError, SpecError
from enas_inr.model import file, vectors
from enas_inr.model.architecture import Architecture
from enas_inr.model.evaluation import Evaluator
from enas_inr.model.file import Contents
from enas_inr.model.header import ModelHeader, Precision
from enas_inr.model.layout import Layout
from enas_inr.model.measure import measure
from enas_inr.model.module import EnsembleModule
from enas_inr.model.points import UNITS_AT_ONCE
from enas_inr.model.rendering import render_parts
from enas_inr.model.rounding import Rounding, psnr_of, sampled
from enas_inr.model.sampling import MAX_SAMPLES, samplings
from enas_inr.model.shown import html_of_header, html_of_signal, plot_signal, preview_size
from enas_inr.model.trained import header_of_trained
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.partition import block_cells, block_shapes
from enas_inr.signals.parts import SignalParts
from enas_inr.signals.signal import Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Model:
    """An ensemble: call it with coordinates, or render it.

    Attributes:
        header: everything except the numbers.
        backbone: evaluates the members.
        blocks: for each shape of cells (the order of `signals.partition`) the members' leaves,
            `cells ...`, float32.
    """

    header: ModelHeader
    backbone: Backbone
    blocks: tuple[Params, ...]

    def __repr__(self) -> str:
        signal, psnr = self.header.signal, self.header.metrics.get("psnr_db")
        quality = f", {psnr:.2f} dB" if isinstance(psnr, float) else ""
        shape = "x".join(map(str, signal.shape))
        return f"<Model: {self.header.ensemble.label()} of {signal.name!r} {shape}{quality}>"

    def _repr_html_(self) -> str:
        preview = self.render(size=preview_size(self.header))
        return html_of_header(self.header) + html_of_signal(preview)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw its rendering with matplotlib, on new axes by default, and return the axes."""
        return plot_signal(self.render(), ax)

    @classmethod
    def of(cls, contents: Contents) -> Model:
        """Make the model from the content of a file."""
        return cls(contents.header, contents.backbone, contents.blocks)

    @property
    def device(self) -> torch.device:
        """The device of its numbers."""
        return self._evaluator.device

    @property
    def shape(self) -> NetShape:
        """The shape of one sub-network."""
        return net_shape(self.header.ensemble, self.header.signal)

    @cached_property
    def architecture(self) -> Architecture:
        """What models must have in common for their numbers to be of the same kind."""
        return Architecture.of(self.header.ensemble, self.backbone, self.shape, self.header.signal)

    @cached_property
    def layout(self) -> Layout:
        """How the signal was cut into cells."""
        return Layout(
            shape=self.header.signal.shape,
            grid=self.header.signal.cells_along(self.header.ensemble.grid),
            convention=self.header.training.coordinates,
            extent=self.header.training.extent,
        )

    @cached_property
    def _evaluator(self) -> Evaluator:
        channels = self.header.signal.channels
        return Evaluator(self.layout, self.backbone, self.shape, channels, self.blocks)

    def to(self, device: str | torch.device) -> Model:
        """Return the model with its numbers on another device."""
        moved = tuple({n: leaf.to(device) for n, leaf in block.items()} for block in self.blocks)
        return replace(self, blocks=moved)

    def __call__(
        self, coordinates: Float[Tensor, "*batch axes"], *, blend: bool = False
    ) -> Float[Tensor, "*batch channels"]:
        """Evaluate the signal anywhere; differentiable with respect to the coordinates.

        Args:
            coordinates: in [-1, 1] across the whole signal, its edges at -1 and +1 (sample i of n
                is at (2 i + 1) / n - 1), in the order of its axes (image: row, column).
            blend: crossfade neighbouring cells between their outer samples.

        Returns:
            Values, about in [-1, 1].
        """
        axes = len(self.layout.shape)
        if coordinates.shape[-1] != axes:
            raise SpecError(
                f"coordinates of shape {tuple(coordinates.shape)} do not fit {axes} axes",
                f"give a last dimension of {axes}",
            )
        flat = coordinates.reshape(-1, axes)
        values = self.at(self.layout.positions(flat), blend=blend).to(flat.device)
        return values.reshape(*coordinates.shape[:-1], self.header.signal.channels)

    def at(
        self, positions: Float[Tensor, "points axes"], *, blend: bool = False
    ) -> Float[Tensor, "points channels"]:
        """Evaluate at positions, counted in samples of the original (see `layout`)."""
        return self._evaluator.at(positions, blend=blend)

    def members(
        self, cells: Int[Tensor, " cells"], local: Float[Tensor, "cells points axes"]
    ) -> Float[Tensor, "cells points channels"]:
        """Evaluate some members of one block, each at points in its own coordinates.

        Args:
            cells: indices of the cells, row-major in the grid.
            local: coordinates, on any device.

        Returns:
            The values, on the CPU.
        """
        return self._evaluator.members(cells, local)

    @property
    def blends(self) -> bool:
        """Whether renderings crossfade neighbouring cells, if nothing else is asked.

        They do if the members were trained beyond the borders of their cells (`margin`), where
        neighbours therefore agree. Values at the samples of the original are the same either way.
        """
        return self.header.training.margin > 0

    def render(
        self,
        *,
        size: Sequence[int] | None = None,
        scale: float | None = None,
        window: Sequence[tuple[float, float]] | None = None,
        blend: bool | None = None,
        on_progress: Callable[[float], None] = lambda done: None,
    ) -> Signal:
        """Evaluate on a regular grid, part by part; by default on that of the original.

        Where the samples are further apart than those of the original, each is the mean over its
        area, and sounds are filtered: see `enas_inr.model.sampling`.

        Args:
            size: number of samples along each axis.
            scale: instead of `size`, a factor on the number of samples of the window.
            window: (start, stop) along each axis in samples of the original; None for all.
            blend: crossfade neighbouring cells between their outer samples; None for `blends`.
            on_progress: called with the share that is done.

        Raises:
            SpecError: the size, the scale or the window is not valid.
            ModelError: the original has too many samples, and nothing else is asked.
            SignalError: the values do not fit in the memory.
        """
        parts = self.parts(
            size=size, scale=scale, window=window, blend=blend, on_progress=on_progress
        )
        return parts.whole()

    def parts(
        self,
        *,
        size: Sequence[int] | None = None,
        scale: float | None = None,
        window: Sequence[tuple[float, float]] | None = None,
        blend: bool | None = None,
        on_progress: Callable[[float], None] = lambda done: None,
    ) -> SignalParts:
        """Return what `render` makes, as parts that need not fit in the memory together.

        Raises:
            SpecError: the size, the scale or the window is not valid.
            ModelError: the original has too many samples, and nothing else is asked.
        """
        signal = self.header.signal
        everything = [(0.0, float(n)) for n in signal.shape]
        window = everything if window is None else list(window)
        as_original = size is None and scale is None and window == everything
        if as_original and signal.samples > MAX_SAMPLES:
            raise ModelError(
                f"the model is of {'x'.join(map(str, signal.shape))} samples, which are more than "
                f"the {MAX_SAMPLES} of a rendering",
                "render it at a smaller size, or a part of it",
            )
        sound = len(signal.shape) == 1 and signal.sample_rate is not None
        axes = samplings(signal.shape, size, scale, window, sound=sound)
        limit = max(1, UNITS_AT_ONCE // max(self.shape.width, 1))
        crossfade = self.blends if blend is None else blend

        def make() -> Iterator[Tensor]:
            for part, done in render_parts(
                self.layout, signal.channels, self.members, axes, blend=crossfade, limit=limit
            ):
                yield part
                on_progress(done)

        shape = tuple(axis.count for axis in axes)
        covered = tuple((float(start), float(stop)) for start, stop in window)
        rate = signal.sample_rate
        if rate is not None:
            first, last = covered[0]
            rate = max(1, round(rate * shape[0] / (last - first)))
        return SignalParts(
            (*shape, signal.channels), make, signal.modality, signal.name, rate, self.header.meta,
            covered,
        )  # fmt: skip

    def by_cell(self) -> dict[str, Tensor]:
        """Return the leaves of all cells, `cells ...` in row-major order of the grid, on the CPU.

        The leaves are in the order in which the backbone draws them.
        """
        names = [leaf.name for leaf in self.architecture.leaves]
        return vectors.by_cell(self.blocks, self.block_cells, names)

    def vector(self) -> Float[Tensor, " numbers"]:
        """Return all numbers as one vector, float32, for those who learn on weights.

        The cells come one after the other, in row-major order of the grid: `vector.reshape(cells,
        -1)` has a row for each sub-network. A row has the leaves in the order in which the backbone
        draws them (weight `out in` and bias of each layer), each in row-major order, and a complex
        number as its real and its imaginary part. Leaves that are not trained are among them.
        """
        return vectors.to_vector(self.by_cell())

    def with_vector(self, vector: Float[Tensor, " numbers"]) -> Model:
        """Return the model of other numbers: of the same signal, architecture and options.

        Its header has no metrics, since they are not about these numbers.

        Args:
            vector: the numbers, in the order of `vector`, on any device.

        Raises:
            ModelError: the vector has another length.
        """
        leaves = vectors.from_vector(vector, self.by_cell())
        header = self.header.model_copy(update={"metrics": {}, "start": None}).stored_as("float32")
        return Model(header, self.backbone, vectors.in_blocks(leaves, self.block_cells))

    def module(self, *, blend: bool = False) -> EnsembleModule:
        """Return the model as an `nn.Module` with its own copy of the numbers, to train further.

        Args:
            blend: crossfade neighbouring cells between their outer samples.
        """
        leaves = {name: leaf.to(self.device) for name, leaf in self.by_cell().items()}
        return EnsembleModule(self.backbone, self.shape, self.layout, leaves, blend=blend)

    def with_module(
        self, module: EnsembleModule, *, signal: Signal | None = None, source: str = ""
    ) -> Model:
        """Return the model of the numbers of a module that was made of it, and trained further.

        If the numbers have changed, the header says from which weights they come (`start`), and
        the metrics are those that are measured on `signal`. If they have not, it is the same model.

        Args:
            module: the module, on any device and in any precision.
            signal: what the model should be compared with; None for no metrics.
            source: from what it was trained, in words; the name of its signal by default.

        Raises:
            ModelError: the module is of another architecture, or a number is not finite.
            SignalError: the signal has another shape.
        """
        if signal is not None and signal.info().shape != self.layout.shape:
            sizes = ["x".join(map(str, n)) for n in (signal.info().shape, self.layout.shape)]
            raise SignalError(
                f"signal {signal.name!r} has {sizes[0]} samples, and the model {sizes[1]}",
                "give a signal of the size of the model, or none",
            )
        leaves = module.by_cell()
        header = header_of_trained(self.header, self.by_cell(), leaves, source)
        same = header is self.header
        made = (
            self
            if same
            else replace(self, header=header, blocks=vectors.in_blocks(leaves, self.block_cells))
        )
        if signal is None:
            return made
        metrics = made.header.metrics | measure(made, signal)
        return replace(made, header=made.header.model_copy(update={"metrics": metrics}))

    @property
    def block_cells(self) -> list[tuple[int, ...]]:
        """The cells (row-major in the grid) of each block."""
        return block_cells(self.layout.shape, self.layout.grid)

    def save(
        self, path: str | Path, *, precision: Precision | None = None, force: bool = False
    ) -> int:
        """Write a `.inr` file and return its size; raises as `enas_inr.model.file.save`.

        Args:
            path: the file.
            precision: how the numbers are stored (see `at_precision`); None for the header's.
            force: whether to overwrite an existing file.
        """
        model = self if precision is None else self.at_precision(precision)
        stored = Contents(model.header, model.backbone, model.blocks)
        return file.save(stored, Path(path), force=force)

    def at_precision(
        self,
        precision: Precision,
        *,
        psnr_db: float | None = None,
        share: float = 1.0,
        most_bytes: int | None = None,
    ) -> Model:
        """Return the model with a header that says how its numbers are to be stored.

        Leaves whose rounding would cost too much are stored more finely, so that the whole loses
        no more than 0.1 dB as float16 and 1 dB as int8, if possible. A model that has the precision
        already is stored as it was.

        Args:
            precision: how most numbers are to be stored.
            psnr_db: PSNR of the model; None for that of its metrics.
            share: share of that loss that is allowed.
            most_bytes: largest size of the file, if `MOST_GROWTH` allows more.
        """
        if precision == self.header.precision:
            return self
        known = self.header.metrics.get("psnr_db") if psnr_db is None else psnr_db
        header = self._rounding(precision).stored(
            self.header, psnr_of(known), share=share, most_bytes=most_bytes
        )
        return replace(self, header=header)

    def _rounding(self, precision: Precision) -> Rounding:
        layout, cells = self.layout, [len(block) for block in self.block_cells]
        shapes = block_shapes(layout.shape, layout.grid)
        macs = self.backbone.cost(self.shape).macs_per_sample
        return Rounding(
            self.backbone,
            self.shape,
            self.to("cpu").blocks,
            sampled(shapes, cells, macs, layout.convention, layout.extent),
            [count * math.prod(shape) for count, shape in zip(cells, shapes, strict=True)],
            precision,
        )


def load(path: str | Path, *, catalog: Catalog | None = None) -> Model:
    """Read a `.inr` file.

    Args:
        path: the file.
        catalog: the plugins; None for all installed ones.

    Raises:
        ModelError, PluginError, SignalError: as `enas_inr.model.file.load`.
    """
    return Model.of(file.load(Path(path), catalog or load_catalog()))
