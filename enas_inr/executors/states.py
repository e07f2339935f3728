"""States of trainings, kept on the machine where they were trained.

A training that was stopped after some of its steps goes on from its state, and the fit of a winner
takes the weights of cells that the search has trained. States save time and decide nothing: where
one is missing, the steps are made again. They lie in one folder for all studies, of which the
oldest are removed when they are too many or too old (`MOST_BYTES`, `MOST_SECONDS`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from enas_inr.errors import EnasInrError
from enas_inr.executors.folders import cache_folder, make_private
from enas_inr.plugins.catalog import Catalog
from enas_inr.result import TrialResult, TrialStatus
from enas_inr.spec import SignalInfo, TrialSpec

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["States", "states_folder"]

MOST_BYTES = 2**30  # of all states together
LARGEST = 2**26  # bytes of one state: a larger one takes longer to write than it may save
MOST_SECONDS = 7 * 24 * 3600.0
BOUNDED_EVERY = 16  # trials
SUFFIX = ".state"


def states_folder() -> Path | None:
    """Return the folder of the states of this user; None if they are not to be kept."""
    folder = cache_folder()
    return folder and folder / "states"


@dataclass(frozen=True)
class States:
    """The states of trainings on one signal.

    Attributes:
        folder: where they lie; it need not exist. None: none are kept.
        signal: the signal.
        catalog: tells the versions of the plugins that are trained.
    """

    folder: Path | None
    signal: SignalInfo
    catalog: Catalog

    def keep(self, result: TrialResult, state: Mapping[str, Tensor]) -> None:
        """Keep the state in which a trial ended; if that fails, there is none."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
        if not state or result.status is not TrialStatus.COMPLETE or size > LARGEST:
            return
        if file := self._file(result.trial, result.trial.steps):
            temporary = file.with_name(f".{secrets.token_hex(8)}{SUFFIX}")
            with suppress(OSError, SafetensorError):  # a full disk is the latter
                make_private(file.parent)
                try:
                    save_file({k: v.contiguous() for k, v in state.items()}, temporary)
                    temporary.replace(file)
                finally:
                    temporary.unlink(missing_ok=True)
        if result.trial.number % BOUNDED_EVERY == 0:
            self.remove(())

    def find(self, trial: TrialSpec) -> dict[str, Tensor] | None:
        """Return the state from which a trial is to go on, or None."""
        file = self._file(trial, trial.part.first_step) if trial.part else None
        return _read(file) if file else None

    def finished(self, trial: TrialSpec) -> list[dict[str, Tensor]]:
        """Return the states of all parts of a trial that have made all steps, by any search.

        Each has the weights of the first repeat (`enas_inr.training.checkpoint.states_of_jobs`).
        """
        if self.folder is None:
            return []
        files = sorted(self.folder.glob(f"{self._name(trial)}-*-0-{trial.training.steps}{SUFFIX}"))
        return [state for file in files if (state := _read(file))]

    def remove(self, trials: Iterable[TrialSpec]) -> None:
        """Remove the states of trials, and whatever is too old or too much of all that are kept."""
        if self.folder is None or not self.folder.is_dir():
            return
        names = set()
        for trial in trials:
            with suppress(EnasInrError):  # a plugin is not installed any more
                names.add(self._name(trial))
        left: list[tuple[float, int, Path]] = []
        for file in self.folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):
                found = file.stat()
                left.append((found.st_mtime, found.st_size, file))
        oldest, total = time.time() - MOST_SECONDS, 0
        for modified, size, file in sorted(left, reverse=True):
            total += size
            if modified < oldest or total > MOST_BYTES or file.name.split("-")[0] in names:
                with suppress(OSError):
                    file.unlink()

    def _file(self, trial: TrialSpec, steps: int) -> Path | None:
        if self.folder is None:
            return None
        first, last = (trial.part.first_cell, trial.part.cells) if trial.part else (0, "all")
        repeats = str(trial.part.first_repeat if trial.part else 0)
        if steps < trial.training.steps:
            repeats += f"to{trial.repeats}"
        return self.folder / f"{self._name(trial)}-{first}-{last}-{repeats}-{steps}{SUFFIX}"

    def _name(self, trial: TrialSpec) -> str:
        """Return a digest of all that determines the weights of a cell."""
        left_out = {"number", "cost", "repeats", "part", "recipe", "signal", "fitted"}
        trial = trial.model_copy(update={"ensemble": trial.architecture})
        recipe = trial.model_dump(mode="json", exclude=left_out)
        used = ("backbone", trial.ensemble.backbone), ("optimizer", trial.training.optimizer)
        origins = [asdict(self.catalog.find(kind, name).origin) for kind, name in used]
        settled = [recipe, self.signal.identity, origins, _versions()]
        text = json.dumps(settled, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "enas-inr")}


def _read(file: Path) -> dict[str, Tensor] | None:
    """Return the tensors of a file, or None if it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(file.read_bytes())
    except (OSError, SafetensorError):
        return None
