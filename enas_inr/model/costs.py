"""What a model costs before it is trained: the bytes of its file, memory and time to render it."""

from __future__ import annotations

import json
import math
import time
from importlib.metadata import version

import torch

from enas_inr.backbones.base import Backbone, Params
from enas_inr.cost import net_shape
from enas_inr.model.file import DIGEST, HEADER
from enas_inr.model.header import ModelHeader, Precision
from enas_inr.model.model import Model
from enas_inr.model.points import UNITS_AT_ONCE
from enas_inr.model.quantise import quantise
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.partition import block_cells
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec

MEASURED_SAMPLES = 2**19  # of a rendering that is timed; that of a larger signal is extrapolated
TIMED_SECONDS, LEAST_RENDERINGS = 0.5, 5  # the first one is not counted
MATERIALISED_BYTES = 2**30  # beyond that, members share their numbers while they are timed
BUFFERS = 3  # of hidden units at a time while a network is evaluated
METRIC = 33.123456789012345  # has as many digits as most
METRICS = ("psnr_db", "psnr_paper_db", "ssim", "border_psnr_db", "interior_psnr_db")


def blank_model(
    catalog: Catalog, signal: Signal, ensemble: EnsembleSpec, training: TrainingSpec
) -> Model:
    """Return a model whose members are all equal, with a header like that of a fitted one.

    Its leaves take no memory, except for one member.
    """
    info = signal.info()
    backbone: Backbone = catalog.create("backbone", ensemble.backbone, options=ensemble.options)
    origin = catalog.find("backbone", ensemble.backbone).origin
    versions = {"python": "3.11.11", "torch": torch.__version__, "enas-inr": version("enas-inr")}
    header = ModelHeader(
        ensemble=ensemble,
        signal=info,
        meta=dict(signal.meta),
        training=training.model_copy(update={"learning_rate": METRIC / 1000}),
        seed=0,
        metrics={"steps": training.steps} | dict.fromkeys(METRICS, METRIC),
        versions=versions,
        backbone_from=(origin.distribution, origin.version),
    )
    one = backbone.init(net_shape(ensemble, info), [0])
    cells = [len(block) for block in block_cells(info.shape, info.cells_along(ensemble.grid))]
    return Model(header, backbone, tuple(_repeated(one, count) for count in cells))


def _repeated(one: Params, count: int) -> Params:
    return {name: leaf.expand(count, *leaf.shape[1:]) for name, leaf in one.items()}


def file_bytes(model: Model, precision: Precision) -> int:
    """Return the size of the file of a model without making it.

    Leaves that have to be stored more finely (see `Model.at_precision`) are not known yet.
    """
    stored = {DIGEST: torch.empty(32, dtype=torch.uint8, device="meta")}
    for index, leaves in enumerate(model.blocks):
        for name, leaf in leaves.items():
            like = torch.empty_like(leaf, device="meta")
            stored |= quantise(f"blocks.{index}.{name}", like, precision)
    metrics = model.header.metrics
    if precision != "float32":
        metrics = metrics | {"psnr_db_float32": METRIC}
    header = model.header.stored_as(precision).model_copy(update={"metrics": metrics})
    entries: dict[str, object] = {"__metadata__": {HEADER: header.model_dump_json()}}
    end = 0
    for name, tensor in stored.items():
        start, end = end, end + tensor.numel() * tensor.element_size()
        kind = f"{'I' if not tensor.is_floating_point() else 'F'}{8 * tensor.element_size()}"
        entries[name] = {"dtype": kind, "shape": [*tensor.shape], "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":"))
    return 8 + math.ceil(len(text.encode()) / 8) * 8 + end


def memory(model: Model) -> int:
    """Return about how many bytes a rendering takes: numbers, values, and what is between them."""
    signal = model.header.signal
    numbers = sum(leaf.numel() * leaf.element_size() for b in model.blocks for leaf in b.values())
    values = 4 * signal.samples * signal.channels
    units = min(UNITS_AT_ONCE, signal.samples * max(1, model.shape.width))
    return numbers + values + 4 * BUFFERS * units


def latency(model: Model, device: torch.device) -> float:
    """Return the seconds in which a model renders its signal on a device; the quickest of some.

    Only a part of a large signal is rendered.
    """
    real = memory(model) < MATERIALISED_BYTES
    blocks = tuple(
        {n: (leaf.contiguous() if real else leaf).to(device) for n, leaf in block.items()}
        for block in model.blocks
    )
    model = Model(model.header, model.backbone, blocks)
    shape = model.header.signal.shape
    share = min(1.0, MEASURED_SAMPLES / math.prod(shape))
    rows = max(1, round(shape[0] * share))
    window = [(0.0, float(rows)), *((0.0, float(n)) for n in shape[1:])]
    times: list[float] = []
    while len(times) < LEAST_RENDERINGS or sum(times) < TIMED_SECONDS:
        started = time.perf_counter()
        model.render(window=window)
        times.append(time.perf_counter() - started)
    return min(times[1:]) * shape[0] / rows
