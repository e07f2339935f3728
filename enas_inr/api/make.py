"""The function behind `enas-inr make`: search, fit the winner at full size, and write its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SkipValidation

from enas_inr.api.fit import FitResult, draw_preview
from enas_inr.api.keywords import takes
from enas_inr.api.outputs import fit_outputs, inputs_of, model_output
from enas_inr.api.reading import take_signal
from enas_inr.api.rounding import smallest
from enas_inr.api.search import search
from enas_inr.api.settings import MakeSettings
from enas_inr.display import html
from enas_inr.errors import SpecError
from enas_inr.executors.base import TrialProgress
from enas_inr.executors.states import states_folder
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import SearchResult, TrialResult
from enas_inr.signals.files import is_stream
from enas_inr.signals.outputs import check_outputs
from enas_inr.studies.location import Storage
from enas_inr.studies.loop import Observer
from enas_inr.studies.settings import SignalSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from enas_inr.api.reading import Given
    from enas_inr.signals.rivals import Rival
    from enas_inr.signals.signal import Signal

MOST_FITS = 3  # winners that are fitted, if some miss the PSNR that is wanted


@dataclass(frozen=True)
class MakeResult:
    """The result of `make`.

    Attributes:
        search: the search.
        fit: the fit of its winner.
        reached: whether the model has the PSNR that was wanted, with its numbers as stored.
        rivals: the same signal in ordinary codecs, at the PSNR of the model.
    """

    search: SearchResult
    fit: FitResult
    reached: bool = True
    rivals: tuple[Rival, ...] = ()

    def __repr__(self) -> str:
        return f"<MakeResult: {self.fit!r}>"

    def _repr_html_(self) -> str:
        known = self.fit.metrics
        ours = ("this model", f"{known.get('bytes', 0):,}", known.get("psnr_db"))
        rows = [(rival.codec, f"{rival.bytes:,}", rival.psnr_db) for rival in self.rivals]
        table = html.table(("", "bytes", "PSNR dB"), [ours, *rows], marked=[0])
        return html.stacked(self.fit._repr_html_(), table if self.fit.finished else "")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the trials of the search: see `SearchResult.plot`."""
        return self.search.plot(ax)

    def to_dict(self) -> dict[str, Any]:
        """Return the values that `enas-inr make --json` prints."""
        return {
            "model": self.fit.metrics,
            "reached": self.reached,
            "rivals": [asdict(rival) for rival in self.rivals],
            "search": self.search.to_dict(),
        }


class MakeCall(MakeSettings, arbitrary_types_allowed=True):
    """The settings of `make`, and the objects that take part in a call."""

    catalog: Annotated[
        SkipValidation[Catalog | None], Field(description="The plugins; None: all installed ones.")
    ] = None
    observer: Annotated[
        SkipValidation[Observer | None], Field(description="Notified of each event of the search.")
    ] = None
    stopping: Annotated[
        Callable[[], AbstractContextManager[Callable[[], bool]]],
        Field(
            description="Entered for a fit; its function is called every few seconds, and True "
            "stops the fit with a checkpoint."
        ),
    ] = lambda: nullcontext(lambda: False)
    on_progress: Annotated[
        Callable[[TrialProgress], None], Field(description="Called with the progress of a fit.")
    ] = lambda progress: None
    on_trial: Annotated[
        Callable[[TrialResult], object] | None,
        Field(
            description="Called with each trial that has ended; if it returns True, the search "
            "stops, and the best so far is fitted."
        ),
    ] = None
    progress: Annotated[
        bool | None,
        Field(
            description="Whether to show a bar; None: in notebooks and interactive interpreters."
        ),
    ] = None


@takes(MakeCall)
def make(signal: Given, call: MakeCall) -> MakeResult:
    """Search for the best ensemble, fit it at full size and write its file.

    By default it is the smallest file that reaches 36 dB; with `max_bytes`, the best within it. If
    a PSNR is wanted and no precision is given, the numbers are stored in as few bytes as reach it.
    If the model falls short of it, the next best configuration is fitted, up to three in all.
    Repeating the call resumes the search, and then the fit. In a notebook or an interactive
    interpreter, Ctrl-C during the fit returns what is trained so far.

    Raises:
        SpecError, SignalError, BudgetError, StudyError, TrainingError, ModelError: as their names
            say.
    """
    catalog = call.catalog or load_catalog()
    call = _with_goal(call, catalog)
    taken = take_signal(catalog, signal, call, default=call.usual_size)
    path = model_output(call.output, taken.name)
    if is_stream(path):  # which cannot be written again if a better model follows
        raise SpecError(f"{str(path)!r} is not a file", "give the name of a file")
    check_outputs(
        fit_outputs(path, call.preview),
        force=call.force,
        inputs=inputs_of(signal, storage=Storage(call.storage)),
    )
    found = search(
        taken,
        **_of_the_search(call),
        catalog=catalog,
        observer=call.observer,
        on_trial=call.on_trial,
        progress=call.progress,
    )
    if found.interrupted:
        raise KeyboardInterrupt  # its trials are kept, and there is no model yet
    target = found.spec.objective.options.get("target_psnr_db")
    wanted = float(target) if isinstance(target, (int, float)) else None
    best: FitResult | None = None
    for winner in _ranked(found):
        fitted = _fit(taken, winner, found, call, path, catalog)
        if not fitted.finished:
            return MakeResult(found, fitted, reached=False)
        reached = wanted is None or fitted.metrics["psnr_db"] >= wanted
        if best is None or fitted.metrics["psnr_db"] > best.metrics["psnr_db"]:
            best = fitted
        if reached:
            break
    assert best is not None, "a search has a winner"
    if best is not fitted:  # whose file and preview are there
        best.model.save(path, force=True)
        fitted = best
        if call.preview is not None:
            draw_preview(best.model, taken, Path(call.preview))
    if wanted is not None and "precision" not in call.model_fields_set:
        fitted = _packed(fitted, taken, wanted, catalog)
    return MakeResult(found, fitted, reached, fitted.rivals())


def _with_goal(call: MakeCall, catalog: Catalog) -> MakeCall:
    """Return a call with the goal, the profile and the precision that are its defaults."""
    given, chosen = call.model_fields_set, dict[str, Any]()
    limited = bool({"max_bytes", "max_bits_per_sample"} & given)
    has_target = "target_psnr_db" in given or "target_psnr_db" in (call.objective_options or {})
    if "objective" not in given:
        chosen["objective"] = "best" if limited and not has_target else "smallest"
    objective = chosen.get("objective", call.objective)
    if not has_target and "target_psnr_db" in catalog.option_names("objective", objective):
        chosen["target_psnr_db"] = call.TARGET_DB
    if not call.profile and "profile" not in (call.training or {}):
        chosen["profile"] = call.DEFAULT_PROFILE
    if limited and "precision" not in given:
        chosen["precision"] = "int8"
    return call.model_copy(update=chosen)


def _packed(fitted: FitResult, signal: Signal, wanted_db: float, catalog: Catalog) -> FitResult:
    """Store the numbers of a model in as few bytes as still reach a PSNR, if it reaches it."""
    packed = smallest(fitted.model, signal, wanted_db, catalog)
    if packed is fitted.model:
        return fitted
    measured, size = packed.header.metrics, packed.save(fitted.path, force=True)
    sizes = {"bytes": size, "bits_per_sample": 8 * size / packed.header.signal.samples}
    return replace(fitted, model=packed, metrics=fitted.metrics | measured | sizes)


def _of_the_search(call: MakeCall) -> dict[str, Any]:
    others = {*SignalSettings.marks(), "output", "preview", "force"}
    return {name: value for name, value in call.given().items() if name not in others}


def _ranked(found: SearchResult) -> Iterator[TrialResult]:
    """Iterate over the winner, and then over those after it that may be good enough."""
    latest = {result.key: result for result in found.trials if result.score is not None}
    others = sorted(latest.values(), key=lambda result: result.rank, reverse=True)
    able = [one for one in others if one.key != found.best.key and one.rank <= found.best.rank]
    yield from [found.best, *able][:MOST_FITS]


def _fit(
    signal: Signal,
    winner: TrialResult,
    found: SearchResult,
    call: MakeCall,
    path: Path,
    catalog: Catalog,
) -> FitResult:
    """Fit a configuration as it was trained in the search, whose weights are those of a repeat."""
    from enas_inr.api.fit import fit

    most = found.spec.budget.limits(found.spec.signal.samples).get("bytes")
    with call.stopping() as should_stop:
        return fit(
            signal,
            architecture=winner.trial.ensemble.model_dump(),
            training=winner.trial.training.model_dump(),
            seed=found.spec.seed,
            device=call.device,
            output=path,
            precision=call.precision,
            preview=call.preview,
            force=True,  # checked before
            most_bytes=None if most is None else int(most),
            states=states_folder(),
            observers=call.observers,
            observer_options=call.observer_options,
            catalog=catalog,
            should_stop=should_stop,
            on_progress=call.on_progress,
            progress=call.progress,
        )
