"""The conformance suite for modalities: files are read as they were written, with clear errors."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from enas_inr.errors import SignalError
from enas_inr.hookspecs import Modality as Description
from enas_inr.signals.quality import psnr_db
from enas_inr.signals.signal import MAX_AXES, Modality, Signal
from enas_inr.testing.plugin import ConformanceError, Plugin, Suite, require
from enas_inr.testing.toys import toy_shape, toy_signal

_NAME = "toy.v2"  # a name with a dot that does not begin a suffix
_LEAST_PSNR_DB = 20.0  # of a smooth signal in a lossy format
_TRUNCATIONS = (0.02, 0.5, 0.9)  # shares of a file that are kept


class ModalitySuite(Suite):
    """The rules for modalities.

    Files are read with the plugin's options and written without options, as in the toolkit. Give
    only options with which a file is read as it was written.
    """

    def test_what_it_holds_is_described(self, plugin: Plugin) -> None:
        """The description states suffixes, numbers of axes and numbers of channels."""
        described = _described(plugin)
        suffixes = described.suffixes
        require(bool(suffixes), "the description has no suffixes; list those of the files it reads")
        require(
            len(set(suffixes)) == len(suffixes),
            f"the suffixes {suffixes} repeat one of them; list each suffix once",
        )
        require(
            bool(described.axes) and all(1 <= axes <= MAX_AXES for axes in described.axes),
            f"axes is {described.axes}; declare one or more numbers from 1 to {MAX_AXES}",
        )
        require(
            all(channels >= 1 for channels in described.channels),
            f"channels is {described.channels}; give numbers of at least 1, or none if any number "
            "can be written",
        )

    def test_it_writes_what_it_declares(self, plugin: Plugin, tmp_path: Path) -> None:
        """Every declared number of axes and of channels can be written with at least one suffix."""
        written = {signal.values.shape for _, signal in _files(plugin, tmp_path)}
        for signal in _toys(plugin):
            shape = tuple(signal.values.shape)
            require(
                shape in written,
                f"no format can store a signal of shape {shape} (the last number counts channels); "
                "write it, or do not declare it",
            )

    def test_what_is_written_is_read_again(self, plugin: Plugin, tmp_path: Path) -> None:
        """A written file is read with the same shape and sample rate and nearly the same values.

        Lossy formats may change values slightly, and may return one channel as several equal ones.
        """
        for path, signal in _files(plugin, tmp_path):
            _require_same(path, _read(plugin, path), signal)

    def test_signals_are_sound(self, plugin: Plugin, tmp_path: Path) -> None:
        """A signal that is read has finite float32 values in [-1, 1] and names its modality."""
        for path, _ in _files(plugin, tmp_path):
            read = _read(plugin, path)
            try:
                read.check()
            except SignalError as error:
                raise ConformanceError(f"{path.name} gives an invalid signal: {error}") from None
            require(
                read.modality == plugin.name,
                f"{path.name} is read with modality {read.modality!r}; set {plugin.name!r}",
            )

    def test_reading_is_repeatable(self, plugin: Plugin, tmp_path: Path) -> None:
        """A file gives equal values each time it is read, so that a study recognises its signal."""
        for path, _ in _files(plugin, tmp_path):
            first, second = (_read(plugin, path).info().fingerprint for _ in range(2))
            require(
                first == second,
                f"{path.name} has other values when it is read again; read deterministically",
            )

    def test_a_signal_has_its_files_name(self, plugin: Plugin, tmp_path: Path) -> None:
        """A signal has the name of its file without the suffix, in lower or upper case."""
        for path, signal in _files(plugin, tmp_path):
            upper = path.with_name(_NAME + _suffix(plugin, path).upper())
            _write(plugin, signal, upper)
            for file in (path, upper):
                name = _read(plugin, file).name
                require(name == _NAME, f"{file.name} is read with name {name!r}; use {_NAME!r}")

    def test_meta_is_json_and_survives(self, plugin: Plugin, tmp_path: Path) -> None:
        """The content of `meta` is JSON, and is unchanged after writing and reading.

        If a lossy format changes the values, floats in `meta` that were computed from them may
        change.
        """
        import torch

        for path, _ in _files(plugin, tmp_path):
            first = _read(plugin, path)
            try:
                as_json = json.loads(json.dumps(dict(first.meta), allow_nan=False))
            except (TypeError, ValueError) as error:
                raise ConformanceError(f"meta {first.meta!r} of {path.name}: {error}") from None
            require(
                as_json == first.meta,
                f"meta {first.meta!r} of {path.name} becomes {as_json!r} in JSON; use lists, "
                "and strings as keys",
            )
            _write(plugin, first, path)
            again = _read(plugin, path)
            exact = torch.equal(again.values, first.values)
            require(
                again.meta == first.meta if exact else _alike(again.meta, first.meta),
                f"meta {first.meta!r} of {path.name} becomes {again.meta!r} when it is written and "
                "read again; keep it",
            )
            _require_same(path, again, first)

    def test_damaged_files_are_refused(self, plugin: Plugin, tmp_path: Path) -> None:
        """A missing, empty, truncated or foreign file, or a folder, gives a one-line error."""
        folder = tmp_path / "broken"
        folder.mkdir()
        noise = random.Random(0).randbytes(2000)
        for suffix in _described(plugin).suffixes:
            _refuses_to_read(plugin, folder / f"missing{suffix}", "a missing file")
            (folder / f"folder{suffix}").mkdir()
            _refuses_to_read(plugin, folder / f"folder{suffix}", "a folder")
            for what, content in {
                "an empty file": b"",
                "one byte": b"\0",
                "text": b"not a signal\n" * 150,
                "noise": noise,
                "zeros": bytes(2000),
            }.items():
                _refuses_to_read(plugin, _put(folder / f"broken{suffix}", content), what)
        for path, _ in _files(plugin, tmp_path):
            content = path.read_bytes()
            for share in _TRUNCATIONS:
                part = _put(folder / path.name, content[: int(len(content) * share)])
                _refuses_to_read(plugin, part, f"the first {share:.0%} of a file")

    def test_what_it_cannot_write_is_refused(self, plugin: Plugin, tmp_path: Path) -> None:
        """An unknown suffix, NaN or a wrong shape gives a one-line error and changes no file."""
        path, signal = next(_files(plugin, tmp_path))
        broken = signal.values.clone()
        broken.view(-1)[-1] = float("nan")
        unwritable = [
            (path.with_name("a.no-such-suffix"), signal, "an unknown suffix"),
            (tmp_path / "no-such-folder" / path.name, signal, "a file in a missing folder"),
            (path, replace(signal, values=broken), "NaN"),
            (path, replace(signal, values=signal.values[:0]), "a signal without samples"),
        ]
        for axes in set(range(1, MAX_AXES + 1)) - set(_described(plugin).axes):
            other = replace(signal, values=toy_signal(toy_shape(axes), _channels(plugin)[0]).values)
            unwritable.append((path, other, f"a signal of {axes} axes"))
        if _described(plugin).timed:
            unwritable.append((path, replace(signal, sample_rate=None), "a signal without a rate"))
        path.write_bytes(b"content")
        before = set(path.parent.iterdir())
        for target, wrong, what in unwritable:
            _refuses(lambda t=target, w=wrong: _writer(plugin).write(w, t), target, what, "writing")  # type: ignore[misc]
            require(
                path.read_bytes() == b"content",
                f"{what}: the existing file was overwritten; check the signal first, then write "
                "with enas_inr.signals.files.replace_bytes",
            )
            require(
                set(path.parent.iterdir()) == before,
                f"{what}: a partial file is left behind; write with "
                "enas_inr.signals.files.replace_bytes",
            )

    def test_it_goes_from_a_file_to_a_model_and_back(self, plugin: Plugin, tmp_path: Path) -> None:
        """A signal can be fitted, saved, loaded, rendered (also at scale 2) and written."""
        from enas_inr.api.fit import fit
        from enas_inr.model.model import load

        for axes in _described(plugin).axes:
            path, _ = next(f for f in _files(plugin, tmp_path) if f[1].values.ndim == axes + 1)
            signal = _read(plugin, path)
            output = tmp_path / f"{axes}.inr"
            fit(
                signal,
                architecture={"grid": 2, "depth": 1, "width": 8},
                training={"steps": 3},
                device="cpu",
                output=output,
                catalog=plugin.catalog,
            )
            model = load(output, catalog=plugin.catalog)
            for scale in (1, 2):
                _write(plugin, model.render(scale=scale), path)
                _require_scaled(path, _read(plugin, path), signal, scale)


def _described(plugin: Plugin) -> Description:
    described = plugin.provider.description
    assert isinstance(described, Description)
    return described


def _reader(plugin: Plugin) -> Modality:
    made: Modality = plugin.create()
    return made


def _writer(plugin: Plugin) -> Modality:
    made: Modality = plugin.create(options={})
    return made


def _read(plugin: Plugin, path: Path) -> Signal:
    """Read a file that the plugin has written."""
    try:
        return _reader(plugin).read(path)
    except ConformanceError:
        raise
    except Exception as error:
        raise ConformanceError(
            f"cannot read {path.name}, which the plugin wrote: {type(error).__name__}: {error}"
        ) from error


def _write(plugin: Plugin, signal: Signal, path: Path) -> None:
    """Write a signal that the plugin declares that it can write."""
    try:
        _writer(plugin).write(signal, path)
    except Exception as error:
        shape = tuple(signal.values.shape)
        raise ConformanceError(
            f"cannot write {path.name} of shape {shape}: {type(error).__name__}: {error}"
        ) from error


def _channels(plugin: Plugin) -> tuple[int, ...]:
    return _described(plugin).channels or (1, 2)


def _toys(plugin: Plugin) -> Iterator[Signal]:
    described = _described(plugin)
    for axes, channels in itertools.product(described.axes, _channels(plugin)):
        rate = (8000 if axes == 1 else 24) if described.timed else None
        shape = toy_shape(axes)
        yield toy_signal(shape, channels, modality=plugin.name, sample_rate=rate)


def _files(plugin: Plugin, folder: Path) -> Iterator[tuple[Path, Signal]]:
    """Write toy signals with each suffix that can store them; a file may replace the last one."""
    taken = False
    for suffix, signal in itertools.product(_described(plugin).suffixes, _toys(plugin)):
        path = folder / f"{_NAME}{suffix}"
        try:
            _writer(plugin).write(signal, path)
        except SignalError:  # a format may be one that is only read, or hold fewer channels
            continue
        taken = True
        yield path, signal
    require(taken, "no format can store any declared signal; write at least one format")


def _suffix(plugin: Plugin, path: Path) -> str:
    return max((s for s in _described(plugin).suffixes if path.name.endswith(s)), key=len)


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _require_same(path: Path, read: Signal, written: Signal) -> None:
    channels = read.values.shape[-1]
    if written.values.shape[-1] == 1 and read.values.ndim == written.values.ndim:
        written = replace(
            written, values=written.values.expand(*written.values.shape[:-1], channels)
        )
    _require_scaled(path, read, written, 1)
    psnr = psnr_db(read.values, written.values)
    require(
        psnr >= _LEAST_PSNR_DB,
        f"{path.name} has other values than were written (PSNR {psnr:.1f} dB); keep the meaning of "
        "-1 and 1",
    )


def _require_scaled(path: Path, read: Signal, written: Signal, scale: int) -> None:
    *axes, channels = written.values.shape
    shape = (*(scale * n for n in axes), channels)
    require(
        tuple(read.values.shape) == shape,
        f"{path.name} is read with shape {tuple(read.values.shape)}, but was written with {shape}",
    )
    rate = None if written.sample_rate is None else scale * written.sample_rate
    require(
        read.sample_rate == rate,
        f"{path.name} is read with sample rate {read.sample_rate}, but was written with {rate}",
    )


def _alike(a: object, b: object) -> bool:
    """Whether two JSON values are equal except for floats."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_alike, a, b))
    return type(a) is type(b) and (isinstance(a, float) or a == b)


def _refuses_to_read(plugin: Plugin, path: Path, what: str) -> None:
    _refuses(lambda: _reader(plugin).read(path), path, what, "reading")


def _refuses(call: Callable[[], object], path: Path, what: str, doing: str) -> None:
    suffix = "".join(path.suffixes)
    try:
        call()
    except SignalError as error:
        require(
            path.name in str(error) and "\n" not in str(error) and bool(error.hint),
            f"{doing} {what} ({suffix}) gives the error {str(error)!r}; name the file and say what "
            "to do, in one line",
        )
    except Exception as error:
        raise ConformanceError(
            f"{doing} {what} ({suffix}) raises {type(error).__name__}: {error}; raise SignalError"
        ) from error
    else:
        raise ConformanceError(f"{doing} {what} ({suffix}) raises no error; raise SignalError")
