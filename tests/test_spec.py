import pytest

from enas_inr.backbones.options import FourierOptions, ReluOptions, SirenOptions
from enas_inr.errors import SpecError
from enas_inr.result import (
    Curve,
    RepeatResult,
    SearchResult,
    TraceStep,
    TrialResult,
    TrialStatus,
    best_of,
)
from enas_inr.signals.options import parse_size
from enas_inr.spec import (
    PAPER_MAX_FLOPS,
    PROFILES,
    PSNR_OFFSET_DB,
    Axis,
    Budget,
    Choice,
    Cost,
    EnsembleSpec,
    Limit,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrainingSpec,
    TrialSpec,
)
from enas_inr.validation import format_quantity, nearest, parse, parse_integers, parse_quantity

IMAGE = SignalInfo(name="photo", modality="image", shape=(12, 16), channels=3)
AUDIO = SignalInfo(name="chord", modality="audio", shape=(32_000,), channels=1, sample_rate=16_000)


def axes(widths=(8, 16), depths=(1, 2)):
    return (Axis(name="width", values=widths), Axis(name="depth", values=depths))


def study(**changes):
    return StudySpec(signal=IMAGE, space=SearchSpace(base=EnsembleSpec(), axes=axes()), **changes)


def trial_result(number=0, score=None, flops=100, parameters=10, psnrs=(30.0, 32.0)):
    trial = TrialSpec(
        number=number,
        ensemble=EnsembleSpec(width=number + 1),
        cost=Cost(flops=flops, parameters=parameters, bytes=4 * parameters),
        training=TrainingSpec(),
        repeats=len(psnrs),
        seed=0,
    )
    repeats = tuple(
        RepeatResult(status=TrialStatus.COMPLETE, steps=500, psnr_paper_db=psnr, best_step=499)
        for psnr in psnrs
    )
    return TrialResult(trial=trial, status=TrialStatus.COMPLETE, repeats=repeats, score=score)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500M", 500_000_000),
        ("1G", 10**9),
        ("1g", 10**9),
        ("2T", 2 * 10**12),
        ("61.5k", 61_500),
        ("1e9", 10**9),
        ("1.5e3k", 1_500_000),
        ("7", 7),
        (" 3 k ", 3_000),
        ("0.6", 0.6),
        ("1.5", 1.5),
    ],
)
def test_a_quantity_is_read_as_a_person_writes_it(text, value):
    assert parse_quantity(text) == value
    assert Limit.parse(text) == Limit(value=value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "G",
        "many",
        "-1",
        "0",
        "1Q",
        "1 2",
        "1,000",
        "0x10",
        "nan",
        "inf",
        "1e400",
        "1e-3",
    ],
)
def test_what_is_no_positive_quantity_is_refused(text):
    with pytest.raises(SpecError, match="is not a quantity; write a number like 500M"):
        parse_quantity(text)
    with pytest.raises(SpecError, match="is not a quantity"):
        Limit.parse(text)


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
    ("value", "text"),
    [
        (557_842_432, "557.84M"),
        (6_484_393_984, "6.48G"),
        (121_507_525_120, "121.51G"),
        (2e12, "2.00T"),
        (1_000, "1.00k"),
        (999, "999"),
        (0, "0"),
    ],
)
def test_a_quantity_is_written_with_two_decimals_and_a_suffix(value, text):
    assert format_quantity(value) == text


def test_integers_are_read_from_a_list_with_commas():
    assert parse_integers("16,32, 64", "--widths") == (16, 32, 64)
    for text in ("", "16,", "a", "1.5", "16;32"):
        with pytest.raises(SpecError, match=r"--widths: '.*' is not a list of integers"):
            parse_integers(text, "--widths")


def test_an_image_size_is_read_as_a_square_a_rectangle_or_none():
    assert parse_size("128") == (128, 128)
    assert parse_size("640x480") == (640, 480)
    assert parse_size("NONE") is None
    for text in ("", "0", "12x", "1x2x3", "-4", "1.5", "big"):
        with pytest.raises(SpecError, match=r"is not an image size; write 128, 640x480 or none"):
            parse_size(text)


def test_the_nearest_name_is_proposed_and_else_all_are_listed():
    assert nearest("sirn", ["relu", "siren"]) == "did you mean 'siren'?"
    assert nearest("###", ["relu", "siren"]) == "choose one of: relu, siren"
    assert nearest("a", []) == "choose one of: -"


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
    with pytest.raises(SpecError, match="at least 1 item"):
        parse(Axis, {"name": "width", "values": []}, "widths")


def test_a_space_lists_its_architectures_the_last_axis_fastest():
    space = SearchSpace(base=EnsembleSpec(backbone="relu", grid=4), axes=axes((16, 8), (2, 1)))
    specs = list(space.specs())
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
        list(space.specs())


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
        seed=2**70,
    )
    again = StudySpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.differences(spec) == []
    assert again.model_dump_json() == spec.model_dump_json()


def test_a_result_goes_to_json_and_back():
    curve = Curve(steps=(1, 2), psnr_paper_db=((1.25, None), (None, 2.5)))
    result = trial_result(score=-1.5).model_copy(update={"curve": curve, "versions": {"a": "1"}})
    assert TrialResult.model_validate_json(result.model_dump_json()) == result


def test_the_samples_of_a_signal_are_counted_without_their_channels():
    assert (IMAGE.samples, AUDIO.samples) == (192, 32_000)


def test_a_file_name_that_is_no_unicode_still_goes_to_json():
    info = IMAGE.model_copy(update={"name": "x"}).model_dump() | {"name": "caf\udce9"}
    assert SignalInfo(**info).name == "caf?"


@pytest.mark.parametrize(("signal", "omega"), [(IMAGE, 30), (AUDIO, 3000)])
def test_the_first_frequency_of_siren_depends_on_the_modality(signal, omega):
    assert SirenOptions().resolve(signal, 8).omega_first == omega
    assert SirenOptions().resolve(signal, 8).omega_hidden == 30
    assert SirenOptions(omega_first=60).resolve(signal, 8).omega_first == 60


@pytest.mark.parametrize("model", [SirenOptions, ReluOptions, FourierOptions])
@pytest.mark.parametrize(
    ("grid", "bias"), [(1, "fan_in"), (2, "fan_in"), (4, "fan_product"), (32, "fan_product")]
)
def test_the_papers_biases_depend_on_the_grid(model, grid, bias):
    assert model().resolve(IMAGE, grid).bias_init == bias
    assert model(bias_init="zeros").resolve(IMAGE, grid).bias_init == "zeros"


def test_options_that_are_settled_stay():
    for model in (SirenOptions, ReluOptions, FourierOptions):
        settled = model().resolve(AUDIO, 8)
        assert settled.resolve(IMAGE, 1) == settled


def test_the_usual_psnr_is_six_decibels_above_the_papers():
    assert round(PSNR_OFFSET_DB, 4) == 6.0206
    result = trial_result(psnrs=(30.0, 32.0))
    assert (result.psnr_paper_db, result.psnr_db) == (31.0, 31.0 + PSNR_OFFSET_DB)
    assert result.psnr_std_db == pytest.approx(2**0.5)
    assert trial_result(psnrs=(30.0,)).psnr_std_db == 0


def test_a_trial_that_is_not_complete_has_no_psnr():
    result = trial_result().model_copy(update={"status": TrialStatus.DIVERGED})
    assert (result.psnr_paper_db, result.psnr_db) == (None, None)


def test_the_best_trial_has_the_best_score_then_fewer_flops_then_fewer_parameters():
    low = trial_result(0, score=1.0, flops=1, parameters=1)
    dear = trial_result(1, score=2.0, flops=9, parameters=1)
    large = trial_result(2, score=2.0, flops=5, parameters=9)
    small = trial_result(3, score=2.0, flops=5, parameters=5)
    failed = trial_result(4, score=None, flops=1)
    assert best_of([low, dear, large, small, failed]) == small
    assert best_of([failed]) is None
    assert best_of([]) is None


def test_a_search_result_is_a_table_and_a_dictionary():
    best, other = trial_result(0, score=2.0), trial_result(1, score=1.0)
    step = TraceStep(1, "width", (best, other), best.key)
    lost = TraceStep(2, "depth", (other,), None)
    result = SearchResult(
        "s", "sqlite:///s.db", study(), best, (step, lost), (best, other), 1.23456
    )
    data = result.to_dict()
    assert data["best"] == data["trials"][0]
    assert [(s["axis"], s["choice"]) for s in data["trace"]] == [("width", 0), ("depth", None)]
    assert (data["study"], data["storage"], data["seconds"]) == ("s", "sqlite:///s.db", 1.235)
    assert list(result.to_dataframe()["width"]) == [1, 2]


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
