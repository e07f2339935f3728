import shlex

from PIL import Image

from tests.command_line import assert_one_line, call, plain


def test_a_suggestion_is_shown_with_its_reasons_and_the_command_that_goes_on():
    outcome = call("suggest sample:photo")
    assert (outcome.code, outcome.err) == (0, "")
    first, *_, last = outcome.out.splitlines()
    assert first == "sample:photo: 128x128 pixels, 3 channels (resized from 512x600)"
    shown = plain(outcome.out)
    assert "grid 16 cells of 8x8 samples; 4, 8, 16 and 32 give 32, 16, 8 and 4" in shown
    assert "omega_first 39.5 fitted to cells of 8x8 samples" in shown
    assert "the raw samples are 49.15kB" in shown
    assert last.startswith(
        "next: enas-inr search sample:photo --size 128x128 --search grid=4,8,16,32 --widths "
    )


def test_the_command_that_goes_on_works_and_keeps_what_was_given():
    given = "sample:photo --size 16 --grid 4 --backbone fourier --steps 2"
    found = call(f"suggest {given} --backbone-option mapping_size=3 --json").json
    assert found["ensemble"]["options"]["mapping_size"] == 3
    assert (found["grids"], found["raw_bytes"]) == ([4], 768)
    words = shlex.split(found["next"])
    for word in ("--size", "--backbone", "mapping_size=3", "--steps", "--grid"):
        assert word in words
    searched = call(shlex.join([*words[1:], "--json", "--quiet"]))
    assert searched.code == 0
    assert searched.json["best"]["grid"] == 4


def test_a_wrong_setting_is_one_line():
    assert_one_line(call("suggest sample:photo --grid 0"), 2)
    assert_one_line(call("suggest sample:photo --target-psnr -3"), 2)
    assert_one_line(call("suggest nothing.png"), 3)


def test_a_picture_of_another_suffix_is_suggested_for_by_its_modality(tmp_path):
    path = tmp_path / "a.dat"
    Image.new("RGB", (30, 20)).save(path, "PNG")
    outcome = call(f"suggest {path} --signal-option modality=image --size 16")
    assert outcome.code == 0
    assert "16x16 pixels, 3 channels (resized from 30x20)" in outcome.out
