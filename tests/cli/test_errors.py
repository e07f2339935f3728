import os

import pytest

from enas_inr import errors
from enas_inr.errors import EnasInrError, ExitCode
from tests.command_line import assert_one_line, call, call_process, plain

TINY = "search sample:photo --size 16 --grid 2 --widths 4,8 --depths 1 --repeats 2 --steps 5"


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
    "INCOMPLETE": 9,
    "HUNG_UP": 129,
    "INTERRUPTED": 130,
    "TERMINATED": 143,
}


def test_the_message_of_a_library_and_a_hint_have_one_mark_between_them():
    assert str(EnasInrError("Please install one.", "choose another")) == (
        "Please install one; choose another"
    )
    assert str(EnasInrError("still reading ...", "wait")) == "still reading ...; wait"
    assert str(EnasInrError("It is full.")) == "It is full."


SMALL = "--size 16 --grid 2 --widths 4 --depths 1 --repeats 1 --steps 2"


WRONG = {
    "a missing file": (3, "search {folder}/missing.png", "cannot be read: No such file"),
    "a folder of several kinds": (3, "search {folder}", "2 modalities: 5 image ("),
    "no known suffix": (
        3,
        "search {folder}/notes.db",
        "(suffix '.db'); give a file with one of",
    ),
    "text named .png": (3, "search {folder}/text.png", "not an image, but a text; give a"),
    "an empty file": (3, "search {folder}/nothing.png", "is empty (0 bytes)"),
    "a truncated PNG": (3, "search {folder}/cut.png", "check that the file is complete"),
    "a huge PNG": (3, "search {folder}/huge.png", "60000x60000 is 3600 million pixels"),
    "a WAV with NaN": (3, "search {folder}/nan.wav", "1 NaN or infinite value among 3"),
    "a WAV without frames": (3, "search {folder}/empty.wav", "holds no samples"),
    "an unknown sample": (3, "search sample:foto", "unknown sample 'foto'; did you mean 'photo'"),
    "grid 0": (2, TINY + " --grid 0", "grid: input should be greater than or equal to 1"),
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
        "--sampler does not apply to strategy 'ra",
    ),
    "workers for nobody": (2, TINY + " --workers 2", "ray, or drop it"),
    "a scheduler for nobody": (2, TINY + " --scheduler asha", "add --strategy ray, or drop it"),
    "trials for nobody": (
        2,
        TINY + " --strategy exhaustive --trials 3",
        "optuna or ray, or drop it",
    ),
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
        "sampler 'cmaes' can optimise only one objective",
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
    "a budget nothing fits": (
        4,
        TINY + " --max-flops 10",
        "siren M=2 d=1 w=4, has 18.43k flops",
    ),
    "an unknown device": (2, TINY + " --device gpu", "use auto, cpu, cuda, cuda:N, mps or xpu"),
    "an unsupported device": (2, TINY + " --device meta", "device 'meta' is not supported"),
    "a missing device": (2, TINY + " --device cuda:99", "device 'cuda:99' is not available"),
    "an unknown option key": (
        2,
        TINY + " --backbone-option omega_frist=60",
        "backbone 'siren': unknown key 'omega_frist'; did you mean 'omega_first'",
    ),
    "an option for an executor without any": (
        2,
        TINY + " --executor local --executor-option start=1",
        "executor 'local' takes no options; drop start",
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
    "an extra argument": (2, "suggest a.png b.png", "see `enas-inr suggest --help`"),
    "an unknown option": (2, TINY + " --widhts 3", "No such option: --widhts"),
    "an option of a wrong type": (2, TINY + " --grid two", "Invalid value for '--grid'"),
    "an option without its value": (2, "search sample:photo --grid", "requires an argument"),
    "an unknown command": (2, "serch", "No such command 'serch'"),
    "an unknown subcommand": (2, "plugins lst", "see `enas-inr plugins --help`"),
    "no command": (2, "--no-plugins", "Missing command; see `enas-inr --help`"),
    "a shape without channels": (2, "cost --shape 128", "'128' is not a shape"),
    "a shape of nothing": (2, "cost --shape 0x3", "such as 128x128x3 or 308207x1"),
    "a shape of five axes": (2, "cost --shape 2x2x2x2x2x1", "give 1 to 4 axes and the channels"),
    "a cost of width 0": (2, "cost --width 0", "architecture: width: input should be"),
    "a cost of grid 0": (2, "cost --grid 0", "architecture: grid: input should be"),
    "a cost of no backbone": (2, "cost --backbone sirne", "did you mean 'siren'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_error_ends_with_its_code_and_one_line(broken_files, name):
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
