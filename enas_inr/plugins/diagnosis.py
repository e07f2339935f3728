"""Why a plugin cannot be used, and what to do about it."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterable
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from enas_inr.errors import ContractError, EnasInrError, PluginError, one_line
from enas_inr.hookspecs import API_VERSION, PROJECT

if TYPE_CHECKING:
    from enas_inr.spec import Options

API_NAME = "ENAS_INR_API"
"""What a plugin's module (or object) calls the version of the API that it is written for."""


def check_api(plugin: object, module: object, distribution: str) -> None:
    """Refuse a plugin that is written for a newer plugin API than ours.

    Args:
        plugin: what the entry point names.
        module: the one that holds it.
        distribution: for the message.

    Raises:
        PluginError: it is, or what it states is no version.
    """
    stated = getattr(plugin, API_NAME, getattr(module, API_NAME, 1))
    if not isinstance(stated, int) or isinstance(stated, bool) or stated < 1:
        raise PluginError(
            f"{API_NAME} is {stated!r}, which is no version of the plugin API",
            f"write {API_NAME} = {API_VERSION}, or upgrade or uninstall {distribution}",
        )
    if stated > API_VERSION:
        raise PluginError(
            f"written for version {stated} of the plugin API, this enas-inr has version "
            f"{API_VERSION}",
            f"upgrade enas-inr, or install an older {distribution}",
        )


def check_hooks(plugin: object, known: Iterable[str], distribution: str) -> None:
    """Refuse a plugin with a hook that there is not, or with none.

    Raises:
        PluginError: naming the nearest valid hook.
    """
    hooks, manager = list(known), pluggy.PluginManager(PROJECT)
    marked = {
        opts.get("specname") or name: bool(opts.get("optionalhook"))
        for name in dir(plugin)
        if (opts := manager.parse_hookimpl_opts(plugin, name)) is not None
    }
    unknown = [name for name, optional in marked.items() if name not in hooks and not optional]
    if unknown:
        from enas_inr.validation import nearest  # pydantic: only when something went wrong

        raise PluginError(
            f"unknown hook {unknown[0]!r}",
            f"{nearest(unknown[0], hooks)} (or upgrade or uninstall {distribution})",
        )
    if not marked:
        unmarked = [name for name in hooks if hasattr(plugin, name)]
        raise PluginError(
            f"{unmarked[0]!r} is not marked as a hook" if unmarked else "it has no hook",
            f"mark a function with @hookimpl (see enas_inr.hookspecs), or upgrade or uninstall "
            f"{distribution}",
        )


def reason(error: BaseException) -> str:
    """What made the loading of a plugin fail, in one line."""
    if isinstance(error, EnasInrError):
        return error.what
    if isinstance(error, pluggy.PluginValidationError):  # the last of its lines says what is wrong
        return str(error).strip().splitlines()[-1]
    return one_line(error)


def advice(error: BaseException, entry: EntryPoint, distribution: str) -> str:
    """What to do about a plugin whose loading failed; empty: nothing special."""
    wanted = _unmet(entry)
    if wanted:
        return (
            f"the likely cause: it requires {wanted}, and this is {version('enas-inr')}; upgrade "
            f"enas-inr, or install a version of {distribution} that fits"
        )
    if isinstance(error, EnasInrError):
        return error.hint
    if isinstance(error, ModuleNotFoundError) and error.name not in (None, entry.module):
        return f"install what provides {error.name!r}, or uninstall {distribution}"
    return ""


def _requirements(entry: EntryPoint) -> Iterable[str]:
    try:
        return (entry.dist.requires or ()) if entry.dist else ()
    except Exception:  # no metadata, see `loading._origin`
        return ()


def _unmet(entry: EntryPoint) -> str:
    """The distribution's requirement on enas-inr, if the installed version does not meet it."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    for line in _requirements(entry):
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        applies = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        met = wanted.specifier.contains(version("enas-inr"), prereleases=True)
        if canonicalize_name(wanted.name) == "enas-inr" and applies and not met:
            return f"enas-inr{wanted.specifier}"
    return ""


def import_object(target: str) -> Any:
    """Import `package.module:Name`.

    Raises:
        ContractError: that cannot be done.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises
        raise ContractError(f"cannot import {target!r}: {one_line(error)}") from error


def import_target(target: str, contract: str) -> Any:
    """Import a class that is derived from a contract, both `package.module:Class`.

    Raises:
        ContractError: it cannot be imported, or is none.
    """
    made = import_object(target)
    if not isinstance(made, type):
        raise ContractError(f"target {target!r} is a {type(made).__name__}, not a class")
    if not issubclass(made, import_object(contract)):
        raise ContractError(f"target {target!r} is not derived from {contract.replace(':', '.')}")
    return made


def import_options(target: str) -> type[Options]:
    """Import a plugin's options model.

    Raises:
        ContractError: it cannot be imported, or is none: not derived from `Options`, an option
            without a default, not frozen, or open to any key.
    """
    from enas_inr.spec import Options

    model = import_object(target)
    what = f"options model {target!r}"
    if not (isinstance(model, type) and issubclass(model, Options)):
        raise ContractError(f"{what} is not derived from enas_inr.spec.Options")
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    if required:
        raise ContractError(f"{what} has no default for {', '.join(required)}")
    for setting in ("frozen", "extra"):
        if model.model_config.get(setting) != Options.model_config.get(setting):
            raise ContractError(f"{what} changes {setting!r} in its model_config")
    return model


def place(error: BaseException, target: str) -> str:
    """Where in the package of `target` an error arose, as ` (net.py, line 42)`, if it did there."""
    package = target.partition(":")[0].partition(".")[0]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            return f" ({Path(frame.f_code.co_filename).name}, line {line})"
    return ""
