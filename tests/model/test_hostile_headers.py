"""A header with a valid digest and impossible content is refused in one line, unallocated."""

import json
import struct
import tracemalloc
from copy import deepcopy
from typing import Any

import pytest
import torch
from safetensors.torch import save as save_tensors

import enas_inr
from enas_inr.errors import ExitCode, ModelError
from enas_inr.model.file import DIGEST, HEADER, digest_of
from enas_inr.model.quantise import quantise
from tests.command_line import assert_one_line, call
from tests.model.noise import CATALOG, fitted, noise

MODEL = fitted(noise(0), width=4)


def numbers() -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for index, leaves in enumerate(MODEL.blocks):
        for name, leaf in leaves.items():
            tensors |= quantise(f"blocks.{index}.{name}", leaf, "float32")
    return tensors


def written(path, text: str, tensors: dict[str, torch.Tensor] | None = None):
    """Write a model file with this header and a valid digest."""
    held = numbers() if tensors is None else tensors
    path.write_bytes(save_tensors(held | {DIGEST: digest_of(text, held)}, metadata={HEADER: text}))
    return path


def refused(path) -> str:
    """The message with which a file is refused, by which at most 4 MB were allocated."""
    tracemalloc.start()
    with pytest.raises(ModelError) as caught:
        enas_inr.load(path, catalog=CATALOG)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    message = str(caught.value)
    assert len(message) < 2_500
    assert message.isprintable()
    return message


def changed(where: str, value: Any) -> str:
    """The header with another value at a dotted key; `...` leaves the key out."""
    header = deepcopy(json.loads(MODEL.header.model_dump_json()))
    *path, last = where.split(".")
    part = header
    for key in path:
        part = part[key]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return json.dumps(header)


BROKEN: list[tuple[str, Any]] = [
    ("signal", ...),
    ("signal", []),
    ("signal.shape", []),
    ("signal.shape", [0, 11]),
    ("signal.shape", [-13, 11]),
    ("signal.shape", [2**64, 11]),
    ("signal.shape", [2**40, 2**40]),
    ("signal.shape", [13.5, 11]),
    ("signal.shape", [13] * 100),
    ("signal.shape", [2, 11]),  # fewer samples than cells
    ("signal.shape", "13"),
    ("signal.shape", [[13], 11]),
    ("signal.channels", 0),
    ("signal.channels", 2**64),
    ("signal.channels", 4),
    ("signal.sample_rate", 0),
    ("signal.sample_rate", -8000),
    ("signal.sample_rate", 1e300),
    ("signal.name", None),
    ("ensemble", ...),
    ("ensemble.backbone", "nothing\x1b[31m"),
    ("ensemble.backbone", 3),
    ("ensemble.options", ...),
    ("ensemble.options", []),
    ("ensemble.options.bias_init", ...),
    ("ensemble.options.bias_init", "wrong"),
    ("ensemble.options.omega_first", ...),
    ("ensemble.options.omega_first", -1),
    ("ensemble.options.omega_first", "30x"),
    ("ensemble.options.unknown", 1),
    ("ensemble.grid", 0),
    ("ensemble.grid", 2**64),
    ("ensemble.width", 10**6),
    ("ensemble.depth", 1000),
    ("ensemble.depth", -1),
    ("training", ...),
    ("training.learning_rate", ...),
    ("training.learning_rate", None),
    ("training.learning_rate", 0),
    ("training.steps", 2**80),
    ("training.extent", 0),
    ("training.coordinates", "middle"),
    ("metrics", []),
    ("metrics.psnr_db", "33"),
    ("metrics.psnr_db", 10**400),
    ("metrics.psnr_db", True),
    ("metrics.steps", -1),
    ("metrics.steps", 1.5),
    ("seed", -1),
    ("seed", 2**64),
    ("repeat", "x"),
    ("precision", "int4"),
    ("leaf_precisions", {"layers.9.weight": "int8"}),
    ("leaf_precisions", {"layers.0.weight": "int4"}),
    ("value_range", [1, -1]),
    ("value_range", [0]),
    ("meta", 3),
    ("versions", {"python": 3}),
    ("backbone_from", ["a"]),
    ("format_version", 0),
    ("format_version", "99"),
    ("format_version", 10**30),
    ("start", {"source": "x"}),
    ("A" * 100_000, 1),
    ("ensemble.backbone", "A" * 100_000),
]


@pytest.mark.parametrize(("where", "value"), BROKEN, ids=[f"{w[:30]}" for w, _ in BROKEN])
def test_impossible_headers_are_refused(tmp_path, where, value):
    assert "m.inr" in refused(written(tmp_path / "m.inr", changed(where, value)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        '{"a":' * 200 + "1" + "}" * 200,
        json.dumps({"format_version": 1})[:-1] + ', "format_version": 1}',
        MODEL.header.model_dump_json().replace('"seed":0', '"seed":NaN'),
        MODEL.header.model_dump_json().replace("[-1.0,1.0]", "[-1.0,Infinity]"),
        MODEL.header.model_dump_json().replace("[-1.0,1.0]", "[-1.0,1e999]"),
        MODEL.header.model_dump_json().replace('"metrics":{', '"metrics":{"psnr_db":NaN,'),
        MODEL.header.model_dump_json().replace('"seed":0', '"seed":0,"seed":1'),
        MODEL.header.model_dump_json().replace('"seed":0', f'"seed":{"9" * 5000}'),
    ],
    ids=range(13),
)
def test_headers_that_are_not_json_are_refused(tmp_path, text):
    assert text != MODEL.header.model_dump_json()
    refused(written(tmp_path / "m.inr", text))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t | {"extra": torch.zeros(3)},
        lambda t: t | {"blocks.0.layers.0.bias.scale": torch.ones(1)},
        lambda t: {n: v.double() for n, v in t.items()},
        lambda t: {n: v.to(torch.int64) for n, v in t.items()},
        lambda t: {n: v.to(torch.int8) for n, v in t.items()},  # without a scale
        lambda t: {n: v.flatten() for n, v in t.items()},
        lambda t: {n: v * float("nan") for n, v in t.items()},
        lambda t: {n.replace("blocks.0", "blocks.9"): v for n, v in t.items()},
        lambda t: {},
    ],
    ids=range(9),
)
def test_numbers_of_another_kind_are_refused(tmp_path, change):
    text = MODEL.header.model_dump_json()
    refused(written(tmp_path / "m.inr", text, change(numbers())))


def test_a_header_as_it_is_written_is_read(tmp_path):
    path = written(tmp_path / "m.inr", MODEL.header.model_dump_json())
    assert torch.equal(enas_inr.load(path, catalog=CATALOG).vector(), MODEL.vector())


@pytest.mark.parametrize("line", ["info {path}", "render {path} -o {path}.png"])
def test_a_model_of_more_samples_than_a_rendering_has_is_the_fault_of_its_file(tmp_path, line):
    path = written(tmp_path / "m.inr", changed("signal.shape", [3 * 2**20 + 1, 3 * 2**20 + 2]))
    outcome = call(line.format(path=path))
    assert_one_line(outcome, ExitCode.MODEL)
    assert "is of 3145729x3145730 samples" in outcome.err
    rendered = call(f"render {path} -o {path}.png --size 4x4 -q")
    assert rendered.code == 0, rendered.err


@pytest.mark.parametrize(
    "index",
    [
        {"__metadata__": {HEADER: 3}},
        {"__metadata__": [1]},
        {"__metadata__": {HEADER: "{}"}, "a": {"data_offsets": ["x", None]}},
        {"__metadata__": {HEADER: "{}"}, "a": {"data_offsets": [0, 2**70]}},
        {"__metadata__": {HEADER: "{}"}, "a": 3},
        {"__metadata__": {HEADER: "{}"}, "a": {"dtype": "F32", "shape": [2**40, 2**40],
                                              "data_offsets": [0, 0]}},
    ],
    ids=range(6),
)  # fmt: skip
def test_an_index_that_cannot_be_is_refused(tmp_path, index):
    from enas_inr.model.file import read_header

    text = json.dumps(index).encode()
    (tmp_path / "m.inr").write_bytes(struct.pack("<Q", len(text)) + text)
    refused(tmp_path / "m.inr")
    with pytest.raises(ModelError):
        read_header(tmp_path / "m.inr")
