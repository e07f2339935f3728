"""Many signals are fitted as each of them alone, and whatever happens to one is its own affair."""

import csv
import json
import os
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import enas_inr
from enas_inr.errors import ExitCode, ModelError, SignalError, SpecError
from enas_inr.model import fitting
from enas_inr.signals.signal import Signal
from tests.api.fitted import OPTIONS, SETTINGS, same_numbers, statuses
from tests.command_line import assert_one_line, call


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_each_file_is_that_of_a_single_fit(photos, tmp_path, precision):
    result = enas_inr.fit_many(
        photos, output=tmp_path / "models", precision=precision, repeats=2, **SETTINGS
    )
    assert [row.name for row in result.rows] == ["0", "1", "2", "3", "4", "5"]
    assert statuses(result) == ["fitted"] * 6
    for row in result.rows:
        below = "more/" if row.name == "5" else ""
        alone = enas_inr.fit(
            photos / f"{below}{row.name}.png",
            output=tmp_path / "alone.inr",
            precision=precision,
            repeats=2,
            force=True,
            **SETTINGS,
        )
        assert same_numbers(row.path, alone.path)
        assert row.psnr_db == alone.metrics["psnr_db"]
        ours = enas_inr.load(row.path).header
        assert ours == alone.model.header
        assert row.bytes == os.path.getsize(row.path) == alone.metrics["bytes"]


def test_names_tell_files_in_folders_apart(photos, tmp_path):
    os.rename(photos / "more" / "5.png", photos / "more" / "0.png")
    result = enas_inr.fit_many([photos], output=tmp_path / "models", **SETTINGS)
    assert result.rows[-1].name == "more/0"
    assert (tmp_path / "models" / "more" / "0.inr").exists()
    assert (tmp_path / "models" / "0.inr").exists()


def test_the_summary_has_every_signal_in_the_order_of_the_set(photos, tmp_path, small_groups):
    result = enas_inr.fit_many([photos], output=tmp_path / "models", **SETTINGS)
    rows = list(csv.DictReader((tmp_path / "models" / "summary.csv").open()))
    assert [row["name"] for row in rows] == [row.name for row in result.rows]
    assert [float(row["psnr_db"]) for row in rows] == [row.psnr_db for row in result.rows]
    stored = json.loads((tmp_path / "models" / "summary.json").read_text())
    assert stored == {"schema": 1} | result.to_dict()
    psnr = [row.psnr_db or 0.0 for row in result.rows]
    assert stored["psnr_db"]["worst"] == min(psnr)
    assert stored["psnr_db"]["best"] == max(psnr)
    assert stored["psnr_db"]["mean"] == pytest.approx(np.mean(psnr))
    assert stored["bytes"] == sum(row.bytes or 0 for row in result.rows)
    pytest.importorskip("pandas")
    assert list(result.to_dataframe()["name"]) == [row.name for row in result.rows]


def test_what_is_there_is_kept_and_what_is_missing_is_fitted(photos, tmp_path):
    folder = tmp_path / "models"
    first = enas_inr.fit_many([photos], output=folder, limit=3, **SETTINGS)
    before = {row.path: os.stat(row.path).st_mtime_ns for row in first.rows}
    os.unlink(folder / "1.inr")
    said: list[str] = []
    again = enas_inr.fit_many([photos], output=folder, say=said.append, **SETTINGS)
    assert statuses(again) == ["kept", "fitted", "kept", "fitted", "fitted", "fitted"]
    assert said == ["2 files are kept, from the same signals and settings"]
    for row in (again.rows[0], again.rows[2]):
        assert os.stat(row.path).st_mtime_ns == before[row.path]
    assert [row.psnr_db for row in again.rows[:3]] == [row.psnr_db for row in first.rows]
    assert again.rows[0].seconds == first.rows[0].seconds


CHANGES: dict[str, dict[str, Any]] = {
    "architecture": {"width": 9},
    "training": {"steps": 41},
    "training of another rate": {"learning_rate": 2e-3},
    "seed": {"seed": 1},
    "repeats": {"repeats": 2},
    "target": {"target_psnr_db": 90.0},
    "precision": {"precision": "int8"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_files_of_another_fit_are_not_overwritten(photos, tmp_path, what):
    folder = tmp_path / "models"
    enas_inr.fit_many([photos], output=folder, limit=2, **SETTINGS)
    name = what.partition(" ")[0]
    says = f"0.inr' is of another fit .other {name}., and so is 1 other file; give --force"
    with pytest.raises(ModelError, match=says):
        enas_inr.fit_many([photos], output=folder, **SETTINGS | CHANGES[what])
    assert not (folder / "2.inr").exists()  # nothing was trained before
    forced = enas_inr.fit_many([photos], output=folder, force=True, **SETTINGS | CHANGES[what])
    assert statuses(forced) == ["fitted"] * 6
    kept = enas_inr.fit_many([photos], output=folder, **SETTINGS | CHANGES[what])
    assert statuses(kept) == ["kept"] * 6


def test_another_signal_under_the_same_name_is_another_fit(photos, tmp_path):
    folder = tmp_path / "models"
    enas_inr.fit_many([photos], output=folder, **SETTINGS)
    os.replace(photos / "1.png", photos / "3.png")
    with pytest.raises(ModelError, match=r"3.inr' is of another fit .other signal.; give"):
        enas_inr.fit_many([photos], output=folder, **SETTINGS)


def test_the_same_values_of_another_range_are_another_fit(tmp_path):
    numbers = np.random.default_rng(0).random((16, 16), np.float32)
    picture, folder = tmp_path / "a.tif", tmp_path / "models"
    Image.fromarray(numbers).save(picture)
    enas_inr.fit_many([picture], output=folder, **SETTINGS)
    assert statuses(enas_inr.fit_many([picture], output=folder, **SETTINGS)) == ["kept"]
    Image.fromarray(2 * numbers).save(picture)
    with pytest.raises(ModelError, match=r"a.inr' is of another fit .other signal.; give"):
        enas_inr.fit_many([picture], output=folder, **SETTINGS)


def test_a_rate_that_was_lowered_is_that_of_the_same_fit(photos, tmp_path, monkeypatch):
    from enas_inr.backbones.siren import Siren

    monkeypatch.setattr(Siren, "learning_rate", lambda self, shape, points, steps: 4.0)
    settings: dict[str, Any] = {"profile": "tuned", "grid": 2, "width": 8, "steps": 60}
    result = enas_inr.fit_many([photos], output=tmp_path, **settings)
    assert enas_inr.load(result.rows[0].path).header.training.learning_rate == 1.0
    assert statuses(enas_inr.fit_many([photos], output=tmp_path, **settings)) == ["kept"] * 6


def test_a_file_that_is_cut_off_is_not_kept(photos, tmp_path):
    result = enas_inr.fit_many([photos], output=tmp_path, **SETTINGS)
    content = (tmp_path / "4.inr").read_bytes()
    (tmp_path / "4.inr").write_bytes(content[:-1])
    with pytest.raises(ModelError, match=r"4.inr' is of another fit .other file."):
        enas_inr.fit_many([photos], output=tmp_path, **SETTINGS)
    forced = enas_inr.fit_many([photos], output=tmp_path, force=True, **SETTINGS)
    assert statuses(forced).count("kept") == 5
    assert forced.rows[4].psnr_db == result.rows[4].psnr_db


def test_the_failure_of_one_signal_does_not_end_the_others(photos, tmp_path):
    (photos / "1.png").write_text("these are notes")
    Image.new("RGB", (1, 1)).save(photos / "3.png")  # which is one cell with any grid
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "4.inr.checkpoint").write_text("these are notes, too")
    said: list[str] = []
    result = enas_inr.fit_many([photos], output=tmp_path / "models", say=said.append, **SETTINGS)
    assert statuses(result) == ["fitted", "failed", "fitted", "fitted", "failed", "fitted"]
    messages = [row.message for row in result.rows]
    assert "1.png" in messages[1]
    assert "4.inr.checkpoint' is damaged" in messages[4]
    assert sum(line.startswith("failed: ") for line in said) == 2
    assert [row.name for row in result.failed] == ["1", "4"]
    assert all("\n" not in message for message in messages)
    left = enas_inr.fit_many(
        [photos], output=tmp_path / "models", skip_bad=True, force=True, **SETTINGS
    )
    assert [row.name for row in left.rows] == ["0", "2", "3", "4", "5"]
    assert statuses(left) == ["kept", "kept", "kept", "fitted", "kept"]


def test_a_backbone_that_fails_for_one_signal_fails_for_it_alone(photos, tmp_path, monkeypatch):
    """Together, all fail; then each is tried alone."""
    from enas_inr.api import fit_group

    together = fitting.fit_together
    tried: list[list[str]] = []

    def picky(wanted, *others, **options):
        tried.append([signal.name for signal, _ in wanted])
        if "3" in tried[-1]:
            raise RuntimeError("no threes\nplease")
        together(wanted, *others, **options)

    monkeypatch.setattr(fit_group, "fit_together", picky)
    result = enas_inr.fit_many([photos], output=tmp_path, **SETTINGS)
    assert tried == [["0", "2", "4", "1", "3", "5"], ["0"], ["2"], ["4"], ["1"], ["3"], ["5"]]
    assert statuses(result) == ["fitted"] * 3 + ["failed"] + ["fitted"] * 2
    assert result.rows[3].message == "RuntimeError: no threes"


def test_signals_can_be_given_and_get_files_of_their_own(tmp_path):
    values = torch.linspace(-1, 1, 24 * 20 * 3).reshape(24, 20, 3)
    names = ["a", "a-2", "../a", "a", ""]
    signals = [Signal(values * (1 - n / 9), "image", name) for n, name in enumerate(names)]
    result = enas_inr.fit_many(signals, output=tmp_path / "models", **SETTINGS)
    assert [row.name for row in result.rows] == ["a", "a-2", "a-3", "a-4", "signal"]
    assert len({row.path for row in result.rows}) == 5
    for row, given in zip(result.rows, signals, strict=True):
        found = enas_inr.load(row.path).header.signal
        assert found.identity == given.info().identity
    with pytest.raises(SpecError, match="1 name and 1 other object"):
        enas_inr.fit_many(["sample:photo", signals[0]], output=tmp_path, **SETTINGS)


def test_the_command_prints_a_table_and_tells_of_failures(photos, tmp_path):
    (photos / "1.png").write_text("these are notes")
    made = call(f"fit {photos}/*.png {photos}/more -o {tmp_path}/models {OPTIONS}")
    assert made.code == ExitCode.INCOMPLETE
    assert "6 signals: 5 fitted, 1 failed" in made.out
    assert "dB on average" in made.out
    as_json = call(f"fit {photos} -o {tmp_path}/models {OPTIONS} --json")
    assert as_json.code == ExitCode.INCOMPLETE
    assert (as_json.json["kept"], as_json.json["failed"]) == (5, 1)
    skipped = call(f"fit {photos} -o {tmp_path}/models {OPTIONS} --json --skip-bad --limit 3")
    assert skipped.code == 0
    assert [row["name"] for row in skipped.json["rows"]] == ["0", "2"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("fit {0} --preview p.png", 2),
        ("fit {0}/0.png --jobs 2", 2),
        ("fit {0}/0.png --limit 2", 2),
        ("fit {0} --precision int4", 2),
        ("fit {0} --size 8 --signal-option size=[9,9]", 2),
        ("fit {0} --backbone nothing", 2),
        ("fit {0} --backbone-option nothing=1", 2),
        ("fit {0}/nothing*.png", 3),
        ("fit {0} {0}", 2),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_is_fitted(photos, tmp_path, line, code):
    assert_one_line(call(f"{line.format(photos)} -o {tmp_path}/models {OPTIONS}"), code)
    assert not (tmp_path / "models").exists()


def test_a_study_that_is_not_there_is_one_line(photos, tmp_path):
    line = f"fit {photos} --study nothing --storage {tmp_path}/none.db -o {tmp_path}/models"
    assert_one_line(call(line), 6)


def test_a_set_without_any_signal_is_an_error(tmp_path):
    (tmp_path / "a.png").write_text("notes")
    (tmp_path / "b.png").write_text("notes")
    with pytest.raises(SignalError, match="no signal of the set can be read"):
        enas_inr.fit_many([tmp_path], output=tmp_path / "m", skip_bad=True, **SETTINGS)


def test_the_winner_of_a_study_is_fitted_with_options_for_each_size(photos, tmp_path):
    """The frequencies of a SIREN depend on the size of a cell, unless they are given."""
    study: dict[str, Any] = {"storage": str(tmp_path / "s.db"), "study": "found"}
    search: dict[str, Any] = {"grid": 2, "widths": [6, 8], "depths": [1], "repeats": 1, "steps": 20}
    enas_inr.search(photos / "0.png", profile="tuned", **search, **study)
    result = enas_inr.fit_many([photos], output=tmp_path / "models", **study)
    assert statuses(result) == ["fitted"] * 6
    for row in result.rows:
        header = enas_inr.load(row.path).header
        alone = enas_inr.fit(
            photos / ("more/5.png" if row.name == "5" else f"{row.name}.png"),
            architecture={"grid": 2, "depth": 1, "width": header.ensemble.width},
            profile="tuned",
            steps=20,
            output=tmp_path / "alone.inr",
            force=True,
        )
        assert header.ensemble == alone.model.header.ensemble
        assert header.training == alone.model.header.training
    frequencies = {
        enas_inr.load(row.path).header.ensemble.options["omega_first"] for row in result.rows
    }
    assert len(frequencies) == 2
    first = json.loads((tmp_path / "models" / "summary.json").read_text())["rows"][0]
    known = enas_inr.fit(photos / "0.png", output=tmp_path / "known.inr", **study)
    assert known.metrics["known_cells"] == 4
    assert same_numbers(first["path"], known.path)


def test_an_option_that_was_given_or_searched_stays_as_it_is(photos, tmp_path):
    study: dict[str, Any] = {"storage": str(tmp_path / "s.db"), "study": "found"}
    enas_inr.search(
        photos / "0.png",
        profile="tuned",
        grid=2,
        widths=[8],
        depths=[1],
        repeats=1,
        steps=20,
        backbone_options={"omega_hidden": 11.0},
        search={"siren.omega_first": [5.0, 7.0]},
        **study,
    )
    result = enas_inr.fit_many([photos], output=tmp_path / "models", **study)
    options = [enas_inr.load(row.path).header.ensemble.options for row in result.rows]
    assert {option["omega_hidden"] for option in options} == {11.0}
    assert len({option["omega_first"] for option in options}) == 1
    assert options[0]["omega_first"] in (5.0, 7.0)


def test_the_winner_of_a_set_is_fitted_to_its_signals_with_the_weights_of_the_search(
    photos, tmp_path
):
    study: dict[str, Any] = {"storage": str(tmp_path / "s.db"), "study": "found"}
    search: dict[str, Any] = {"grid": 2, "widths": [6, 8], "depths": [1], "repeats": 1, "steps": 20}
    enas_inr.search([photos], profile="tuned", limit=3, **search, **study)
    result = enas_inr.fit_many([photos], output=tmp_path / "models", **study)
    assert statuses(result) == ["fitted"] * 6
    for row in result.rows:
        alone = enas_inr.fit(
            photos / ("more/5.png" if row.name == "5" else f"{row.name}.png"),
            output=tmp_path / "alone.inr",
            force=True,
            **study,
        )
        assert alone.metrics["known_cells"] == (4 if int(row.name) < 3 else 0)
        assert same_numbers(row.path, alone.path)


def test_a_fit_that_diverges_fails_alone_with_its_reason(photos, tmp_path):
    line = f"fit {photos} --lr 1e30 --steps 20 --grid 2 --width 8 --quiet -o {tmp_path}/m"
    assert call(f"fit {photos}/0.png --lr 1e30 --grid 2 --width 8 -q -o {tmp_path}/m.inr").code == 7
    assert not (tmp_path / "m.inr").exists()
    assert call(line).code == ExitCode.INCOMPLETE
    summary = json.loads((tmp_path / "m" / "summary.json").read_text())
    assert summary["failed"] == 6
