"""Where and with what studies were trained and reported on: what others compare with."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from enas_inr.studies.record import Report

_PACKAGES = ("enas-inr", "torch", "numpy", "optuna")


def environment(report: Report) -> dict[str, Any]:
    """Where and with what a report was made: for records that others compare with.

    `trained_with` has the versions of the trials' training; the rest is of this machine, now.
    """
    results = [result for study in report.studies for result in study.results]
    versions = {
        f"{name} {number}" for result in results for name, number in result.versions.items()
    }
    return {
        "trained_with": sorted(versions),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "devices": sorted({result.device for result in results if result.device}),
        "signals": {
            study.spec.signal.name: study.spec.signal.fingerprint for study in report.studies
        },
        "seeds": sorted({study.spec.seed for study in report.studies}),
        "seconds_of_training": round(sum(result.seconds for result in results), 1),
        "reduced": report.reduced,
    }


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
