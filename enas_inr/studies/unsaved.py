"""Results that could not be stored, kept in a file of this user until their study goes on.

When a storage is gone in the middle of a search, the trial that was just trained would be lost. The
next run of the same study takes such results from here as if it had trained them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from enas_inr.executors.folders import cache_folder, make_private
from enas_inr.result import TrialResult
from enas_inr.spec import TrialSpec
from enas_inr.studies.known import identity
from enas_inr.studies.location import Storage


def keep(storage: Storage, study: str, results: Iterable[TrialResult]) -> Path | None:
    """Add results to the file of a study.

    Returns:
        The file; None if it could not be written.
    """
    file = _file(storage, study)
    if file is None:
        return None
    with suppress(OSError):
        make_private(file.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with open(os.open(file, flags, 0o600), "a", encoding="utf-8") as stream:
            stream.writelines(f"{result.model_dump_json()}\n" for result in results)
        return file
    return None


def find(storage: Storage, study: str) -> Callable[[TrialSpec], TrialResult | None]:
    """Return a function that finds the kept result of a trial; what cannot be read is ignored."""
    kept: dict[tuple[int, str], TrialResult] = {}
    file = _file(storage, study)
    with suppress(OSError):
        for line in file.read_text("utf-8").splitlines() if file else ():
            with suppress(ValidationError):
                result = TrialResult.model_validate_json(line)
                kept[result.trial.signal, identity(result.trial)] = result

    def found(trial: TrialSpec) -> TrialResult | None:
        result = kept.get((trial.signal, identity(trial)))
        if result is None or result.trial.repeats != trial.repeats:
            return None
        return result.model_copy(update={"trial": trial})

    return found


def forget(storage: Storage, study: str) -> None:
    """Remove the file of a study, all of whose results are stored."""
    if file := _file(storage, study):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _file(storage: Storage, study: str) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    digest = hashlib.sha256(f"{storage.file or storage}|{study}".encode(errors="replace"))
    return folder / "unsaved" / f"{digest.hexdigest()[:16]}.jsonl"
