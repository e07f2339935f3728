"""What a model shows of itself in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enas_inr.display import html
from enas_inr.display.charts import new_axes
from enas_inr.model.header import ModelHeader
from enas_inr.signals.previews import MAX_SECONDS, picture_of
from enas_inr.signals.signal import Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SAMPLES = 320
"""Samples along the longer side of a picture that is shown."""


def html_of_header(header: ModelHeader) -> str:
    """Return the numbers of a model as HTML."""
    metrics, signal = header.metrics, header.signal
    psnr, ssim = metrics.get("psnr_db"), metrics.get("ssim")
    shape = " x ".join(map(str, signal.shape))
    return html.stacked(
        html.titled(header.ensemble.label(), f"of {signal.name}, {shape} samples"),
        html.facts(
            [
                ("PSNR dB", psnr if isinstance(psnr, float) else None),
                ("SSIM", f"{ssim:.4f}" if isinstance(ssim, float) else None),
                ("stored as", header.precision),
                ("profile", header.training.profile),
            ]
        ),
    )


def html_of_signal(signal: Signal) -> str:
    """Return a picture or a player with a signal; empty if it is neither."""
    made = picture_of(signal)
    return html.media(made.content, made.mimetype, signal.name) if made else ""


def preview_size(header: ModelHeader) -> tuple[int, ...]:
    """Return the number of samples along each axis of a preview of a model."""
    shape, rate = header.signal.shape, header.signal.sample_rate
    if len(shape) == 1:
        return (min(shape[0], MAX_SECONDS * rate),) if rate else shape
    scale = min(1.0, MOST_SAMPLES / max(shape))
    return tuple(max(1, round(count * scale)) for count in shape)


def plot_signal(signal: Signal, ax: Axes | None) -> Axes:
    """Draw a sound as a curve and a picture as pixels; of more axes, the middle slice."""
    from enas_inr.signals.slices import middle_slice

    ax = ax or new_axes()
    if signal.values.ndim == 2:
        ax.plot(signal.values.detach().cpu().numpy())
        ax.set(xlabel="frame", ylabel="value")
        return ax
    shown = middle_slice(signal).values.detach().cpu().clamp(-1, 1)
    pixels = ((shown + 1) / 2).numpy()
    ax.imshow(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, cmap="gray", vmin=0, vmax=1)
    ax.set_axis_off()
    return ax
