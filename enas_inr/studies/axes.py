"""Read the axes of a search space: `width=16,32,64`, `lr=1e-4..1e-2:log`, `siren.omega_first=auto`.

axis    NAME=VALUES, where NAME is a field of an architecture or a recipe, or BACKBONE.OPTION
VALUES  a value, values with commas, LOW..HIGH, LOW..HIGH:log, or auto
auto    the range that the backbone declares for the option (see `enas_inr.spec.Searchable`)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import TypeAdapter, ValidationError

from enas_inr.errors import SpecError
from enas_inr.spec import Axis, EnsembleSpec, Range, Searchable, TrainingSpec
from enas_inr.spec.axis import NAMES, Scalar
from enas_inr.validation import nearest, parse

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from enas_inr.plugins.catalog import Catalog

ALIASES = {"lr": "learning_rate"}
AUTO = "auto"


def read_axes(
    given: Mapping[str, Any], catalog: Catalog, backbone: str, where: str = ""
) -> dict[str, Axis]:
    """Read axes by name.

    Args:
        given: values by name: text as above, a value, or a sequence of values.
        catalog: knows the backbones and their options.
        backbone: the backbone, unless `given` has an axis of that name.
        where: prefix of error messages.

    Raises:
        SpecError: a name is unknown, or values are not valid.
    """
    axes: dict[str, Axis] = {}
    for name, values in given.items():
        full = ALIASES.get(name, name)
        if "." not in name and full not in NAMES:
            raise SpecError(
                f"{where}search: unknown axis {name!r}", nearest(name, [*ALIASES, *NAMES])
            )
        what = f"{where}search {name}"
        field = _field(full, catalog, what)
        if full in axes:
            raise SpecError(f"{what}: the axis is named twice", "name it once")
        axes[full] = parse(Axis, {"name": full, **_values(values, field, what)}, what)
    chosen = axes["backbone"].values if "backbone" in axes else (backbone,)
    for value in chosen:
        catalog.find("backbone", str(value))
    for axis in axes.values():
        if axis.backbone and axis.backbone not in chosen:
            raise SpecError(
                f"{where}search {axis.name}: {axis.backbone!r} is not searched",
                f"add it to the axis backbone, which has {', '.join(map(str, chosen))}",
            )
    return axes


def _field(name: str, catalog: Catalog, what: str) -> FieldInfo:
    """Return the field of an architecture or a recipe, or of an option of a backbone."""
    backbone, dot, option = name.partition(".")
    if not dot:
        return (EnsembleSpec.model_fields | TrainingSpec.model_fields)[name]
    fields = catalog.option_fields("backbone", backbone)
    if option not in fields:
        raise SpecError(
            f"{what}: backbone {backbone!r} has no option {option!r}", nearest(option, fields)
        )
    return fields[option]


def _values(given: Any, field: FieldInfo, what: str) -> dict[str, Any]:
    if given == AUTO:
        given = _declared(field, what)
    if isinstance(given, str):
        if ".." in given:
            return {"range": _range(given, field, what)}
        given = [text.strip() for text in given.split(",")]
    several = isinstance(given, Iterable) and not isinstance(given, Mapping)
    values = tuple(_value(value, field, what) for value in (given if several else (given,)))
    if not values:
        raise SpecError(f"{what}: no value is given", "give values, or a range LOW..HIGH")
    return {"values": values}


def _value(given: Any, field: FieldInfo, what: str) -> Scalar:
    """Convert a value to the type of its field."""
    if given == "" or (isinstance(given, bool) and field.annotation is not bool):
        raise SpecError(f"{what}: {given!r} is not a value", "give values, or a range LOW..HIGH")
    kind: Any = field.annotation
    try:
        value = TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise SpecError(
            f"{what}: {message[:1].lower()}{message[1:]} (received {given!r})"
        ) from None
    odd = isinstance(value, float) and not math.isfinite(value)
    if odd or not isinstance(value, (bool, int, float, str)):
        raise SpecError(f"{what}: {given!r} is not a value", "give numbers or words")
    return value


def _declared(field: FieldInfo, what: str) -> str:
    for mark in field.metadata:
        if isinstance(mark, Searchable):
            return mark.values
    raise SpecError(f"{what}: no range is declared for it", "give values, or a range LOW..HIGH")


def _range(text: str, field: FieldInfo, what: str) -> Range:
    ends, colon, scale = text.partition(":")
    low, _, high = ends.partition("..")
    wrong = SpecError(f"{what}: {text!r} is not a range", "write it like 1e-4..1e-2:log, or 10..60")
    if colon and scale.strip().lower() != "log":
        raise wrong
    try:
        found = {"low": float(low), "high": float(high), "log": bool(colon)}
    except ValueError:
        raise wrong from None
    kinds = {field.annotation, *get_args(field.annotation)}  # `int | None` has arguments
    if not {int, float} & kinds:
        raise SpecError(f"{what}: a range needs numbers", "give words, with commas")
    return parse(Range, found | {"whole": float not in kinds}, what)
