"""Configurations and the spaces that they are in."""

import pytest
from pydantic import JsonValue

from enas_inr.errors import SpecError
from enas_inr.spec import Axis, Configuration, EnsembleSpec, Range, SearchSpace, TrainingSpec

RECIPES: list[dict[str, JsonValue]] = [{}, {"steps": 1}, {"steps": 2}]
RATES = Range(low=1e-4, high=1e-2, log=True)
MIXED = SearchSpace(
    base=EnsembleSpec(grid=2),
    axes=(
        Axis(name="siren.omega_first", values=(15.0, 30.0, 60.0)),
        Axis(name="backbone", values=("siren", "relu")),
        Axis(name="learning_rate", range=RATES),
        Axis(name="optimizer", values=("muon", "adam")),
    ),
)


def test_a_configuration_without_changes_has_the_key_of_its_architecture():
    spec = EnsembleSpec(grid=4, options={"omega_first": 15.0})
    assert Configuration(**spec.model_dump()).key() == spec.key()
    assert Configuration(**spec.model_dump()).ensemble == spec


def test_the_key_covers_the_recipe():
    keys = {Configuration(recipe=recipe).key() for recipe in RECIPES}
    assert len(keys) == 3


def test_a_configuration_has_a_value_on_every_axis():
    spec = Configuration(options={"omega_first": 15.0}, recipe={"steps": 9})
    assert (spec.value("width"), spec.value("backbone"), spec.value("steps")) == (64, "siren", 9)
    assert spec.value("siren.omega_first") == 15.0
    assert spec.value("relu.omega_first") is None
    assert spec.value("learning_rate") is None
    assert spec.short_label(["grid", "steps", "learning_rate"]) == "M=8 steps=9"


def test_another_backbone_drops_the_options_of_the_old_one():
    spec = Configuration(options={"omega_first": 15.0})
    assert spec.with_value("backbone", "relu").options == {}
    assert spec.with_value("backbone", "siren").options == {"omega_first": 15.0}


def test_the_recipe_changes_that_of_the_study():
    common = TrainingSpec(steps=7, optimizer="muon", optimizer_options={"factor": 0.5})
    assert Configuration().training(common) == common
    changed = Configuration(recipe={"learning_rate": 0.1}).training(common)
    assert changed == common.model_copy(update={"learning_rate": 0.1})
    assert Configuration(recipe={"optimizer": "adam"}).training(common).optimizer_options == {}
    with pytest.raises(SpecError, match="search space: steps: input should be greater"):
        Configuration(recipe={"steps": 0}).training(common)


def test_points_of_a_range_are_equally_far_apart():
    assert RATES.points == (1e-4, 3.162e-4, 1e-3, 3.162e-3, 1e-2)
    assert Range(low=0, high=1).points == (0, 0.25, 0.5, 0.75, 1)
    assert Range(low=1, high=3, whole=True).points == (1, 2, 3)
    assert RATES.around(1e-3) == (5.623e-4, 1.778e-3)
    assert RATES.around(1e-4) == (1.778e-4,)


def test_values_of_a_range_stay_within_it():
    narrow = Range(low=1.23444, high=1.23456)
    assert all(narrow.holds(point) for point in narrow.points)
    assert not narrow.holds(1.2)
    assert not Range(low=1, high=3, whole=True).holds(1.5)


def test_a_space_holds_the_configurations_of_its_points_and_those_between_them():
    assert all(map(MIXED.holds, MIXED.configurations()))
    one = MIXED.configuration((15.0, "siren", 1e-3, "adam"))
    assert MIXED.holds(one.with_value("learning_rate", 2e-3))
    for axis, value in (("learning_rate", 0.1), ("width", 3), ("steps", 9), ("grid", 1)):
        assert not MIXED.holds(one.with_value(axis, value))


def test_options_of_a_backbone_apply_only_with_it():
    points = list(MIXED.points())
    assert len(points) == (3 + 1) * 5 * 2
    assert {point[0] for point in points if point[1] == "relu"} == {None}
    assert None not in {point[0] for point in points if point[1] == "siren"}
    assert len({spec.key() for spec in MIXED.configurations()}) == len(points)


def test_a_configuration_has_the_values_of_its_point():
    for point in MIXED.points():
        assert MIXED.point(MIXED.configuration(point)) == point


def test_a_move_to_another_backbone_begins_in_the_middle_of_its_options():
    there = MIXED.moved((15.0, "siren", 1e-3, "adam"), "backbone", "relu")
    assert there == (None, "relu", 1e-3, "adam")
    assert MIXED.moved(there, "backbone", "siren") == (30.0, "siren", 1e-3, "adam")


def test_values_are_steps_apart():
    omega, backbone, rate, _ = MIXED.axes
    assert (omega.steps(15.0, 60.0), omega.steps(None, 60.0)) == (2, 0)
    assert (backbone.steps("siren", "relu"), backbone.steps("relu", "relu")) == (1, 0)
    assert rate.steps(1e-4, 1.1e-3) == 2


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ([{"name": "fourier.sigma", "values": [1.0]}], "applies to no backbone of the space"),
        ([{"name": "width", "values": [1]}, {"name": "width", "values": [2]}], "named twice"),
        ([{"name": "width", "values": [1], "range": {"low": 1, "high": 2}}], "at least one value"),
    ],
)
def test_spaces_that_make_no_sense_are_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        SearchSpace.model_validate({"base": {}, "axes": axes})


def test_the_json_of_older_spaces_stays_as_it_was():
    space = SearchSpace(base=EnsembleSpec(), axes=(Axis(name="width", values=(8, 16)),))
    assert space.model_dump()["axes"] == ({"name": "width", "values": (8, 16)},)
    assert SearchSpace.model_validate_json(MIXED.model_dump_json()) == MIXED
