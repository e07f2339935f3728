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
from enas_inr.viewer.network import check_expression, network_of
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
        precision: {layer["weight"]["type"] for layer in data_of(page)["network"]["layers"]}
        for precision in ("float16", "int8")
        for page in [enas_inr.view(model, precision=precision)]
    }
    assert "float32" not in kinds["float16"] | kinds["int8"]
    with pytest.raises(SpecError, match="float8"):
        enas_inr.view(model, precision="float8")  # type: ignore[arg-type]


def test_an_original_of_another_shape_is_refused(model):
    with pytest.raises(ModelError, match="shape"):
        enas_inr.view(model, original=Signal(torch.zeros(3, 3, 3), "image", "small"))


def test_a_backbone_without_layers_is_refused(tmp_path):
    pytest.importorskip("enas_inr_wire")
    path = tmp_path / "wire.inr"
    values = torch.zeros(8, 8, 1)
    enas_inr.fit(
        Signal(values, "image", "x"),
        backbone="wire",
        grid=2,
        width=4,
        depth=1,
        steps=1,
        output=path,
    )
    with pytest.raises(ModelError, match="wire"):
        enas_inr.view(path)


@pytest.mark.parametrize("text", ["sin(z)", "max(z, 0.0)", "exp(-0.5 * z * z)"])
def test_expressions(text):
    assert check_expression(text) == text


@pytest.mark.parametrize("text", ["alert(1)", "z; z", "z => z", "</script>", "Z", "2 * z", "`z`"])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match="not part"):
        check_expression(text)


def test_the_server_answers_with_the_page_alone():
    with make_page_server("<p>hello") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urlopen(server.page) as answer:
            assert answer.read() == b"<p>hello"
        with pytest.raises(HTTPError, match="404"):
            urlopen(server.page + "etc/passwd")
        server.shutdown()


@pytest.mark.parametrize(
    ("backbone", "shown"), [("siren", True), ("fourier", True), ("toy", False)]
)
def test_the_page_is_the_next_step_only_of_models_that_it_can_show(tmp_path, backbone, shown):
    made = enas_inr.fit(
        "sample:photo", output=tmp_path / "m.inr", size="8", grid=2, width=4, depth=1, steps=2,
        backbone=backbone, catalog=toy_catalog(),
    )  # fmt: skip
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
