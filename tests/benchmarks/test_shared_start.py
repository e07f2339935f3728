"""The comparison of starts trains from each of them, and prints a table."""

import pytest

from tests.scripts import BENCHMARKS, script

QUICK = "--architecture 2 1 4 --steps 3 --short 2 --crops 1 --held-out 1 --target 5"


def test_each_start_is_measured(capsys, tmp_path, monkeypatch):
    pytest.importorskip("skimage")
    page = tmp_path / "page.md"
    page.write_text("<!-- begin: shared-start-tuned --><!-- end: shared-start-tuned -->")
    with script(BENCHMARKS / "shared_start.py") as module:
        for name, value in (("SIDE", 16), ("ROUNDS", 2), ("ROUND_STEPS", 2)):
            monkeypatch.setattr(module, name, value)
        module.main([*QUICK.split(), "--profile", "tuned", "--page", str(page)])
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("| start | rate | steps to 5 dB: median (range) | at the start | 2 ")
    names = [row.split(" | ")[0].strip("| ") for row in rows]
    assert names[::2] == names[1::2]
    assert names[::2] == [
        "drawn",
        "a model of another picture",
        "mean, a seed for each model",
        "mean, one seed for all",
        "mean after 2 rounds of 2 steps",
        "a model of the picture shifted by a column",
        "a model of the picture darker by a fifth",
    ]
    assert "| drawn | 0.3 |" in page.read_text()


@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ([[1, 2, 3], [3, 3, 3], [0, 3, 3]], "1 (0 to 2)"),
        ([[1, 2, 3], [1, 1, 1], [0, 3, 3]], "2 (1 to 2, 1 never)"),
        ([[1, 2, 3], [1, 1, 1], [1, 1, 1]], "- (2 to 2, 2 never)"),
        ([[1, 1, 1]], "never"),
    ],
)
def test_trainings_that_do_not_reach_it_count_as_the_latest(curves, said):
    with script(BENCHMARKS / "shared_start.py") as module:
        assert module.reached(curves, 3) == said
