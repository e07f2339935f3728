"""The names in a plugin's package, derived from one name and checked."""

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

KINDS = ("backbone", "modality", "strategy", "objective", "executor")
"""The kinds of plugin that a package can be written for."""

PREFIX = "enas-inr-"
LONGEST = 30  # characters; longer ones would break the lines of the templates
_WORDS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Names:
    """What things are called in a package.

    Attributes:
        kind: of the plugin, such as `backbone`.
        distribution: what pip installs, such as `enas-inr-sinc`.
        package: what Python imports, such as `enas_inr_sinc`.
        plugin: what users type, such as `sinc`.
        cls: the class that does it, such as `Sinc`.
    """

    kind: str
    distribution: str
    package: str
    plugin: str
    cls: str


def names_of(kind: str, name: str) -> Names:
    """Derive all names from a distribution's.

    Raises:
        SpecError: an unknown kind, or a name that cannot be one of a package, plugin and class.
    """
    if kind not in KINDS:
        raise SpecError(f"unknown kind {kind!r}", nearest(kind, KINDS))
    plugin = name.removeprefix(PREFIX)
    if not (_WORDS.fullmatch(name) and _WORDS.fullmatch(plugin)):
        raise SpecError(
            f"{name!r} is no name for a plugin",
            "use lower-case letters, digits and single '-', a letter first, like my-plugin",
        )
    if len(name) > LONGEST:
        raise SpecError(
            f"{name!r} has {len(name)} characters", f"choose a name of {LONGEST} at the most"
        )
    package = name.replace("-", "_")
    cls = "".join(word.capitalize() for word in plugin.split("-"))
    for word in (package, cls):
        if keyword.iskeyword(word):
            raise SpecError(f"{name!r}: {word!r} is a keyword of Python", _ANOTHER)
    if package in sys.stdlib_module_names or package == "tests":
        raise SpecError(f"{name!r}: Python has a module {package!r} of its own", _ANOTHER)
    return Names(kind, name, package, plugin, cls)


def check_unused(names: Names, catalog: Catalog) -> None:
    """Refuse names that are in use in this environment.

    Raises:
        SpecError: the package is installed, or the plugin's kind has one of that name.
    """
    for provider in catalog.providers:
        if (provider.description.kind, provider.description.name) == (names.kind, names.plugin):
            raise SpecError(
                f"{names.kind} {names.plugin!r} is provided by {provider.origin}", _ANOTHER
            )
    if find_spec(names.package) is not None:
        raise SpecError(
            f"{names.distribution!r}: a module {names.package!r} is installed already", _ANOTHER
        )


_ANOTHER = f"choose another name, like {PREFIX}mine"
