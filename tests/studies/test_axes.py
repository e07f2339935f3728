"""Axes of a search space, as people write them."""

import pytest

from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.spec import Axis, Range, SignalInfo
from enas_inr.studies.ask import study_spec
from enas_inr.studies.axes import read_axes
from enas_inr.studies.settings import StudySettings

CATALOG = load_catalog(plugins=False)
PHOTO = SignalInfo(name="photo", modality="image", shape=(16, 16), channels=3)


def axes(given):
    return read_axes(given, CATALOG, "siren")


@pytest.mark.parametrize("given", ["16,32, 64", [64, 16, 32], (16, 32, 64)])
def test_values_are_text_or_a_sequence(given):
    assert axes({"width": given}) == {"width": Axis(name="width", values=(16, 32, 64))}


@pytest.mark.parametrize(
    ("name", "given", "values"),
    [
        ("grid", 8, (8,)),
        ("grid", "8", (8,)),
        ("optimizer", "adam,muon", ("adam", "muon")),
        ("warmup", 0.5, (0.5,)),
    ],
)
def test_values_are_numbers_or_words(name, given, values):
    assert axes({name: given})[name].values == values


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("learning_rate", "1e-4..1e-2:log", Range(low=1e-4, high=1e-2, log=True)),
        ("width", "16..128", Range(low=16, high=128, whole=True)),
        ("steps", "100..200", Range(low=100, high=200, whole=True)),
        ("siren.omega_first", "15..60", Range(low=15, high=60)),
        ("siren.omega_first", "15..60:LOG", Range(low=15, high=60, log=True)),
        ("siren.omega_first", "auto", Range(low=10, high=100, log=True)),  # which it declares
    ],
)
def test_a_range_is_linear_or_logarithmic_and_whole_where_the_field_is(name, given, expected):
    assert axes({name: given}) == {name: Axis(name=name, range=expected)}


def test_equal_values_are_written_equally():
    assert axes({"steps": [10.0, 20]}) == axes({"steps": "10,20"})
    assert axes({"warmup": "0"})["warmup"].values == (0.0,)


def test_the_learning_rate_has_a_short_name():
    assert axes({"lr": "1e-3"}) == {"learning_rate": Axis(name="learning_rate", values=(1e-3,))}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"widht": "1"}, "search: unknown axis 'widht'; did you mean 'width'"),
        ({"profile": "paper"}, "search: unknown axis 'profile'"),
        ({"width": "32..16"}, "search width: value: a range from 32 to 16 is empty"),
        ({"lr": "0..1:log"}, "a logarithmic range cannot begin at 0"),
        ({"lr": "a..b"}, "search lr: 'a..b' is not a range; write it like"),
        ({"lr": "1..2:lin"}, "search lr: '1..2:lin' is not a range; write it like"),
        ({"lr": "auto"}, "search lr: no range is declared for it; give values"),
        ({"width": ""}, "search width: '' is not a value; give values"),
        ({"lr": "1e-3,"}, "search lr: '' is not a value; give values"),
        ({"lr": []}, "search lr: no value is given; give values"),
        ({"lr": "nan"}, "search lr: 'nan' is not a value"),
        ({"lr": "1e400"}, "search lr: '1e400' is not a value"),
        ({"lr": True}, "search lr: True is not a value"),
        ({"lr": None}, "search lr: None is not a value"),
        ({"width": "4,x"}, "search width: input should be a valid integer"),
        ({"width": "1.5..3.5"}, "the range 1.5..3.5 is for whole numbers"),
        ({"schedule": "cosin"}, "search schedule: input should be 'constant', 'cosine' or"),
        ({"backbone": "1..2"}, "search backbone: a range needs numbers; give words"),
        ({"backbone": ["siren", ["relu"]]}, "search backbone: input should be a valid string"),
        ({"lr": "1", "learning_rate": "2"}, "search learning_rate: the axis is named twice"),
        ({"siren.omega": "1"}, "backbone 'siren' has no option 'omega'; did you mean"),
        ({"sirne.omega_first": "1"}, "unknown backbone 'sirne'; did you mean 'siren'"),
        ({"backbone": "siren,fourrier"}, "unknown backbone 'fourrier'; did you mean 'fourier'"),
        ({"fourier.sigma": "1"}, "search fourier.sigma: 'fourier' is not searched; add it to"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(given, message):
    with pytest.raises(SpecError) as caught:
        axes(given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def space(**settings):
    return study_spec(StudySettings(**settings), PHOTO, CATALOG).space


def test_an_axis_is_added_to_width_and_depth_or_replaces_one_of_them():
    found = space(search={"width": "8,16", "grid": "2,4"}, depths=(1,))
    assert [(axis.name, axis.values) for axis in found.axes] == [
        ("width", (8, 16)),
        ("depth", (1,)),
        ("grid", (2, 4)),
    ]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"widths": (8,), "search": {"width": "16"}}, "search width: widths is"),
        ({"grid": 4, "search": {"grid": "2,4"}}, "search grid: grid is"),
        ({"training": {"learning_rate": 1.0}, "search": {"lr": "1,2"}}, "search learning_rate: le"),
        (
            {"backbone_options": {"omega_first": 3}, "search": {"siren.omega_first": "1,2"}},
            "search siren.omega_first: siren.omega_first is",
        ),
        (
            {"backbone_options": {"sigma": 3}, "search": {"backbone": "relu,fourier"}},
            "search backbone: options are given for one backbone; drop sigma",
        ),
    ],
)
def test_an_axis_and_a_fixed_value_contradict_each_other(settings, name):
    with pytest.raises(SpecError, match=name):
        space(**settings)


def test_the_declared_range_of_the_finest_level_of_feature_grids_is_one_of_whole_numbers():
    pytest.importorskip("enas_inr_grid")
    finest = Range(low=4, high=32, log=True, whole=True)
    found = read_axes({"grid.finest": "auto"}, load_catalog(), "grid")
    assert found == {"grid.finest": Axis(name="grid.finest", range=finest)}
