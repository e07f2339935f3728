from dataclasses import replace
from pathlib import Path

import pytest
import torch

from enas_inr.api.reading import read_signal
from enas_inr.backbones.feasibility import feasible_space
from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.studies.file import SearchTable, StudyFile, load_study_file
from enas_inr.studies.plan import plan

FOLDER = Path(__file__).parents[2] / "studies"
CATALOG = load_catalog()


@pytest.fixture(scope="module")
def photo():
    return read_signal(CATALOG, "sample:photo", "128")


def planned(name, *signals):
    names = [signal.name for signal in signals]
    return plan(load_study_file(FOLDER / f"{name}.toml", signals=names).file, [*signals], CATALOG)


def flops(study):
    return {c.spec.key(): c.cost.flops for c in feasible_space(study.spec, CATALOG).feasible}


def test_the_flops_of_table_1_are_the_papers_to_the_digit(photo):
    (study,) = planned("table1_image", photo)
    expected = {
        "SIREN": 6_484_393_984,
        "ENRP-S0": 681_574_400,
        "ENRP-S1": 278_921_216,
        "ENRP-S2": 557_842_432,
        "ENRP-S3": 557_842_432,
        "ENRP-S4": 557_842_432,
    }
    costs = flops(study)
    assert {name: costs[key] for key, name in study.names.items()} == expected


def test_the_flops_of_fig_6_too(photo):
    studies = {study.label: study for study in planned("fig6_backbones", photo)}
    costs = {
        label: max(v for k, v in flops(s).items() if s.names[k] == "grid 32")
        for label, s in studies.items()
    }
    assert costs["ReLU"] == 557_842_432
    assert costs["Fourier features"] == 558_108_672


def test_files_that_ask_for_the_same_share_a_study(photo):
    names = {
        planned(file, photo)[0].name
        for file in ("table1_image", "fig4_convergence", "fig5_reconstructions")
    }
    assert len(names) == 1


def test_a_search_for_each_grid_and_each_signal_with_labels_of_their_own(photo):
    other = replace(photo, name="other", values=-photo.values)
    studies = planned("fig3_search_trace", photo, other)
    labels = [study.label for study in studies]
    assert len(set(labels)) == len(labels) == 12
    assert labels[0] == "photo SIREN M=1"
    assert labels[-1] == "other SIREN M=32"
    assert len({study.name for study in studies}) == 12
    assert {study.spec.strategy.name for study in studies} == {"coordinate"}


def test_published_values_are_those_of_one_signal_only(photo):
    file = load_study_file(FOLDER / "table1_image.toml").file
    assert not plan(file, [photo], CATALOG)[0].published
    as_if = file.model_copy(update={"published_for": photo.info().fingerprint})
    published = plan(as_if, [photo], CATALOG)[0].published
    assert published["ENRP-S4"].psnr_paper_db == 83.08
    with_other = plan(as_if, [replace(photo, values=torch.zeros(128, 128, 3))], CATALOG)
    assert not with_other[0].published


def test_signals_that_are_the_same_are_refused_and_equal_names_told_apart(photo):
    file = load_study_file(FOLDER / "table1_image.toml", signals=["a/x.png", "b/x.png"]).file
    with pytest.raises(SpecError, match=r"'a/x\.png' and 'b/x\.png' are the same"):
        plan(file, [photo, photo], CATALOG)
    other = replace(photo, values=-photo.values)
    assert [study.label for study in plan(file, [photo, other], CATALOG)] == ["a/x.png", "b/x.png"]


def file_with(**search):
    return StudyFile(title="t", searches=(SearchTable(name="s", **search),))


def test_budgets_rows_have_none_searches_the_papers_and_both_can_be_named(photo):
    row = {"name": "r", "grid": 1, "depth": 3, "width": 256}
    budgets = [
        plan(file_with(**search), [photo], CATALOG)[0].spec.budget.limits(photo.info().samples)
        for search in (
            {"rows": [row]},
            {"rows": [row], "max_flops": "9G"},
            {"grids": [8]},
            {"grids": [8], "max_flops": "none", "max_parameters": "10k"},
        )
    ]
    assert budgets == [{}, {"flops": 9 * 10**9}, {"flops": 999_997_440}, {"parameters": 10_000}]


def test_the_training_of_a_search_changes_the_files(photo):
    file = file_with(grids=[8], training={"steps": 3, "profile": "smooth"})
    file = file.model_copy(update={"training": {"steps": 9, "patience": 5}})
    training = plan(file, [photo], CATALOG)[0].spec.training
    assert (training.profile, training.steps, training.patience) == ("smooth", 3, 5)


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ({"training": {"step": 3}}, "unknown key 'step'; did you mean 'steps'"),
        ({"max_flops": "lots"}, "'lots' is not"),
        ({"grids": [0]}, "greater than or equal to 1"),
        ({"training": {"cls": 3}}, "unknown key 'cls'"),
        ({"rows": [{"name": "r", "grid": 2_000_000, "depth": 1, "width": 1}]}, "row 'r': grid"),
    ],
)
def test_wrong_values_are_found_before_anything_is_trained(photo, search, says):
    with pytest.raises(SpecError, match=says):
        plan(file_with(**search), [photo], CATALOG)
