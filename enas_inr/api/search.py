"""The Python call behind `enas-inr search`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enas_inr.api.reading import read_signal
from enas_inr.errors import SpecError
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.result import SearchResult
from enas_inr.spec import (
    Axis,
    Budget,
    Choice,
    EnsembleSpec,
    Limit,
    SearchSpace,
    StudySpec,
    TrainingSpec,
)
from enas_inr.studies.loop import Observer
from enas_inr.studies.search import DEFAULT_STORAGE, run_study
from enas_inr.validation import parse

if TYPE_CHECKING:
    from enas_inr.signals.signal import Signal

PAPER_WIDTHS = (16, 32, 64, 128, 256, 512)
PAPER_DEPTHS = (1, 2, 3, 4, 5)


def search(
    signal: str | Path | Signal,
    *,
    strategy: str = "coordinate",
    strategy_options: Mapping[str, Any] | None = None,
    backbone: str = "siren",
    backbone_options: Mapping[str, Any] | None = None,
    grid: int = 8,
    widths: Iterable[int] = PAPER_WIDTHS,
    depths: Iterable[int] = PAPER_DEPTHS,
    max_flops: str | int | None = None,
    max_parameters: str | int | None = None,
    max_bytes: str | int | None = None,
    objective: str = "psnr_flops",
    objective_options: Mapping[str, Any] | None = None,
    objectives: Iterable[str] = (),
    repeats: int = 5,
    profile: str = "paper",
    training: Mapping[str, Any] | None = None,
    size: str | int | None = None,
    signal_options: Mapping[str, Any] | None = None,
    study: str | None = None,
    storage: str = DEFAULT_STORAGE,
    executor: str = "local",
    executor_options: Mapping[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
    pictures: bool = True,
    catalog: Catalog | None = None,
    observer: Observer | None = None,
) -> SearchResult:
    """Find the best ensemble for a signal under a budget; the defaults are the paper's.

    Args:
        signal: a file, `sample:photo`, `sample:chord`, or a Signal.
        strategy: proposes architectures; see `enas-inr plugins list` for all names.
        strategy_options: its options, as all `*_options`.
        backbone: the kind of sub-network.
        backbone_options: its options.
        grid: M, the cells along each spatial axis.
        widths: of hidden layers, to search.
        depths: numbers of hidden layers, to search.
        max_flops: `1G`, or per sample `60k/sample`; None: the paper's 1 G for 128x128 pixels, in
            proportion.
        max_parameters: likewise; None: no limit.
        max_bytes: likewise.
        objective: the score to maximise.
        objective_options: its options, such as `{"alpha": 7}`.
        objectives: of psnr, score (to maximise), flops, parameters and bytes (to minimise), such as
            `["psnr", "flops"]`: what the strategy `optuna` improves at once, and what `front` in
            the result is the Pareto front of; empty: the score alone. `best` is by the score.
        repeats: trainings of each architecture, from different seeds.
        profile: a named set of training settings.
        training: changes to it, such as `{"steps": 100, "learning_rate": 5e-4}`.
        size: to resize an image to: `128` (a square), `WxH` or `none`; None: 128, as in the paper,
            where the signal is a file that has a size.
        signal_options: of the modality that reads the file, such as `{"max_frames": 16}`; they
            decide the values, and so the study, and are kept nowhere else.
        study: a name, to continue or to start; None: derived from everything that decides the
            result, so that the same call continues the same study.
        storage: an Optuna URL, or the path of an SQLite file.
        executor: where trials are trained.
        executor_options: its options, such as `{"workers": 4}` for `ray`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        seed: of everything random.
        pictures: keep each complete trial's reconstruction as a picture or sound in a folder
            beside the storage's file, for the dashboard.
        catalog: the plugins; None: all that are installed.
        observer: is told what happens.

    Raises:
        SpecError: a setting or name that is not valid.
        SignalError: the signal cannot be read.
        BudgetError: no architecture fits the budget.
        StudyError: the study or its storage cannot be used.
        TrainingError: every trial failed or diverged.
    """
    catalog = catalog or load_catalog()
    if isinstance(signal, (str, Path)):
        signal = read_signal(catalog, str(signal), size, options=signal_options)
    elif size is not None:
        raise SpecError(f"size {size!r} does not apply to a Signal", "resize it before")
    elif signal_options:
        raise SpecError("signal_options do not apply to a Signal", "give a file, or leave them out")
    signal.check()
    limits = {"flops": max_flops, "parameters": max_parameters, "bytes": max_bytes}
    base = parse(
        EnsembleSpec,
        {"backbone": backbone, "options": dict(backbone_options or {}), "grid": grid},
        "architecture",
    )
    axes = tuple(
        parse(Axis, {"name": name, "values": list(values)}, f"{name}s")
        for name, values in (("width", widths), ("depth", depths))
    )
    spec = parse(
        StudySpec,
        {
            "signal": signal.info(),
            "space": SearchSpace(base=base, axes=axes),
            "strategy": _choice(strategy, strategy_options, "strategy"),
            "objective": _choice(objective, objective_options, "objective"),
            "objectives": tuple(objectives),
            "budget": Budget(
                **{n: Limit.parse(str(text)) for n, text in limits.items() if text is not None}
            ),
            "training": TrainingSpec.from_profile(profile, **(training or {})),
            "repeats": repeats,
            "seed": seed,
        },
        "search",
    )
    return run_study(
        spec,
        signal,
        catalog=catalog,
        name=study,
        storage=storage,
        executor=_choice(executor, executor_options, "executor"),
        device=device,
        pictures=pictures,
        observer=observer,
    )


def _choice(name: str, options: Mapping[str, Any] | None, what: str) -> Choice:
    return parse(Choice, {"name": name, "options": dict(options or {})}, what)
