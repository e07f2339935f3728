import sys
from dataclasses import replace

import pytest
import torch

from enas_inr.signals.signal import Signal
from tests.scripts import BENCHMARKS, script


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)  # as Python does for a script
        with script(BENCHMARKS / "training.py") as module:
            yield module


@pytest.fixture(scope="module")
def methods(bench):
    return sys.modules["training_methods"]


@pytest.fixture(scope="module")
def strategies():
    with script(BENCHMARKS / "strategies.py") as module:
        yield module


@pytest.fixture
def task(bench):
    values = torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    signal = Signal(values, "image", "noise")
    return bench.make_task(signal, bench.Config(2, 1, 8), torch.device("cpu"))


def make_all(bench, task):
    return {name: make(task) for name, make in bench.ALTERNATIVES.items()}


def test_the_methods_do_the_same_mathematics(methods, task):
    found = methods.deviations(task, make_all(methods, task))
    assert set(found) == {"loop", "vmap", "bmm"}
    assert max(found.values()) < methods.TOLERANCE


def test_the_check_notices_other_mathematics(bench, methods, task, monkeypatch):
    monkeypatch.setattr(methods, "LEARNING_RATE", 3e-4)
    with pytest.raises(SystemExit, match="disagree"):
        bench.check(task, make_all(bench, task))


def test_the_check_notices_other_weights(bench, task):
    other = replace(task, weights=tuple(leaf.flip(0) for leaf in task.weights))
    with pytest.raises(SystemExit, match="disagree"):
        bench.check(task, make_all(bench, other))


def test_every_method_is_timed_in_every_round(bench, task):
    timers = {name: bench.step_timer(s, task.device) for name, s in make_all(bench, task).items()}
    turns = bench.measure(
        timers | {"ours": bench.train_timer(task.job, task.device)}, rounds=2, seconds=0.001
    )
    assert all(len(taken) == 2 for taken in turns.values())
    assert all(turn.seconds > 0 for taken in turns.values() for turn in taken)
    config = bench.Config(2, 1, 8)
    flops = bench.step_flops(task.job)
    rows = [bench.Measurement(config, n, tuple(t), flops) for n, t in turns.items()]
    assert bench.ratio(rows).median > 0


def test_without_a_compiler_its_row_is_left_out_with_a_line(bench, monkeypatch, capsys):
    monkeypatch.setattr(bench, "compiler_error", lambda device: "no C++ compiler")
    args = bench.parse_args([])
    assert bench.alternatives(args, bench.Console(stderr=True)) == bench.ALTERNATIVES
    assert "no row for torch.compile: no C++ compiler" in capsys.readouterr().err
    monkeypatch.setattr(bench, "compiler_error", lambda device: None)
    assert "compile" in bench.alternatives(args, bench.Console(stderr=True))
    args = bench.parse_args(["--no-compile"])
    assert "compile" not in bench.alternatives(args, bench.Console(stderr=True))


def test_a_landscape_is_the_same_each_time_and_another_for_another_seed(strategies):
    specs = [c.spec for c in strategies.lookup_space(strategies.SPACES["paper"], 10**9).feasible]
    first, again, other = ([strategies.landscape(n)(spec) for spec in specs] for n in (1, 1, 2))
    assert first == again
    assert first != other


def test_what_a_strategy_needed_is_counted(strategies):
    space = strategies.lookup_space(strategies.SPACES["paper"], 10**9)
    psnr = strategies.landscape(3)
    oracle = sorted(
        strategies.simulate(
            strategies.Exhaustive(space),
            space,
            strategies.PsnrFlops(),
            strategies.LookupExecutor(psnr),
        ),
        key=lambda result: result.rank,
    )
    run = strategies.search("exhaustive", space, psnr, batch=4)
    assert run.trials == oracle[-1].trial.number + 1
    assert run.short == 0
    assert strategies.row("tpe", [run, strategies.Run(None, 0.5)]) == (
        f"| optuna, tpe | 1 of 2 | {run.trials:.1f} ({run.trials} to {run.trials}) | 0.25 |"
    )


def test_tpe_needs_fewer_trials_than_chance(strategies):
    space = strategies.lookup_space(strategies.SPACES["fine"], 10**9)
    needed = {
        name: sum(
            strategies.search(name, replace(space, seed=seed), strategies.landscape(seed), 4).trials
            for seed in range(6)
        )
        for name in ("tpe", "random")
    }
    assert needed["tpe"] < needed["random"]
