"""enas-inr: find, train and keep the best ensemble implicit neural representation of a signal.

>>> import enas_inr
>>> result = enas_inr.search("photo.png", grid=8, widths=[16, 32, 64], depths=[1, 2, 3])
>>> result.best.trial.ensemble.label()
'siren M=8 d=1 w=64'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enas_inr.api.fit import FitResult, fit
    from enas_inr.api.fit_many import fit_many
    from enas_inr.api.fit_summary import FitManyResult
    from enas_inr.api.make import MakeResult, make
    from enas_inr.api.render import render
    from enas_inr.api.search import search
    from enas_inr.api.suggest import suggest
    from enas_inr.api.view import view
    from enas_inr.backbones.suggestion import Suggestion
    from enas_inr.model.archive import Archive, open_archive
    from enas_inr.model.archive_writer import write_archive
    from enas_inr.model.model import Model, load
    from enas_inr.result import SearchResult, TrialResult
    from enas_inr.signals.signal import Signal

__version__ = "0.1.0"
__all__ = [
    "Archive",
    "FitManyResult",
    "FitResult",
    "MakeResult",
    "Model",
    "SearchResult",
    "Signal",
    "Suggestion",
    "TrialResult",
    "__version__",
    "fit",
    "fit_many",
    "load",
    "make",
    "open_archive",
    "render",
    "search",
    "suggest",
    "view",
    "write_archive",
]

_HOMES = {
    "Archive": "enas_inr.model.archive",
    "FitManyResult": "enas_inr.api.fit_summary",
    "FitResult": "enas_inr.api.fit",
    "MakeResult": "enas_inr.api.make",
    "Model": "enas_inr.model.model",
    "SearchResult": "enas_inr.result",
    "Signal": "enas_inr.signals.signal",
    "TrialResult": "enas_inr.result",
    "Suggestion": "enas_inr.backbones.suggestion",
    "load": "enas_inr.model.model",
    "open_archive": "enas_inr.model.archive",
    "write_archive": "enas_inr.model.archive_writer",
    "fit": "enas_inr.api.fit",
    "fit_many": "enas_inr.api.fit_many",
    "make": "enas_inr.api.make",
    "render": "enas_inr.api.render",
    "search": "enas_inr.api.search",
    "suggest": "enas_inr.api.suggest",
    "view": "enas_inr.api.view",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a search needs pydantic, torch and Optuna, `--help` does not."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also before they are imported."""
    return sorted(__all__)
