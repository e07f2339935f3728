"""Find the weights from which a fit starts: of a model, an archive, or the winner of a study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.api.archive import opened
from enas_inr.api.settings import FitSettings
from enas_inr.errors import SpecError, StudyError
from enas_inr.executors.states import States, states_folder
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import best_of, compared
from enas_inr.validation import counted

if TYPE_CHECKING:
    from enas_inr.backbones.base import Params
    from enas_inr.model.start import Start


def given_start(settings: FitSettings, catalog: Catalog, states: Path | None) -> Start | None:
    """Read the weights that the settings of a fit name, if any.

    Raises:
        SpecError: two starts are named, or what a model that is trained further has already.
        ModelError, PluginError, SignalError, StudyError: as `take_start`.
    """
    if settings.resume_from is not None:
        return _resumed(settings, settings.resume_from, catalog)
    if settings.init_from is None:
        return None
    return take_start(settings.init_from, settings.storage, catalog, states)


def _resumed(settings: FitSettings, path: str | Path, catalog: Catalog) -> Start:
    from enas_inr.model.model import load
    from enas_inr.model.start import Start

    others = {"init_from": settings.init_from, "study": settings.study, "profile": settings.profile}
    others["profile"] = others["profile"] or (settings.training or {}).get("profile")
    for name, value in others.items():
        if value is not None:
            raise SpecError(
                f"{name} {str(value)!r} and resume_from {str(path)!r} differ: a model is trained "
                "further with its own weights, architecture and recipe",
                "give one of them" if name == "init_from" else f"leave out {name}",
            )
    model = load(path, catalog=catalog)
    start = Start.of_model(model, str(path), resumed=True)
    given = dict(settings.architecture or {})
    wanted = given | {"options": given.get("options") or {}}
    for name, value in wanted.items():
        own = getattr(start.ensemble, name, None)
        same = own == value if name != "options" else own == (own or {}) | dict(value)
        if not same:
            raise SpecError(
                f"{name} {value} is not that of {str(path)!r}, which has {own}",
                "leave it out, or train another architecture without resume_from",
            )
    return start


def take_start(
    source: str | Path, storage: str | None, catalog: Catalog, states: Path | None = None
) -> Start:
    """Read the weights from which a fit starts.

    Args:
        source: a model file; an archive, for the mean of its models; or the name of a study, for
            the weights of its winner that the search has kept on this machine (of a set of signals,
            their mean).
        storage: storage of the study.
        catalog: the plugins.
        states: folder in which searches keep weights; None for the usual one.

    Raises:
        ModelError, PluginError, SignalError: as `enas_inr.load` and `enas_inr.open_archive`.
        StudyError: there is no such file, and no such study or no weights of it.
    """
    from enas_inr.model.archive import Archive
    from enas_inr.model.file import SUFFIX
    from enas_inr.model.start import Start

    path = Path(source)
    if len(path.parts) == 1 and not path.suffix.startswith(SUFFIX) and not path.exists():
        return _of_winner(str(source), storage, catalog, states or states_folder())
    with opened(path, None, catalog) as found:
        if isinstance(found, Archive):
            return Start.of_archive(found)
        return Start.of_model(found, str(path))


def _of_winner(name: str, storage: str | None, catalog: Catalog, folder: Path | None) -> Start:
    from enas_inr.cost import net_shape
    from enas_inr.executors.known_cells import cells_of, in_blocks
    from enas_inr.model.architecture import Architecture
    from enas_inr.model.start import Start, mean_of
    from enas_inr.studies.record import load_record

    try:
        study = load_record(name, storage, catalog)
    except StudyError as error:
        raise StudyError(f"{name!r} is not a file, and {error.what}", error.hint) from None
    best = best_of(compared(study.results, study.trace))
    if best is None:
        raise StudyError(f"study {name!r} has no complete trial", "continue the search first")
    ensemble = best.trial.ensemble
    backbone = catalog.create("backbone", ensemble.backbone, options=ensemble.options)
    architecture = Architecture.of(
        ensemble, backbone, net_shape(ensemble, study.spec.signal), study.spec.signal
    )
    like = {leaf.name: leaf.empty(1) for leaf in architecture.leaves}

    def kept() -> Iterator[Params]:
        for signal in study.spec.all_signals:
            known = cells_of(States(folder, signal, catalog), best.trial, like)
            have = sum(len(cells) for cells, _ in known)
            if have < architecture.cells:
                raise StudyError(
                    f"of the winner of study {name!r} on {signal.name!r}, this machine has the "
                    f"weights of {have} of {counted(architecture.cells, 'cell')}",
                    "fit it with --study, and start from that model",
                )
            yield from in_blocks(known, [range(architecture.cells)])

    signals = len(study.spec.all_signals)
    source = f"the winner of study {name}"
    if signals > 1:
        source = f"the mean of {source} on {counted(signals, 'signal')}"
    training = best.trial.training
    return Start(source, ensemble, training, architecture, mean_of(kept()), signals)
