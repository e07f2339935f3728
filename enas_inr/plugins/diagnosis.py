"""Find out why a plugin cannot be used, and what to do about it."""

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
"""Name of the attribute with which a plugin states the version of the plugin API that it uses."""


def check_api(plugin: object, module: object, distribution: str) -> None:
    """Refuse a plugin that is written for a newer version of the plugin API.

    Args:
        plugin: the object that the entry point names.
        module: the module that contains the plugin.
        distribution: name of the distribution, for the message.

    Raises:
        PluginError: the stated version is too new or not a version.
    """
    stated = getattr(plugin, API_NAME, getattr(module, API_NAME, 1))
    if not isinstance(stated, int) or isinstance(stated, bool) or stated < 1:
        raise PluginError(
            f"{API_NAME} is {stated!r}, which is not a version of the plugin API",
            f"write {API_NAME} = {API_VERSION}, or upgrade or uninstall {distribution}",
        )
    if stated > API_VERSION:
        raise PluginError(
            f"written for version {stated} of the plugin API, but this enas-inr has version "
            f"{API_VERSION}",
            f"upgrade enas-inr, or install an older {distribution}",
        )


def check_hooks(plugin: object, known: Iterable[str], distribution: str) -> None:
    """Refuse a plugin that has an unknown hook, or no hook at all.

    Raises:
        PluginError: the plugin has an unknown hook (the message suggests the nearest valid one),
            or none.
    """
    hooks, manager = list(known), pluggy.PluginManager(PROJECT)
    marked = {
        opts.get("specname") or name: bool(opts.get("optionalhook"))
        for name in dir(plugin)
        if (opts := manager.parse_hookimpl_opts(plugin, name)) is not None
    }
    unknown = [name for name, optional in marked.items() if name not in hooks and not optional]
    if unknown:
        from enas_inr.validation import nearest  # imports pydantic, so only in case of an error

        raise PluginError(
            f"unknown hook {unknown[0]!r}",
            f"{nearest(unknown[0], hooks)} (or upgrade or uninstall {distribution})",
        )
    if not marked:
        unmarked = [name for name in hooks if hasattr(plugin, name)]
        raise PluginError(
            f"{unmarked[0]!r} is not marked as a hook" if unmarked else "the plugin has no hook",
            f"mark a function with @hookimpl (see enas_inr.hookspecs), or upgrade or uninstall "
            f"{distribution}",
        )


def reason(error: BaseException) -> str:
    """Return the reason why a plugin could not be loaded, in one line."""
    if isinstance(error, EnasInrError):
        return error.what
    if isinstance(error, pluggy.PluginValidationError):  # the reason is in its last line
        return str(error).strip().splitlines()[-1]
    return one_line(error)


def advice(error: BaseException, entry: EntryPoint, distribution: str) -> str:
    """Return what to do about a plugin that could not be loaded; empty if there is no advice."""
    wanted = _unmet(entry)
    if wanted:
        return (
            f"the likely cause: it requires {wanted}, but this is {version('enas-inr')}; upgrade "
            f"enas-inr, or install a compatible version of {distribution}"
        )
    if isinstance(error, EnasInrError):
        return error.hint
    if isinstance(error, ModuleNotFoundError) and error.name not in (None, entry.module):
        return f"install the package that provides {error.name!r}, or uninstall {distribution}"
    return ""


def _requirements(entry: EntryPoint) -> Iterable[str]:
    try:
        return (entry.dist.requires or ()) if entry.dist else ()
    except Exception:  # without metadata, see `loading._origin`
        return ()


def _unmet(entry: EntryPoint) -> str:
    """Return the distribution's requirement on enas-inr if the installed version violates it."""
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
        ContractError: the import fails.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # another author's module can raise anything
        raise ContractError(f"cannot import {target!r}: {one_line(error)}") from error


def import_target(target: str, contract: str) -> Any:
    """Import a class and check that it is derived from its contract.

    Args:
        target: the class, as `package.module:Class`.
        contract: the base class, in the same form.

    Raises:
        ContractError: the target cannot be imported, is not a class, or is not derived from the
            contract.
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
        ContractError: the model cannot be imported or is not valid: it is not derived from
            `Options`, has an option without a default, is not frozen, or accepts unknown keys.
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
    """Return where an error arose in the package of `target`, such as ` (net.py, line 42)`.

    The text is empty if the error arose elsewhere.
    """
    package = target.partition(":")[0].partition(".")[0]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            return f" ({Path(frame.f_code.co_filename).name}, line {line})"
    return ""
