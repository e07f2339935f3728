from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from enas_inr.api.study import prepare
from enas_inr.errors import SpecError
from enas_inr.studies.file import load_study_file
from tests.present import present

SHIPPED = sorted((Path(__file__).parents[2] / "studies").glob("*.toml"))

TEXT = """
title = "t"
repeats = 3
baseline = "small"
[training]
steps = 50
[[searches]]
name = "fixed"
rows = [{ name = "small", grid = 4, depth = 1, width = 8 }]
[[searches]]
name = "searched"
grids = [4, 8]
widths = [8, 16]
strategy = "exhaustive"
[quick]
repeats = 2
training.steps = 5
searches.searched = { grids = [2] }
"""


def load(tmp_path, text=TEXT, **settings):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return load_study_file(path, **settings)


def test_a_file_is_read_with_its_defaults(tmp_path):
    loaded = load(tmp_path)
    assert loaded.name == "mine"
    assert loaded.reduced == ""
    assert loaded.file.signals == ("sample:photo",)
    strategies = [search.chosen("strategy") for search in loaded.file.searches]
    assert strategies == ["coordinate", "exhaustive"]
    assert loaded.file.searches[1].grids == (4, 8)


def test_quick_changes_what_it_names_and_nothing_else_and_says_so(tmp_path):
    full, quick = load(tmp_path).file, load(tmp_path, quick=True)
    assert quick.file.repeats == 2
    assert quick.file.training == {"steps": 5}
    assert quick.file.searches[1].grids == (2,)
    assert quick.file.searches[1].widths == full.searches[1].widths
    assert quick.file.searches[0] == full.searches[0]
    assert quick.reduced == "quick version (repeats 2, steps 5, other searched grids)"


def test_set_comes_after_quick_and_signals_replace(tmp_path):
    loaded = load(
        tmp_path,
        quick=True,
        changes={"training.steps": 7, "searches.searched.widths": [4]},
        signals=["a.png", "b.png"],
    )
    assert loaded.file.training == {"steps": 7}
    assert loaded.file.searches[1].widths == (4,)
    assert loaded.file.signals == ("a.png", "b.png")
    assert "changed (training.steps 7, other searches.searched.widths)" in loaded.reduced


def test_a_change_of_the_presentation_is_not_a_reduction(tmp_path):
    loaded = load(tmp_path, changes={"title": "other", "figures": ["curves"]})
    assert loaded.file.figures == ("curves",)
    assert loaded.reduced == ""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("repeats = 3", "repeat = 3", "unknown key 'repeat'; did you mean 'repeats'"),
        ("grids = [4, 8]", "grid = [4, 8]", "searches.1.grid: input should be a valid integer"),
        ("grids = [4, 8]", "grdis = [4, 8]", "'searches.1.grdis'; did you mean 'grids'"),
        ("grids = [4, 8]", "grids = [4, 8]\ngrid = 4", "grid and grids are both given"),
        ('"exhaustive"', '{ nam = "optuna" }', "'searched': strategy: unknown key 'nam'; did you"),
        ("width = 8 }", "widths = 8 }", "rows.0.widths'; did you mean 'width'"),
        (
            'baseline = "small"',
            'baseline = "smal"',
            "baseline 'smal' is not a row; did you mean 'sm",
        ),
        ("repeats = 2", "repeat = 2", "quick: unknown key 'repeat'; did you mean 'repeats'"),
        ("searches.searched =", "searches.serched =", "no search 'serched'; did you mean 'sea"),
        ('name = "searched"', 'name = "fixed"', "search 'fixed' is given twice"),
        ("rows = [{", "widths = [4]\nrows = [{", "rows leave nothing for widths"),
        ("repeats = 3", "repeats = 0", "repeats: input should be greater than or equal to 1"),
        ('title = "t"', "", "title: field required"),
        ("[training]", "[training", "is not TOML"),
        ("grids = [4, 8]", "grids = []", "grids: tuple should have at least 1 item"),
        ("grids = [4, 8]", "grids = [4, 4]", "grid 'M=4' is given twice"),
        (
            "width = 8 }]",
            "width = 8 }, { name = 'b', grid = 4, depth = 1, width = 8 }]",
            "'M=4 d=1",
        ),
        ("searches.searched = {", "searches.searched = 3 # {", "search 'searched' cannot be 3"),
        ("repeats = 3", "repeats = 3\nquick = 3", "is not TOML"),
    ],
)
def test_a_mistake_is_one_line_with_a_suggestion(tmp_path, old, new, says):
    with pytest.raises(SpecError) as caught:
        load(tmp_path, TEXT.replace(old, new, 1))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_are_accepted_as_text(tmp_path):
    loaded = load(tmp_path, changes={"size": 64, "searches.searched.max_flops": 1e9})
    assert loaded.file.size == "64"
    assert loaded.file.searches[1].max_flops == "1000000000.0"


def test_other_mistakes(tmp_path):
    with pytest.raises(SpecError, match="cannot be read: No such file"):
        load_study_file(tmp_path / "none.toml")
    with pytest.raises(SpecError, match="has no table `quick`"):
        load(tmp_path, TEXT[: TEXT.index("[quick]")], quick=True)
    with pytest.raises(SpecError, match=r"quick is not a table \(received 3\)"):
        load(tmp_path, "quick = 3\n" + TEXT[: TEXT.index("[quick]")])
    with pytest.raises(SpecError, match="search 'fixed' cannot be 3"):
        load(tmp_path, changes={"searches.fixed": 3})
    with pytest.raises(SpecError, match="--set: unknown key 'reapets'; did you mean 'repeats'"):
        load(tmp_path, changes={"reapets": 1})
    with pytest.raises(SpecError, match=r"--set searches\.x\.grids: no search 'x'"):
        load(tmp_path, changes={"searches.x.grids": [1]})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_papers_studies_are_valid_and_have_a_quick_version(path):
    assert load_study_file(path).reduced == ""
    assert load_study_file(path, quick=True).reduced.startswith("quick version")


def test_the_papers_studies_are_all_there():
    assert [path.stem for path in SHIPPED] == [
        "fig2_divergence",
        "fig2_mean_of_pictures",
        "fig3_search_trace",
        "fig4_convergence",
        "fig5_reconstructions",
        "fig6_backbones",
        "table1_image",
        "table2_audio",
    ]


def test_the_signals_of_a_file_can_be_a_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{seed}.png")
    Path("set.toml").write_text(
        'title = "A set"\nsignals = ["*.png"]\ntogether = true\nsize = "8"\nrepeats = 2\n'
        "training.steps = 2\n[[searches]]\nname = 'SIREN'\ngrids = [1, 2]\ndepths = [1]\n"
        "widths = [4, 6]\nstrategy = 'exhaustive'\nmax_flops = 'none'\nfloor_db = -99.0\n"
    )
    prepared = prepare("set.toml")
    assert [study.label for study in prepared.planned] == ["SIREN M=1", "SIREN M=2"]
    made = prepared.run(f"sqlite:///{tmp_path}/s.db")
    for study in made.studies:
        assert len(study.spec.signals) == 3
        assert [len(present(one.over).signals) for one in study.results] == [3, 3]
