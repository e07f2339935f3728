"""Sets of signals: how they are named, found and read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from enas_inr.api.reading import take_set
from enas_inr.errors import SignalError, SpecError
from enas_inr.executors.base import TrialProgress
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals import sets
from enas_inr.signals.sets import find_sources, is_set, names_of, numbered
from enas_inr.studies.settings import SetSettings


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.fixture
def folder(tmp_path):
    """A folder with pictures, one of them in a folder of its own, and other files."""
    for number, name in enumerate(("b.png", "a.png", "more/c.png")):
        save(tmp_path / "pictures" / name, number)
    (tmp_path / "pictures/notes.md").write_text("none")
    (tmp_path / "pictures/.hidden.png").write_text("none")
    return tmp_path / "pictures"


def save(path: Path, seed: int, size: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_folder_has_the_signals_below_it_in_the_order_of_their_paths(catalog, folder):
    found = find_sources(catalog, [str(folder)])
    assert [Path(source).name for source in found.sources] == ["a.png", "b.png", "c.png"]
    assert found.left_out == (
        f"{folder}: 1 file is left out, since no modality reads it: notes.md",
    )


@pytest.mark.parametrize("pattern", [False, True])
def test_with_a_modality_files_have_any_suffix(catalog, tmp_path, pattern):
    files = [tmp_path / f"{name}.img" for name in "ab"]
    for number, file in enumerate(files):
        save(file.with_suffix(".png"), number).rename(file)
    named = [str(tmp_path / "*.img")] if pattern else [str(file) for file in files]
    with pytest.raises(SignalError, match="img"):
        take_set(catalog, named, SetSettings())
    signals = take_set(catalog, named, SetSettings(signal_options={"modality": "image"}))
    assert [info.name for info in signals.infos] == ["a", "b"]
    assert signals[1].modality == "image"


def test_patterns_lists_and_groups(catalog, folder, tmp_path):
    named = tmp_path / "list.txt"
    named.write_text("# mine\npictures/b.png\n\nsample:photo\n")
    assert find_sources(catalog, [str(named)]).sources == (str(folder / "b.png"), "sample:photo")
    assert len(find_sources(catalog, [f"{folder}/*.png"]).sources) == 2
    assert len(find_sources(catalog, [f"{folder}/**/*.png"]).sources) == 3
    assert len(find_sources(catalog, ["samples:photos"]).sources) == 8
    assert find_sources(catalog, [str(folder)], limit=2).sources == (
        str(folder / "a.png"),
        str(folder / "b.png"),
    )


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["sample:photo"], False),
        (["sample:photo", "sample:cat"], True),
        (["samples:photos"], True),
        (["paths.txt"], True),
        (["*.png"], True),
        (["."], True),
        (["photo.png"], False),
    ],
)
def test_what_counts_as_a_set(named, expected):
    assert is_set(named) is expected


def test_an_empty_folder_and_an_empty_pattern(catalog, tmp_path):
    (tmp_path / "notes.md").write_text("none")
    with pytest.raises(SignalError, match=r"has no signals among 1 file; give files with one of"):
        find_sources(catalog, [str(tmp_path)])
    with pytest.raises(SignalError, match=r"pattern .* has no signals"):
        find_sources(catalog, [str(tmp_path / "*.png")])
    with pytest.raises(SignalError, match="unknown samples 'photo'; did you mean 'photos'"):
        find_sources(catalog, ["samples:photo"])


def test_a_signal_that_is_named_twice(catalog, folder):
    twice = [str(folder), str(folder / "more" / ".." / "a.png")]
    with pytest.raises(SpecError, match="named twice; name it once, or --skip-bad"):
        find_sources(catalog, twice)
    found = find_sources(catalog, twice, skip_bad=True)
    assert len(found.sources) == 3
    assert "named twice" in found.left_out[-1]


def test_signals_of_two_modalities(catalog, folder):
    with pytest.raises(SignalError, match=r"2 modalities: 3 image \(.*a.png\), 1 audio \(sample:"):
        find_sources(catalog, [str(folder), "sample:chord"])


def test_ten_thousand_paths_are_found_without_reading_them(catalog, tmp_path):
    named = tmp_path / "list.txt"
    named.write_text("\n".join(f"{number}.png" for number in range(10_000)))
    found = find_sources(catalog, [str(named)])
    assert len(found.sources) == len(set(names_of(found.sources))) == 10_000


def test_names_tell_signals_apart():
    assert names_of(["x/a.png", "x/b.png"]) == ("a", "b")
    assert names_of(["x/a.png", "x/a.jpg"]) == ("a.png", "a.jpg")
    assert names_of(["x/1/a.png", "x/2/a.png"]) == ("1/a", "2/a")
    assert names_of(["sample:cat", "sample:photo"]) == ("cat", "photo")


def test_a_broken_signal_is_an_error_or_left_out(catalog, folder):
    (folder / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(SignalError, match=r"broken.png.*--skip-bad"):
        take_set(catalog, [folder], SetSettings())
    said: list[str] = []
    found = take_set(catalog, [folder], SetSettings(skip_bad=True), say=said.append)
    assert [info.name for info in found.infos] == ["a", "b", "c"]
    assert any("broken.png" in line for line in said)


def test_signals_with_the_same_values(catalog, folder):
    (folder / "copy.png").write_bytes((folder / "a.png").read_bytes())
    with pytest.raises(SignalError, match="'a' and 'copy' are the same"):
        take_set(catalog, [folder], SetSettings())


def test_signals_are_read_when_they_are_needed(catalog, folder, monkeypatch):
    found = take_set(catalog, [folder], SetSettings(), default="none")
    assert len(found) == 3
    first = found[0]
    assert found[0] is first
    monkeypatch.setattr(sets, "KEPT_BYTES", 1)
    assert found[1].values.shape == (8, 8, 3)
    assert list(found.kept) == [1]
    save(folder / "a.png", seed=9)
    with pytest.raises(SignalError, match="'a' has changed"):
        found[0]


@pytest.mark.parametrize(
    ("names", "made"),
    [
        (["a", "b"], ("a", "b")),
        (["a", "a", "a"], ("a", "a-2", "a-3")),
        (["a-2", "a", "a"], ("a-2", "a", "a-3")),
        (["a", "a", "a-2"], ("a", "a-2", "a-2-2")),
    ],
)
def test_numbered_names_are_all_different(names, made):
    assert numbered(names) == made


def test_the_progress_of_reading_is_told(catalog, folder):
    told: list[TrialProgress] = []
    take_set(catalog, [folder], SetSettings(), on_progress=told.append)
    assert [progress.done for progress in told] == [0.0, 1 / 3, 2 / 3]
    assert {progress.label for progress in told} == {"reading 3 signals"}


@pytest.mark.parametrize("name", ["a\0b*", "a\0b", "x" * 300, "[" * 300 + "*", "x/" * 3000])
def test_names_that_no_file_can_have_are_refused(name, catalog, tmp_path):
    """Found by `make fuzz`."""
    for ask in (lambda: is_set([name]), lambda: find_sources(catalog, [name])):
        with pytest.raises(SignalError, match="cannot be read"):
            ask()
    (tmp_path / "list.txt").write_text(f"{name}\n")
    with pytest.raises(SignalError, match="cannot be read"):
        find_sources(catalog, [str(tmp_path / "list.txt")])
