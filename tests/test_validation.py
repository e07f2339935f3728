import pytest

from enas_inr.errors import SpecError
from enas_inr.spec import (
    Limit,
)
from enas_inr.validation import format_quantity, nearest, parse_integers, parse_quantity


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


def test_the_nearest_name_is_proposed_and_else_all_are_listed():
    assert nearest("sirn", ["relu", "siren"]) == "did you mean 'siren'?"
    assert nearest("###", ["relu", "siren"]) == "choose one of: relu, siren"
    assert nearest("a", []) == "choose one of: -"
