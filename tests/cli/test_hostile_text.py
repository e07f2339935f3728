"""JSON and TOML from outside that nobody can mean end in one line."""

import pytest

from tests.command_line import assert_one_line, call

SEARCH = "search sample:photo --quiet --storage {0}/s.db --strategy-option"


@pytest.mark.parametrize(
    "option",
    [
        "a=" + "[" * 3000,
        "a=" + '{"a":' * 3000 + "1" + "}" * 3000,
        "a=NaN",
        "a=-Infinity",
        "a=1e999",
        "a=" + "9" * 5000,
        '\'a={"b": 1, "b": 2}\'',
        "'a\x1b[31m=1'",
        "b" * 100_000 + "=1",
        "a=" + "x" * 100_000,
        "=1",
        "a",
    ],
    ids=range(12),
)
def test_options_that_cannot_be_used_are_refused(tmp_path, option):
    outcome = call(f"{SEARCH.format(tmp_path)} {option}")
    assert_one_line(outcome, 2)
    assert outcome.err[:-1].isprintable()
    assert len(outcome.err) < 2500


STUDY = 'title = "t"\n[[searches]]\nname = "a"\nwidths = [4]\ndepths = [1]\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = " + b"[" * 500 + b"]" * 500, "nested"),
        (b"a." * 3000 + b"b = 1", "nested"),
        (STUDY.encode("utf-16"), "UTF-16; save it as UTF-8"),
        (STUDY.encode("utf-32"), "UTF-32; save it as UTF-8"),
        (STUDY.replace("t", "\xfc").encode("latin-1"), "not UTF-8"),
        (b"\0" * 100, "not TOML"),
        (b"title = 3", "title"),
        (b"title = nan\n", "title"),
        (STUDY.encode() + b"repeats = inf", "repeats"),
        (STUDY.encode() + b"repeats = 99999999999999999999999", "repeats"),
        (STUDY.encode() + b"x = '" + b"A" * 100_000 + b"'", "unknown key"),
        (STUDY.encode() + b"'" + b"A" * 100_000 + b"' = 1", "unknown key"),
        (STUDY.replace('"t"', '"\\u001b[31m"').encode() + b"repeats = 'x'", "repeats"),
        (b" " * (2**24 + 1), "more than"),
    ],
    ids=range(14),
)
def test_study_files_that_cannot_be_read_are_refused(tmp_path, content, said):
    (tmp_path / "s.toml").write_bytes(content)
    outcome = call(f"study validate {tmp_path}/s.toml")
    assert_one_line(outcome, 2)
    assert said in outcome.err
    assert outcome.err[:-1].isprintable()
    assert len(outcome.err) < 2500


def test_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbf" + STUDY.encode())
    assert call(f"study list {tmp_path}").code == 0
    assert call(f"study list {tmp_path} --json").json["studies"][0]["title"] == "t"
