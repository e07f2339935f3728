from dataclasses import replace

import pytest

from enas_inr.api import bench
from enas_inr.errors import ExitCode
from enas_inr.training.workload import Config
from tests.command_line import assert_one_line, call, plain

TINY = replace(
    bench.QUICK,
    configs=(Config(2, 0, 4), Config(2, 1, 4)),
    side=16,
    seconds=0.001,
    peak_seconds=0.001,
    peak_sizes=(16,),
    scale=2,
    renderings=1,
    search_side=8,
    search_steps=2,
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(bench, "QUICK", TINY)


def test_json_has_the_documented_fields():
    outcome = call("bench --quick --device cpu --json --quiet")
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json
    assert found.keys() == {
        "schema",
        "machine",
        "versions",
        "turns",
        "peak_flops_per_second",
        "kernels",
        "render",
        "search",
    }
    assert found["machine"].keys() == {
        "device",
        "processor",
        "threads",
        "system",
        "compiled_loops",
    }
    assert found["machine"]["device"] == "cpu"
    assert found["versions"].keys() >= {"python", "enas-inr", "torch", "numpy"}
    rows = [(row["grid"], row["depth"], row["width"], row["kernel"]) for row in found["kernels"]]
    assert rows == [(2, d, 4, kernel) for d in (0, 1) for kernel in ("layered", "autograd")]
    for row in found["kernels"]:
        assert row["seconds_per_step"] > 0
        assert row["share_of_peak"] == pytest.approx(
            row["flops_per_step"] / row["seconds_per_step"] / found["peak_flops_per_second"]
        )
        assert row["disturbed"] in range(found["turns"] + 1)
    assert found["kernels"][0]["flops_per_step"] == 3 * 2 * (2 * 4 + 4 * 3) * 16**2
    rendered, searched = found["render"], found["search"]
    assert rendered["samples"] == 32**2
    assert rendered["samples_per_second"] == pytest.approx(32**2 / rendered["seconds"])
    assert (searched["trials"], searched["steps"]) == (4, 4 * 2 * 2)
    assert searched["seconds"] > 0


def test_the_table_names_the_machine_and_the_versions(tmp_path):
    outcome = call("bench --quick --device cpu")
    printed = plain(outcome.out)
    for part in ("torch 2", "cpu (", "thread", "GFLOP/s", "M=2 d=1 w=4 autograd", "4 trials"):
        assert part in printed
    assert "measuring: rendering" in plain(outcome.err)
    assert not list(tmp_path.iterdir())  # the search is stored in a temporary folder


def test_an_unknown_device_is_an_error_in_one_line():
    assert_one_line(call("bench --quick --device abacus"), ExitCode.USAGE)


def test_ctrl_c_ends_it_cleanly(monkeypatch):
    def pressed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "matrix_peak", pressed)
    outcome = call("bench --quick --device cpu")
    assert (outcome.code, outcome.out) == (ExitCode.INTERRUPTED, "")
    assert outcome.err.splitlines()[-1] == "interrupted: measurements are not kept"
