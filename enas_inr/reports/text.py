"""A report as text: its table for people, in Markdown, CSV and JSON, and where it was made."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from enas_inr.parsing import format_quantity
from enas_inr.reports.findings import findings
from enas_inr.reports.record import Report
from enas_inr.reports.rows import Row, mean_curve, rows
from enas_inr.spec import PSNR_OFFSET_DB

_PACKAGES = ("enas-inr", "torch", "numpy", "optuna")

_COLUMNS: dict[str, Callable[[Row], str]] = {
    "study": lambda row: row.study.label,
    "name": lambda row: row.name if row.study.names else "",
    "M": lambda row: str(row.result.trial.ensemble.grid),
    "d": lambda row: str(row.result.trial.ensemble.depth),
    "w": lambda row: str(row.result.trial.ensemble.width),
    "FLOPs": lambda row: format_quantity(row.result.trial.cost.flops),
    "parameters": lambda row: format_quantity(row.result.trial.cost.parameters),
    "PSNR dB": lambda row: str(row.psnr) if row.psnr else row.result.status.value,
    "paper": lambda row: _number(row.published.psnr_paper_db if row.published else None),
    "ours": lambda row: _number(None if row.difference_db is None else row.psnr_paper_db),
    "difference": lambda row: _number(row.difference_db, "+.2f"),
    "gain dB": lambda row: str(row.gain) if row.gain else "",
    "passes at": lambda row: "" if row.passes is None else str(row.passes),
    "score": lambda row: _number(row.result.score),
    "": lambda row: "best" if row.best else "",
}
"""Columns of the table for people, by their heading; `paper` and `ours` are in the paper's PSNR."""

NUMBERS = tuple(name for name in _COLUMNS if name not in ("study", "name", ""))
"""Headings of columns that are aligned to the right."""


def cells(table: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """The headings, and for each row its cells; columns that are empty everywhere are left out."""
    columns = {name: [cell(row) for row in table] for name, cell in _COLUMNS.items()}
    kept = {name: column for name, column in columns.items() if any(column)}
    return list(kept), [list(row) for row in zip(*kept.values(), strict=True)]


def as_markdown(report: Report) -> str:
    """Title, settings and table."""
    table = rows(report)
    headings, lines = cells(table)
    aligned = ["---:" if name in NUMBERS else "---" for name in headings]
    parts = [f"# {report.title}", ""]
    parts += [f"**Reduced:** {report.reduced}.", ""] if report.reduced else []
    parts += [report.summary, ""] if report.summary else []
    parts += [f"- {line}" for line in settings(report)]
    parts += ["", _line(headings), _line(aligned), *map(_line, lines)]
    found = findings(report)
    parts += ["", *(f"- {line}" for line in found)] if found else []
    failed = [row for row in table if row.result.message]
    parts += ["", *(f"- {row.label}: {row.result.message}" for row in failed)] if failed else []
    return "\n".join(parts) + "\n"


def as_csv(report: Report) -> str:
    """One line for each row, with every number in full."""
    return _csv([_flat(row.to_dict()) for row in rows(report)])


def curves_as_csv(report: Report) -> str:
    """The learning curves, the mean over the repeats, one line for each step that was kept."""
    lines = [
        {
            "study": row.study.name,
            "name": row.label,
            "step": step,
            "psnr_db": round(psnr, 3),
            "psnr_paper_db": round(psnr - PSNR_OFFSET_DB, 3),
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
    """Where and with what the report was made: for records that others compare with."""
    results = [result for study in report.studies for result in study.results]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "devices": sorted({result.device for result in results if result.device}),
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


def _number(value: float | None, form: str = ".2f") -> str:
    return "" if value is None else format(value, form)


def _line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|") for part in parts) + " |"


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    return {
        key: json.dumps(value) if isinstance(value, dict) else value for key, value in line.items()
    }


def _csv(lines: Sequence[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(lines[0]) if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()
