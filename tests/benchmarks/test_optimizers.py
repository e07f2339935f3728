"""The comparison of optimizers trains each of them, and prints a table."""

import json

from tests.scripts import BENCHMARKS, script

QUICK = (
    "--signals sample:photo --size 16 --configs 2,1,8 --steps 3 "
    "--optimizers adam muon --multiples 1 0.5"
)


def test_each_optimizer_is_measured(capsys, tmp_path):
    file = tmp_path / "trials.json"
    with script(BENCHMARKS / "optimizers.py") as module:
        module.main([*QUICK.split(), "--json", str(file)])
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| signal | M, d, w | adam | muon | ms a step |"
    assert row.startswith("| photo | 2, 1, 8 | ")
    assert row.count(" / ") == 3
    measured = [(trial["optimizer"], trial["multiple"]) for trial in json.loads(file.read_text())]
    assert measured == [(name, multiple) for name in ("adam", "muon") for multiple in (1.0, 0.5)]


def test_a_divergence_is_named():
    with script(BENCHMARKS / "optimizers.py") as module:
        trial = module.Trial("photo", (2, 1, 8), "adam", 1.0, None, 1.0)
        assert list(module.table([trial], ["adam"]))[2] == "| photo | 2, 1, 8 | diverged | 1.0 |"
