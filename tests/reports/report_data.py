"""Reports without any training."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.reports.rows import Results
from enas_inr.result import Curve, RepeatResult, TrialStatus
from enas_inr.signals.previews import picture_of
from enas_inr.signals.signal import Signal
from enas_inr.spec import Choice, SignalInfo, StudySpec
from enas_inr.strategies.coordinate import CoordinateAscent
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.studies.pictures import StoredPicture
from enas_inr.studies.record import Report, StudyRecord
from enas_inr.testing.lookup import LookupExecutor, lookup_space, simulate
from tests.present import present

IMAGE = SignalInfo(name="lake", modality="image", shape=(12, 16), channels=3, fingerprint="a")
OTHER = IMAGE.model_copy(update={"name": "hill", "fingerprint": "b"})
SOUND = SignalInfo(
    name="bell", modality="audio", shape=(400,), channels=1, sample_rate=8000, fingerprint="c"
)
STEPS = (1, 20, 40)
FOLDER = TemporaryDirectory()
"""Where the pictures of the reports lie."""


def signal_of(info, noise=0.0):
    generator = torch.Generator().manual_seed(7)
    shape = (*info.shape, info.channels)
    values = torch.rand(shape, generator=generator) - 0.5
    values = values + noise * (torch.rand(shape, generator=generator) - 0.5)
    return Signal(values, info.modality, info.name, sample_rate=info.sample_rate)


def stored(signal):
    """The picture of a signal in a file."""
    picture = present(picture_of(signal))
    path = Path(FOLDER.name, hashlib.sha256(picture.content).hexdigest())
    path.write_bytes(picture.content)
    return StoredPicture(path, picture.suffix, picture.mimetype)


def repeated(result):
    """The same trial with three repeats around its PSNR and a learning curve."""
    if result.status is not TrialStatus.COMPLETE:
        return result.model_copy(update={"message": "the loss is NaN at step 3"})
    psnr = result.psnr_paper_db
    values = [psnr - 0.5, psnr, psnr + 0.5]
    return result.model_copy(
        update={
            "repeats": tuple(
                RepeatResult(status=result.status, steps=40, psnr_paper_db=v, best_step=40)
                for v in values
            ),
            "curve": Curve(steps=STEPS, psnr_paper_db=tuple((v - 9, v - 3, v) for v in values)),
            "device": "cpu",
            "seconds": 1.5,
            "versions": {"torch": "2"},
        }
    )


def study(
    name="s",
    label="",
    info=IMAGE,
    widths=(8, 16, 32),
    depths=(1, 2),
    fail=None,
    pictures=True,
    coordinate=False,
    named=None,
    published=None,
):
    """A study whose PSNR grows with the width; `fail(spec)` says which diverge."""
    space = lookup_space({"width": widths, "depth": depths}, 10**9)
    strategy = CoordinateAscent(space) if coordinate else Exhaustive(space)
    executor = LookupExecutor(
        lambda s: None if fail and fail(s) else 20 + s.width / 4 + s.depth / 10
    )
    found = [repeated(r) for r in simulate(strategy, space, PsnrFlops(), executor)]
    spec = StudySpec(
        signal=info,
        space=space.space,
        strategy=Choice(name="coordinate" if coordinate else "exhaustive"),
        repeats=3,
    )
    reconstructions = {
        r.trial.number: stored(signal_of(info, 4 / r.trial.ensemble.width))
        for r in found
        if r.score is not None
    }
    return StudyRecord(
        name=name,
        label=label,
        spec=spec,
        results=tuple(found),
        names={r.key: named[i] for i, r in enumerate(found) if i < len(named)} if named else {},
        published=published or {},
        trace=tuple(strategy.trace(found)) if coordinate else (),
        originals={0: stored(signal_of(info))} if pictures else {},
        pictures=reconstructions if pictures else {},
    )


def report(*studies, **more):
    return Report("A title", studies or (study(),), **more)


def results(*studies, **more):
    return Results.of(report(*studies, **more))
