"""Export a model as ONNX for other runtimes, its numbers as npz, or a model of an archive."""

from __future__ import annotations

import logging
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from enas_inr.errors import ModelError, SpecError, first_line
from enas_inr.model.model import Model
from enas_inr.signals.files import replace_bytes
from enas_inr.signals.outputs import Output, check_outputs
from enas_inr.validation import nearest

FORMATS = ("onnx", "npz", "inr")


def export(model: Model, path: Path, kind: str, *, force: bool = False) -> int:
    """Write a model in another format, and return the size of the file in bytes.

    Args:
        model: the model.
        path: path of the output file.
        kind: `onnx` for a network from `coordinates` (`points axes`, as in `Model.__call__`) to
            `values` (`points channels`), `npz` for the numbers of all cells by name, as arrays
            `cells ...` in row-major order of the grid, or `inr` for a file that `load` reads.
        force: whether to overwrite an existing file.

    Raises:
        SpecError: the format is unknown.
        ModelError: the file exists, or a package that the format needs is missing.
        SignalError: the suffix is not that of the format, or the file cannot be written.
    """
    if kind not in FORMATS:
        raise SpecError(f"unknown format {kind!r}", nearest(kind, FORMATS))
    check_outputs([Output(path, f"a model as {kind}", (f".{kind}",))], force=force)
    if kind == "inr":
        return model.save(path, force=force)
    content = to_onnx(model) if kind == "onnx" else to_npz(model)
    replace_bytes(path, content)
    return len(content)


def to_npz(model: Model) -> bytes:
    """Return an npz file of the numbers as arrays, and of the header as JSON under `header`."""
    buffer = BytesIO()
    arrays = {name: leaf.numpy() for name, leaf in model.by_cell().items()}
    np.savez(buffer, header=np.array(model.header.model_dump_json()), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


class _Tiles(nn.Module):
    """The networks of all cells, of which some are applied to a tile of points each."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._names = {}
        for name, leaf in model.by_cell().items():
            self._names[name] = name.replace(".", "_")
            self.register_buffer(self._names[name], leaf)

    def forward(
        self, x: Float[Tensor, "tiles points axes"], cell: Int[Tensor, " tiles"]
    ) -> Float[Tensor, "tiles points channels"]:
        """Evaluate each tile by the network of its cell."""
        leaves = {name: getattr(self, buffer)[cell] for name, buffer in self._names.items()}
        return self._model.backbone.forward(self._model.shape, leaves, x)


def to_onnx(model: Model) -> bytes:
    """Return an ONNX file that contains all numbers.

    Its network groups the points by cell (see `enas_inr.model.onnx_graph`), so that its memory does
    not grow with their number.

    Raises:
        ModelError: the extra `onnx` is not installed, or the backbone cannot be exported.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"ONNX export needs the package {error.name!r}", "run: pip install 'enas-inr[onnx]'"
        ) from None
    from enas_inr.model.onnx_graph import tiles_at_once, with_grouping

    example = torch.zeros(3, 5, len(model.layout.shape)), torch.zeros(3, dtype=torch.int64)
    tiles, points = torch.export.Dim("tiles"), torch.export.Dim("points")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                _Tiles(model.to("cpu")).eval(),
                example,
                input_names=["x", "cell"],
                output_names=["values"],
                dynamic_shapes={"x": {0: tiles, 1: points}, "cell": {0: tiles}},
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise ModelError(
                f"backbone {model.header.ensemble.backbone!r} cannot be exported to ONNX: "
                f"{first_line(error)}",
                "use --format npz",
            ) from error
    assert program is not None
    numbers = sum(leaf[0].numel() for leaf in model.by_cell().values())
    at_once = tiles_at_once(model.shape.width, numbers)
    channels = model.header.signal.channels
    return with_grouping(program.model_proto, model.layout, channels, at_once)
