"""Stored models lose no more than 0.1 dB as float16 and 1 dB as int8, on pictures and on sound."""

from dataclasses import replace

import pytest

import enas_inr
from enas_inr.api.rounding import rounded, smallest
from enas_inr.model.file import decode, encode
from enas_inr.model.measure import measure
from enas_inr.model.model import Model
from enas_inr.model.rounding import MOST_LOSS_DB
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.quality import psnr_db
from tests.model.drawn import FOURIER, LAYERED, PICTURE, SOUND, drawn
from tests.model.noise import CATALOG


def lost(model: Model) -> float:
    """The loss in dB that the metrics of a stored model tell."""
    before, after = (model.header.metrics[key] for key in ("psnr_db_float32", "psnr_db"))
    assert isinstance(before, float)
    assert isinstance(after, float)
    assert before > 39
    return before - after


def plain_loss(model, signal, precision):
    plain = encode(model.header.stored_as(precision), model.blocks)
    stored = Model.of(decode(plain, CATALOG, "m"))
    exact = psnr_db(signal.values, model.render().values)
    return exact - psnr_db(signal.values, stored.render().values), len(plain)


@pytest.mark.parametrize("precision", ["float16", "int8"])
@pytest.mark.parametrize(
    ("backbone", "options", "shape"),
    [
        ("siren", SOUND, (400,)),
        ("siren", PICTURE, (24, 20)),
        ("relu", LAYERED, (24, 20)),
        ("fourier", FOURIER, (24, 20)),
        ("fourier", FOURIER, (400,)),
    ],
)
def test_rounding_costs_little_on_pictures_and_on_sound(backbone, options, shape, precision):
    model, signal = drawn(backbone, options, shape)
    assert lost(rounded(model, signal, precision, CATALOG)) <= MOST_LOSS_DB[precision]


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_high_frequencies_are_stored_finely_in_few_bytes(precision):
    model, signal = drawn("siren", SOUND, (400,), width=32)
    loss, size = plain_loss(model, signal, precision)
    assert loss > 5 * MOST_LOSS_DB[precision]
    stored = rounded(model, signal, precision, CATALOG)
    content = encode(stored.header, stored.blocks)
    assert stored.header.leaf_precisions.keys() <= {"layers.0.weight", "layers.0.bias"}
    assert len(content) < 1.1 * size
    assert stored.header.format_version == 2
    again = Model.of(decode(content, CATALOG, "m"))
    assert encode(again.header, again.blocks) == content  # storing it again loses nothing


def test_a_model_that_loses_little_is_stored_as_ever():
    model, signal = drawn("relu", LAYERED, (24, 20), db=25)
    header = rounded(model, signal, "float16", CATALOG).header
    assert (header.leaf_precisions, header.format_version) == ({}, 1)


def test_complex_leaves_are_stored_finely_as_well():
    pytest.importorskip("enas_inr_wire")
    catalog = load_catalog()
    options = catalog.options("backbone", "wire", {})
    assert options
    model, signal = drawn("wire", options.model_dump(mode="json"), (24, 20), catalog, db=60)
    for precision in ("float16", "int8"):
        assert lost(rounded(model, signal, precision, catalog)) <= MOST_LOSS_DB[precision]


def test_numbers_that_float16_cannot_hold_are_kept():
    model, _ = drawn("relu", LAYERED, (24, 20))
    blocks = tuple(
        block | {"layers.2.weight": block["layers.2.weight"] / 1e6}
        | {"layers.1.weight": block["layers.1.weight"] * 1e6}
        for block in model.blocks
    )  # fmt: skip
    large = replace(model, blocks=blocks)
    stored = large.at_precision("float16", psnr_db=40)
    assert "layers.1.weight" in stored.header.leaf_precisions
    again = Model.of(decode(encode(stored.header, stored.blocks), CATALOG, "m"))
    assert psnr_db(again.render().values, large.render().values) > 40


def test_a_limit_of_bytes_is_kept_and_the_loss_is_said(caplog):
    model, signal = drawn("siren", SOUND, (400,), width=32)
    _, size = plain_loss(model, signal, "int8")
    stored = rounded(model, signal, "int8", CATALOG, most_bytes=size)
    assert stored.header.leaf_precisions == {}
    (record,) = caplog.records
    assert "more than 1; --precision float16 keeps more" in record.getMessage()


def test_int8_takes_a_tenth_more_bytes_at_most_and_the_loss_is_said(caplog):
    model, signal = drawn("siren", SOUND, (400,), width=32, db=95)
    stored = rounded(model, signal, "int8", CATALOG)
    assert stored.header.leaf_precisions
    size = len(encode(stored.header.stored_as("int8"), model.blocks))
    assert size < len(encode(stored.header, stored.blocks)) <= 1.1 * size
    assert lost(stored) > 1
    (record,) = caplog.records
    assert "--precision float16 keeps more" in record.getMessage()


def test_a_precision_that_is_not_used_causes_no_warning_and_float32_is_measured_once(
    caplog, monkeypatch
):
    unmeasured, signal = drawn("relu", LAYERED, (100,), width=4, db=90)
    model = rounded(unmeasured, signal, "float32", CATALOG)
    exact = model.header.metrics["psnr_db"]
    assert isinstance(exact, float)
    seen = []

    def measuring(model, signal):
        seen.append(model.header.precision)
        return measure(model, signal)

    monkeypatch.setattr("enas_inr.model.measure.measure", measuring)
    stored = smallest(model, signal, exact - 1, CATALOG)  # int8 loses more than 1 dB
    assert (stored.header.precision, caplog.records) == ("float16", [])
    assert stored.header.metrics["psnr_db_float32"] == exact
    assert {"int8", "float16"} == {*seen}
    assert smallest(model, signal, exact + 1, CATALOG) is model
    assert caplog.records == []
    assert smallest(model, signal, exact - 20, CATALOG).header.precision == "int8"
    (record,) = caplog.records
    assert "as int8 costs" in record.getMessage()


def test_an_archive_has_what_each_of_its_models_needs(tmp_path):
    files = []
    for name, options in (("high", SOUND), ("low", SOUND | {"omega_first": 30.0})):
        model, signal = drawn("siren", options, (400,))
        stored = rounded(model, signal, "int8", CATALOG)
        stored.save(tmp_path / f"{name}.inr")
        files.append((tmp_path / f"{name}.inr", model, signal))
    ours = [enas_inr.load(path, catalog=CATALOG) for path, _, _ in files]
    assert ours[0].header.leaf_precisions != ours[1].header.leaf_precisions
    enas_inr.write_archive(tmp_path / "a.inrs", [path for path, _, _ in files], catalog=CATALOG)
    with enas_inr.open_archive(tmp_path / "a.inrs", catalog=CATALOG) as archive:
        for path, _, _ in files:
            archive[path.stem].save(tmp_path / "again.inr", force=True)
            assert (tmp_path / "again.inr").read_bytes() == path.read_bytes()
    models = [
        replace(m, header=m.header.model_copy(update={"metrics": {"psnr_db": 40.0}}))
        for _, m, _ in files
    ]
    enas_inr.write_archive(
        tmp_path / "b.inrs", models, names=["a", "b"], precision="int8", catalog=CATALOG
    )
    with enas_inr.open_archive(tmp_path / "b.inrs", catalog=CATALOG) as archive:
        for name, (_, model, signal) in zip(archive, files, strict=True):
            lost = psnr_db(signal.values, model.render().values) - psnr_db(
                signal.values, archive[name].render().values
            )
            assert lost <= 1
