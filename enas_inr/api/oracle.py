"""The function behind `enas-inr oracle`: train all configurations, and judge a study's winner."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enas_inr.api.measures import measures
from enas_inr.api.reading import take_signal
from enas_inr.errors import SpecError, StudyError
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import best_of
from enas_inr.signals.options import PAPER_SIZE
from enas_inr.spec import Choice, SignalInfo
from enas_inr.studies.loop import Observer
from enas_inr.studies.oracle import Regret, oracle_name, oracle_spec, regret
from enas_inr.studies.reading import read_study
from enas_inr.studies.search import run_study
from enas_inr.studies.settings import SignalSettings
from enas_inr.studies.space import stored_space

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal


def oracle(
    study: str,
    signal: str | Path | Signal | None = None,
    *,
    fidelity: float | str = 1.0,
    size: str | None = None,
    signal_options: Mapping[str, Any] | None = None,
    storage: str | None = None,
    executor: Choice = Choice(name="local"),
    device: str = "auto",
    observer: Observer | None = None,
    catalog: Catalog | None = None,
) -> Regret:
    """Train what is missing of the space of a study, as a study of its own, and judge the winner.

    Trials that the study has trained in full are not trained again. Repeating the call resumes.

    Args:
        study: name of the study.
        signal: its signal; None if that is a sample, such as `sample:photo`.
        fidelity: share of the cells on which to train, such as 0.25 or "1/4".
        size: size of an image; None for that in the study.
        signal_options: options of the modality with which the signal was read.
        storage: where the study is kept, and the oracle as well.
        executor: where trials are trained.
        device: device on which they are.
        observer: receives the events.
        catalog: the plugins; None for all installed ones.

    Raises:
        SpecError: the fidelity is not a share, or the signal is to be given.
        SignalError: the signal cannot be read.
        StudyError: the study cannot be read, has no complete trial, or is about another signal or a
            set of signals.
        TrainingError: every trial failed or diverged.
    """
    share = read_share(fidelity)
    catalog = catalog or load_catalog()
    spec, results = read_study(study, storage)
    if spec.signals:
        raise StudyError(
            f"study {study!r} is about a set of {len(spec.signals)} signals",
            "search the set with --strategy exhaustive --no-racing instead",
        )
    if best_of(results) is None:
        raise StudyError(f"study {study!r} has no complete trial", "continue the search first")
    settings = SignalSettings(size=size, signal_options=signal_options)
    source = _sample(study, spec.signal) if signal is None else signal
    taken = take_signal(catalog, source, settings, default=_size(spec.signal))
    if taken.info().identity != spec.signal.identity:
        raise StudyError(
            f"{source if isinstance(source, str | Path) else taken.name} is not the signal of "
            f"study {study!r}, {spec.signal.name!r}",
            "give its file, and the --size and --signal-option of the search",
        )
    asked, name = oracle_spec(spec, share), oracle_name(study, share)
    found = run_study(
        asked,
        taken,
        catalog=catalog,
        name=name,
        storage=storage,
        executor=executor,
        device=device,
        observer=observer,
        reuse=True,
        measure=measures(catalog, taken, asked.budget.precision, device),
    )
    space = stored_space(asked, name, found.storage, catalog)
    return regret(results, name, asked, found.trials, space)


def read_share(text: float | str) -> float:
    """Return a share from 0 to 1 from a number or a fraction, such as "1/4".

    Raises:
        SpecError: it is neither, or beyond this range.
    """
    try:
        share = float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        share = 0.0
    if not 0 < share <= 1:
        raise SpecError(
            f"fidelity {text!r} is not a share of the cells", "write 1, 1/4 or 0.25, for example"
        )
    return share


def _sample(study: str, signal: SignalInfo) -> str:
    """Return the sample that a signal is by its name."""
    from enas_inr.signals.loading import SAMPLE_PREFIX
    from enas_inr.signals.samples import SAMPLES

    if signal.name not in SAMPLES:
        raise SpecError(
            f"study {study!r} does not keep its signal, {signal.name!r}",
            f"give its file: enas-inr oracle {study} FILE",
        )
    return SAMPLE_PREFIX + signal.name


def _size(signal: SignalInfo) -> str:
    """Return the size of an image as `read_signal` takes it."""
    if len(signal.shape) < 2:
        return PAPER_SIZE
    rows, columns = signal.shape[-2:]
    return f"{columns}x{rows}"
