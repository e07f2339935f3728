from enas_inr.model.header import LeafPrecision
from tests.command_line import call
from tests.model.drawn import SOUND, drawn


def test_the_precision_of_each_leaf_is_shown(tmp_path):
    model, _ = drawn("siren", SOUND, (40,))
    finer: dict[str, LeafPrecision] = {"layers.0.weight": "int16"}
    stored = model.header.stored_as("int8", finer)
    path = tmp_path / "m.inr"
    type(model)(stored, model.backbone, model.blocks).save(path)
    rows = [line.split() for line in call(f"info {path}").out.splitlines()]
    shown = {row[0]: row[3] for row in rows if row and row[0].startswith("layers.")}
    assert shown.pop("layers.0.weight") == "int16"
    assert set(shown.values()) == {"int8"}


def test_a_model_whose_quality_was_not_measured_has_no_psnr(tmp_path):
    model, _ = drawn("siren", SOUND, (40,))
    changed = model.with_vector(model.vector() * 0.5)
    path = tmp_path / "m.inr"
    changed.save(path)
    outcome = call(f"info {path}")
    assert outcome.code == 0, outcome.err
    assert "PSNR unknown" in outcome.out
    assert call(f"info {tmp_path}").code == 0
    assert call(f"info {path} --json").json["metrics"] == {}
