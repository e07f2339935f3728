import pytest

from enas_inr.errors import SpecError
from enas_inr.spec import (
    Axis,
    Budget,
    Choice,
    EnsembleSpec,
    Limit,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrainingSpec,
)
from enas_inr.spec.budget import PAPER_MAX_FLOPS
from enas_inr.spec.recipe import PROFILES
from enas_inr.validation import parse

IMAGE = SignalInfo(name="photo", modality="image", shape=(12, 16), channels=3)


AUDIO = SignalInfo(name="chord", modality="audio", shape=(32_000,), channels=1, sample_rate=16_000)


def axes(widths=(8, 16), depths=(1, 2)):
    return (Axis(name="width", values=widths), Axis(name="depth", values=depths))


def study(**changes):
    return StudySpec(signal=IMAGE, space=SearchSpace(base=EnsembleSpec(), axes=axes()), **changes)


@pytest.mark.parametrize("text", ["60k/sample", "60k / sample", "60000/sample"])
def test_a_limit_per_sample_grows_with_the_signal(text):
    limit = Limit.parse(text)
    assert limit == Limit(value=60_000, per_sample=True)
    assert (limit.total(1), limit.total(10)) == (60_000, 600_000)


def test_an_absolute_limit_does_not_grow_with_the_signal():
    assert Limit.parse("60k").total(10) == 60_000


@pytest.mark.parametrize("text", ["60k/", "60k/pixel", "60k/sample/s", "60k//sample"])
def test_a_limit_per_anything_else_is_refused(text):
    with pytest.raises(SpecError, match="is not a limit; write it like 500M, 1G or 60k/sample"):
        Limit.parse(text)


def test_a_limit_per_sample_needs_a_quantity():
    with pytest.raises(SpecError, match="'' is not a quantity"):
        Limit.parse("/sample")


@pytest.mark.parametrize("text", ["500M", "1G", "60k/sample"])
def test_a_limit_is_written_as_it_can_be_read(text):
    limit = Limit.parse(text)
    assert Limit.parse(str(limit)) == limit


def test_the_budget_lists_the_limits_that_are_set():
    budget = Budget(parameters=Limit(value=5), bytes=Limit(value=2, per_sample=True))
    assert budget.limits(10) == {"flops": 610_350, "parameters": 5, "bytes": 20}
    assert Budget(flops=None).limits(10) == {}
    assert Budget().flops == PAPER_MAX_FLOPS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"widht": 3}, "unknown key 'widht'; did you mean 'width'?"),
        ({"###": 3}, "choose one of: backbone, depth, grid, options, width"),
        ({"grid": 0, "widht": 3}, "unknown key 'widht'"),
        ({"grid": 0}, "grid: input should be greater than or equal to 1 (received 0)"),
        ({"depth": -1}, "depth: input should be greater than or equal to 0 (received -1)"),
        ({"width": 2.5}, "(received 2.5)"),
        ({"width": "wide"}, "(received 'wide')"),
        ({"options": {"omega_first": float("nan")}}, "(received nan)"),
    ],
)
def test_a_wrong_architecture_is_refused_in_one_line(data, message):
    with pytest.raises(SpecError) as caught:
        parse(EnsembleSpec, data, "architecture")
    assert str(caught.value).startswith("architecture: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "key", "valid"),
    [
        ({"trainign": {}}, "trainign", "training"),
        ({"training": {"setps": 3}}, "training.setps", "steps"),
        ({"space": {"base": {"widht": 3}}}, "space.base.widht", "width"),
        ({"space": {"axes": [{"name": "width", "valeus": [3]}]}}, "space.axes.0.valeus", "values"),
        ({"budget": {"bytes": {"valeu": 3}}}, "budget.bytes.valeu", "value"),
    ],
)
def test_an_unknown_key_inside_a_study_names_the_nearest_key_of_its_place(changes, key, valid):
    data = study().model_dump()
    for name, change in changes.items():
        data[name] = data.get(name, {}) | change
    with pytest.raises(SpecError, match=f"unknown key '{key}'; did you mean '{valid}'") as caught:
        parse(StudySpec, data, "study")
    assert str(caught.value).startswith("study: ")


def test_a_missing_key_is_named():
    with pytest.raises(SpecError, match=r"study: signal: field required$"):
        parse(StudySpec, {"space": study().space}, "study")


def test_specs_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        EnsembleSpec().width = 3  # type: ignore[misc]


def test_the_key_of_an_architecture_never_changes():
    spec = EnsembleSpec(options={"b": 1, "a": [True, None]}, grid=4, depth=2, width=64)
    assert spec.key() == (
        '{"backbone":"siren","depth":2,"grid":4,"options":{"a":[true,null],"b":1},"width":64}'
    )


def test_equal_architectures_have_equal_keys_whatever_the_order_of_their_options():
    one = EnsembleSpec(options={"a": 1, "b": 2})
    other = EnsembleSpec(options={"b": 2, "a": 1})
    assert one == other
    assert one.key() == other.key()
    assert EnsembleSpec.model_validate_json(one.model_dump_json()).key() == one.key()


@pytest.mark.parametrize(
    "change",
    [{"grid": 4}, {"depth": 2}, {"width": 65}, {"backbone": "relu"}, {"options": {"a": 1}}],
)
def test_every_field_is_part_of_the_key(change):
    assert EnsembleSpec(**change).key() != EnsembleSpec().key()


def test_a_label_is_for_people():
    assert EnsembleSpec(grid=8, depth=1, width=128).label() == "siren M=8 d=1 w=128"


def test_one_value_changes_and_the_rest_stays():
    spec = EnsembleSpec(backbone="relu", grid=4, depth=2, width=64)
    assert spec.with_value("depth", 5) == spec.model_copy(update={"depth": 5})
    assert spec.depth == 2


def test_the_paper_profile_is_the_papers_training():
    spec = TrainingSpec.from_profile("paper")
    assert spec == PROFILES["paper"] == TrainingSpec()
    assert (spec.steps, spec.patience, spec.coordinates) == (500, 200, "centers")
    assert (spec.betas, spec.epsilon) == ((0.9, 0.999), 1e-8)


def test_a_profile_is_changed_by_what_is_given():
    changed = TrainingSpec.from_profile("paper", steps=7, learning_rate=None)
    assert changed == TrainingSpec(steps=7)


def test_an_unknown_profile_or_setting_names_the_nearest():
    with pytest.raises(SpecError, match="unknown profile 'papre'; did you mean 'paper'"):
        TrainingSpec.from_profile("papre")
    with pytest.raises(SpecError, match="training: unknown key 'step'; did you mean 'steps'"):
        TrainingSpec.from_profile("paper", step=3)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("inf")},
        {"patience": 0},
        {"coordinates": "middle"},
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_value_received(change):
    (name, value), *_ = change.items()
    with pytest.raises(SpecError, match=rf"training: {name}: .* \(received '?{value}'?\)"):
        TrainingSpec.from_profile("paper", **change)


def test_the_values_of_an_axis_are_sorted_and_distinct():
    assert Axis(name="width", values=(64, 16, 64, 32)).values == (16, 32, 64)
    with pytest.raises(SpecError, match="width: give at least one value, or a range"):
        parse(Axis, {"name": "width", "values": []}, "widths")


def test_a_space_lists_its_architectures_the_last_axis_fastest():
    space = SearchSpace(base=EnsembleSpec(backbone="relu", grid=4), axes=axes((16, 8), (2, 1)))
    specs = list(space.configurations())
    assert [(s.width, s.depth) for s in specs] == [(8, 1), (8, 2), (16, 1), (16, 2)]
    assert {(s.backbone, s.grid) for s in specs} == {("relu", 4)}


def test_a_space_finds_its_axes_by_name():
    space = study().space
    assert space.axis("depth").values == (1, 2)
    with pytest.raises(SpecError, match="no axis 'widht'; did you mean 'width'"):
        space.axis("widht")


def test_a_space_refuses_values_that_no_architecture_has():
    space = SearchSpace(base=EnsembleSpec(), axes=axes(widths=(-1, 8)))
    with pytest.raises(SpecError, match=r"search space: width: .* \(received -1\)"):
        list(space.configurations())


def test_equal_studies_have_no_differences():
    assert study().differences(study()) == []


def test_a_study_lists_each_difference_with_both_values():
    ours = study(repeats=3, training=TrainingSpec(steps=7), budget=Budget(flops=None))
    theirs = study(strategy=Choice(name="exhaustive", options={"a": 1}))
    assert ours.differences(theirs) == [
        "budget.flops.per_sample: -, not True",
        "budget.flops.value: -, not 61035.0",
        "repeats: 3, not 5",
        "strategy.name: coordinate, not exhaustive",
        "strategy.options.a: -, not 1",
        "training.steps: 7, not 500",
    ]


def test_another_signal_is_a_difference():
    other = study().model_copy(update={"signal": IMAGE.model_copy(update={"fingerprint": "f"})})
    assert study().differences(other) == ["signal.fingerprint: , not f"]


def test_a_study_goes_to_json_and_back():
    spec = study(
        strategy=Choice(name="coordinate", options={"start": {"width": 8}}),
        budget=Budget(bytes=Limit(value=3, per_sample=True)),
        training=TrainingSpec(learning_rate=5e-4, betas=(0.8, 0.99)),
        seed=2**64 - 1,
    )
    again = StudySpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.differences(spec) == []
    assert again.model_dump_json() == spec.model_dump_json()


def test_the_samples_of_a_signal_are_counted_without_their_channels():
    assert (IMAGE.samples, AUDIO.samples) == (192, 32_000)


def test_a_file_name_that_is_no_unicode_still_goes_to_json():
    info = IMAGE.model_copy(update={"name": "x"}).model_dump() | {"name": "caf\udce9"}
    assert SignalInfo(**info).name == "caf?"


def test_a_study_without_objectives_has_the_json_it_always_had():
    assert "objectives" not in study().model_dump_json()
    old = study().model_dump(mode="json")
    assert StudySpec.model_validate(old) == study()
    assert study().differences(StudySpec.model_validate(old)) == []


def test_objectives_go_to_json_and_back_and_are_a_difference():
    asked = study(objectives=("psnr", "flops"))
    assert StudySpec.model_validate_json(asked.model_dump_json()) == asked
    assert asked.differences(study()) == ["objectives: ['psnr', 'flops'], not -"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("psnr", "flop"), "unknown objective 'flop'; did you mean 'flops'"),
        (("psnr", "psnr"), "objective 'psnr' is named twice"),
    ],
)
def test_wrong_objectives_are_named(names, says):
    with pytest.raises(SpecError, match=says):
        parse(StudySpec, study().model_dump() | {"objectives": names}, "search")
