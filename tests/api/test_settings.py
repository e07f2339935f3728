"""A setting is defined once, for the command line, Python and study files."""

import inspect
import json
import subprocess
import sys
from typing import Annotated, Any

import pytest

import enas_inr
from enas_inr.api import search as search_module
from enas_inr.api.fit_spec import fit_specs
from enas_inr.api.settings import FitManySettings, FitSettings, SearchSettings
from enas_inr.api.study import prepare
from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.spec import Axis, EnsembleSpec, SearchSpace, SignalInfo, StudySpec
from enas_inr.spec.recipe import PROFILES
from enas_inr.studies.ask import study_spec
from enas_inr.studies.setting import Group, Setting
from enas_inr.studies.settings import StudySettings
from tests.command_line import call, plain

CATALOG = load_catalog(plugins=False)
PHOTO = SignalInfo(name="photo", modality="image", shape=(16, 16), channels=3)

ONE_LINE_MORE = """
import importlib.util, inspect, json, sys
from pathlib import Path

place = importlib.util.find_spec("enas_inr.studies.settings")
source = Path(place.origin).read_text()
for before, line in {
    "    grid: ": '    warmth: Annotated[float, Setting("How warm.")] = 2.5\\n',
    "    seed: ": '    lost: Annotated[bool, Setting("What is lost.", Group.TRAINING)] = False\\n',
}.items():
    assert source.count(before) == 1
    source = source.replace(before, line + before)
module = importlib.util.module_from_spec(place)
sys.modules[place.name] = module
exec(compile(source, place.origin, "exec"), vars(module))

import enas_inr
from enas_inr.cli.main import run
from enas_inr.studies.file import load_study_file

for command in ("search", "fit"):
    run([command, "--help-all"])
    print("----")
found = {}
for function in (enas_inr.search, enas_inr.fit):
    found[function.__name__] = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name in ("warmth", "lost")
    }
Path("new.toml").write_text('''
title = "t"
lost = true
[[searches]]
name = "warm"
warmth = 4
[[searches]]
name = "cold"
''')
file = load_study_file(Path("new.toml")).file
found["file"] = [file.lost, *(search.warmth for search in file.searches)]
print(json.dumps(found))
"""


def test_a_new_setting_is_one_line_and_is_then_in_all_places(tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", ONE_LINE_MORE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    search, fit, found = process.stdout.split("----")
    assert "--warmth WARMTH How warm. (default: 2.5)" in _words(search)
    assert "--lost What is lost." in _words(search)
    assert "--warmth" not in fit
    assert "--lost What is lost." in _words(fit)
    assert json.loads(found) == {
        "search": {"warmth": 2.5, "lost": False},
        "fit": {"lost": False},
        "file": [True, 4.0, 2.5],
    }


def _words(help_text):
    return plain(help_text.replace("│", ""))


class AskedError(Exception):
    """Ends a search when its StudySpec is known."""


@pytest.fixture
def asked(monkeypatch):
    """All arguments of the last call of `run_study`."""
    found: dict[str, Any] = {}

    def run_study(spec, signal, **settings):
        found.update(settings, spec=spec, signal=signal)
        raise AskedError

    monkeypatch.setattr(search_module, "run_study", run_study)
    return found


SAME: dict[str, tuple[str, dict[str, Any], str]] = {
    "nothing": ("", {}, ""),
    "sizes": (
        "--grid 4 --widths 8,16 --depths 2",
        {"grid": 4, "widths": [8, 16], "depths": range(2, 3)},
        "grid = 4\nwidths = [8, 16]\ndepths = [2]",
    ),
    "a budget": (
        "--max-flops 1e6 --max-bytes 900k --alpha 3",
        {"max_flops": 1e6, "max_bytes": "900k", "objective_options": {"alpha": 3.0}},
        "max_flops = 1e6\nmax_bytes = '900k'\nalpha = 3",
    ),
    "no limit": ("--max-flops none", {"max_flops": "none"}, "max_flops = 'none'"),
    "a strategy": (
        "--strategy optuna --trials 3 --strategy-option batch=2 --sampler-option seed=1",
        {
            "strategy": "optuna",
            "trials": 3,
            "strategy_options": {"batch": 2, "sampler_options": {"seed": 1}},
        },
        "strategy = { name = 'optuna', options = { batch = 2 } }\ntrials = 3\n"
        "sampler_options = { seed = 1 }",
    ),
    "objectives": (
        "--objectives psnr,flops",
        {"objectives": ("psnr", "flops")},
        "objectives = ['psnr', 'flops']",
    ),
    "a backbone": (
        "--backbone relu --backbone-option bias_init=zeros",
        {"backbone": "relu", "backbone_options": {"bias_init": "zeros"}},
        "backbone = 'relu'\noptions = { bias_init = 'zeros' }",
    ),
    "training": (
        "--profile smooth --steps 9 --lr 1e-3 --repeats 2 --seed 7",
        {
            "profile": "smooth",
            "training": {"steps": 9, "learning_rate": 1e-3},
            "repeats": 2,
            "seed": 7,
        },
        "training = { profile = 'smooth', steps = 9 }\nlearning_rate = 1e-3\nrepeats = 2\nseed = 7",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_command_line_python_and_a_study_file_ask_for_the_same(name, asked, tmp_path):
    line, keywords, table = SAME[name]
    with pytest.raises(AskedError):
        call(f"search sample:photo --size 16 --quiet {line}")
    typed = asked.pop("spec")
    with pytest.raises(AskedError):
        enas_inr.search("sample:photo", size=16, **keywords)
    assert asked["spec"] == typed
    file = tmp_path / "s.toml"
    profile = "profile = 'tuned'"  # the default of a search, but not of a file
    file.write_text(f"title = 't'\nsize = 16\n{profile}\n[[searches]]\nname = 's'\n{table}\n")
    (planned,) = prepare(file).planned
    assert planned.spec == typed
    assert planned.spec.model_dump_json() == typed.model_dump_json()


def test_a_search_a_fit_and_a_study_file_have_profiles_of_their_own(asked, tmp_path):
    with pytest.raises(AskedError):
        enas_inr.search("sample:photo", size=16)
    assert asked["spec"].training == PROFILES["tuned"]
    assert fit_specs(FitSettings(), CATALOG)((16, 16, 3)).training == PROFILES["smooth"]
    (tmp_path / "s.toml").write_text("title = 't'\nsize = 16\n[[searches]]\nname = 's'\n")
    (planned,) = prepare(tmp_path / "s.toml").planned
    assert planned.spec.training == PROFILES["paper"]


def test_without_settings_a_search_is_the_one_that_studyspec_describes():
    space = SearchSpace(
        base=EnsembleSpec(),
        axes=(
            Axis(name="width", values=(16, 32, 64, 128, 256, 512)),
            Axis(name="depth", values=(1, 2, 3, 4, 5)),
        ),
    )
    assert study_spec(StudySettings(), PHOTO, CATALOG) == StudySpec(signal=PHOTO, space=space)


def test_given_architectures_have_no_limit_and_leave_no_choice():
    rows = [EnsembleSpec(grid=2, depth=1, width=4), EnsembleSpec(grid=1, depth=1, width=8)]
    spec = study_spec(StudySettings(), PHOTO, CATALOG, rows=rows)
    assert (spec.strategy.name, spec.budget.limits(256)) == ("exhaustive", {})
    assert [c.ensemble for c in spec.space.configurations()] == rows


@pytest.mark.parametrize("strategy", ["coordinate", "ray"])
def test_the_executor_is_local_but_for_the_strategy_that_needs_another(asked, strategy):
    with pytest.raises(AskedError):
        enas_inr.search("sample:photo", size=16, strategy=strategy)
    assert asked["executor"].name == {"coordinate": "local", "ray": "ray"}[strategy]


def test_options_of_the_executor_can_be_given_either_way(asked):
    given: list[dict[str, Any]] = [{"workers": 2}, {"executor_options": {"workers": 2}}]
    executors = []
    for options in given:
        with pytest.raises(AskedError):
            enas_inr.search("sample:photo", size=16, executor="ray", **options)
        executors.append(asked["executor"])
    with pytest.raises(AskedError):
        call("search sample:photo --size 16 --quiet --executor ray --executor-option workers=2")
    assert executors == [asked["executor"]] * 2
    assert executors[0].options == {"workers": 2}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"sampler": "tpe"},
            "sampler does not apply to strategy 'race'; add strategy optuna",
        ),
        ({"workers": 2}, "workers does not apply to executor 'local'; add executor ray, or drop"),
        ({"steps": 3, "training": {"steps": 4}}, "steps 3 and training steps=4 differ; give one"),
    ],
)
def test_a_setting_that_is_short_for_another_has_to_fit_it(settings, says):
    with pytest.raises(SpecError, match=says):
        SearchSettings(**settings).settled(CATALOG)


def test_settled_settings_are_settled():
    settings = SearchSettings(steps=3, training={"steps": 3}, alpha=2).settled(CATALOG)
    assert settings.training == {"steps": 3}
    assert settings.objective_options == {"alpha": 2.0}
    assert settings.settled(CATALOG) == settings


@pytest.mark.parametrize("model", [SearchSettings, FitSettings, FitManySettings])
def test_every_setting_has_help_and_a_default_and_sets_what_there_is(model):
    for name, mark in model.marks().items():
        assert mark.help.endswith("."), name
        assert not model.model_fields[name].is_required(), name
        if mark.sets:
            target, _, key = mark.sets.partition(".")
            assert target in model.marks(), name
            assert key
            assert model.model_fields[name].default is None, name
    assert model.marks().keys() == model.model_fields.keys()


def test_settings_are_listed_by_group_in_the_order_of_the_groups():
    class More(SearchSettings):
        last: Annotated[int, Setting("A setting of the budget.", Group.BUDGET)] = 1

    groups = [mark.group for mark in More.marks().values()]
    assert groups == sorted(groups, key=list(Group).index)
    assert list(More.marks()).index("last") < list(More.marks()).index("seed")


def test_the_signature_of_the_functions_is_that_of_the_settings():
    of_a_fit = ["catalog", "should_stop", "states", "on_progress", "progress"]
    of_a_search = ["catalog", "observer", "on_trial", "on_progress", "progress"]
    for function, model, others in (
        (enas_inr.search, SearchSettings, of_a_search),
        (enas_inr.fit, FitSettings, [*of_a_fit, "most_bytes"]),
        (enas_inr.fit_many, FitManySettings, [*of_a_fit, "say"]),
    ):
        parameters = inspect.signature(function).parameters
        first = "signals" if function is enas_inr.fit_many else "signal"
        assert list(parameters) == [first, *model.model_fields, *others]
        assert parameters["seed"].default == 0
        for mark in model.marks().values():
            assert mark.help in (function.__doc__ or "")
