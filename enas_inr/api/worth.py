"""What the model that a search has found is worth: beside the raw samples, codecs and silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from enas_inr.result import SearchResult, TrialResult, TrialStatus, psnr_paper_db
from enas_inr.spec import PSNR_OFFSET_DB
from enas_inr.validation import counted, format_quantity

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog
    from enas_inr.signals.signal import Signal

MOST_PIXELS = 600_000  # of a picture that is encoded for the comparison, in about a second
MOST_FRAMES = 10_000_000  # of a sound
SILENT_DB = 1.0  # above a constant signal, a model holds almost nothing
CONSTANT_DB = 100.0  # signals that are as good as constant, at the precision of 16 bits


@dataclass(frozen=True)
class Encoded:
    """A signal in an ordinary codec.

    Attributes:
        name: the codec, with its quality.
        bytes: size of the file.
        psnr_db: its PSNR; None for a lossless one.
    """

    name: str
    bytes: int
    psnr_db: float | None = None


@dataclass(frozen=True)
class Worth:
    """The best model of a search, beside other ways to store the signal.

    Attributes:
        model_bytes: size of its numbers as float32.
        raw_bytes: size of the raw samples.
        psnr_db: PSNR of the model.
        constant_psnr_db: PSNR of the mean of the signal, which is silence for a sound.
        codec: the codec that needs the fewest bytes for at least that PSNR; None if there is none
            for this kind of signal, or the signal is large.
    """

    model_bytes: int
    raw_bytes: int
    psnr_db: float
    constant_psnr_db: float
    codec: Encoded | None

    @property
    def silent(self) -> bool:
        """Whether the model is hardly better than a constant, and the signal is not constant."""
        found = self.psnr_db < self.constant_psnr_db + SILENT_DB
        return found and self.constant_psnr_db < CONSTANT_DB

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def text(self) -> str:
        """Return a line for people."""
        share = self.model_bytes / self.raw_bytes
        times = f"{share:.0%} of" if share < 1 else f"{share:.1f} times"
        line = (
            f"{format_quantity(self.model_bytes)}B as float32 are {times} the raw samples "
            f"({format_quantity(self.raw_bytes)}B)"
        )
        if self.codec is None:
            return line
        quality = (
            "without loss" if self.codec.psnr_db is None else f"at {self.codec.psnr_db:.2f} dB"
        )
        return f"{line}; {self.codec.name} has {format_quantity(self.codec.bytes)}B {quality}"


@dataclass(frozen=True)
class Spent:
    """What a search has trained, beside a training of everything.

    Attributes:
        flops: FLOPs of its trainings.
        full_flops: FLOPs of a training of all configurations within the budget in full.
        configurations: number of these.
    """

    flops: float
    full_flops: float
    configurations: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def text(self) -> str:
        """Return a line for people."""
        return (
            f"trained {format_quantity(self.flops)} FLOPs, {self.flops / self.full_flops:.1%} of "
            f"the {format_quantity(self.full_flops)} that "
            f"{counted(self.configurations, 'configuration')} would take in full"
        )


def spent_of(result: SearchResult, catalog: Catalog) -> Spent:
    """Compare what a search has trained with a training of all configurations in full.

    Args:
        result: result of the search.
        catalog: the plugins.
    """
    from enas_inr.executors.parts import training_flops
    from enas_inr.studies.oracle import full_flops
    from enas_inr.studies.reading import read_study
    from enas_inr.studies.space import stored_space

    space = stored_space(result.spec, result.study, result.storage, catalog)
    full = full_flops(result.spec, space)
    trials: Sequence[TrialResult] = result.trials
    if result.spec.signals:  # the trials on each of them
        _, trials = read_study(result.study, result.storage)
    return Spent(training_flops(trials), full, len(space.feasible))


def worth_of(result: SearchResult, signal: Signal) -> Worth:
    """Compare the best model of a search with other ways to store the signal.

    Args:
        result: result of the search.
        signal: the signal that was searched.
    """
    from enas_inr.signals.codecs import raw_bytes

    psnr = result.best.psnr_db
    assert psnr is not None  # the best trial is complete
    values = signal.values.flatten(0, -2)
    constant = psnr_paper_db(float(values.var(dim=0, correction=0).mean())) + PSNR_OFFSET_DB
    cost = result.best.trial.cost
    return Worth(cost.bytes, raw_bytes(signal), psnr, constant, _codec(signal, psnr))


def _codec(signal: Signal, psnr_db: float) -> Encoded | None:
    from enas_inr.signals.codecs import flac_bytes, jpeg_reaching, png_bytes, png_psnr_db

    *shape, channels = signal.values.shape
    samples = signal.values.numel() // channels
    if len(shape) == 1 and samples <= MOST_FRAMES:
        size = flac_bytes(signal)
        return None if size is None else Encoded("FLAC", size)
    if len(shape) != 2 or channels not in (1, 3, 4) or samples > MOST_PIXELS:
        return None
    if jpeg := jpeg_reaching(signal, psnr_db):
        return Encoded(f"JPEG of quality {jpeg.quality}", jpeg.bytes, jpeg.psnr_db)
    return Encoded("PNG", png_bytes(signal), png_psnr_db(signal))


def diverged(result: SearchResult) -> Iterator[str]:
    """Iterate over a line about the trials of a search that diverged, if there are any."""
    found = [one for one in result.trials if one.status is TrialStatus.DIVERGED]
    if found:
        rates = [one.learning_rate for one in found if one.learning_rate is not None]
        below = f" below {min(rates):g}" if rates else ""
        yield (
            f"{len(found)} of {counted(len(result.trials), 'trial')} diverged; "
            f"give a learning rate{below} (--lr), or none, so that it is fitted"
        )


def warnings(result: SearchResult, worth: Worth, suggest: str) -> Iterator[str]:
    """Iterate over what a user should know about a result, with advice.

    Args:
        result: result of the search.
        worth: what its best model is worth.
        suggest: the command that suggests settings for the signal.
    """
    if worth.silent:
        what = "silence" if result.spec.signal.modality == "audio" else "a constant"
        options = result.best.trial.ensemble.options
        frequency = next((name for name in ("omega_first", "sigma") if name in options), "width")
        yield (
            f"the model is near {what}: PSNR {worth.psnr_db:.2f} dB, {what} has "
            f"{worth.constant_psnr_db:.2f}; raise {frequency} or the grid, or train more steps; "
            f"see `{suggest}`"
        )
    yield from diverged(result)
    if worth.model_bytes > worth.raw_bytes:
        yield (
            f"the model is larger than the raw samples: {format_quantity(worth.model_bytes)}B for "
            f"{format_quantity(worth.raw_bytes)}B; see `{suggest}` for smaller widths, limit them "
            f"by --max-bytes, or store the numbers as int8 (`fit --precision int8`)"
        )
