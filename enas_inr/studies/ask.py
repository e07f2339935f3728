"""Make the StudySpec of a search from its settings: command line, Python and study files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from enas_inr.errors import SpecError
from enas_inr.spec import (
    Axis,
    Budget,
    Choice,
    EnsembleSpec,
    Limit,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrainingSpec,
)
from enas_inr.spec.sizes import common_grids, first_grid, shortest_side
from enas_inr.studies.axes import read_axes
from enas_inr.studies.capping import capped_space
from enas_inr.studies.settings import PAPER_GRID, StudySettings
from enas_inr.validation import parse

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog

NO_LIMIT = "none"
_SHORT = {"width": "widths", "depth": "depths"}  # short forms of axes


def study_spec(
    settings: StudySettings,
    signal: SignalInfo | Sequence[SignalInfo],
    catalog: Catalog,
    *,
    rows: Sequence[EnsembleSpec] = (),
    where: str = "",
) -> StudySpec:
    """Make the StudySpec of a search.

    Args:
        settings: settings of the search.
        signal: metadata of the signal, or of the signals of a set, in their order.
        catalog: provides the options of each plugin.
        rows: given architectures to train instead of a search.
        where: prefix of error messages, such as `search 'SIREN': `.

    Raises:
        SpecError: a setting is not valid.
    """
    if rows:  # given architectures are trained whatever their cost
        unlimited = settings.max_flops or NO_LIMIT
        settings = settings.model_copy(update={"strategy": "exhaustive", "max_flops": unlimited})
    settings = settings.settled(catalog)
    strategy = settings.chosen("strategy")
    training = dict(settings.training or {})
    profile = str(training.pop("profile", None) or settings.DEFAULT_PROFILE)
    trained = TrainingSpec.from_profile(profile, **training)
    catalog.options("optimizer", trained.optimizer, trained.optimizer_options)  # refused here
    several = () if isinstance(signal, SignalInfo) else tuple(signal)
    first = signal if isinstance(signal, SignalInfo) else signal[0]
    if "aggregate" in settings.model_fields_set and not several:
        raise SpecError(f"{where}aggregate is for sets of signals", "leave it out")
    return parse(
        StudySpec,
        {
            "signal": first,
            "signals": several,
            "aggregate": settings.aggregate,
            "space": capped_space(
                SearchSpace.of(rows)
                if rows
                else _space(settings, training, several or (first,), catalog, where),
                several or (first,),
                where,
            ),
            "strategy": _choice("strategy", strategy, settings.strategy_options, where),
            "objective": _choice(
                "objective", settings.objective, settings.objective_options, where
            ),
            "objectives": tuple(settings.objectives),
            "budget": _budget(settings),
            "training": trained,
            "repeats": settings.repeats,
            "seed": settings.seed,
            "floor_db": settings.floor_db,
        },
        where.removesuffix(": ") or "search",
    )


def architecture(settings: StudySettings, what: str, **sizes: int) -> EnsembleSpec:
    """Return the architecture with the backbone of the settings and the given sizes.

    Raises:
        SpecError: a size is out of range, or options are not JSON. `what` begins the message.
    """
    options = dict(settings.backbone_options or {})
    return parse(EnsembleSpec, {"backbone": settings.backbone, "options": options, **sizes}, what)


def _space(
    settings: StudySettings,
    training: Mapping[str, Any],
    signals: Sequence[SignalInfo],
    catalog: Catalog,
    where: str,
) -> SearchSpace:
    asked = read_axes(settings.search or {}, catalog, settings.backbone, where)
    fixed = settings.model_fields_set | training.keys()
    fixed |= {f"{settings.backbone}.{option}" for option in settings.backbone_options or {}}
    if "backbone" in asked and settings.backbone_options:
        raise SpecError(
            f"{where}search backbone: options are given for one backbone",
            f"drop {', '.join(settings.backbone_options)}, or do not search the backbone",
        )
    for name in asked:
        given = _SHORT.get(name, name)
        if given in fixed:
            raise SpecError(f"{where}search {name}: {given} is given as well", "give one of them")
    values = settings.usual_sizes
    if settings.widths is not None:
        values["width"] = settings.widths
    if settings.depths is not None:
        values["depth"] = settings.depths
    grid = settings.grid
    if grid is None:
        grid = PAPER_GRID
        if settings.explores:
            grids = common_grids(signals)
            grid = first_grid(min(signals, key=shortest_side), grids)
            values = {"grid": grids} | values
    usual = {
        name: parse(Axis, {"name": name, "values": tuple(points)}, f"{where}{name}s")
        for name, points in values.items()
    }
    return SearchSpace(
        base=architecture(settings, f"{where}architecture", grid=grid),
        axes=tuple((usual | asked).values()),
    )


def _choice(kind: str, name: str, options: Mapping[str, Any] | None, where: str) -> Choice:
    return parse(Choice, {"name": name, "options": dict(options or {})}, f"{where}{kind}")


def _budget(settings: StudySettings) -> Budget:
    read = {
        "flops": Limit.parse,
        "parameters": Limit.parse,
        "bytes": Limit.parse,
        "bits_per_sample": Limit.of_bits,
        "latency": Limit.of_seconds,
        "memory": Limit.parse,
    }
    texts = {name: getattr(settings, f"max_{name}") for name in read}
    limits = {
        name: None if text == NO_LIMIT else read[name](str(text))
        for name, text in texts.items()
        if text is not None
    }
    if "bits_per_sample" in limits:
        if "bytes" in limits:
            raise SpecError("max_bytes and max_bits_per_sample are both given", "give one of them")
        limits["bytes"] = limits.pop("bits_per_sample")
    return parse(Budget, limits | {"precision": settings.precision}, "budget")
