"""Render a plugin's package from the templates, and write it."""

from __future__ import annotations

import ast
import builtins
import secrets
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from enas_inr.errors import SpecError
from enas_inr.plugins.scaffold.names import Names, names_of

COMMON = "common"  # templates for every kind; others are in a folder named after theirs
SUFFIX = ".j2"
_SEARCH = "enas-inr search sample:photo --size 48x48 --grid 4 --widths 8,16,32 --steps 100"
_USES: Mapping[str, str] = {
    "modality": "enas-inr search example.{plugin} --grid 2 --widths 8,16 --steps 200 --lr 1e-3",
}
"""A search that uses a plugin of its kind, where it is not chosen by an option of that name."""


def commands(names: Names) -> tuple[str, ...]:
    """What to run in the package's folder: install it, test it, check it, use it."""
    return (
        "pip install -e '.[test]'",
        "pytest",
        f"enas-inr plugins check {names.plugin}",
        _USES.get(names.kind, _SEARCH + " --{kind} {plugin}").format(**asdict(names)),
    )


def render(kind: str, name: str) -> Mapping[str, str]:
    """The text of each file of a package, by its path in the package's folder.

    Args:
        kind: of the plugin, one of `enas_inr.plugins.scaffold.names.KINDS`.
        name: of the distribution; the plugin's is the same, without a leading `enas-inr-`.

    Raises:
        SpecError: an unknown kind, or a name that cannot be used.
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
                asdict(names), commands=commands(names)
            )
    _check_class(names, files[f"{names.package}/{kind}.py"])
    return files


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write a package to a new or empty folder: the whole of it, or nothing.

    Raises:
        SpecError: the folder is in use, or cannot be written.
    """
    what = repr(str(folder))
    temporary = folder.absolute().parent / f".{secrets.token_hex(8)}.tmp"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SpecError(f"{what} exists and is not empty", "choose another with --output")
        try:
            temporary.mkdir()
            for path, text in files.items():
                (temporary / path).parent.mkdir(parents=True, exist_ok=True)
                (temporary / path).write_text(text, encoding="utf-8", newline="\n")
            if folder.exists():  # it stays: it may be the folder in which the user is
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
    """Refuse a name whose class would hide another one, such as `layered-backbone`."""
    defined = Counter(dir(builtins))
    for part in ast.parse(module).body:
        match part:
            case ast.ClassDef(name=name):
                defined[name] += 1
            case ast.Import(names=imported) | ast.ImportFrom(names=imported):
                defined.update(alias.asname or alias.name for alias in imported)
    if defined[names.cls] > 1:
        raise SpecError(
            f"{names.distribution!r}: a class {names.cls} would hide another of that name",
            f"choose a name that says more, like my-{names.plugin}",
        )
