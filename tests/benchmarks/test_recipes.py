"""The comparison of learning rates, by the mean over repeats."""

import math

import pytest

from tests.scripts import BENCHMARKS, script

QUICK = "--axes 3 --grids 4 --depths 1 --widths 16 --steps 50 --repeats 2"


def measured(module, psnr):
    return module.Measured("photo", 2, "siren", "adam", 8, 1, 16, 500, 1e-3, psnr, repeats=2)


def test_the_derived_rate_is_compared_with_its_multiples(tmp_path, capsys):
    lines = tmp_path / "lines.jsonl"
    with script(BENCHMARKS / "recipes.py") as module:
        module.main([*QUICK.split(), "--lines", str(lines)])
        (row,) = map(module.Measured.read, lines.read_text().splitlines())
        first = capsys.readouterr()
        module.main([*QUICK.split(), "--lines", str(lines)])  # nothing is left to measure
    assert tuple(row.psnr) == module.MULTIPLES
    assert (row.signal, row.architecture, row.repeats) == ("blobs", (4, 1, 16), 2)
    again = capsys.readouterr()
    assert (again.out, again.err) == (first.out, "")
    assert "| 3 | `siren` | `adam` | 50 | 2 | 4 | 1 | 16 | " in first.out


@pytest.mark.parametrize(
    ("psnr", "regret"),
    [
        ({0.5: 40.0, 1.0: 38.0}, 2.0),
        ({0.5: 130.0, 1.0: 99.0}, 1.0),  # beyond 100 dB all count as equal
        ({0.5: None, 1.0: 38.0}, 0.0),
        ({0.5: 40.0, 1.0: None}, math.inf),
    ],
)
def test_regret(psnr, regret):
    with script(BENCHMARKS / "recipes.py") as module:
        assert measured(module, psnr).regret == regret
