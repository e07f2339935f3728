"""What is left to do of a fit of many signals, in groups that fit into the memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from enas_inr.api.fit_scan import Member
from enas_inr.api.fit_summary import FitRow, FitStatus
from enas_inr.errors import (
    EnasInrError,
    ModelError,
    SignalError,
    TrainingError,
)
from enas_inr.model.fit_checkpoint import HINT, checkpoint_of, identities_in
from enas_inr.signals.loading import SAMPLE_PREFIX
from enas_inr.validation import counted

GROUP_BYTES = 2**28
"""Memory of the signals and networks of a group, about."""


@dataclass(frozen=True, eq=False)
class Group:
    """Signals that are fitted together.

    Attributes:
        number: its number, from 1.
        members: the signals.
        checkpoint: the file from which it goes on.
    """

    number: int
    members: tuple[Member, ...]
    checkpoint: Path

    @property
    def title(self) -> str:
        """A name for people: that of the task in Ray's dashboard."""
        more = len(self.members) - 1
        rest = f" and {more} more" if more else ""
        return f"fit {self.number:04} {self.members[0].name}{rest}"

    def absolute(self) -> Group:
        """Return the same with absolute paths, for a process in another folder."""
        members = [
            replace(
                member,
                source=os.path.abspath(member.source)
                if isinstance(member.source, str) and not member.source.startswith(SAMPLE_PREFIX)
                else member.source,
                path=member.path.absolute(),
            )
            for member in self.members
        ]
        return Group(self.number, tuple(members), self.checkpoint.absolute())


def left_to_fit(
    members: Sequence[Member], before: Mapping[str, float], *, force: bool
) -> tuple[list[Member], dict[int, FitRow]]:
    """Return the signals that are left to fit, and the rows of the others, whose files are kept.

    Args:
        members: all signals.
        before: seconds of the fits by name, as far as they are known.
        force: whether files may be overwritten.

    Raises:
        ModelError: files differ from what would be fitted, and must not be overwritten.
    """
    left: list[Member] = []
    rows: dict[int, FitRow] = {}
    differing: list[tuple[Member, list[str]]] = []
    for member in members:
        if not member.path.exists():
            left.append(member)
        elif row := member.kept(FitStatus.KEPT, before.get(member.name)):
            rows[member.number] = row
        else:
            differing.append((member, member.differences()))
            left.append(member)
    if differing and not force:
        first, names = differing[0]
        more = len(differing) - 1
        verb = "is" if more == 1 else "are"
        others = f", and so {verb} {counted(more, 'other file')}" if more else ""
        raise ModelError(
            f"{str(first.path)!r} is of another fit (other {', '.join(names)}){others}",
            "give --force to fit them again, or another folder",
        )
    return left, rows


def groups_of(
    members: Sequence[Member],
    left: Sequence[Member],
    *,
    most: int | None = None,
    force: bool = False,
) -> tuple[list[Group], dict[int, EnasInrError]]:
    """Divide signals into groups; those that were interrupted together stay together.

    Args:
        members: all signals. A checkpoint may have the name of one that is written already.
        left: those that are left to fit.
        most: largest number of signals in a new group; None for as many as fit into the memory.
        force: whether checkpoints of other fits may be removed.

    Returns:
        The groups; and errors of signals whose checkpoints cannot be used, by their numbers.
    """
    groups: list[tuple[list[Member], Path]] = []
    errors: dict[int, EnasInrError] = {}
    placed: set[int] = set()
    waiting = {one.number for one in left}
    done = {one.identity for one in members if one.number not in waiting}
    for member in members:
        path = checkpoint_of(member.path)
        if not path.exists():
            continue
        begun, error = _begun(path)
        mine = [one for one in left if one.identity in begun and one.number not in placed]
        if mine:
            placed.update(one.number for one in mine)
            groups.append((mine, path))
        elif begun and begun <= done:  # it was killed after its last file was written
            path.unlink()
        elif member.number in waiting and member.number not in placed:
            if force:
                path.unlink()
            else:
                errors[member.number] = error
    new = [one for one in left if one.number not in placed and one.number not in errors]
    groups += [(some, checkpoint_of(some[0].path)) for some in _within_memory(new, most)]
    numbers = enumerate(groups, start=1)
    return [Group(n, tuple(some), path) for n, (some, path) in numbers], errors


def _begun(path: Path) -> tuple[set[str], EnasInrError]:
    """Return the identities in a checkpoint, and the error for a signal that is not among them."""
    try:
        begun = {identity.partition("-")[0] for identity in identities_in(path)}
    except SignalError as error:
        return set(), error
    return begun, TrainingError(f"checkpoint {str(path)!r} belongs to another fit", HINT)


def _within_memory(members: Sequence[Member], most: int | None) -> Iterator[list[Member]]:
    """Divide signals into groups, beside each other those of equal shape."""
    first: dict[tuple[object, ...], int] = {}
    for member in members:
        first.setdefault((member.info.shape, member.info.channels), member.number)
    some: list[Member] = []
    for member in sorted(members, key=lambda one: first[one.info.shape, one.info.channels]):
        size = sum(one.bytes for one in some) + member.bytes
        if some and (size > GROUP_BYTES or len(some) == most):
            yield some
            some = []
        some.append(member)
    if some:
        yield some
