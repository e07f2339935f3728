"""The names in the package of a plugin, derived from one name and validated."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from enas_inr.errors import SpecError
from enas_inr.validation import nearest

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog

KINDS = ("backbone", "modality", "strategy", "objective", "executor", "optimizer", "observer")
"""The kinds of plugin for which a package can be created."""

PREFIX = "enas-inr-"
LONGEST = 30  # characters; longer names would exceed the line length of the templates
_WORDS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Names:
    """The names in a package.

    Attributes:
        kind: kind of the plugin, such as `backbone`.
        distribution: name that pip installs, such as `enas-inr-sinc`.
        package: name that Python imports, such as `enas_inr_sinc`.
        plugin: name that users type, such as `sinc`.
        cls: name of the class, such as `Sinc`.
    """

    kind: str
    distribution: str
    package: str
    plugin: str
    cls: str


def names_of(kind: str, name: str) -> Names:
    """Derive all names from the name of the distribution.

    Raises:
        SpecError: the kind is unknown, or the name is not valid for a package, a plugin or a class.
    """
    if kind not in KINDS:
        raise SpecError(f"unknown kind {kind!r}", nearest(kind, KINDS))
    plugin = name.removeprefix(PREFIX)
    if not (_WORDS.fullmatch(name) and _WORDS.fullmatch(plugin)):
        raise SpecError(
            f"{name!r} is not a valid plugin name",
            "use lower-case letters, digits and single '-', beginning with a letter, "
            "like my-plugin",
        )
    if len(name) > LONGEST:
        raise SpecError(
            f"{name!r} has {len(name)} characters", f"choose a name of at most {LONGEST}"
        )
    package = name.replace("-", "_")
    cls = "".join(word.capitalize() for word in plugin.split("-"))
    for word in (package, cls):
        if keyword.iskeyword(word):
            raise SpecError(f"{name!r}: {word!r} is a Python keyword", _ANOTHER)
    if package in sys.stdlib_module_names or package == "tests":
        raise SpecError(f"{name!r}: {package!r} is a reserved module name", _ANOTHER)
    return Names(kind, name, package, plugin, cls)


def check_unused(names: Names, catalog: Catalog) -> None:
    """Refuse names that are already used in this environment.

    Raises:
        SpecError: the package is installed, or there is a plugin of that kind and name.
    """
    for provider in catalog.providers:
        if (provider.description.kind, provider.description.name) == (names.kind, names.plugin):
            raise SpecError(
                f"{names.kind} {names.plugin!r} is provided by {provider.origin}", _ANOTHER
            )
    if find_spec(names.package) is not None:
        raise SpecError(
            f"{names.distribution!r}: a module {names.package!r} is already installed", _ANOTHER
        )


_ANOTHER = f"choose another name, like {PREFIX}mine"
