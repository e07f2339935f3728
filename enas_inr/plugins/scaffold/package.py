"""Render the package of a plugin from templates, and write it."""

from __future__ import annotations

import ast
import builtins
import secrets
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from enas_inr.errors import SpecError
from enas_inr.plugins.scaffold.names import Names, names_of

COMMON = "common"  # templates for all kinds; the others are in a folder named after their kind
SUFFIX = ".j2"
_SEARCH = "enas-inr search sample:photo --size 48x48 --grid 4 --widths 8,16,32 --steps 100"
_USES: Mapping[str, str] = {
    "modality": "enas-inr search example.{plugin} --grid 2 --widths 8,16 --steps 200 --lr 1e-3",
}
"""Searches with a plugin of a kind that is not chosen by an option of that name."""


def commands(names: Names) -> tuple[str, ...]:
    """Return the commands that install, test, check and use the plugin in its folder."""
    return (
        "pip install -e '.[test]'",
        "pytest",
        f"enas-inr plugins check {names.plugin}",
        _USES.get(names.kind, _SEARCH + " --{kind} {plugin}").format(**asdict(names)),
    )


def render(kind: str, name: str) -> Mapping[str, str]:
    """Return the text of each file of a package, by its path in the package's folder.

    Args:
        kind: kind of the plugin, one of `enas_inr.plugins.scaffold.names.KINDS`.
        name: name of the distribution; the plugin has the same name without `enas-inr-`.

    Raises:
        SpecError: the kind is unknown, or the name cannot be used.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    names = names_of(kind, name)
    environment = Environment(
        loader=PackageLoader(__package__),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    files = {}
    for template in environment.list_templates():
        room, _, path = template.partition("/")
        if room in (COMMON, kind):
            target = path.replace("PACKAGE", names.package).replace("PLUGIN", names.plugin)
            files[target.removesuffix(SUFFIX)] = environment.get_template(template).render(
                asdict(names),
                commands=commands(names),
                requirement=requirement(version("enas-inr")),
            )
    _check_class(names, files[f"{names.package}/{kind}.py"])
    return files


def requirement(installed: str) -> str:
    """Return what a package requires that was written for a version of enas-inr."""
    major, minor, *_ = installed.split(".")
    return f"enas-inr>={major}.{minor},<{major}.{int(minor) + 1}"


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write a package to a new or empty folder; after an error, nothing is left behind.

    Raises:
        SpecError: the folder is not empty, or cannot be written.
    """
    what = repr(str(folder))
    temporary = folder.absolute().parent / f".{secrets.token_hex(8)}.tmp"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SpecError(f"{what} is not an empty folder", "choose another one with --output")
        try:
            temporary.mkdir()
            for path, text in files.items():
                (temporary / path).parent.mkdir(parents=True, exist_ok=True)
                (temporary / path).write_text(text, encoding="utf-8", newline="\n")
            if folder.exists():  # keep it, since it may be the user's working directory
                for part in temporary.iterdir():
                    part.rename(folder / part.name)
            else:
                temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise SpecError(
            f"{what} cannot be written: {error.strerror or error}", "check the path and the disk"
        ) from None


def _check_class(names: Names, module: str) -> None:
    """Refuse a name whose class would shadow another one, such as `layered-backbone`."""
    defined = Counter(dir(builtins))
    for part in ast.parse(module).body:
        match part:
            case ast.ClassDef(name=name):
                defined[name] += 1
            case ast.Import(names=imported) | ast.ImportFrom(names=imported):
                defined.update(alias.asname or alias.name for alias in imported)
    if defined[names.cls] > 1:
        raise SpecError(
            f"{names.distribution!r}: the class {names.cls} would shadow another class",
            f"choose a more specific name, such as my-{names.plugin}",
        )
