"""Objects of plugins under guard: errors in them name the plugin.

A `Guarded` represents an object of a plugin, and has its class for `isinstance`. Errors of its
methods and properties, and of the iterators that they return, become a PluginError. Return values
are checked according to the kind of the plugin. Calls within the object are not guarded, so that
its methods can catch their own errors.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar, cast

from enas_inr.errors import (
    ContractError,
    EnasInrError,
    PluginError,
    is_missing_operation,
    is_out_of_memory,
    one_line,
)
from enas_inr.plugins import diagnosis
from enas_inr.plugins.provider import Provider

T = TypeVar("T")

Check = Callable[..., Any]
"""Checks the value that a method returned, and returns the value to pass on.

Its arguments are the object, the returned value and the arguments of the method. It raises a
ContractError (or any other exception) if the value cannot be used.
"""

_MISSING = object()


@contextmanager
def failures_of(provider: Provider, *, strict: bool = False) -> Iterator[None]:
    """Run the code of a plugin, so that its errors name the plugin.

    Errors that are not the fault of the plugin pass unchanged: errors for the user (including those
    of a database), full memory, an operation that a device lacks, and Ctrl-C. So do errors of
    built-in plugins, which are bugs of enas-inr.

    Args:
        provider: the plugin.
        strict: whether to attach the traceback to the error as a note.

    Raises:
        PluginError: any other error was raised.
    """
    try:
        yield
    except (EnasInrError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        ours = provider.origin.is_ours and not isinstance(error, ContractError)
        if ours or is_out_of_memory(error) or is_missing_operation(error):
            raise
        raise _accusation(provider, error, strict) from error


def _accusation(provider: Provider, error: BaseException, strict: bool) -> PluginError:
    described, distribution = provider.description, provider.origin.distribution
    where = diagnosis.place(error, described.target)
    broke = isinstance(error, ContractError)
    says = f": {error}" if broke else f" failed: {one_line(error)}{where}"
    accusation = PluginError(
        f"{provider}{says}",
        f"choose another {described.kind}, upgrade {distribution}, or tell its authors "
        "(--strict-plugins shows the traceback)",
    )
    if strict:
        accusation.add_note("".join(traceback.format_exception(error)))
    return accusation


def guarded(made: T, provider: Provider, checks: Mapping[str, Check], *, strict: bool) -> T:
    """Guard an object of a plugin.

    Args:
        made: the object.
        provider: the plugin.
        checks: checks of the returned values by the name of the method.
        strict: whether to attach the traceback to each error as a note.
    """
    return cast(T, Guarded(_Held(made, provider, checks, strict)))


def guarded_like(other: object, made: T) -> T:
    """Guard an object that runs the code of another, if that other object is guarded.

    A training kernel calls the activations of a backbone, and autograd runs its backward pass
    there, so an error in the kernel names the backbone.
    """
    if type(other) is not Guarded:
        return made
    return cast(T, Guarded(replace(_held(other), made=made, checks={})))


@dataclass(frozen=True, eq=False)
class _Held:
    """The object behind a `Guarded`, and how it is guarded."""

    made: Any
    provider: Provider
    checks: Mapping[str, Check]
    strict: bool

    def failures(self) -> AbstractContextManager[None]:
        return failures_of(self.provider, strict=self.strict)

    def get(self, name: str) -> Any:
        if inspect.getattr_static(self.made, name, _MISSING) is _MISSING:
            # This raises an AttributeError, unless the object has a __getattr__.
            return getattr(self.made, name)
        with self.failures():
            value = getattr(self.made, name)
        return partial(self.call, name) if inspect.isroutine(value) else value

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        with self.failures():
            returned = getattr(self.made, name)(*args, **kwargs)
            if name in self.checks:
                returned = self.checks[name](self.made, returned, *args, **kwargs)
        return self.consumed(returned) if isinstance(returned, Iterator) else returned

    def consumed(self, values: Iterator[Any]) -> Iterator[Any]:
        with self.failures():
            yield from values


class Guarded:
    """Looks like the object behind it; made by `guarded`."""

    __slots__ = ("_enas_inr_held",)
    _enas_inr_held: _Held

    def __init__(self, held: _Held) -> None:
        object.__setattr__(self, "_enas_inr_held", held)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(_held(self).made)

    def __getattr__(self, name: str) -> Any:
        return _held(self).get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_held(self).made, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_held(self).made, name)

    def __dir__(self) -> list[str]:
        return dir(_held(self).made)

    def __repr__(self) -> str:
        return repr(_held(self).made)

    def __eq__(self, other: object) -> bool:
        return bool(_held(self).made == (_held(other).made if type(other) is Guarded else other))

    def __hash__(self) -> int:
        return hash(_held(self).made)

    def __reduce_ex__(self, protocol: object) -> tuple[type, tuple[_Held]]:
        return Guarded, (_held(self),)


def _held(guarded: Guarded) -> _Held:
    held: _Held = object.__getattribute__(guarded, "_enas_inr_held")
    return held
