import math
import os

import numpy as np
import pytest
import soundfile
from PIL import Image

from enas_inr.training.trainer import train
from tests.command_line import assert_one_line, call, call_process, plain

TINY = (
    "search sample:photo --size 16 --grid 2 --widths 4,8 --depths 1 "
    "--repeats 2 --steps 5 --floor -99"
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A tiny search with --json --quiet, as a shell sees it, and the folder of its study."""
    folder = tmp_path_factory.mktemp("searched")
    return call_process(f"{TINY} --json --quiet", folder), folder


SMALL = "--size 16 --grid 2 --widths 4 --depths 1 --repeats 1 --steps 2"


def test_a_file_whose_name_is_not_unicode_is_searched(broken_files, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        (tmp_path / name).write_bytes((broken_files / "good.png").read_bytes())
    except OSError:
        pytest.skip("this file system holds Unicode names only")
    outcome = call(f"search {name} {SMALL} --json --quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["study"].startswith("caf?-siren-M2-")


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
    assert (first["iteration"], first["axis"]) == (1, "")
    assert first["candidates"] == found["trials"]
    assert {step["choice"] for step in found["trace"]} == {found["best"]["number"]}


def test_the_same_search_again_trains_nothing(searched, monkeypatch):
    outcome, folder = searched

    def interrupted(*args, **kwargs):
        raise AssertionError("trained")

    monkeypatch.chdir(folder)
    monkeypatch.setattr("enas_inr.executors.local.train", train)
    again = call(f"{TINY} --json")
    kept = f"study {outcome.json['study']} in sqlite:///enas-inr.db, 2 trials stored already"
    assert again.err.split("\n")[2:] == [kept, ""]
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


def test_a_search_prints_its_progress_and_its_result():
    outcome = call(TINY)
    assert outcome.code == 0
    signal, planned, started, first, second = outcome.err.splitlines()
    assert signal == "sample:photo: 16x16 pixels, 3 channels (resized from 512x600)"
    assert planned == "2 configurations within the budget: grid 2; depth 1; width 4, 8"
    assert started.startswith("study photo-siren-M2-")
    assert first.startswith("trial 1 of at most 2  siren M=2 d=1 w=4  PSNR ")
    assert second.startswith("trial 2 of at most 2  siren M=2 d=1 w=8  PSNR ")
    assert "<- chosen" in outcome.out
    lines = outcome.out.splitlines()
    (best,) = [n for n, line in enumerate(lines) if line.startswith("best: siren M=2 d=1 w=")]
    assert lines[best + 1].startswith("PSNR ")
    assert lines[best + 2].startswith("2 trials, ")


def test_a_search_ends_with_what_it_is_worth_and_the_command_that_goes_on():
    outcome = call(f"{TINY} --storage mine.db --quiet")
    raw, warning, further = outcome.out.splitlines()[-3:]
    assert "B as float32 are " in raw
    assert " the raw samples (768B); " in raw  # 16 x 16 x 3 bytes
    assert warning.startswith("warning: the model is ")
    study = call(f"{TINY} --storage mine.db --quiet --json").json["study"]
    assert further == (
        f"next: enas-inr fit sample:photo --size 16 --study {study} --storage mine.db"
    )
    assert call(f"{further.removeprefix('next: enas-inr ')} --steps 1 -o found.inr").code == 0


def test_json_holds_what_the_text_says():
    line = f"{TINY} --widths 64 --repeats 1 --quiet"
    shown, found = call(line).out, call(f"{line} --json").json
    assert f"next: {found['next']}" in shown
    assert found["worth"]["raw_bytes"] == 16 * 16 * 3
    assert found["worth"]["model_bytes"] == found["best"]["bytes"] > 16 * 16 * 3
    assert found["worth"]["psnr_db"] == found["best"]["psnr_db"]
    assert [f"warning: {text}" in shown for text in found["warnings"]]
    assert any("larger than the raw samples" in text for text in found["warnings"])


def test_a_sound_that_is_silent_is_said_with_advice(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.2, 0.2, 4000)
    soundfile.write(tmp_path / "noise.wav", noise, 8000)
    line = "search noise.wav --grid 1 --widths 4 --depths 1 --repeats 1 --steps 3 --quiet"
    (warning,) = [text for text in call(line).out.splitlines() if text.startswith("warning: ")]
    assert warning.startswith("warning: the model is near silence: PSNR ")
    assert "raise omega_first or the grid" in warning
    assert "`enas-inr suggest noise.wav`" in warning


def test_forced_colours_in_a_file_give_no_live_display(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    outcome = call(f"search sample:photo {SMALL}")
    *_, started, finished = outcome.err.splitlines()
    assert started.startswith("study photo-")
    assert finished.startswith("trial 1 of at most 1 ")


def test_audio_is_searched_and_written_as_audio(tmp_path):
    soundfile.write(tmp_path / "tone.wav", np.sin(np.arange(400) / 9), 8000)
    outcome = call(
        "search tone.wav --grid 4 --widths 4 --depths 1 --repeats 1 --steps 5 --json --quiet -o out"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["best"]["options"]["omega_first"] == 289.3  # 110 * 100^0.21
    assert set(os.listdir("out")) == {"original.wav", "reconstruction.wav"}
    assert soundfile.info("out/reconstruction.wav").frames == 400


def test_a_search_in_which_every_trial_diverges_ends_with_its_code():
    outcome = call(f"{TINY} --lr 1e30 --quiet")
    assert_one_line(outcome, 7)
    assert "none of the 2 trials" in outcome.err
    assert "not finite" in outcome.err
    assert "give a lower learning rate" in outcome.err


def test_ctrl_c_keeps_finished_trials_and_the_same_command_resumes(monkeypatch):
    calls = []

    def interrupted(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr("enas_inr.executors.local.train", interrupted)
        outcome = call(TINY)
    assert outcome.code == 130
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1].startswith("interrupted: 1 trial stored in study photo-")
    again = call(TINY)
    assert again.code == 0
    assert ", 1 trial stored already" in again.err
    assert len([line for line in again.err.splitlines() if line.startswith("trial ")]) == 1


def test_a_search_for_several_objectives_shows_their_front_and_draws_it(tmp_path):
    line = (
        "search sample:photo --size 16 --grid 2 --widths 4,8,16 --depths 1,2 --repeats 1 --steps 3 "
        "--strategy optuna --sampler nsgaii --trials 5 --objectives psnr,flops --floor -99 --quiet "
        "-o made"
    )
    shown = plain(call(line).out)
    assert "Pareto front: more psnr, less flops" in shown
    assert "<- best" in shown or "best: siren" in shown
    assert "wrote made/pareto.png" in shown
    with Image.open(tmp_path / "made" / "pareto.png") as image:
        image.load()
    found = call(f"{line} --json").json  # the same study, with stored trials
    assert len(found["trials"]) == 5
    front = found["front"]
    assert front == sorted(front, key=lambda row: row["flops"])
    assert [row["psnr_db"] for row in front] == sorted({row["psnr_db"] for row in front})
    assert found["best"]["score"] == max(row["score"] for row in found["trials"])


def test_without_objectives_there_is_no_front(searched):
    assert searched[0].json["front"] == []


def test_the_progress_names_the_options_that_are_searched():
    outcome = call(f"{TINY} --strategy exhaustive --search siren.omega_first=10,20")
    for omega in (10, 20):
        assert f"siren M=2 d=1 w=4 siren.omega_first={omega}.0" in outcome.err
