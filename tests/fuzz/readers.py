"""All readers of files and texts, with valid inputs from which hostile ones are made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

from enas_inr.errors import EnasInrError
from enas_inr.model.header import Precision
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.signals.signal import Signal
from tests.fuzz.mutations import Mutate, changed_json, damaged

TORN = b"\0\x08\0\x02\x01\x12\0\x03"  # EXIF data that cannot be read
SMALL = 100_000  # samples of what is rendered


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes:
        suffix: of its files.
        seeds: makes valid inputs, in an empty folder.
        read: reads a file; may raise an EnasInrError and nothing else.
        mutate: makes a hostile input of a valid one.
    """

    suffix: str
    seeds: Callable[[Path], list[bytes]]
    read: Callable[[Path, Catalog], None]
    mutate: Mutate = damaged


def readers() -> dict[str, Reader]:
    """Return all readers whose libraries are installed, by name."""
    found = dict(_own())
    for name, suffix, seeds in _signals():
        found[name] = Reader(suffix, seeds, _read_signal)
    return found


# Our own files.


def _own() -> Iterator[tuple[str, Reader]]:
    yield "inr", Reader(".inr", _models, _read_model)
    yield "inr header", Reader(".inr", _models, _read_model, _with_header)
    yield "inrs", Reader(".inrs", _archives, _read_archive)
    yield "study file", Reader(".toml", _study_files, _read_study_file)
    yield "storage", Reader(".db", _databases, _read_storage)
    yield "journal", Reader(".log", _journals, _read_storage)
    yield "checkpoint", Reader(".checkpoint", _checkpoints, _read_checkpoint)
    yield "options", Reader(".txt", _options, _read_options)


def _models(folder: Path) -> list[bytes]:
    from tests.model.drawn import LAYERED, PICTURE, drawn

    asked: tuple[tuple[str, dict[str, Any], Precision], ...] = (
        ("siren", PICTURE, "float32"),
        ("siren", PICTURE, "int8"),
        ("relu", LAYERED, "float16"),
    )
    made = []
    for number, (backbone, options, precision) in enumerate(asked):
        model, _ = drawn(backbone, options, (13, 11), width=8)
        model.save(folder / f"{number}", precision=precision)
        made.append((folder / f"{number}").read_bytes())
    return made


def _read_model(path: Path, catalog: Catalog) -> None:
    from enas_inr.model.file import read_header
    from enas_inr.model.model import load
    from enas_inr.signals.loading import save_signal

    with suppress(EnasInrError):
        read_header(path)
    model = load(path, catalog=catalog)
    if model.header.signal.samples * model.header.signal.channels <= SMALL:
        save_signal(catalog, model.render(), path.with_suffix(".png"))


def _with_header(content: bytes, random: Random) -> bytes:
    """Change the header of a model, with a digest that fits it."""
    from safetensors.torch import load, save

    from enas_inr.model.file import DIGEST, HEADER, digest_of, metadata_of

    tensors = load(content)
    del tensors[DIGEST]
    text = changed_json(str(metadata_of(content, "")[HEADER]), random)
    return save(tensors | {DIGEST: digest_of(text, tensors)}, metadata={HEADER: text})


def _archives(folder: Path) -> list[bytes]:
    from enas_inr.model.archive_writer import write_archive
    from tests.model.drawn import LAYERED, drawn

    models = [drawn("relu", LAYERED, (13, 11), width=4)[0] for _ in range(2)]
    write_archive(folder / "a", models, names=["a", "b"])
    return [(folder / "a").read_bytes()]


def _read_archive(path: Path, catalog: Catalog) -> None:
    from enas_inr.api.archive import describe_archive
    from enas_inr.model.archive import open_archive

    with open_archive(path, catalog=catalog) as archive:
        describe_archive(archive)
        for _, model in archive.models():
            model.vector()
        archive.dataset()[0]


def _study_files(folder: Path) -> list[bytes]:
    root = Path(__file__).parents[2] / "studies"
    return [path.read_bytes() for path in sorted(root.glob("*.toml"))]


def _read_study_file(path: Path, catalog: Catalog) -> None:
    from enas_inr.studies.file import load_study_file

    load_study_file(path)
    load_study_file(path, quick=True)


def _stored(url: str) -> None:
    from enas_inr.studies.store import Store
    from tests.studies.stored import SPEC, complete

    with Store("s", SPEC, url) as store:
        store.add(complete(0))


def _databases(folder: Path) -> list[bytes]:
    _stored(f"sqlite:///{folder}/s.db")
    return [(folder / "s.db").read_bytes()]


def _journals(folder: Path) -> list[bytes]:
    _stored(f"journal:{folder}/s.log")
    return [(folder / "s.log").read_bytes()]


def _read_storage(path: Path, catalog: Catalog) -> None:
    from enas_inr.studies.reading import find_pictures, measured_costs, read_study

    url = f"journal:{path}" if path.suffix == ".log" else f"sqlite:///{path}"
    read_study("s", url)
    measured_costs("s", url)
    find_pictures("s", url)


def _checkpoints(folder: Path) -> list[bytes]:
    from enas_inr.model.fitting import FitSpec, fit
    from enas_inr.spec import EnsembleSpec, TrainingSpec
    from tests.model.noise import CATALOG, noise

    spec = FitSpec(
        ensemble=EnsembleSpec(grid=2, depth=1, width=4), training=TrainingSpec(steps=200)
    )
    path = folder / "c"
    fit(noise(0), spec, catalog=CATALOG, checkpoint=path, should_stop=lambda: True)
    return [path.read_bytes()]


def _read_checkpoint(path: Path, catalog: Catalog) -> None:
    from enas_inr.model.fitting import FitSpec, fit
    from enas_inr.spec import EnsembleSpec, TrainingSpec
    from tests.model.noise import CATALOG, noise

    spec = FitSpec(
        ensemble=EnsembleSpec(grid=2, depth=1, width=4), training=TrainingSpec(steps=200)
    )
    fit(noise(0), spec, catalog=CATALOG, checkpoint=path, should_stop=lambda: True)


OPTIONS = (
    "cost --shape 8x8x3 --grid 2 --width 8 --depth 1",
    "cost --shape 8x8x3 --backbone-option omega_first=30 --backbone fourier",
    "study validate s.toml --set repeats=1 --set training.steps=3",
    "search x --max-bytes 8k --search width=4..8:log --strategy-option a=[1]",
    "render m.inr --size 3x4 --crop 1,2,3,4",
)


def _options(folder: Path) -> list[bytes]:
    return [line.encode() for line in OPTIONS]


def _read_options(path: Path, catalog: Catalog) -> None:
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    from enas_inr.cli.main import run

    words = path.read_bytes().decode(errors="replace").split(" ")
    if words[0] not in {"cost", "study", "search", "render"}:
        words[0] = "cost"
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(words)
    if code == 1:
        raise AssertionError(err.getvalue()[:500])


# Files of signals.


def _read_signal(path: Path, catalog: Catalog) -> None:
    from enas_inr.signals.loading import load_signal, save_signal

    signal = load_signal(catalog, str(path))
    if signal.values.numel() <= SMALL:
        with suppress(EnasInrError):
            save_signal(catalog, signal, path.with_name(f"again{path.suffix}"))


def _signals() -> Iterator[tuple[str, str, Callable[[Path], list[bytes]]]]:
    for kind in ("png", "jpeg", "gif", "webp", "tiff", "avif", "bmp"):
        yield kind, f".{kind}", _pictures(kind)
    if find_spec("OpenImageIO"):
        for kind in ("exr", "hdr"):
            yield kind, f".{kind}", _deep(kind)
    if find_spec("pillow_heif"):
        yield "heic", ".heic", _heic
    for kind, subtypes in (
        ("wav", ("PCM_16", "PCM_24", "FLOAT")),
        ("flac", ("PCM_16",)),
        ("mp3", (None,)),
        ("aiff", ("PCM_16",)),
        ("ogg", (None,)),
    ):
        yield kind, f".{kind}", _sounds(kind, subtypes)
    if find_spec("enas_inr_volume"):
        yield "npy", ".npy", _arrays
        yield "nii", ".nii", _nifti(".nii")
        yield "nii.gz", ".nii.gz", _nifti(".nii.gz")
        if find_spec("nrrd"):
            yield "nrrd", ".nrrd", _nrrd
    if find_spec("enas_inr_video"):
        for kind in ("mp4", "mkv"):
            yield kind, f".{kind}", _clips(kind)


def _pixels(*shape: int, kind: type = np.uint8) -> np.ndarray:
    top = np.iinfo(kind).max
    return np.random.default_rng(0).integers(0, top, shape, dtype=kind)


def _pictures(kind: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        from PIL import Image

        rgb = Image.fromarray(_pixels(12, 10, 3))
        pictures: list[tuple[Image.Image, dict[str, Any]]] = [
            (rgb, {"exif": b"\0\x08\0\x02\x01\x12\0\x03"} if kind == "png" else {})
        ]
        if kind in ("png", "tiff", "webp"):
            pictures.append((Image.fromarray(_pixels(12, 10, 4), "RGBA"), {}))
        if kind in ("png", "tiff"):
            pictures.append((Image.fromarray(_pixels(12, 10, kind=np.uint16)), {}))
            pictures.append((rgb.convert("P"), {}))
        if kind == "tiff":
            pictures.append((Image.fromarray(np.float32(_pixels(12, 10))), {}))
        if kind in ("gif", "webp", "tiff"):
            pictures.append((rgb, {"save_all": True, "append_images": [rgb.rotate(90)]}))
        made = []
        for picture, options in pictures:
            out = BytesIO()
            try:
                picture.save(out, kind.upper(), **options)
            except (KeyError, OSError):  # a Pillow without this format
                continue
            made.append(out.getvalue())
        return made

    return seeds


def _deep(kind: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        import OpenImageIO

        path = str(folder / f"a.{kind}")
        image = OpenImageIO.ImageBuf(np.float32(_pixels(12, 10, 3)) / 50)
        image.write(path)
        return [Path(path).read_bytes()]

    return seeds


def _heic(folder: Path) -> list[bytes]:
    import pillow_heif
    from PIL import Image

    heif = pillow_heif.from_pillow(Image.fromarray(_pixels(16, 16, 3)))
    heif.save(folder / "a.heic")
    return [(folder / "a.heic").read_bytes()]


def _sounds(kind: str, subtypes: tuple[str | None, ...]) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        import soundfile

        values = np.sin(np.arange(4000) / 20)[:, None] * 0.5
        made = []
        for subtype in subtypes:
            out = BytesIO()
            soundfile.write(out, values, 16_000, subtype=subtype, format=kind.upper())
            made.append(out.getvalue())
        return made

    return seeds


def _arrays(folder: Path) -> list[bytes]:
    made = []
    for values in (np.float32(_pixels(4, 5, 6)), _pixels(4, 5, 6), np.float64(_pixels(3, 4, 5, 2))):
        out = BytesIO()
        np.save(out, values)
        made.append(out.getvalue())
    return made


def _nifti(suffix: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        import nibabel

        path = folder / f"a{suffix}"
        nibabel.Nifti1Image(np.float32(_pixels(6, 5, 4)), np.eye(4)).to_filename(path)
        return [path.read_bytes()]

    return seeds


def _nrrd(folder: Path) -> list[bytes]:
    import nrrd

    nrrd.write(str(folder / "a.nrrd"), np.float32(_pixels(6, 5, 4)))
    return [(folder / "a.nrrd").read_bytes()]


def _clips(kind: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        from enas_inr.signals.loading import save_signal

        signal = Signal(torch.rand(4, 32, 48, 3) * 2 - 1, "video", "clip", 10)
        path = folder / f"a.{kind}"
        save_signal(load_catalog(), signal, path)
        return [path.read_bytes()]

    return seeds


def hostile(reader: Reader, seeds: list[bytes], random: Random) -> bytes:
    """Return an input for a reader."""
    return reader.mutate(random.choice(seeds), random)


def try_one(reader: Reader, content: bytes, folder: Path, catalog: Catalog) -> None:
    """Read an input in an empty folder; raises whatever is not an error of ours."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / f"a{reader.suffix}"
    path.write_bytes(content)
    try:
        reader.read(path, catalog)
    except EnasInrError as error:
        said = str(error)
        if not said.isprintable() or len(said) > 2_500:
            raise AssertionError(f"not one line of text: {said[:300]!r}") from None
