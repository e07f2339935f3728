"""A model as an `nn.Module`: to differentiate, to compile, and to train further with any loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import NetShape
from enas_inr.errors import SpecError
from enas_inr.model.layout import WITHOUT_FLOAT64, Layout
from enas_inr.model.points import UNITS_AT_ONCE, by_member, is_traced, one_by_one
from enas_inr.signals.partition import (
    CellBlock,
    Partition,
    assemble,
    block_cells,
    block_shapes,
    cell_coordinates,
)


@dataclass(frozen=True, eq=False)
class CellPoints:
    """Points in the cells of one shape, for `EnsembleModule.members`.

    Attributes:
        cells: indices of the cells, row-major in the grid.
        coordinates: points of each cell, in [-1, 1] across the whole signal.
    """

    cells: Int[Tensor, " cells"]
    coordinates: Float[Tensor, "cells points axes"]


class _Branch(nn.Module):
    """Leaves whose names have a part in common."""


class EnsembleModule(nn.Module):
    """The function of a model, with parameters `leaves.NAME` for each leaf of the sub-networks.

    A parameter has the numbers of all sub-networks, `cells ...` in row-major order of the grid, so
    that `leaves.layers.0.weight` is `cells out in`. Complex leaves are pairs of real numbers (a
    last axis of 2), and leaves that are not trained are buffers.

    `Model.module` makes it, and `Model.with_module` takes it back.

    Args:
        backbone: evaluates the sub-networks.
        shape: the shape of each of them.
        layout: how the signal was cut.
        leaves: the leaves of all cells, `cells ...` in row-major order of the grid, to copy.
        blend: crossfade neighbouring cells between their outer samples, unless a call says
            otherwise.

    Attributes:
        size: samples of the signal along each axis.
        channels: number of channels of the signal.
        blend: as above.
    """

    def __init__(
        self, backbone: Backbone, shape: NetShape, layout: Layout, leaves: Params, *, blend: bool
    ) -> None:
        super().__init__()
        self.size, self.channels, self.blend = layout.shape, shape.out_features, blend
        self._backbone, self._shape, self._layout = backbone, shape, layout
        self._complex = {name: leaf.is_complex() for name, leaf in leaves.items()}
        self.leaves = _Branch()
        for name, leaf in leaves.items():
            numbers = (torch.view_as_real(leaf) if leaf.is_complex() else leaf).clone()
            branch, last = _grown(self.leaves, name)
            if name in backbone.constants:
                branch.register_buffer(last, numbers)
            else:
                branch.register_parameter(last, nn.Parameter(numbers))

    def extra_repr(self) -> str:
        """Describe it in the text that `print` shows."""
        size, grid = ("x".join(map(str, some)) for some in (self.size, self._layout.grid))
        return f"{size} samples, {self.channels} channels, {grid} cells, blend={self.blend}"

    def forward(
        self, coordinates: Float[Tensor, "*batch axes"], *, blend: bool | None = None
    ) -> Float[Tensor, "*batch channels"]:
        """Evaluate the signal anywhere; differentiable as often as the backbone is.

        The points are grouped by cell. Inside `torch.func.vmap` and `torch.compile`, each point
        gets a copy of the numbers of its sub-network instead, which takes far more memory.

        Args:
            coordinates: in [-1, 1] across the whole signal, on the device of the module: sample i
                of n is at (2 i + 1) / n - 1.
            blend: whether neighbouring cells are crossfaded between their outer samples; None for
                the attribute `blend`.

        Returns:
            Values, about in [-1, 1], in the precision of the parameters.

        Raises:
            SpecError: the last axis of the coordinates is not that of the signal.
        """
        axes = len(self.size)
        if coordinates.shape[-1] != axes:
            raise SpecError(
                f"coordinates of shape {tuple(coordinates.shape)} do not fit {axes} axes",
                f"give a last dimension of {axes}",
            )
        blend = self.blend if blend is None else blend
        positions = self._positions(coordinates.reshape(-1, axes))
        if is_traced(coordinates):
            values = one_by_one(self._layout, self._evaluate, positions, blend=blend)
        else:
            most = max(1, UNITS_AT_ONCE // max(self._shape.width, 1))
            pieces = positions.split(most)  # type: ignore[no-untyped-call]
            values = torch.cat([self._grouped(piece, blend) for piece in pieces])
        return values.reshape(*coordinates.shape[:-1], self.channels)

    def samples(self) -> Float[Tensor, "*axes channels"]:
        """Evaluate the whole signal at its samples: as `forward` there, without sorting points.

        All sub-networks are evaluated at the same points in their cells, as in a fit.
        """
        layout, blocks, outputs = self._layout, [], []
        for cells, shape in self._blocks():
            own = cell_coordinates(shape, layout.convention, extent=layout.extent)
            rows = torch.tensor(cells, device=self.device)
            x = own.to(self.device).expand(len(cells), -1, -1)
            outputs.append(self._evaluate(rows, x))
            blocks.append(CellBlock(shape, cells, x.new_empty(len(cells), len(own), 0)))
        return assemble(Partition(layout.grid, layout.shape, tuple(blocks)), outputs)

    def cells(
        self, points: int | None = None, *, generator: torch.Generator | None = None
    ) -> list[CellPoints]:
        """Return points by cell, for `members`: an item for each shape of cells.

        Args:
            points: number of random points in each cell, uniform in it; None for its samples.
            generator: draws them, on the device of the module.
        """
        found = []
        sizes = torch.tensor(self.size, dtype=self._precise, device=self.device)
        for cells, shape in self._blocks():
            rows = torch.tensor(cells, device=self.device)
            first = torch.stack(self._layout.first_samples(rows), dim=-1).to(sizes)
            if points is None:
                along = [torch.arange(n, device=self.device) for n in shape]
                grid = torch.stack(torch.meshgrid(*along, indexing="ij"), dim=-1)
                inside = grid.reshape(1, -1, len(shape)).to(sizes)
            else:
                drawn = torch.rand(
                    len(cells), points, len(shape),
                    generator=generator, dtype=self._precise, device=self.device,
                )  # fmt: skip
                inside = drawn * sizes.new_tensor(shape) - 0.5
            positions = first.unsqueeze(1) + inside
            found.append(CellPoints(rows, (2 * positions + 1) / sizes - 1))
        return found

    def members(
        self, cells: Int[Tensor, " cells"], coordinates: Float[Tensor, "cells points axes"]
    ) -> Float[Tensor, "cells points channels"]:
        """Evaluate points whose cells are known: without sorting points, and without blending.

        Args:
            cells: indices of the cells, row-major in the grid.
            coordinates: points for each of them, as for `forward`; outside its cell, a sub-network
                goes on beyond its border.
        """
        positions = self._positions(coordinates)
        return self._evaluate(cells, self._layout.locate(positions, cells.unsqueeze(1)))

    def by_cell(self) -> Mapping[str, Tensor]:
        """Return copies of the leaves by name, `cells ...`, in float32 on the CPU."""
        found = {}
        for name, leaf in self._leaves():
            copy = leaf.detach().to("cpu", torch.float32, copy=True)
            found[name] = torch.view_as_complex(copy) if self._complex[name] else copy
        return found

    @property
    def device(self) -> torch.device:
        """The device of its numbers."""
        return next(self._leaves())[1].device

    @property
    def dtype(self) -> torch.dtype:
        """The precision of its numbers."""
        return next(self._leaves())[1].dtype

    @property
    def _precise(self) -> torch.dtype:
        return torch.float32 if self.device.type in WITHOUT_FLOAT64 else torch.float64

    def _positions(self, coordinates: Float[Tensor, "*batch axes"]) -> Float[Tensor, "*batch axes"]:
        sizes = torch.tensor(self.size, dtype=self._precise, device=coordinates.device)
        return (coordinates.to(sizes) + 1) / 2 * sizes - 0.5

    def _blocks(self) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Return the cells of each shape, and the shape."""
        kinds = self._layout.shape, self._layout.grid
        return list(zip(block_cells(*kinds), block_shapes(*kinds), strict=True))

    def _leaves(self) -> Iterator[tuple[str, Tensor]]:
        for name in self._complex:
            value: Any = self.leaves
            for part in name.split("."):
                value = getattr(value, part)
            yield name, value

    def _grouped(self, positions: Float[Tensor, "points axes"], blend: bool) -> Tensor:
        width = self._shape.width
        if not blend:
            cells, local = self._layout.owners(positions)
            return by_member(self._evaluate, cells, local.to(self.dtype), self.channels, width)
        parts = list(self._layout.blended(positions))
        weight, cells = (torch.cat([part[i] for part in parts]) for i in (0, 1))
        local = torch.cat([part[2] for part in parts])
        some = (weight > 0).nonzero().flatten()  # most points have one cell
        made = by_member(
            self._evaluate, cells[some], local[some].to(self.dtype), self.channels, width
        )
        total = made.new_zeros(len(positions), self.channels)
        scaled = weight[some].unsqueeze(1).to(self.dtype) * made
        return total.index_add(0, some % max(1, len(positions)), scaled)

    def _evaluate(
        self, rows: Int[Tensor, " members"], x: Float[Tensor, "members points axes"]
    ) -> Float[Tensor, "members points channels"]:
        picked = {}
        for name, leaf in self._leaves():
            mine = leaf.index_select(0, rows)
            picked[name] = torch.view_as_complex(mine) if self._complex[name] else mine
        values = self._backbone.forward(self._shape, picked, x.to(self.dtype))
        return values.to(self.dtype)


def _grown(tree: nn.Module, name: str) -> tuple[nn.Module, str]:
    """Return the branch of a leaf, which is made if it is missing, and the name there."""
    *parts, last = name.split(".")
    for part in parts:
        if part not in dict(tree.named_children()):
            tree.add_module(part, _Branch())
        tree = tree.get_submodule(part)
    return tree, last
