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

PACKED: tuple[Precision, ...] = ("int8", "float16")
"""Precisions of fewer bytes than float32, the smallest first."""

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

    exact = _with_metrics(model, measure(model, signal))
    if precision == "float32":
        return exact
    stored = _at_precision(exact, signal, precision, catalog, most_bytes)
    _warn_of_loss(stored)
    return stored


def smallest(model: Model, signal: Signal, wanted_db: float, catalog: Catalog) -> Model:
    """Return a model at the precision of the fewest bytes that still reaches a PSNR.

    It is the model itself if only float32 does, or none. A warning is logged as by `rounded`, about
    the precision that is returned alone.

    Args:
        model: the model, with its numbers in float32 and metrics that were measured on the signal.
        signal: the signal that was fitted.
        wanted_db: the PSNR to reach, in dB.
        catalog: the plugins.
    """
    for precision in PACKED:
        stored = _at_precision(model, signal, precision, catalog)
        if float(str(stored.header.metrics["psnr_db"])) >= wanted_db:
            _warn_of_loss(stored)
            return stored
    return model


def _at_precision(
    model: Model,
    signal: Signal,
    precision: Precision,
    catalog: Catalog,
    most_bytes: int | None = None,
) -> Model:
    """Return a model that was measured as it is when its file is read, measured again."""
    from enas_inr.model.measure import measure
    from enas_inr.model.rounding import MOST_LOSS_DB

    before = float(str(model.header.metrics["psnr_db"]))
    model = _with_metrics(model, {"psnr_db_float32": before})  # it takes bytes as well
    for share in SHARES:
        planned = model.at_precision(precision, psnr_db=before, share=share, most_bytes=most_bytes)
        stored = _stored(planned, catalog)
        stored = _with_metrics(stored, measure(stored, signal))
        if _loss_db(stored) <= MOST_LOSS_DB[precision]:
            break
    return stored


def _loss_db(stored: Model) -> float:
    """Return the loss of PSNR in dB that the rounding of a model has caused."""
    metrics = stored.header.metrics
    return float(str(metrics["psnr_db_float32"])) - float(str(metrics["psnr_db"]))


def _warn_of_loss(stored: Model) -> None:
    from enas_inr.model.rounding import MOST_LOSS_DB

    precision, loss = stored.header.precision, _loss_db(stored)
    if loss <= MOST_LOSS_DB[precision]:
        return
    logger.warning(
        "%s: storing the numbers as %s costs %.2f dB, more than %g; --precision %s keeps more",
        stored.header.signal.name,
        precision,
        loss,
        MOST_LOSS_DB[precision],
        "float16" if precision == "int8" else "float32",
    )


def _stored(model: Model, catalog: Catalog) -> Model:
    """Return a model with its numbers as they are read again."""
    from enas_inr.model.file import decode, encode
    from enas_inr.model.model import Model

    return Model.of(decode(encode(model.header, model.blocks), catalog, "the model"))


def _with_metrics(model: Model, measured: dict[str, JsonValue]) -> Model:
    metrics = model.header.metrics | measured
    return replace(model, header=model.header.model_copy(update={"metrics": metrics}))
