"""The page is complete and holds text from files as text; what it cannot evaluate is refused."""

import json
import re
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import torch

import enas_inr
from enas_inr.api.view import make_page_server
from enas_inr.cli.model_tables import next_lines
from enas_inr.errors import ModelError, SpecError
from enas_inr.signals.signal import Signal
from enas_inr.testing.toy_backbone import toy_catalog
from enas_inr.viewer.network import network_of
from enas_inr.viewer.page import json_in_html
from tests.command_line import MAIN
from tests.present import present

NAME = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.inr"
    values = torch.rand(8, 10, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    enas_inr.fit(Signal(values, "image", NAME), grid=2, width=4, depth=1, steps=2, output=path)
    return path


def data_of(page):
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page)
    return json.loads(text)


def test_names_from_files_are_text_and_nothing_is_loaded(model):
    page = enas_inr.view(model)
    assert NAME not in page
    assert data_of(page)["name"] == NAME
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "{{" not in page


def test_json_cannot_end_its_element():
    text = json_in_html({"a": "</script><!--&", "b": float("nan")})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"a": "</script><!--&", "b": None}


def test_the_weights_have_the_precision_asked_for(model):
    kinds = {
        precision: {stage["weight"]["type"] for stage in data_of(page)["network"]["stages"]}
        for precision in ("float16", "int8")
        for page in [enas_inr.view(model, precision=precision)]
    }
    assert "float32" not in kinds["float16"] | kinds["int8"]
    with pytest.raises(SpecError, match="float8"):
        enas_inr.view(model, precision="float8")  # type: ignore[arg-type]


def test_an_original_of_another_shape_is_refused(model):
    with pytest.raises(ModelError, match="shape"):
        enas_inr.view(model, original=Signal(torch.zeros(3, 3, 3), "image", "small"))


def made_with(backbone, folder, signal="sample:photo", size="8", **options):
    catalog = toy_catalog() if backbone == "toy" else None
    return enas_inr.fit(
        signal, output=folder / "m.inr", size=size, grid=2, width=4, depth=1, steps=2,
        backbone=backbone, catalog=catalog, **options,
    )  # fmt: skip


def test_a_backbone_without_stages_is_refused_in_one_line(tmp_path):
    model = made_with("toy", tmp_path).model
    with pytest.raises(
        ModelError, match="'toy' has no stages that a browser can evaluate"
    ) as caught:
        enas_inr.view(model)
    assert "\n" not in str(caught.value)


def test_a_table_has_the_precision_asked_for_and_a_complex_weight_two_numbers(tmp_path):
    pytest.importorskip("enas_inr_grid")
    pytest.importorskip("enas_inr_wire")
    options = {"table": 11, "finest": 6, "levels": 2}
    grid = made_with("grid", tmp_path, backbone_options=options, force=True).model
    lookup, *layers = network_of(grid.at_precision("int8"))["stages"]
    assert [one["kind"] for one in layers] == ["dense"] * 3
    assert [one["hashed"] for one in lookup["grids"]] == [False, True]
    assert {one["table"]["type"] for one in lookup["grids"]} == {"int8"}
    wire = network_of(made_with("wire", tmp_path, force=True).model.at_precision("float16"))
    assert [one["parts"] for one in wire["stages"]] == [[1, 2], [2, 2], [2, 1]]
    assert [one["weight"]["complex"] for one in wire["stages"]] == [False, True, True]
    assert len(wire["expressions"]) == 1


def test_the_server_answers_with_the_page_alone():
    with make_page_server("<p>hello") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urlopen(server.page) as answer:
            assert answer.read() == b"<p>hello"
        with pytest.raises(HTTPError, match="404"):
            urlopen(server.page + "etc/passwd")
        server.shutdown()


@pytest.mark.parametrize(
    ("backbone", "shown"),
    [("siren", True), ("fourier", True), ("grid", True), ("wire", True), ("toy", False)],
)
def test_the_page_is_the_next_step_only_of_models_that_it_can_show(tmp_path, backbone, shown):
    if backbone in ("grid", "wire"):
        pytest.importorskip(f"enas_inr_{backbone}")
    made = made_with(backbone, tmp_path)
    steps = list(next_lines(made))
    assert any("enas-inr view" in step for step in steps) == shown
    assert any("enas-inr info" in step for step in steps)
    with nullcontext() if shown else pytest.raises(ModelError):
        network_of(made.model)


def test_ctrl_c_ends_a_served_page_quietly(model):
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "view", "model.inr", "--serve"],
        cwd=model.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        with urlopen(present(process.stdout).readline().strip()) as answer:
            assert answer.read().startswith(b"<!doctype html>")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines() == ["press Ctrl-C to stop", "enas-inr: interrupted"]
