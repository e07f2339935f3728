"""Searches over architectures, recipes and options of backbones, from the call to the report."""

import csv
import json

import pytest

import enas_inr
from enas_inr.cli.main import run
from tests.present import present

AXES = {
    "grid": "1,2",
    "backbone": "siren,relu",
    "siren.omega_first": "15..60:log",
    "lr": "1e-3..1e-2:log",
    "optimizer": "adam,muon",
}
SMALL = ["--size", "12", "--widths", "4,8", "--depths", "1", "--steps", "4", "--repeats", "1"]


def search(capsys, changes, *options):
    axes = [part for pair in (AXES | changes).items() for part in ("--search", "=".join(pair))]
    code = run(["search", "sample:photo", *SMALL, *axes, *options, "--json", "--quiet"])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    return json.loads(printed.out)


@pytest.mark.parametrize(
    ("strategy", "changes"),
    [
        ("coordinate", {}),
        ("optuna --trials 9", {}),
        ("exhaustive --widths 4", {"lr": "1e-2"}),
    ],
)
def test_every_strategy_searches_it_and_does_not_train_again(capsys, tmp_path, strategy, changes):
    options = ["--strategy", *strategy.split(), "--storage", str(tmp_path / "a.db")]
    found = search(capsys, changes, *options)
    again = search(capsys, changes, *options)
    assert again["trials"] == found["trials"]
    trained = [
        json.dumps([trial[name] for name in ("backbone", "options", "grid", "width", "recipe")])
        for trial in found["trials"]
    ]
    assert len(set(trained)) == len(trained) > 4
    omegas = {t["options"]["omega_first"] for t in found["trials"] if t["backbone"] == "siren"}
    assert len(omegas) > 1
    for trial in found["trials"]:
        assert set(trial["recipe"]) == {"learning_rate", "optimizer"}
        assert ("omega_first" in trial["options"]) is (trial["backbone"] == "siren")
    file, storage = tmp_path / "report.html", str(tmp_path / "a.db")
    assert run(["report", found["study"], "--storage", storage, "-o", str(file)]) == 0
    page = file.read_text(encoding="utf-8")
    for trial in found["trials"]:
        assert f"learning_rate={trial['recipe']['learning_rate']}" in page
    assert run(["report", found["study"], "--storage", storage, "--format", "md"]) == 0
    rows = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("| ") and "optimizer=" in line
    ]
    assert len(set(rows)) == len(found["trials"])


def test_python_takes_axes_as_sequences_and_text(tmp_path):
    found = enas_inr.search(
        "sample:photo",
        size=12,
        depths=[1],
        search={"width": [4, 8], "lr": "1e-3,1e-2"},
        grid=2,
        steps=4,
        repeats=1,
        strategy="coordinate",
        racing=False,
        floor_db=-99,
        storage=str(tmp_path / "a.db"),
    )
    assert found.best.trial.training.learning_rate == found.best.trial.recipe["learning_rate"]
    assert found.best.learning_rate == found.best.trial.recipe["learning_rate"]
    assert len(found.trials) == 3
    assert present(found.best.score) == max(present(trial.score) for trial in found.trials)
    assert {"recipe", "width"} <= set(found.to_dataframe().columns)


def test_a_study_file_has_axes_too(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        """
        title = "Axes"
        signals = ["sample:photo"]
        size = "12"
        steps = 3
        repeats = 1

        [[searches]]
        name = "all"
        widths = [4]
        depths = [1]
        search = { grid = [1, 2], lr = "1e-3,1e-2" }
        """
    )
    line = ["study", "run", str(file), "--quiet", "-o", str(tmp_path / "out")]
    assert run([*line, "--storage", str(tmp_path / "a.db")]) == 0
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len({(row["grid"], row["learning_rate"]) for row in rows}) == len(rows) == 3
