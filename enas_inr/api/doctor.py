"""The function behind `enas-inr doctor`: what is installed, what is used, and what is broken."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from enas_inr.errors import EnasInrError, SpecError, one_line
from enas_inr.executors.folders import FOLDER_VARIABLE, cache_folder
from enas_inr.plugins.catalog import Catalog
from enas_inr.signals.memory import available_bytes
from enas_inr.studies.location import VARIABLE as STORAGE
from enas_inr.studies.location import Storage, masked, without_passwords
from enas_inr.validation import counted, format_quantity

PACKAGES = (
    "enas-inr",
    "torch",
    "numba",
    "numpy",
    "scipy",
    "optuna",
    "sqlalchemy",
    "ray",
    "pydantic",
    "typer",
    "pillow",
    "openimageio",
    "soundfile",
    "matplotlib",
)
EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dashboard": ("optuna-dashboard",),
        "heif": ("pillow-heif",),
        "media": ("av",),
        "mysql": ("pymysql",),
        "onnx": ("onnx", "onnxruntime", "onnxscript"),
        "postgresql": ("psycopg",),
        "ray": ("ray",),
        "samplers": ("cmaes",),
        "samples": ("scikit-image",),
    }
)
"""The packages of each extra."""

LEAST_SPACE = 2**30  # bytes in the folder of temporary files


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        about: what it is about.
        said: what was found.
        advice: what to do, if something is broken or missing.
        broken: whether it prevents work.
    """

    about: str
    said: str
    advice: str = ""
    broken: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What `enas-inr doctor` reports."""

    findings: tuple[Finding, ...]

    @property
    def broken(self) -> bool:
        """Whether something is broken."""
        return any(finding.broken for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the values that `enas-inr doctor --json` prints."""
        return {
            "broken": self.broken,
            "findings": [asdict(finding) for finding in self.findings],
        }


def diagnose(
    catalog: Catalog, device: str, storage: str | None, settings: str | SpecError
) -> Diagnosis:
    """Look at the versions, the device, the plugins, the storage and the folders.

    Args:
        catalog: the plugins.
        device: device as for a search.
        storage: storage as for a search; None for the default.
        settings: the settings files, or what is wrong with one.
    """
    return Diagnosis(
        (
            _versions(),
            _system(),
            *_device(device),
            *_extras(),
            *_plugins(catalog),
            _storage(storage),
            _settings(settings),
            _environment(),
            _cache(),
            _temporary(),
        )
    )


def _settings(said: str | SpecError) -> Finding:
    if isinstance(said, SpecError):
        return Finding("settings file", said.what, said.hint, broken=True)
    return Finding("settings file", said)


def _environment() -> Finding:
    """Return the variables of enas-inr that are set, without passwords."""
    found = [
        f"{name}={Storage(value) if name == STORAGE else without_passwords(value)}"
        for name, value in sorted(os.environ.items())
        if name.startswith("ENAS_INR_")
    ]
    return Finding("environment", ", ".join(found) or "no variable of enas-inr is set")


def _versions() -> Finding:
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        found.append(f"{name} {_version(name) or '(missing)'}")
    return Finding("versions", ", ".join(found))


def _system() -> Finding:
    found = [f"{platform.system()} {platform.release()} {platform.machine()}"]
    with suppress(OSError):
        found.append(platform.freedesktop_os_release().get("PRETTY_NAME", ""))
    if (free := available_bytes()) is not None:
        found.append(f"{format_quantity(free)}B of memory available")
    return Finding("system", ", ".join(filter(None, found)))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _device(name: str) -> Sequence[Finding]:
    from enas_inr.training.device import device_name, gpu_count, processor_name, resolve_device

    try:
        import torch

        device = resolve_device(name)
    except (EnasInrError, ImportError, OSError) as error:
        if isinstance(error, EnasInrError):
            return [Finding("device", error.what, error.hint, broken=True)]
        return [Finding("device", one_line(error), "install PyTorch again", broken=True)]
    threads = counted(torch.get_num_threads(), "thread")
    used = f"{device_name(device)}, {processor_name()}, {threads} of {os.cpu_count()} cores"
    gpus = counted(gpu_count("cuda"), "GPU") if torch.version.cuda else "PyTorch without CUDA"
    return [Finding("device", f"{used} ({gpus})"), _kernel(device.type)]


def _kernel(kind: str) -> Finding:
    """Return what computes the steps of a training on a kind of device."""
    from enas_inr.training import loops

    about = "kernel"
    if kind == "cuda":
        if triton := _version("triton"):
            return Finding(about, f"torch, with activations by Triton {triton}")
        return Finding(about, "torch alone, which is slower", "install triton")
    if kind != "cpu":
        return Finding(about, "torch")
    if not loops.available():
        hint = "install numba, and make its cache writable (NUMBA_CACHE_DIR)"
        return Finding(about, "torch alone, which is slower", hint)
    kept = getattr(getattr(loops.multiply_, "_cache", None), "cache_path", "memory")
    return Finding(about, f"loops compiled by numba, kept in {kept}")


def _extras() -> Sequence[Finding]:
    missing = [name for name, needs in EXTRAS.items() if not all(map(_version, needs))]
    present = [
        f"{name} ({', '.join(f'{need} {_version(need)}' for need in needs)})"
        for name, needs in EXTRAS.items()
        if name not in missing
    ]
    advice = f"pip install 'enas-inr[{','.join(missing)}]'" if missing else ""
    absent = f"; without: {', '.join(missing)}" if missing else ""
    return [Finding("extras", f"{', '.join(present) or 'none'}{absent}", advice)]


def _plugins(catalog: Catalog) -> Sequence[Finding]:
    theirs = sorted({str(one.origin) for one in catalog.providers if not one.origin.is_ours})
    found = [Finding("plugins", ", ".join(theirs) or "none besides the built-in ones")]
    for broken in catalog.broken:
        found.append(Finding("plugins", f"{broken.origin}: {broken.reason}", broken.hint, True))
    for conflict in catalog.conflicts:
        error = conflict.error()
        found.append(Finding("plugins", error.what, error.hint, broken=True))
    for slow in catalog.slow:
        found.append(Finding("plugins", f"{slow.origin} is slow to load", "tell its authors"))
    return found


def _storage(given: str | None) -> Finding:
    from enas_inr.studies.storage import study_names

    place = Storage(given)
    about, shown = "storage", masked(str(place))
    file = place.file
    if file is not None and not file.exists():
        folder = file.parent.absolute()
        if os.access(folder, os.W_OK):
            return Finding(about, f"{shown}: no study yet")
        return Finding(about, f"{shown}: {str(folder)!r} is not writable", "choose another", True)
    try:
        names = study_names(place)
    except EnasInrError as error:
        return Finding(about, f"{shown}: {error.what}", error.hint, broken=True)
    return Finding(about, f"{shown}: {counted(len(names), 'study', 'studies')}")


def _cache() -> Finding:
    folder = cache_folder()
    if folder is None:
        return Finding("cache", "none is kept (ENAS_INR_CACHE is empty)")
    existing = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not os.access(existing, os.W_OK):
        hint = f"change its mode, or set {FOLDER_VARIABLE}"
        return Finding("cache", f"{folder}: {str(existing)!r} is not writable", hint, broken=True)
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    return Finding("cache", f"{folder}: {format_quantity(size)}B")


def _temporary() -> Finding:
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    said = f"{folder}: {format_quantity(free)}B free"
    if free < LEAST_SPACE:
        return Finding("temporary files", said, "free some space, or set TMPDIR")
    return Finding("temporary files", said)
