"""A report as text: its table for people, in Markdown, CSV and JSON, and where it was made."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from enas_inr.reports.findings import findings
from enas_inr.reports.rows import mean_curve, rows
from enas_inr.reports.table import Table, table_of
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import Report

_PACKAGES = ("enas-inr", "torch", "numpy", "optuna")

_BRIEF = (
    "name", "study", "M", "d", "w", "FLOPs", "parameters", "PSNR", "PSNR, paper's", "published",
    "difference", "gain", "passes at", "score", "status",
)  # fmt: skip
"""Columns of the table that fit a terminal."""


def brief(report: Report) -> Table:
    """The table with the columns that people look at first.

    Without a paper's values, its convention is left out; where no row was given a name, the
    architecture's sizes are name enough.
    """
    every = rows(report)
    whole = table_of(report, every)
    known = {column.title for column in whole.columns}
    left_out = set() if "published" in known else {"PSNR, paper's"}
    left_out |= set() if any(study.names for study in report.studies) else {"name"}
    return whole.only([title for title in _BRIEF if title not in left_out])


def as_markdown(report: Report) -> str:
    """Title, settings and table."""
    table = brief(report)
    aligned = ["---:" if column.numeric else "---" for column in table.columns]
    parts = [f"# {report.title}", ""]
    parts += [f"**Reduced:** {report.reduced}.", ""] if report.reduced else []
    parts += [report.summary, ""] if report.summary else []
    parts += [f"- {line}" for line in settings(report)]
    parts += ["", _line([column.title for column in table.columns]), _line(aligned)]
    parts += [
        _line(
            [
                cell.text + (" (best)" if line.row.best and not index else "")
                for index, cell in enumerate(line.cells)
            ]
        )
        for line in table.lines
    ]
    found = findings(report)
    parts += ["", *(f"- {line}" for line in found)] if found else []
    failed = [line.row for line in table.lines if line.row.result.message]
    parts += ["", *(f"- {row.label}: {row.result.message}" for row in failed)] if failed else []
    return "\n".join(parts) + "\n"


def as_csv(report: Report) -> str:
    """One line for each row, with every number in full."""
    return _csv([_flat(row.to_dict()) | {"reduced": report.reduced} for row in rows(report)])


def curves_as_csv(report: Report) -> str:
    """The learning curves, the mean over the repeats, one line for each step that was kept."""
    lines = [
        {
            "study": row.study.name,
            "group": row.study.label,
            "name": row.name,
            "step": step,
            "psnr_db": round(psnr, 3),
            "psnr_paper_db": round(psnr - PSNR_OFFSET_DB, 3),
            "reduced": report.reduced,
        }
        for row in rows(report)
        for step, psnr in mean_curve(row.result)
    ]
    return _csv(lines)


def as_json(report: Report) -> str:
    """Everything of the table, and what was asked."""
    content = {
        "title": report.title,
        "source": report.source,
        "reduced": report.reduced,
        "studies": [
            {
                "name": study.name,
                "label": study.label,
                "spec": study.spec.model_dump(mode="json"),
                "trace": [
                    {"iteration": step.iteration, "axis": step.axis, "choice": step.choice}
                    for step in study.trace
                ],
            }
            for study in report.studies
        ],
        "findings": findings(report),
        "rows": [row.to_dict() for row in rows(report)],
    }
    return json.dumps(content, indent=2) + "\n"


def settings(report: Report) -> list[str]:
    """What was trained on what and how, one line for each signal and each way of training."""
    lines: dict[str, None] = {}
    for study in report.studies:
        signal, training = study.spec.signal, study.spec.training
        size = "x".join(map(str, signal.shape))
        lines[f"signal: {signal.name}, {size} samples of {signal.channels} channels"] = None
    for study in report.studies:
        training = study.spec.training
        rate = training.learning_rate or "the backbone's"
        lines[
            f"training: profile {training.profile}, {training.steps} steps, learning rate {rate}, "
            f"{study.spec.repeats} repeats from seed {study.spec.seed}"
        ] = None
    return list(lines)


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


def _line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|") for part in parts) + " |"


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    return {
        key: json.dumps(value) if isinstance(value, (dict, list)) else value
        for key, value in line.items()
    }


def _csv(lines: Sequence[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(lines[0]) if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()
