"""Turn user input into validated values, and values into text for messages.

Error messages about input name the nearest valid spelling.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from enas_inr.errors import SpecError
from enas_inr.plain_text import shortened

MOST_RECEIVED = 300  # characters of a value in a message

_PREFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([kmgt]?)\s*", re.IGNORECASE)

ModelT = TypeVar("ModelT", bound=BaseModel)


class Frozen(BaseModel):
    """Base of immutable data that can be stored as JSON. An unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other values of some fields, whose cached properties are its own."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(copied).model_fields.keys():
            del copied.__dict__[name]
        return copied


class Lasting(Frozen):
    """Frozen data whose JSON stays as it was when fields are added.

    The names of studies and the keys of architectures are derived from it.

    Attributes:
        later: fields that are left out of the JSON while they have their defaults.
    """

    later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = dump(self)
        for name in self.later:
            if getattr(self, name) == type(self).model_fields[name].default:
                dumped.pop(name, None)
        return dumped


def nearest(name: str, valid: Iterable[str]) -> str:
    """Suggest the valid name that was probably meant, or list all valid names."""
    names = sorted(valid)
    close = difflib.get_close_matches(name[:MOST_RECEIVED], names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"choose one of: {', '.join(names) or '-'}"


def parse(model: type[ModelT], data: Mapping[str, Any], what: str) -> ModelT:
    """Validate `data` as `model`.

    Args:
        model: the pydantic model.
        data: keys and values, as read from a file or the command line.
        what: name of the input in error messages.

    Raises:
        SpecError: the data is not valid. The message is one line about one problem; for an
            unknown key it names the nearest valid one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _explain(error, model, what) from None
    except RecursionError:
        raise SpecError(f"{what}: a value is nested too deeply", "write it flat") from None


def _explain(error: ValidationError, model: type[BaseModel], what: str) -> SpecError:
    # An unknown key before everything else: it may be why another one is missing.
    problem = min(error.errors(include_url=False), key=lambda p: p["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *path, name = map(str, problem["loc"])
        return SpecError(
            f"{what}: unknown key {where!r}", nearest(name, _model_at(model, path).model_fields)
        )
    message = problem["msg"].removeprefix("Value error, ")
    received = shortened(repr(problem["input"]), MOST_RECEIVED)
    received = "" if problem["type"] == "missing" else f" (received {received})"
    return SpecError(f"{what}: {where or 'value'}: {message[:1].lower()}{message[1:]}{received}")


def explained(error: ValidationError) -> str:
    """Return the first problem of a validation in one line: the field, and what is wrong."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where or 'value'}: {problem['msg'].removeprefix('Value error, ')}"


def _model_at(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """Follow a path of keys through nested models, lists and optional values."""
    for name in path:
        if name in model.model_fields:
            annotation = model.model_fields[name].annotation
            for part in (annotation, *get_args(annotation)):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    model = part
    return model


def parse_quantity(text: str) -> float:
    """Read '500M', '1G', '61.5k', '0.5' or '1e9' as a number.

    Raises:
        SpecError: the text is not a positive number with an optional suffix k, M, G or T.
    """
    match = _QUANTITY.fullmatch(text)
    value = float(match[1]) * _PREFIXES[match[2].lower()] if match else 0.0
    if not math.isfinite(value) or value <= 0:
        raise SpecError(f"{text!r} is not a quantity", "write a number like 500M, 1G or 61.5k")
    return value


def parse_integers(text: str, what: str) -> tuple[int, ...]:
    """Read '16,32,64' as integers.

    Raises:
        SpecError: the text is not a comma-separated list of integers.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SpecError(
            f"{what}: {text!r} is not a list of integers", "write them like 16,32,64"
        ) from None


def format_quantity(value: float) -> str:
    """Format a number for people: 557842432 becomes '557.84M'."""
    for suffix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.2f}{suffix}"
    return f"{value:.0f}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: '1 trial', '2 trials'.

    Args:
        number: the number.
        noun: the noun in the singular.
        plural: its plural; by default the singular with an s.
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
