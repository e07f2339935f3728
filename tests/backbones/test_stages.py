"""What a backbone tells browsers about itself is valid, fits together, and does what it says."""

import pytest
import torch

from enas_inr.backbones.checks import check_stages
from enas_inr.backbones.stages import Dense, Lookup, check_expression, decimal
from enas_inr.cost import NetShape
from enas_inr.errors import ContractError
from enas_inr.testing.stages import evaluated


@pytest.mark.parametrize("text", ["sin(z)", "max(z, 0.0)", "exp(-0.5 * z * z)"])
def test_expressions(text):
    assert check_expression(text) == text


@pytest.mark.parametrize(
    "text", ["alert(1)", "z; z", "z => z", "</script>", "Z", "2 * z", "`z`", "x"]
)
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match="not part"):
        check_expression(text)
    with pytest.raises(ValueError, match="not part"):
        Dense("weight", "bias", text)


def test_expressions_of_complex_numbers_have_a_real_and_an_imaginary_part():
    assert Dense("weight", "bias", ("x", "-y")).is_complex
    with pytest.raises(ValueError, match="'z' is not part"):
        Dense("weight", "bias", ("x", "z"))


@pytest.mark.parametrize(
    ("number", "text"), [(10, "10.0"), (0.25, "0.25"), (1e-5, "1.0e-05"), (1.5e300, "1.5e300")]
)
def test_numbers_in_expressions_have_a_decimal_point(number, text):
    assert decimal(number) == check_expression(text) == text


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"tables": ()}, "0 tables for 1 resolutions"),
        ({"resolutions": (0,)}, "not 1 to 65536"),
        ({"factors": (2**32,)}, "not 0 to 4294967295"),
    ],
)
def test_a_lookup_out_of_range_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        Lookup(**({"tables": ("table",), "resolutions": (3,)} | wrong))


SHAPE = NetShape(in_features=2, out_features=3, depth=0, width=4)
LEAVES = {
    "first": torch.zeros(1, 4, 2),
    "last": torch.zeros(1, 3, 4),
    "hidden": torch.zeros(1, 4),
    "output": torch.zeros(1, 3),
    "table": torch.zeros(1, 4, 9),
}
FIRST, LAST = Dense("first", "hidden", "sin(z)"), Dense("last", "output")


@pytest.mark.parametrize(
    "stages",
    [
        (FIRST, LAST),
        (Lookup(("table",), (2,)), LAST),
        (Lookup(("table",), (9,), factors=(1, 7)), LAST),
        (Dense("first", "hidden", ("x", "y")), LAST),
    ],
)
def test_stages_that_fit_together(stages):
    check_stages(stages, LEAVES, SHAPE)


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ([FIRST, LAST], "not a tuple of Dense and Lookup"),
        ((), "not a tuple"),
        ((FIRST,), "the last one gives 4 channels, not 3"),
        ((LAST,), r"number 0 has weights \(3, 4\) and biases \(3,\), and gets 2 features"),
        ((FIRST, Dense("last", "hidden")), "number 1 has weights"),
        ((FIRST, Dense("mine", "output")), "number 1 uses the leaf 'mine', which init does not"),
        ((FIRST, Dense("last", "output", ("x", "y"))), "complex numbers"),
        ((FIRST, Lookup(("table",), (2,))), "number 1 is a Lookup, which can only be the first"),
        ((Lookup(("table",), (1,)), LAST), "'table' has shape .* with up to 4 rows"),
        ((Lookup(("table",), (9,), factors=(1,)), LAST), "1 factors for 2 axes"),
    ],
)
def test_stages_that_do_not_fit_together_are_refused(stages, says):
    with pytest.raises(ContractError, match=says) as caught:
        check_stages(stages, LEAVES, SHAPE)
    assert "\n" not in str(caught.value)


def test_a_complex_stage_is_a_product_of_complex_numbers():
    params = {
        "first": torch.tensor([[[2.0]]]),
        "zero": torch.zeros(1, 1),
        "last": torch.tensor([[[3.0 + 4.0j]]]),
        "bias": torch.tensor([[0.5 + 9.0j]]),
    }
    square = ("x * x - y * y", "2.0 * x * y + 1.0")  # z^2 + i
    stages = (Dense("first", "zero", square), Dense("last", "bias", scale=2.0))
    values = evaluated(stages, params, torch.tensor([[[0.5]]]))
    assert values.item() == 2 * ((3 + 4j) * (1 + 1j) + 0.5).real


def test_a_lookup_finds_rows_by_their_number_or_by_a_hash_of_64_bits():
    table = torch.arange(9.0).view(1, 1, 9)
    x = torch.tensor([[[-1.0, 1.0], [1.0, 0.0], [1.0, 0.5]]])
    dense = evaluated((Lookup(("table",), (2,), gain=2.0),), {"table": table}, x)
    assert dense.flatten().tolist() == [4.0, 14.0, 15.0]
    factors = (4_000_000_007, 3_000_000_019)
    hashed = Lookup(("table",), (4,), factors)
    rows = [(0 ^ 4 * factors[1]) % 9, (4 * factors[0] ^ 2 * factors[1]) % 9]
    rows.append((4 * factors[0] ^ 3 * factors[1]) % 9)
    assert evaluated((hashed,), {"table": table}, x).flatten().tolist() == rows
