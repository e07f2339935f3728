"""A report as text: Markdown, CSV and JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from enas_inr.plain_text import csv_cell, json_object, json_text, markdown_cell
from enas_inr.reports.findings import findings
from enas_inr.reports.rows import Results
from enas_inr.reports.settings import brief_settings
from enas_inr.reports.signals import signal_rows
from enas_inr.reports.table import Column, columns_of
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.studies.record import StudyRecord

_BRIEF = (
    "name", "study", "backbone", "M", "d", "w", "recipe", "FLOPs", "parameters", "PSNR",
    "PSNR, paper's", "published", "difference", "gain", "passes at", "score", "trained", "status",
)  # fmt: skip
"""Columns of the table that fit a terminal."""


def brief_columns(results: Results) -> list[Column]:
    """Return the most important columns of the table.

    Without values of a paper, its convention is left out; without named rows, the names are, since
    the sizes identify the architectures.
    """
    left_out = set()
    if not any(row.published and row.published.psnr_paper_db is not None for row in results.rows):
        left_out.add("PSNR, paper's")
    if not any(study.names for study in results.report.studies):
        left_out.add("name")
    return columns_of(results, only=[title for title in _BRIEF if title not in left_out])


def as_markdown(results: Results) -> str:
    """Return title, settings, table, findings and the messages of trials."""
    from tabulate import tabulate

    report, columns = results.report, brief_columns(results)
    cells = [[markdown_cell(c.text(row)) for c in columns] for row in results.rows]
    for line, row in zip(cells, results.rows, strict=True):
        line[0] += " (best)" if row.best else ""
    titles = [column.title for column in columns]
    aligned = ["right" if column.numeric else "left" for column in columns]
    blocks = [
        f"# {markdown_cell(report.title)}",
        f"**Reduced:** {markdown_cell(report.reduced)}." if report.reduced else "",
        markdown_cell(report.summary),
        _bullets(brief_settings(report)),
        tabulate(cells, titles, tablefmt="pipe", colalign=aligned, disable_numparse=True),
        *(_signals(study) for study in report.studies),
        _bullets(findings(results)),
        _bullets(f"{r.label}: {r.result.message}" for r in results.rows if r.result.message),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _signals(study: StudyRecord) -> str:
    """Return a table of what the best configuration of a study reaches on each signal of a set."""
    from tabulate import tabulate

    found = [
        [
            markdown_cell(row.name),
            "x".join(map(str, row.shape)),
            f"{row.psnr_db:.2f}",
            f"{row.score:.2f}",
            f"{row.rank} of {row.of}",
            markdown_cell(row.best),
        ]
        for row in signal_rows(study)
    ]
    if not found:
        return ""
    titles = ["signal", "samples", "PSNR", "score", "rank", "best on it"]
    aligned = ["left", "right", "right", "right", "right", "left"]
    return str(tabulate(found, titles, tablefmt="pipe", colalign=aligned, disable_numparse=True))


def as_csv(results: Results) -> str:
    """Return a line for each row, with all numbers in full."""
    return _csv([row.to_dict() | {"reduced": results.report.reduced} for row in results.rows])


def curves_as_csv(results: Results) -> str:
    """Return the mean learning curves, with a line for each step that was kept."""
    return _csv(
        [
            {
                "study": row.study.name,
                "group": row.study.label,
                "name": row.name,
                "step": step,
                "psnr_db": round(psnr, 3),
                "psnr_paper_db": round(psnr - PSNR_OFFSET_DB, 3),
                "reduced": results.report.reduced,
            }
            for row in results.rows
            for step, psnr in row.curve
        ]
    )


def as_json(results: Results) -> str:
    """Return the whole table and the specifications of the studies."""
    report = results.report
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
        "findings": findings(results),
        "rows": [row.to_dict() for row in results.rows],
    }
    return json_object(content) + "\n"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {markdown_cell(line)}" for line in lines)


def _csv_value(value: Any) -> Any:
    return json_text(value, indent=None) if isinstance(value, dict | list) else csv_cell(value)


def _csv(lines: Sequence[dict[str, Any]]) -> str:
    made = StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(lines[0] if lines else [])
    for line in lines:
        writer.writerow(_csv_value(value) for value in line.values())
    return made.getvalue()
