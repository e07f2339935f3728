"""The function behind `enas-inr fit` of several signals: a model file for each of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from enas_inr.api.fit import FitObjects, checked_precision
from enas_inr.api.fit_spec import FitSpecs, fit_specs
from enas_inr.api.fit_summary import (
    SUMMARY,
    FitManyResult,
    FitRow,
    FitStatus,
    seconds_before,
    write_summary,
)
from enas_inr.api.keywords import takes
from enas_inr.api.outputs import inputs_of
from enas_inr.api.settings import FitManySettings
from enas_inr.api.starting import given_start
from enas_inr.api.watching import watched
from enas_inr.errors import SpecError
from enas_inr.executors.base import TrialProgress
from enas_inr.executors.states import states_folder
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.files import make_folder
from enas_inr.signals.outputs import Output, check_folder, check_outputs
from enas_inr.studies.settings import SignalSettings
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.api.fit_plan import Group
    from enas_inr.api.fit_scan import Recipe
    from enas_inr.signals.signal import Signal

FOLDER = "models"
"""Where the models are written if no folder is given."""

GROUPS_FOR_EACH = 4  # job: fewer would let some of them wait for the last one


class FitManyCall(FitObjects, FitManySettings):
    """The settings of a fit of many signals, and the objects that take part in a call."""

    say: Annotated[
        Callable[[str], None],
        Field(description="Called with a line about what was left out, kept or failed."),
    ] = lambda line: None


@takes(FitManyCall)
def fit_many(
    signals: str | Path | Sequence[str | Path | Signal], call: FitManyCall
) -> FitManyResult:
    """Train one ensemble on each of many signals, and write a `.inr` file for each of them.

    `signals` are files, folders, patterns, text files of paths, samples and groups of samples such
    as `samples:photos`, or Signals. Signals of equal shape are trained in the same batches, each
    with the result of a single `fit`. The files and a summary (`summary.csv`, `summary.json`) are
    written to the folder `output`. The same call again fits only what is missing. The failure of
    one signal is a row with a message, and does not end the others.

    Raises:
        SpecError, SignalError, StudyError, ModelError, PluginError: nothing was fitted, for the
            reason that their names say; ModelError also if files of other fits are in the way.
    """
    with watched(call) as watched_call:
        return _fit_many(signals, watched_call)


def _fit_many(
    signals: str | Path | Sequence[str | Path | Signal], call: FitManyCall
) -> FitManyResult:
    from enas_inr.api.fit_plan import groups_of, left_to_fit
    from enas_inr.api.fit_scan import scan

    started = time.perf_counter()
    if call.preview is not None:
        raise SpecError("preview does not apply to several signals", "leave it out")
    if call.observers:
        raise SpecError("observers do not apply to several signals", "leave them out")
    recipe, specs, settings = _asked(call)
    folder = Path(FOLDER if call.output is None else call.output)
    named = [signals] if isinstance(signals, (str, Path)) else list(signals)
    check_folder(folder)
    summary = [Output(folder / name, "the summary") for name in SUMMARY]
    check_outputs(summary, force=True, inputs=inputs_of(*named), make_folders=True)
    scanned = scan(
        named, settings, recipe, specs, folder, call.say, call.should_stop, call.on_progress
    )
    if not scanned.complete:
        left_out = [FitRow(name, "", FitStatus.LEFT) for name in scanned.names]
        return FitManyResult(folder, tuple(left_out), time.perf_counter() - started)
    left, kept = left_to_fit(scanned.members, seconds_before(folder), force=call.force)
    most = math.ceil(len(left) / (call.jobs * GROUPS_FOR_EACH)) if call.jobs else None
    groups, unusable = groups_of(scanned.members, left, most=most, force=call.force)
    make_folder(folder)
    rows: dict[int, FitRow] = {}

    def note(ended: Mapping[int, FitRow]) -> FitManyResult:
        rows.update(ended)
        for row in ended.values():
            if row.status is FitStatus.FAILED:
                call.say(f"failed: {row.name}: {row.message}")
        in_order = tuple(rows[number] for number in sorted(rows))
        result = FitManyResult(folder, in_order, time.perf_counter() - started)
        write_summary(result)
        return result

    rows |= {one.number: one.row(FitStatus.LEFT) for one in left}
    if kept:
        verb = "is" if len(kept) == 1 else "are"
        call.say(f"{counted(len(kept), 'file')} {verb} kept, from the same signals and settings")
    bad = {one.number: one.failed(unusable[one.number]) for one in left if one.number in unusable}
    result = note({**scanned.failed, **kept, **bad})
    run = _in_this_process if call.jobs is None else _with_ray
    for ended in run(recipe, groups, call):
        result = note(ended)
    return result


def _asked(call: FitManyCall) -> tuple[Recipe, FitSpecs, FitManySettings]:
    """Return what all fits share, what is fitted to a signal, and the settled settings."""
    from enas_inr.api.fit_scan import Recipe

    precision = checked_precision(call.precision)
    catalog = call.catalog or load_catalog()
    settings = call.settled(catalog)
    states = states_folder() if settings.study else call.states
    reading = SignalSettings(size=settings.size, signal_options=settings.signal_options)
    start = given_start(settings, catalog, call.states)
    specs = fit_specs(settings, catalog, start)
    recipe = Recipe(catalog, reading, precision, call.device, states, start, specs.limit)
    return recipe, specs, settings


def _in_this_process(
    recipe: Recipe, groups: Sequence[Group], call: FitManyCall
) -> Iterator[dict[int, FitRow]]:
    """Fit one group after the other; yield the rows of each."""
    from enas_inr.api.fit_group import fit_group

    progress = _Progress(groups, call.on_progress)
    for group in groups:
        if call.should_stop():
            return
        tell = partial(progress.told, group.number)
        yield fit_group(recipe, group, call.should_stop, tell)
        progress.ended(group.number)


def _with_ray(
    recipe: Recipe, groups: Sequence[Group], call: FitManyCall
) -> Iterator[dict[int, FitRow]]:
    """Fit groups on workers of Ray at the same time; yield the rows of each as it ends."""
    from enas_inr.api.fit_group import fit_group
    from enas_inr.executors.ray.tasks import Task, Tasks

    if not groups or call.should_stop():
        return
    progress = _Progress(groups, call.on_progress)
    for_workers = replace(recipe, catalog=replace(recipe.catalog, strict=False))
    title = counted(sum(len(group.members) for group in groups), "fit")
    pool = Tasks(fit_group, for_workers, title, call.should_stop, progress.told, call.say)
    tasks = [Task(group.number, group.title, group.absolute()) for group in groups]
    by_number = {group.number: group for group in groups}
    for task, ended in pool.run(tasks, call.jobs or 1):
        members = {member.number: member for member in by_number[task.number].members}
        if isinstance(ended, Exception):
            yield {number: member.failed(ended) for number, member in members.items()}
        else:  # with the paths as they were given
            paths = {number: str(member.path) for number, member in members.items()}
            yield {number: replace(row, path=paths[number]) for number, row in ended.items()}
        progress.ended(task.number)


class _Progress:
    """Adds up the progress of the groups.

    Args:
        groups: all groups.
        on_progress: called with the progress of all of them.
    """

    def __init__(
        self, groups: Sequence[Group], on_progress: Callable[[TrialProgress], None]
    ) -> None:
        self._shares = {
            group.number: sum(member.bytes for member in group.members) for group in groups
        }
        self._done: dict[int, float] = dict.fromkeys(self._shares, 0.0)
        self._signals = counted(sum(len(group.members) for group in groups), "signal")
        self._on_progress = on_progress

    def told(self, number: int, progress: TrialProgress) -> None:
        """Receive the progress of a group; a label that stays the same lets the time be told."""
        self._done[number] = progress.done
        done = sum(share * self._done[key] for key, share in self._shares.items())
        whole = done / max(1, sum(self._shares.values()))
        self._on_progress(TrialProgress(None, f"fit of {self._signals}", whole, 0, None))

    def ended(self, number: int) -> None:
        """Note that a group has ended."""
        self._done[number] = 1.0
