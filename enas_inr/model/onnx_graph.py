"""The ONNX graph around the networks of a model: points are grouped by cell.

A network is applied to a tile: up to `POINTS` points of one cell. So the numbers of a cell are
gathered once for many points, and a `Scan` takes a few tiles at a time. The memory beside the
points and the values therefore does not depend on their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from enas_inr.model.layout import Layout
from enas_inr.signals.partition import cell_edges

POINTS = 256  # of a tile, at most
AT_ONCE = 2**21  # hidden units and numbers of the tiles that are evaluated together, about
PREFIX = "by_cell/"  # of the names in this graph, so that they differ from those of the networks


def tiles_at_once(width: int, numbers: int) -> int:
    """Return how many tiles are evaluated together.

    Args:
        width: hidden units of a network.
        numbers: numbers of a network.
    """
    return max(1, AT_ONCE // (POINTS * max(width, 1) + numbers))


class _Graph:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: Any = np.int64) -> str:
        """Add a constant, and return its name."""
        name = f"{PREFIX}constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def __call__(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation of one output, and return the name of that."""
        return self.several(kind, *inputs, outputs=1, **attributes)[0]

    def several(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add an operation of several outputs, and return the names of them."""
        names = [f"{PREFIX}{kind}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names


def with_grouping(networks: onnx.ModelProto, layout: Layout, channels: int, at_once: int) -> bytes:
    """Return a model from `coordinates` (`points axes`) to `values` (`points channels`).

    Args:
        networks: a model from `x` (`tiles points axes`, coordinates in cells) and `cell` (`tiles`)
            to `values` (`tiles points channels`).
        layout: how the signal was cut into cells.
        channels: number of channels.
        at_once: number of tiles that are evaluated together.
    """
    axes = len(layout.shape)
    body = networks.graph
    graph = _Graph()
    cell, local = _located(graph, layout)
    order, slots, tiles, points = _slots(graph, cell, int(np.prod(layout.grid)), at_once)
    cells_in_order = graph("Gather", cell, order)
    # All points of a tile are in the same cell, so any of them tells which.
    tile = graph("Div", slots, points)
    empty = graph("ConstantOfShape", _listed(graph, tiles), value=_filling(np.int64))
    cell_of_tile = graph("ScatterElements", empty, tile, cells_in_order)
    rows = _listed(graph, graph("Mul", tiles, points))
    shape = graph("Concat", rows, graph.constant([axes]), axis=0)
    x = graph(
        "ScatterND",
        graph("ConstantOfShape", shape, value=_filling(np.float32)),
        graph("Unsqueeze", slots, graph.constant([1])),
        graph("Gather", local, order),
    )
    group = graph.constant([-1, at_once])
    steps = graph("Concat", group, _listed(graph, points), graph.constant([axes]), axis=0)
    made = graph(
        "Scan",
        graph("Reshape", x, steps),
        graph("Reshape", cell_of_tile, group),
        body=_body(body),
        num_scan_inputs=2,
    )
    flat = graph("Reshape", made, graph.constant([-1, channels]))
    # Back to the order of the points.
    back = graph("ScatterElements", graph("Sub", order, order), order, slots)
    graph.nodes.append(helper.make_node("Gather", [flat, back], ["values"]))
    whole = helper.make_graph(
        graph.nodes,
        "enas_inr",
        [helper.make_tensor_value_info("coordinates", TensorProto.FLOAT, ["points", axes])],
        [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["points", channels])],
        [*body.initializer, *graph.constants],
    )
    model = helper.make_model(
        whole,
        opset_imports=networks.opset_import,
        functions=networks.functions,
        producer_name="enas-inr",
        ir_version=networks.ir_version,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _body(networks: onnx.GraphProto) -> onnx.GraphProto:
    """Return the networks without their numbers, which belong to the graph around them."""
    body = onnx.GraphProto()
    body.CopyFrom(networks)
    del body.initializer[:]
    return body


def _listed(graph: _Graph, number: str) -> str:
    """Return a number as a list of one."""
    return graph("Reshape", number, graph.constant([1]))


def _filling(kind: type[np.generic]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.zeros(1, dtype=kind))


def _located(graph: _Graph, layout: Layout) -> tuple[str, str]:
    """Return the cell (row-major in the grid) of each point, and its coordinates there."""
    cell, local = graph.constant(0), []
    for axis, (length, count) in enumerate(zip(layout.shape, layout.grid, strict=True)):
        edges = cell_edges(length, count)
        along = graph("Gather", "coordinates", graph.constant(axis), axis=1)
        across = graph("Cast", along, to=TensorProto.DOUBLE)
        # Sample i is at i; a cell with the samples [a, b) owns [a - 0.5, b - 0.5).
        shifted = graph("Add", across, graph.constant(1, np.float64))
        scaled = graph("Mul", shifted, graph.constant(length / 2, np.float64))
        position = graph("Sub", scaled, graph.constant(0.5, np.float64))
        place = _owner(graph, position, edges)
        start = graph("Gather", graph.constant(edges, np.float64), place)
        sizes = np.diff(edges)
        # The cells are about equal: the longest and the shortest differ by one sample.
        longest = np.maximum(sizes, layout.extent)
        extent = longest if layout.convention == "edges" else np.maximum(longest - 1, 1)
        size = graph("Gather", graph.constant(sizes, np.float64), place)
        extents = graph("Gather", graph.constant(extent, np.float64), place)
        doubled = graph("Mul", graph("Sub", position, start), graph.constant(2, np.float64))
        middle = graph("Sub", size, graph.constant(1, np.float64))
        inside = graph("Div", graph("Sub", doubled, middle), extents)
        single = graph("Cast", inside, to=TensorProto.FLOAT)
        local.append(graph("Unsqueeze", single, graph.constant([1])))
        cell = graph("Add", graph("Mul", cell, graph.constant(count)), place)
    return cell, graph("Concat", *local, axis=1)


def _owner(graph: _Graph, position: str, edges: Sequence[int]) -> str:
    """Return the cell along one axis that owns each position.

    Cell i begins at `i * length // cells`, so that it is the one by division, or the next.
    """
    count, length = len(edges) - 1, edges[-1]
    share = graph("Mul", graph("Add", position, graph.constant(0.5, np.float64)), graph.constant(
        count / length, np.float64
    ))  # fmt: skip
    last = graph.constant(count - 1)
    guess = graph("Cast", graph("Floor", share), to=TensorProto.INT64)
    place = graph("Min", graph("Max", guess, graph.constant(0)), last)
    starts = graph.constant(np.asarray(edges[:-1]) - 0.5, np.float64)
    for step in (1, 1, -1):  # rounding may have gone to either side
        if step > 0:
            near = graph("Min", graph("Add", place, graph.constant(1)), last)
            later = graph("GreaterOrEqual", position, graph("Gather", starts, near))
            place = graph("Where", later, near, place)
        else:
            earlier = graph("Less", position, graph("Gather", starts, place))
            near = graph("Max", graph("Sub", place, graph.constant(1)), graph.constant(0))
            place = graph("Where", earlier, near, place)
    return place


def _slots(graph: _Graph, cell: str, cells: int, at_once: int) -> tuple[str, str, str, str]:
    """Give each point a slot in a tile of its cell.

    Returns:
        The points in the order of their cells, the slot of each of these, the number of tiles, and
        the number of slots of a tile.
    """
    one, zero = graph.constant(1), graph.constant(0)
    points = graph("Shape", cell)
    # About as many as a cell has, so that few slots stay empty.
    usual = graph("Div", points, graph.constant([cells]))
    most = graph("Min", graph("Max", usual, graph.constant([1])), graph.constant([POINTS]))
    size = graph("Reshape", most, graph.constant([], np.int64))
    _, order = graph.several("TopK", cell, points, outputs=2, largest=0, sorted=1)
    counts = graph(
        "ScatterElements",
        graph.constant(np.zeros(cells)),
        cell,
        graph("Sub", graph("Add", cell, one), cell),
        reduction="add",
    )
    tiles = graph("Div", graph("Sub", graph("Add", counts, size), one), size)
    first_point = graph("CumSum", counts, zero, exclusive=1)
    first_tile = graph("CumSum", tiles, zero, exclusive=1)
    cells_in_order = graph("Gather", cell, order)
    count = graph("Squeeze", points)
    rank = graph(
        "Sub", graph("Range", zero, count, one), graph("Gather", first_point, cells_in_order)
    )
    begin = graph("Mul", graph("Gather", first_tile, cells_in_order), size)
    total = graph("ReduceSum", tiles, keepdims=0)
    step = graph.constant(at_once)
    steps = graph("Div", graph("Sub", graph("Add", total, step), one), step)
    return order, graph("Add", begin, rank), graph("Mul", steps, step), size
