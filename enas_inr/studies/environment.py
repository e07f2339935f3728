"""The hardware and software with which studies were trained and reported, for comparisons."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from enas_inr.studies.record import Report

_PACKAGES = ("enas-inr", "torch", "numpy", "optuna")


def environment(report: Report) -> dict[str, Any]:
    """Return the hardware, software, signals and seeds of a report, so that others can compare.

    `trained_with`, `devices` and `seconds_of_training` describe the training of the trials;
    hardware, system and `packages` are those of the machine that makes the report.
    """
    from enas_inr.training.device import processor_name

    results = [result for study in report.studies for result in study.results]
    versions = {
        f"{name} {number}" for result in results for name, number in result.versions.items()
    }
    return {
        "trained_with": sorted(versions),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "devices": sorted({result.device for result in results if result.device}),
        "signals": {
            info.name: info.fingerprint
            for study in report.studies
            for info in study.spec.all_signals
        },
        "seeds": sorted({study.spec.seed for study in report.studies}),
        "seconds_of_training": round(sum(result.seconds for result in results), 1),
        "reduced": report.reduced,
    }
