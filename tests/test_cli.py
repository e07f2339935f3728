import math
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import soundfile
import typer
from command_line import assert_one_line, call, call_process, plain
from PIL import Image

import enas_inr
from enas_inr import errors
from enas_inr.cli.main import app
from enas_inr.errors import EnasInrError, ExitCode
from enas_inr.plugins.catalog import DISABLE_VARIABLE, KINDS, load_catalog

TINY = "search sample:photo --size 16 --grid 2 --widths 4,8 --depths 1 --repeats 2 --steps 5"
HEAVY = {"torch", "ray", "optuna", "pandas", "matplotlib"}

EXIT_CODES = {
    "INTERNAL": 1,
    "OK": 0,
    "USAGE": 2,
    "SIGNAL": 3,
    "BUDGET": 4,
    "PLUGIN": 5,
    "STUDY": 6,
    "TRAINING": 7,
    "MODEL": 8,
    "INTERRUPTED": 130,
}


def commands(group=None, path=()):
    """The path of every command, groups included."""
    group = group or typer.main.get_command(app)
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_broken_files(folder):
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "good.png")
    content = (folder / "good.png").read_bytes()
    (folder / "cut.png").write_bytes(content[: len(content) // 2])
    (folder / "text.png").write_text("these are my notes\n" * 20)
    (folder / "nothing.png").touch()
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))
    (folder / "huge.png").write_bytes(huge + chunk(b"IEND", b""))
    waves = {"nan": [0.0, math.nan, 0.5], "empty": [], "good": [0.0, 0.25, 0.5]}
    for name, wave in waves.items():
        samples = np.array(wave, dtype=np.float32)
        soundfile.write(folder / f"{name}.wav", samples, 8000, subtype="FLOAT")
    (folder / "notes.db").write_text("these are my notes, and no database\n" * 100)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """The default storage is a file in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv(DISABLE_VARIABLE, "")


@pytest.fixture(scope="module")
def broken_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    write_broken_files(folder)
    return folder


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A tiny search with --json --quiet, as a shell sees it, and the folder of its study."""
    folder = tmp_path_factory.mktemp("searched")
    return call_process(f"{TINY} --json --quiet", folder), folder


SMALL = "--size 16 --grid 2 --widths 4 --depths 1 --repeats 1 --steps 2"

WRONG = {
    "a missing file": (3, "search {folder}/missing.png", "cannot be read: No such file"),
    "a folder": (3, "search {folder}", "no modality reads"),
    "no known suffix": (
        3,
        "search {folder}/notes.db",
        "(suffix '.db'); give a file with one of",
    ),
    "text named .png": (3, "search {folder}/text.png", "not an image, or a damaged one; give a"),
    "an empty file": (3, "search {folder}/nothing.png", "is empty (0 bytes)"),
    "a truncated PNG": (3, "search {folder}/cut.png", "check that the file is complete"),
    "a huge PNG": (3, "search {folder}/huge.png", "60000x60000 is 3600 million pixels"),
    "a WAV with NaN": (3, "search {folder}/nan.wav", "1 of 3 values are NaN or infinite"),
    "a WAV without frames": (3, "search {folder}/empty.wav", "holds no samples"),
    "an unknown sample": (3, "search sample:foto", "unknown sample 'foto'; did you mean 'photo'"),
    "grid 0": (2, TINY + " --grid 0", "grid: input should be greater than or equal to 1"),
    "a large grid": (2, TINY + " --grid 17", "use a grid of at most 16"),
    "width -1": (2, TINY + " --widths -1,8", "width: input should be greater than or equal to 1"),
    "depth -1": (2, TINY + " --depths -1", "(received -1)"),
    "no widths": (2, TINY + " --widths ''", "--widths: '' is not a list of integers"),
    "words for depths": (2, TINY + " --depths one", "write them like 16,32,64"),
    "no repeats": (2, TINY + " --repeats 0", "repeats: input should be greater than or equal to 1"),
    "no steps": (2, TINY + " --steps 0", "training: steps: input should be greater"),
    "a seed below 0": (2, TINY + " --seed -1", "seed: input should be greater"),
    "an infinite rate": (2, TINY + " --lr inf", "training: learning_rate: input should be"),
    "unknown backbone": (2, TINY + " --backbone sirne", "'sirne'; did you mean 'siren'"),
    "unknown strategy": (2, TINY + " --strategy cordinate", "did you mean 'coordinate'"),
    "unknown executor": (2, TINY + " --executor locl", "did you mean 'local'"),
    "unknown objective": (2, TINY + " --objective psnr_flop", "did you mean 'psnr_flops'"),
    "an objective's option": (
        2,
        TINY + " --objective-option alhpa=3",
        "objective 'psnr_flops': unknown key 'alhpa'; did you mean 'alpha'",
    ),
    "unknown sampler": (2, TINY + " --strategy optuna --sampler tpes", "did you mean 'tpe'"),
    "a sampler for nobody": (
        2,
        TINY + " --sampler tpe",
        "--sampler does not apply to strategy 'co",
    ),
    "workers for nobody": (2, TINY + " --workers 2", "add --executor ray"),
    "a scheduler for nobody": (2, TINY + " --scheduler asha", "add --strategy optuna or ray"),
    "trials for nobody": (2, TINY + " --strategy exhaustive --trials 3", "add --strategy optuna"),
    "no trials": (2, TINY + " --strategy optuna --trials 0", "trials: input should be greater"),
    "a sampler's option": (
        2,
        TINY + " --strategy optuna --sampler-option n_startup_trail=1",
        "sampler 'tpe': unknown option 'n_startup_trail'; did you mean 'n_startup_trials'",
    ),
    "unknown objectives": (2, TINY + " --objectives psnr,flop", "did you mean 'flops'"),
    "too many objectives": (
        2,
        TINY + " --strategy optuna --sampler cmaes --objectives psnr,flops",
        "sampler 'cmaes' can improve one objective, not several",
    ),
    "unknown profile": (2, TINY + " --profile papre", "did you mean 'paper'"),
    "unknown coordinates": (2, TINY + " --coordinates middle", "training: coordinates: input"),
    "a bad size": (2, TINY + " --size 12x", "'12x' is not an image size; write 128, 640x480"),
    "size 0": (2, TINY + " --size 0", "'0' is not an image size"),
    "a signal option twice": (
        2,
        TINY + " --signal-option size=[8,8]",
        "size '16' and the option size [8, 8]; give one of them",
    ),
    "a signal option without value": (2, TINY + " --signal-option size", "key=value"),
    "an unknown signal option": (
        2,
        "search {folder}/good.png --signal-option sise=[8,8]",
        "modality 'image': unknown key 'sise'; did you mean 'size'",
    ),
    "a signal option for audio": (
        2,
        "search {folder}/good.wav --signal-option every=2",
        "'every' does not apply to audio",
    ),
    "a size for audio": (2, "search {folder}/good.wav --size 16", "size 16 does not apply to"),
    "a size for a chord": (
        2,
        "search sample:chord --size 16",
        "size 16 does not apply to sample:chord",
    ),
    "a bad limit": (2, TINY + " --max-flops many", "'many' is not a quantity; write a number like"),
    "an infinite limit": (2, TINY + " --max-flops 1e999", "'1e999' is not a quantity"),
    "a limit per pixel": (2, TINY + " --max-bytes 1k/pixel", "'1k/pixel' is not a limit"),
    "a limit below 1": (2, TINY + " --max-parameters -5", "'-5' is not a quantity"),
    "a budget nothing fits": (4, TINY + " --max-flops 10", "the smallest costs are 18.43k flops"),
    "an unknown device": (2, TINY + " --device gpu", "use auto, cpu, cuda or cuda:N"),
    "an unsupported device": (2, TINY + " --device meta", "device 'meta' is not supported"),
    "a missing device": (2, TINY + " --device cuda:99", "device 'cuda:99' is not here"),
    "an unknown option key": (
        2,
        TINY + " --backbone-option omega_frist=60",
        "backbone 'siren': unknown key 'omega_frist'; did you mean 'omega_first'",
    ),
    "an option for a strategy without any": (
        2,
        TINY + " --strategy exhaustive --strategy-option start=1",
        "strategy 'exhaustive' takes no options; drop start",
    ),
    "an option without a value": (
        2,
        TINY + " --backbone-option omega_first",
        "--backbone-option 'omega_first' has no value; write it like --backbone-option key=value",
    ),
    "an option that is no number": (
        2,
        TINY + " --backbone-option omega_first=high",
        "backbone 'siren': omega_first: input should be a valid number",
    ),
    "a storage in no folder": (
        6,
        TINY + " --storage {folder}/notes.db/runs.db",
        "give a writable one, such as --storage sqlite:///enas-inr.db",
    ),
    "text as a storage": (6, TINY + " --storage {folder}/notes.db", "file is not a database"),
    "a nonsense storage": (6, TINY + " --storage nonsense://x", "storage nonsense://x cannot be"),
    "an empty storage": (6, TINY + " --storage ''", "cannot be used: no file is named"),
    "a missing argument": (2, "search", "; see `enas-inr search --help`"),
    "an extra argument": (2, "search a.png b.png", "see `enas-inr search --help`"),
    "an unknown option": (2, TINY + " --widhts 3", "No such option: --widhts"),
    "an option of a wrong type": (2, TINY + " --grid two", "Invalid value for '--grid'"),
    "an option without its value": (2, "search sample:photo --grid", "requires an argument"),
    "an unknown command": (2, "serch", "No such command 'serch'"),
    "an unknown subcommand": (2, "plugins lst", "see `enas-inr plugins --help`"),
    "no command": (2, "--no-plugins", "Missing command; see `enas-inr --help`"),
    "a shape without channels": (2, "cost --shape 128", "shape '128' is not a shape"),
    "a shape of nothing": (2, "cost --shape 0x3", "write it like 128x128x3 or 308207x1"),
    "a shape of five axes": (2, "cost --shape 2x2x2x2x2x1", "1 to 4 axes, then the channels"),
    "a cost of width 0": (2, "cost --width 0", "architecture: width: input should be"),
    "a cost of grid 0": (2, "cost --grid 0", "architecture: grid: input should be"),
    "a cost of a large grid": (2, "cost --shape 4x4x3 --grid 5", "use a grid of at most 4"),
    "a cost of no backbone": (2, "cost --backbone sirne", "did you mean 'siren'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_ends_with_its_code_and_one_line(broken_files, name):
    code, line, message = WRONG[name]
    outcome = call(line.format(folder=broken_files))
    assert_one_line(outcome, code)
    assert message in outcome.err


def test_an_error_is_one_line_on_stderr_for_a_shell(tmp_path):
    outcome = call_process("search missing.png", tmp_path)
    assert_one_line(outcome, 3)
    assert os.listdir(tmp_path) == []


def test_an_error_before_the_search_leaves_no_storage(tmp_path):
    call(TINY + " --strategy none")
    call(TINY + " --strategy optuna --sampler none")
    call(TINY + " --device none")
    assert os.listdir(tmp_path) == []


def test_a_message_with_line_breaks_becomes_one_line():
    assert_one_line(call("search 'two\nlines.png'"), 3)


def test_a_file_whose_name_is_no_unicode_is_searched(broken_files, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        (tmp_path / name).write_bytes((broken_files / "good.png").read_bytes())
    except OSError:
        pytest.skip("this file system holds Unicode names only")
    outcome = call(f"search {name} {SMALL} --json --quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["study"].startswith("caf?-siren-M2-")


def test_every_error_has_its_own_documented_exit_code():
    assert {code.name: code.value for code in ExitCode} == EXIT_CODES
    by_class = {
        value: value.exit_code.value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, EnasInrError)
    }
    assert by_class == {
        errors.EnasInrError: 1,
        errors.SpecError: 2,
        errors.SignalError: 3,
        errors.BudgetError: 4,
        errors.PluginError: 5,
        errors.StudyError: 6,
        errors.TrainingError: 7,
        errors.ModelError: 8,
    }
    help_text = plain(call("--help").out)
    for name, value in EXIT_CODES.items():
        assert f"{value} {name.lower()}" in help_text


def test_an_error_says_what_failed_and_what_to_do_in_one_line():
    assert str(EnasInrError("grid 0\n is  wrong", "use\n1")) == "grid 0 is wrong; use 1"
    assert str(EnasInrError("grid 0")) == "grid 0"


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_help(path):
    outcome = call(" ".join([*path, "--help"]))
    assert (outcome.code, outcome.err) == (0, "")
    assert " ".join(["Usage: enas-inr", *path]) in plain(outcome.out)


def test_all_commands_are_there():
    assert {" ".join(path) for path in commands()} >= {"search", "cost", "plugins", "plugins list"}


def test_without_arguments_the_help_is_shown_and_nothing_done():
    outcome = call("")
    assert (outcome.code, outcome.err) == (2, "")
    assert outcome.out == call("--help").out
    assert call("plugins").code == 0


def test_the_version_is_printed():
    assert call("--version").out == f"enas-inr {enas_inr.__version__}\n"


@pytest.mark.parametrize("line", ["--help", "search --help", "plugins list", "plugins list --json"])
def test_help_and_listings_import_nothing_heavy(line, tmp_path):
    script = (
        "import sys; from enas_inr.cli.main import run; code = run(sys.argv[1:]); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, *line.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    code, *modules = process.stderr.split()
    assert code == "0"
    assert "enas_inr.cli.main" in modules
    assert not HEAVY & {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("line", ["--help", "plugins list", "plugins list --json", "cost --json"])
def test_a_reader_that_goes_away_is_no_error(line, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        outcome = call_process(line, tmp_path, stdout=writer)
    finally:
        os.close(writer)
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    ("grid", "depth", "width", "flops", "parameters"),
    [
        (1, 3, 256, 6_484_393_984, 198_915),
        (2, 5, 64, 681_574_400, 4 * 21_187),
        (4, 2, 64, 278_921_216, 16 * 8_707),
        (8, 1, 128, 557_842_432, 64 * 17_283),
        (16, 1, 128, 557_842_432, 256 * 17_283),
        (32, 1, 128, 557_842_432, 1024 * 17_283),
    ],
    ids=["SIREN", "ENRP-S0", "ENRP-S1", "ENRP-S2", "ENRP-S3", "ENRP-S4"],
)
def test_cost_prints_table_1_exactly(grid, depth, width, flops, parameters):
    line = f"cost --shape 128x128x3 --grid {grid} --depth {depth} --width {width}"
    priced = call(line + " --json").json
    ensemble = priced.pop("ensemble")
    assert priced == {
        "flops": flops,
        "flops_per_sample": flops / 128**2,
        "parameters": parameters,
        "bytes": 4 * parameters,
        "cells": grid**2,
        "samples": 128**2,
    }
    assert (ensemble["grid"], ensemble["depth"], ensemble["width"]) == (grid, depth, width)
    printed = call(line).out
    assert f"siren M={grid} d={depth} w={width} on 128x128x3" in printed
    assert f"{flops:,}" in printed
    assert f"{parameters:,}" in printed


def test_cost_takes_a_backbone_with_options_and_any_shape():
    fourier = "--backbone fourier --backbone-option mapping_size=65"
    priced = call(f"cost {fourier} --grid 32 --depth 1 --width 128 --json").json
    assert priced["flops"] == 558_108_672
    assert priced["ensemble"]["options"]["mapping_size"] == 65
    volume = call("cost --shape 20x20x20x1 --grid 2 --depth 1 --width 8 --json").json
    assert (volume["flops"], volume["cells"]) == (2 * (3 * 8 + 8 * 8 + 8) * 20**3, 8)
    series = call("cost --shape 5x8x8x8x2 --grid 2 --depth 1 --width 8 --json").json
    assert (series["samples"], series["cells"]) == (5 * 8**3, 16)
    audio = call("cost --shape 308207x1 --grid 32 --depth 5 --width 64 --json").json
    assert (audio["flops"], audio["cells"]) == (2 * (64 + 5 * 64 * 64 + 64) * 308_207, 32)


def test_plugins_are_listed_as_json_with_where_they_come_from():
    listed = call("--no-plugins plugins list --json").json
    assert listed["broken"] == []
    assert [(p["kind"], p["name"]) for p in listed["plugins"]] == [
        (p.description.kind, p.description.name) for p in load_catalog(plugins=False).providers
    ]
    assert {p["kind"] for p in listed["plugins"]} == set(KINDS)
    siren = next(p for p in listed["plugins"] if p["name"] == "siren")
    assert siren.pop("citation").startswith("Sitzmann et al.")
    assert siren.pop("initialisation").startswith("weights U")
    assert siren == {
        "kind": "backbone",
        "learning_rate": 1e-4,
        "options": "enas_inr.backbones.options:SirenOptions",
        "target": "enas_inr.backbones.siren:Siren",
        "name": "siren",
        "summary": "sine activations",
        "distribution": "enas-inr",
        "version": enas_inr.__version__,
    }


def test_plugins_are_listed_for_people():
    printed = plain(call("--no-plugins plugins list").out)
    for provider in load_catalog(plugins=False).providers:
        assert provider.description.name in printed
        assert str(provider.origin) in printed


def test_a_search_prints_json_and_nothing_else(searched):
    outcome, _ = searched
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json
    assert found.keys() >= {"best", "trace", "trials", "seconds", "study"}
    best = found["best"]
    assert (best["backbone"], best["grid"], best["depth"]) == ("siren", 2, 1)
    assert best["width"] in (4, 8)
    width = best["width"]
    assert best["flops"] == 2 * (2 * width + width * width + width * 3) * 16 * 16
    assert best["parameters"] == 4 * (3 * width + (width + 1) * width + (width + 1) * 3)
    assert best["bytes"] == 4 * best["parameters"]
    assert best["psnr_db"] == pytest.approx(best["psnr_paper_db"] + 20 * math.log10(2))
    assert best["score"] == pytest.approx(best["psnr_paper_db"] - 7 * math.log10(best["flops"]))


def test_a_search_tries_every_width_and_keeps_the_best(searched):
    found = searched[0].json
    assert [(t["number"], t["width"], t["status"]) for t in found["trials"]] == [
        (0, 4, "complete"),
        (1, 8, "complete"),
    ]
    assert found["best"]["score"] == max(t["score"] for t in found["trials"])
    first = found["trace"][0]
    assert (first["iteration"], first["axis"]) == (1, "width")
    assert first["candidates"] == found["trials"]
    assert {step["choice"] for step in found["trace"]} == {found["best"]["number"]}


def test_the_same_search_again_trains_nothing(searched, monkeypatch):
    outcome, folder = searched

    def train(*args, **kwargs):
        raise AssertionError("trained")

    monkeypatch.chdir(folder)
    monkeypatch.setattr("enas_inr.executors.local.train", train)
    again = call(f"{TINY} --json")
    kept = f"study {outcome.json['study']} in sqlite:///enas-inr.db, 2 trials known"
    assert again.err.split("\n") == [kept, ""]
    assert again.json | {"seconds": 0} == outcome.json | {"seconds": 0}


def test_a_search_of_more_widths_is_another_study(searched, monkeypatch):
    outcome, folder = searched
    monkeypatch.chdir(folder)
    other = call(f"{TINY} --widths 4 --json --quiet").json
    assert other["study"] != outcome.json["study"]
    assert other["best"]["psnr_db"] == outcome.json["trials"][0]["psnr_db"]


def test_an_objective_takes_options():
    short, long, other = (
        call(f"{TINY} {option} --json --quiet").json["study"]
        for option in ("--alpha 3", "--objective-option alpha=3.0", "--objective-option alpha=4")
    )
    assert short == long != other


def test_a_study_with_other_settings_is_refused_and_lists_them():
    assert call(f"{TINY} --study mine --quiet").code == 0
    outcome = call(f"{TINY} --study mine --quiet --repeats 3 --steps 6")
    assert_one_line(outcome, 6)
    assert "repeats: 3, not 2; training.steps: 6, not 5" in outcome.err
    assert "choose another --study" in outcome.err


def test_a_search_tells_people_where_it_is_and_what_it_found():
    outcome = call(TINY)
    assert outcome.code == 0
    started, first, second = outcome.err.splitlines()
    assert started.startswith("study photo-siren-M2-")
    assert first.startswith("trial 1 of at most 2  siren M=2 d=1 w=4  PSNR ")
    assert second.startswith("trial 2 of at most 2  siren M=2 d=1 w=8  PSNR ")
    assert "<- chosen" in outcome.out
    assert "best: siren M=2 d=1 w=" in outcome.out
    assert "2 trials, " in outcome.out


def test_colours_that_are_forced_into_a_file_bring_no_moving_display(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    outcome = call(f"search sample:photo {SMALL}")
    started, finished = outcome.err.splitlines()
    assert started.startswith("study photo-")
    assert finished.startswith("trial 1 of at most 1 ")


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image, dtype=np.float64)


def test_an_output_folder_holds_the_original_and_the_reconstruction(tmp_path):
    outcome = call(f"{TINY} --repeats 1 --steps 60 --lr 1e-3 --json --quiet -o made/here")
    assert (outcome.code, outcome.err) == (0, "")
    folder = tmp_path / "made" / "here"
    names = {"original.png", "reconstruction.png", "comparison.png"}
    assert set(os.listdir(folder)) == names
    original, made = pixels(folder / "original.png"), pixels(folder / "reconstruction.png")
    assert original.shape == made.shape == (16, 16, 3)
    psnr = 20 * math.log10(255 / math.sqrt(np.mean((original - made) ** 2)))
    assert psnr == pytest.approx(outcome.json["best"]["psnr_db"], abs=0.5)
    both = pixels(folder / "comparison.png")
    assert both.shape == (16, 16 + 4 + 16, 3)
    assert (both[:, :16] == original).all()
    assert (both[:, 16:20] == 255).all()
    assert (both[:, 20:] == made).all()


def test_the_files_that_were_written_are_named(searched, tmp_path, monkeypatch):
    monkeypatch.chdir(searched[1])
    folder = tmp_path / "made"
    names = ("original", "reconstruction", "comparison")
    lines = call(f"{TINY} -o {folder} --quiet").out.splitlines()[-3:]
    assert lines == [f"wrote {folder}/{name}.png" for name in names]
    told = call(f"{TINY} -o {folder} --json")
    assert told.err.splitlines()[-3:] == lines
    assert told.json["best"]


def test_an_output_folder_that_cannot_be_made_is_refused(searched, broken_files, monkeypatch):
    monkeypatch.chdir(searched[1])
    outcome = call(f"{TINY} --quiet -o {broken_files}/notes.db/made")
    assert_one_line(outcome, 3)
    assert "cannot be made: Not a directory; choose another" in outcome.err


def test_audio_is_searched_and_written_as_audio(tmp_path):
    soundfile.write(tmp_path / "tone.wav", np.sin(np.arange(400) / 9), 8000)
    outcome = call(
        "search tone.wav --grid 4 --widths 4 --depths 1 --repeats 1 --steps 5 --json --quiet -o out"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["best"]["options"]["omega_first"] == 3000
    assert set(os.listdir("out")) == {"original.wav", "reconstruction.wav"}
    assert soundfile.info("out/reconstruction.wav").frames == 400


def test_a_search_in_which_every_trial_diverges_ends_with_its_code():
    outcome = call(f"{TINY} --lr 1e30 --quiet")
    assert_one_line(outcome, 7)
    assert "none of the 2 trials" in outcome.err
    assert "not finite" in outcome.err


def test_ctrl_c_keeps_what_is_finished_and_the_same_command_continues(monkeypatch):
    from enas_inr.executors import local

    calls = []

    def train(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    real = local.train
    with monkeypatch.context() as patch:
        patch.setattr(local, "train", train)
        outcome = call(TINY)
    assert outcome.code == 130
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1].startswith("interrupted: 1 trials are kept in study photo-")
    again = call(TINY)
    assert again.code == 0
    assert ", 1 trials known" in again.err
    assert len([line for line in again.err.splitlines() if line.startswith("trial ")]) == 1


def test_a_search_for_several_objectives_shows_their_front_and_draws_it(tmp_path):
    line = (
        "search sample:photo --size 16 --grid 2 --widths 4,8,16 --depths 1,2 --repeats 1 --steps 3 "
        "--strategy optuna --sampler nsgaii --trials 5 --objectives psnr,flops --quiet -o made"
    )
    shown = plain(call(line).out)
    assert "Pareto front: more psnr, less flops" in shown
    assert "<- best" in shown or "best: siren" in shown
    assert "wrote made/pareto.png" in shown
    with Image.open(tmp_path / "made" / "pareto.png") as image:
        image.load()
    found = call(f"{line} --json").json  # the same study, from the store
    assert len(found["trials"]) == 5
    front = found["front"]
    assert front == sorted(front, key=lambda row: row["flops"])
    assert [row["psnr_db"] for row in front] == sorted({row["psnr_db"] for row in front})
    assert found["best"]["score"] == max(row["score"] for row in found["trials"])


def test_without_objectives_there_is_no_front(searched):
    assert searched[0].json["front"] == []
