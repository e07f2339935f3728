"""The order in which the signals of a set are trained, and which of them are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from enas_inr.errors import SpecError, StudyError
from enas_inr.spec import SignalInfo
from enas_inr.validation import counted


def in_order(infos: Sequence[SignalInfo], before: Sequence[SignalInfo] = ()) -> list[int]:
    """Return the numbers of signals in the order in which they are trained.

    It is random, so that the first ones stand for all, but depends on nothing than their values.
    Those with which a study was begun come first.

    Args:
        infos: metadata of the signals.
        before: the signals of the study, in its order.

    Raises:
        StudyError: a signal of the study is missing.
    """
    numbers = {info.identity: number for number, info in enumerate(infos)}
    missing = [info.name for info in before if info.identity not in numbers]
    if missing:
        raise StudyError(
            f"the set lacks {counted(len(missing), 'signal')} of the study, such as {missing[0]!r}",
            "give all of its signals, and new ones if you like, or choose another --study",
        )
    first = [numbers[info.identity] for info in before]
    others = sorted(set(numbers.values()) - set(first), key=lambda n: _draw(infos[n], "order"))
    return first + others


def held_out(infos: Sequence[SignalInfo], share: float) -> tuple[list[int], list[int]]:
    """Return the numbers of the signals to search, and of those to keep out of the search.

    Args:
        infos: metadata of the signals.
        share: share to keep out; at least one signal is, and at least one is not.

    Raises:
        SpecError: there is only one signal, or the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise SpecError(f"hold_out {share:g} is not a share", "give a number between 0 and 1")
    if len(infos) < 2:
        raise SpecError("hold_out needs at least two signals", "add signals, or leave it out")
    count = min(max(1, round(share * len(infos))), len(infos) - 1)
    drawn = sorted(range(len(infos)), key=lambda n: _draw(infos[n], "held out"))
    return sorted(drawn[count:]), sorted(drawn[:count])


def _draw(info: SignalInfo, what: str) -> str:
    return hashlib.sha256(f"{what} {info.fingerprint}".encode()).hexdigest()
