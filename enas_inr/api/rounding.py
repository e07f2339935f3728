"""Store the numbers of a fitted model at a precision, and measure what that costs."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from enas_inr.model.header import Precision
from enas_inr.plugins.catalog import Catalog

if TYPE_CHECKING:
    from enas_inr.model.model import Model
    from enas_inr.signals.signal import Signal

logger = logging.getLogger(__name__)

SHARES = (0.9, 0.5, 0.25)
"""Shares of the allowed loss to plan with, since what is measured on a signal may be a little
more than what is estimated."""


def rounded(
    model: Model,
    signal: Signal,
    precision: Precision,
    catalog: Catalog,
    *,
    most_bytes: int | None = None,
) -> Model:
    """Return a model as it is when its file is read, with its metrics measured on the signal.

    A warning is logged if rounding costs more than `MOST_LOSS_DB` allows.

    Args:
        model: the model, with its numbers in float32.
        signal: the signal that was fitted.
        precision: how the numbers are to be stored.
        catalog: the plugins.
        most_bytes: largest size of the file (see `Model.at_precision`).
    """
    from enas_inr.model.measure import measure
    from enas_inr.model.rounding import MOST_LOSS_DB

    exact = measure(model, signal)
    if precision == "float32":
        return _with_metrics(model, exact)
    before = float(str(exact["psnr_db"]))
    model = _with_metrics(model, exact | {"psnr_db_float32": before})  # they take bytes as well
    for share in SHARES:
        planned = model.at_precision(precision, psnr_db=before, share=share, most_bytes=most_bytes)
        stored = _stored(planned, catalog)
        measured = measure(stored, signal)
        loss = before - float(str(measured["psnr_db"]))
        if loss <= MOST_LOSS_DB[precision]:
            break
    else:
        finer = "float16" if precision == "int8" else "float32"
        logger.warning(
            "%s: storing the numbers as %s costs %.2f dB, more than %g; --precision %s keeps more",
            signal.name,
            precision,
            loss,
            MOST_LOSS_DB[precision],
            finer,
        )
    return _with_metrics(stored, measured)


def _stored(model: Model, catalog: Catalog) -> Model:
    """Return a model with its numbers as they are read again."""
    from enas_inr.model.file import decode, encode
    from enas_inr.model.model import Model

    return Model.of(decode(encode(model.header, model.blocks), catalog, "the model"))


def _with_metrics(model: Model, measured: dict[str, JsonValue]) -> Model:
    metrics = model.header.metrics | measured
    return replace(model, header=model.header.model_copy(update={"metrics": metrics}))
