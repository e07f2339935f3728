"""Give a function the fields of a model as keyword arguments, typed for editors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from enas_inr.studies.setting import Settings
from enas_inr.validation import parse

P = ParamSpec("P")
CallT = TypeVar("CallT", bound=Settings)
SignalT = TypeVar("SignalT")
ResultT = TypeVar("ResultT")


def takes(
    model: Callable[P, CallT],
) -> Callable[[Callable[[SignalT, CallT], ResultT]], Callable[Concatenate[SignalT, P], ResultT]]:
    """Let a function of a signal and a model take the fields of the model as keywords instead.

    The types come from the constructor of the model, and so do the signature and the list of the
    keywords in the docstring that notebooks show.

    Args:
        model: a class of settings; a field without `Setting` is described by its `description`.

    Returns:
        The decorator. The decorated function raises SpecError for an unknown keyword, naming the
        nearest one, and for a value that is not valid.
    """
    settings = cast("type[CallT]", model)

    def lend(
        function: Callable[[SignalT, CallT], ResultT],
    ) -> Callable[Concatenate[SignalT, P], ResultT]:
        first, _ = inspect.signature(function).parameters.values()

        @wraps(function)
        def called(signal: SignalT, **given: Any) -> ResultT:
            return function(signal, parse(settings, given, function.__name__))

        keywords = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=field.annotation,
            )
            for name, field in settings.model_fields.items()
        ]
        signature = inspect.signature(function).replace(parameters=[first, *keywords])
        called.__signature__ = signature  # type: ignore[attr-defined]
        called.__doc__ = f"{inspect.getdoc(function)}\n\nKeyword Args:\n{_described(settings)}"
        return cast("Callable[Concatenate[SignalT, P], ResultT]", called)

    return lend


def _described(model: type[Settings]) -> str:
    marks = model.marks()
    return "\n".join(
        f"    {name}: {marks[name].help if name in marks else field.description}"
        for name, field in model.model_fields.items()
    )
