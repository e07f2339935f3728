"""The conformance suite for strategies, which uses lookup tables instead of training.

Example::

    class TestMine(StrategySuite):
        @pytest.fixture
        def plugin(self):
            return installed("strategy", "mine", trials=12)

Give a strategy that would run for a long time options that end it after one or two dozen trials.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, JsonValue

from enas_inr import hookspecs
from enas_inr.cost import FeasibleSpace
from enas_inr.errors import SpecError, TrainingError
from enas_inr.executors.self_running import SelfRunning
from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.plugins.catalog import Catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.result import TraceStep, TrialResult, TrialStatus, best_of
from enas_inr.spec import Configuration, Range
from enas_inr.spec.space import Fidelity
from enas_inr.strategies.base import Strategy
from enas_inr.testing.lookup import Table, lookup_results, lookup_space, toy_table
from enas_inr.testing.plugin import ConformanceError, Plugin, Suite, not_applicable, require
from enas_inr.validation import counted

Psnr = Callable[[Configuration], float | None]
"""The PSNR of an architecture; see `LookupExecutor`."""

MANY = 64  # number of proposals for which the search loop asks at once
GIGA = 10**9
SEEDS = range(4)
WIDTHS, DEPTHS = (8, 16, 32, 64), (1, 2, 3)
RATES = Range(low=1e-4, high=1e-2, log=True)


def spaces() -> dict[str, FeasibleSpace]:
    """Return search spaces of several kinds, by a description."""
    two = {"width": WIDTHS, "depth": DEPTHS}
    return {
        "one axis": lookup_space({"width": WIDTHS}, GIGA),
        "two axes": lookup_space(two, GIGA),
        "three axes": lookup_space({"grid": (2, 4, 8), "width": WIDTHS, "depth": (1, 2)}, GIGA),
        "a single architecture": lookup_space({"width": (16,), "depth": (2,)}, GIGA),
        "only some combinations": lookup_space(two, GIGA, only=((8, 3), (16, 1), (64, 1), (64, 2))),
        "a tight budget": lookup_space(two, 30_000_000),
        "a range": lookup_space({"width": WIDTHS, "learning_rate": RATES}, GIGA),
        "options of a backbone": lookup_space(
            {
                "backbone": ("siren", "relu"),
                "siren.omega_first": (15.0, 30.0, 60.0),
                "width": (8, 16, 32),
                "optimizer": ("adam", "muon"),
            },
            GIGA,
        ),
    }


def seeded(seed: int) -> tuple[FeasibleSpace, Table]:
    """Return a space of 24 architectures and a table, both with a seed."""
    space = replace(spaces()["three axes"], seed=seed)
    return space, toy_table(space, seed)


class StrategySuite(Suite):
    """The rules for strategies. Derive a test class with a fixture `plugin` that returns yours."""

    def test_proposals_are_feasible_new_and_end(self, plugin: Plugin) -> None:
        """In every kind of space, proposals are feasible and new, and the search ends."""
        for name, space in spaces().items():
            found = search(plugin, space, toy_table(space))
            require(
                bool(found),
                f"the strategy proposed nothing in a space with {name}; propose an architecture",
            )

    def test_one_at_a_time(self, plugin: Plugin) -> None:
        """The strategy can be asked for one architecture at a time."""
        for space in spaces().values():
            found = search(plugin, space, toy_table(space), n=1)
            require(bool(found), "the strategy proposed nothing for n = 1; propose up to n")

    def test_pending_trials_are_respected(self, plugin: Plugin) -> None:
        """While trials are pending, the strategy proposes other architectures, or none."""
        for space in spaces().values():
            search(plugin, space, toy_table(space), workers=3)
            search(plugin, space, toy_table(space), workers=3, backwards=True)

    def test_a_new_instance_continues_from_the_history(self, plugin: Plugin) -> None:
        """A new instance has the same proposals and trace as one that has seen other histories."""
        space = spaces()["two axes"]
        whole = search(plugin, space, toy_table(space))
        used = make(plugin, space)
        for count in (len(whole), *range(len(whole) + 1)):
            history, fresh = whole[:count], make(plugin, space)
            require(
                list(used.propose(history, (), MANY)) == list(fresh.propose(history, (), MANY))
                and list(used.trace(history)) == list(fresh.trace(history)),
                f"after {count} of {len(whole)} trials, the strategy and a new instance differ; "
                "use only the history and FeasibleSpace.seed, and keep no other state",
            )

    def test_an_interruption_changes_nothing(self, plugin: Plugin) -> None:
        """A search that is interrupted after any trial ends with the same trials and best trial.

        Trials that are lost are asked for again by a strategy that waits for the rest of a batch.
        One that never waits knows more by then, and is therefore asked for one at a time.
        """
        n, every = (MANY, 1) if waits(plugin, *seeded(0)) else (1, 4)
        for seed in SEEDS:
            space, table = seeded(seed)
            whole = search(plugin, space, table, n=n)
            for kept in range(0, len(whole), every):
                again = search(plugin, space, table, n=n, history=whole[:kept])
                _require_same(again, whole, f"interrupted after {kept} of {len(whole)} trials")

    def test_the_order_in_which_trials_end_changes_nothing(self, plugin: Plugin) -> None:
        """A search does not depend on the order in which the trials of a batch end."""
        for seed in SEEDS:
            space, table = seeded(seed)
            whole = search(plugin, space, table)
            other = search(plugin, space, table, backwards=True)
            _require_same(other, whole, "when the trials of each batch end in reverse order")

    def test_only_the_seed_of_the_space_is_random(self, plugin: Plugin) -> None:
        """A search is the same in another process, in which strings have other hashes."""
        keys = [result.key for result in search(plugin, *seeded(3))]
        script = f"from {__name__} import keys_of_stdin; keys_of_stdin()"
        path = os.pathsep.join(filter(None, sys.path))
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=json.dumps(_saved(plugin)),
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "7"},
        )
        require(done.returncode == 0, f"the search fails in another process:\n{done.stderr}")
        require(
            json.loads(done.stdout) == keys,
            "another process proposes other architectures; seed all random numbers with "
            "FeasibleSpace.seed, and do not iterate over a set of strings",
        )

    def test_it_changes_nothing_that_it_is_given(self, plugin: Plugin) -> None:
        """The history and the pending architectures may be tuples, and are not changed."""
        space = spaces()["two axes"]
        whole = search(plugin, space, toy_table(space))
        half = len(whole) // 2
        history, pending = whole[:half], [result.trial.configuration for result in whole[half:]]
        before = _as_json(history), _as_json(pending)
        strategy = make(plugin, space)
        strategy.propose(history, pending, MANY)
        strategy.trace(history)
        require(
            (_as_json(history), _as_json(pending)) == before,
            "the strategy changed the history or the pending architectures; work on copies",
        )
        strategy.propose(tuple(history), tuple(pending), MANY)
        strategy.trace(tuple(history))

    def test_diverged_trials(self, plugin: Plugin) -> None:
        """The search ends if some or all trials diverge."""
        space = spaces()["two axes"]
        table = toy_table(space)
        for diverges in (lambda spec: spec.depth > 1, lambda spec: True):
            found = search(plugin, space, _diverging(table, diverges))
            _check_trace(make(plugin, space), found, space)

    def test_failed_trials(self, plugin: Plugin) -> None:
        """The search ends if trials fail, and if a later run repeats them with success."""
        space = spaces()["two axes"]
        table = toy_table(space)
        first = search(plugin, space, _failing(table))
        _check_trace(make(plugin, space), first, space)
        kept = [result for result in first if result.status is not TrialStatus.FAILED]
        second = search(plugin, space, table, history=kept)
        _check_trace(make(plugin, space), second, space)

    def test_its_trace_is_about_the_history(self, plugin: Plugin) -> None:
        """At every stage, the trace consists of TraceStep objects about trials of the history."""
        for space in spaces().values():
            whole = _ended(plugin, space)
            for count in range(len(whole) + 1):
                _check_trace(plugin.create(space), whole[:count], space)

    def test_several_objectives(self, plugin: Plugin) -> None:
        """The strategy supports several objectives, or its creation raises a SpecError."""
        space = replace(spaces()["two axes"], objectives=("psnr", "flops"))
        try:
            make(plugin, space)
        except SpecError as error:
            raise not_applicable(f"the strategy refuses several objectives: {error}") from None
        search(plugin, space, toy_table(space))


def make(plugin: Plugin, space: FeasibleSpace) -> Strategy:
    """Make a strategy, or skip the rule if the strategy has its own loop."""
    strategy: Strategy = plugin.create(space)
    if isinstance(strategy, SelfRunning):
        raise not_applicable("the strategy has its own loop, which proposes and trains")
    return strategy


def search(
    plugin: Plugin,
    space: FeasibleSpace,
    psnr: Psnr,
    *,
    n: int = MANY,
    workers: int = 0,
    backwards: bool = False,
    history: Sequence[TrialResult] = (),
) -> list[TrialResult]:
    """Search to the end, and check every proposal.

    Args:
        plugin: the strategy.
        space: the space to search.
        psnr: the PSNR of each architecture.
        n: number of proposals to ask for at once.
        workers: ask for one proposal as soon as fewer than this many are pending; 0 to ask for `n`
            when none is pending, as the search loop does.
        backwards: whether the trials that were proposed last end first.
        history: the trials from which the search continues.
    """
    strategy = make(plugin, space)
    ended = list(history)
    while True:
        pending: list[Configuration] = []
        pending += ask(strategy, space, ended, pending, 1 if workers else n)
        if not pending:
            return ended
        while pending:
            while len(pending) < workers and (more := ask(strategy, space, ended, pending, 1)):
                pending += more
            end = pending.pop() if backwards else pending.pop(0)
            ended += lookup_results(space, psnr, [end], PsnrFlops(), number=len(ended))


def waits(plugin: Plugin, space: FeasibleSpace, psnr: Psnr) -> bool:
    """Whether a strategy needs results before it can propose all that it trains."""
    strategy, pending = make(plugin, space), list[Configuration]()
    while more := ask(strategy, space, (), pending, MANY):
        pending += more
    return len(pending) < len(search(plugin, space, psnr))


def ask(
    strategy: Strategy,
    space: FeasibleSpace,
    history: Sequence[TrialResult],
    pending: Sequence[Configuration],
    n: int,
) -> list[Configuration]:
    """Ask a strategy for proposals, and check them."""
    proposals = list(strategy.propose(list(history), list(pending), n))
    require(
        len(proposals) <= n,
        f"the strategy proposed {counted(len(proposals), 'architecture')} for n = {n}; "
        "propose at most n",
    )
    seen = {(result.key, _amount(result.fidelity)) for result in history}
    running = {spec.key() for spec in pending}
    named: set[str] = set()
    for spec in proposals:
        key, label = spec.key(), spec.label()
        require(
            space.find(spec) is not None,
            f"the strategy proposed {label}, which exceeds the budget or is not in the space; "
            "propose only architectures of FeasibleSpace.feasible",
        )
        require(
            (key, _amount(getattr(spec, "fidelity", None))) not in seen,
            f"the strategy proposed {label}, which has been trained; leave out what the history "
            "holds",
        )
        require(
            key not in running,
            f"the strategy proposed {label}, which is pending; leave out pending architectures",
        )
        require(
            key not in named,
            f"the strategy proposed {label} twice in one call; propose it once",
        )
        named.add(key)
    return proposals


def _amount(fidelity: Fidelity | None) -> tuple[float, float]:
    return (fidelity.cells, fidelity.steps) if fidelity else (1.0, 1.0)


def keys_of_stdin() -> None:
    """Search with the plugin that stdin describes, and print the keys of the trials as JSON."""
    plugin = _restored(**json.load(sys.stdin))
    print(json.dumps([result.key for result in search(plugin, *seeded(3))]))


def _saved(plugin: Plugin) -> dict[str, Any]:
    return {
        "description": asdict(plugin.provider.description),
        "origin": asdict(plugin.provider.origin),
        "options": dict(plugin.options),
    }


def _restored(
    description: dict[str, Any], origin: dict[str, str], options: dict[str, JsonValue]
) -> Plugin:
    provider = Provider(hookspecs.Strategy(**description), Origin(**origin))
    return Plugin(provider, Catalog((provider,)), options)


def _as_json(models: Sequence[BaseModel]) -> list[str]:
    return [model.model_dump_json() for model in models]


def _ended(plugin: Plugin, space: FeasibleSpace) -> list[TrialResult]:
    """Return the history of a whole search, or all trials if the strategy has its own loop."""
    table = toy_table(space)
    if isinstance(plugin.create(space), SelfRunning):
        return lookup_results(space, table, [c.spec for c in space.feasible], PsnrFlops())
    return search(plugin, space, table)


def _require_same(found: Sequence[TrialResult], whole: Sequence[TrialResult], when: str) -> None:
    ours, theirs = ({result.key for result in results} for results in (found, whole))
    require(
        ours == theirs,
        f"{when}, the search trained {counted(len(ours - theirs), 'architecture')} that it did "
        "not train before; propose whole batches, and continue only when all of a batch is in the "
        "history, in any order",
    )
    best, expected = best_of(found), best_of(whole)
    require(
        (best and best.key) == (expected and expected.key),
        f"{when}, the search found another best trial; do not depend on the order of the history",
    )


def _check_trace(strategy: Strategy, history: Sequence[TrialResult], space: FeasibleSpace) -> None:
    steps = list(strategy.trace(list(history)))
    when = f"after {counted(len(history), 'trial')}"
    axes = ("", *(axis.name for axis in space.space.axes))
    known = list(history)
    iteration = 1
    for step in steps:
        if not isinstance(step, TraceStep):
            raise ConformanceError(
                f"{when}, the trace has a {type(step).__name__}; return TraceStep"
            )
        require(
            all(result in known for result in step.candidates),
            f"{when}, the trace has trials that are not in the history; use only those of the "
            "history",
        )
        complete = {r.key for r in step.candidates if r.status is TrialStatus.COMPLETE}
        require(
            step.choice is None or step.choice in complete,
            f"{when}, a choice of the trace is not a complete candidate; use the key of one, or "
            "None",
        )
        require(step.axis in axes, f"{when}, the trace has the axis {step.axis!r}; use {axes}")
        require(
            step.iteration >= iteration,
            f"{when}, the trace has iteration {step.iteration} after {iteration}; count up from 1",
        )
        iteration = step.iteration


def _diverging(table: Psnr, diverges: Callable[[Configuration], bool]) -> Psnr:
    return lambda spec: None if diverges(spec) else table(spec)


def _failing(table: Psnr) -> Psnr:
    """Return a function for which every other width fails."""

    def psnr(spec: Configuration) -> float | None:
        if spec.width in WIDTHS[::2]:
            raise TrainingError(f"width {spec.width} fails", "this is a test")
        return table(spec)

    return psnr
