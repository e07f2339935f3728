import os

import numpy as np
import pytest
import torch
from PIL import Image

from enas_inr.errors import PluginError, SignalError, SpecError
from enas_inr.hookspecs import Modality as Description
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.plugins.provider import Origin, Provider
from enas_inr.signals.files import replace_bytes
from enas_inr.signals.loading import load_signal, original_size, save_signal
from enas_inr.signals.signal import Modality, Signal


class Volume(Modality):
    """A modality of another author."""

    def read(self, path):
        return Signal(torch.zeros(2, 2, 2, 1), "volume", path.name)

    def write(self, signal, path):
        replace_bytes(path, b"volume")


def described(name, *suffixes, target="Volume"):
    description = Description(
        name=name, summary="a test", target=f"{__name__}:{target}", suffixes=suffixes
    )
    return Provider(description, Origin("test", "1", "test"))


@pytest.fixture
def catalog():
    ours = load_catalog(plugins=False)
    return Catalog((*ours.providers, described("volume", ".vol", ".vol.gz")))


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "picture.PNG"
    Image.fromarray(np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)).save(path)
    return path


def test_the_suffix_decides_the_modality(catalog, png, tmp_path):
    image = load_signal(catalog, str(png))
    assert (image.modality, image.name, image.values.shape) == ("image", "picture", (6, 8, 3))
    for name in ("a.vol", "a.vol.gz"):
        (tmp_path / name).touch()
        assert load_signal(catalog, str(tmp_path / name)).modality == "volume"


def test_options_reach_the_modality(catalog, png):
    assert load_signal(catalog, str(png), {"size": [4, 3]}).values.shape == (3, 4, 3)
    photo = load_signal(catalog, "sample:photo", {"size": [20, 10]})
    assert (photo.name, photo.values.shape) == ("photo", (10, 20, 3))


def test_a_wrong_option_is_refused(catalog, png):
    with pytest.raises(SpecError, match="did you mean 'size'"):
        load_signal(catalog, str(png), {"sise": [4, 3]})
    with pytest.raises(SpecError, match="at least 1"):
        load_signal(catalog, str(png), {"size": [0, 3]})


def test_options_that_do_not_apply_are_refused(catalog, tmp_path):
    path = tmp_path / "a.wav"
    save_signal(catalog, load_signal(catalog, "sample:chord"), path)
    with pytest.raises(SpecError, match="'size' does not apply to audio"):
        load_signal(catalog, str(path), {"size": [4, 3]})
    with pytest.raises(SpecError, match="'size' does not apply to sample:chord"):
        load_signal(catalog, "sample:chord", {"size": [4, 3]})


def test_an_unknown_sample_names_the_nearest(catalog):
    with pytest.raises(SignalError, match="'foto'; did you mean 'photo'"):
        load_signal(catalog, "sample:foto")
    with pytest.raises(SignalError, match="choose one of: astronaut, brick, cameraman, cat, cell,"):
        load_signal(catalog, "sample:")


def test_a_path_that_is_no_file_is_refused(catalog, tmp_path):
    for source in (str(tmp_path / "missing.png"), "a\0.png", "a" * 5000, ""):
        with pytest.raises(SignalError, match=r"cannot be read|is a directory"):
            load_signal(catalog, source)
    with pytest.raises(SignalError, match="is a directory; give a file"):
        load_signal(catalog, str(tmp_path))


def test_an_unknown_suffix_lists_the_readable_ones(catalog, tmp_path):
    for name in ("a.xyz", "a"):
        (tmp_path / name).touch()
        with pytest.raises(SignalError, match=r"\.flac, .*\.png, .*\.vol, .*\.wav"):
            load_signal(catalog, str(tmp_path / name))


def test_two_modalities_of_one_suffix_are_both_named(catalog, tmp_path):
    (tmp_path / "a.vol").touch()
    both = Catalog((*catalog.providers, described("scan", ".vol")))
    with pytest.raises(PluginError, match=r"suffix '\.vol' is provided by .* and by .*; uninstall"):
        load_signal(both, str(tmp_path / "a.vol"))


def test_a_target_that_is_no_modality_is_named(tmp_path):
    (tmp_path / "a.vol").touch()
    wrong = Catalog((described("scan", ".vol", target="dict"),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "dict", dict)
        with pytest.raises(PluginError, match=r"'scan' of test 1: .* is not derived from"):
            load_signal(wrong, str(tmp_path / "a.vol"))


def test_a_signal_is_saved_by_its_own_modality(catalog, png, tmp_path):
    image = load_signal(catalog, str(png))
    save_signal(catalog, image, tmp_path / "b.tif")
    assert torch.equal(load_signal(catalog, str(tmp_path / "b.tif")).values, image.values)
    with pytest.raises(SignalError, match=r"cannot write images as '\.wav'"):
        save_signal(catalog, image, str(tmp_path / "b.wav"))


def test_saving_into_a_missing_directory_is_refused(catalog, png, tmp_path):
    image = load_signal(catalog, str(png))
    with pytest.raises(SignalError, match="cannot be written: No such file"):
        save_signal(catalog, image, tmp_path / "missing" / "b.png")


def test_a_file_is_replaced_whole_with_the_usual_permissions(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"old")
    other.touch()
    replace_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode == other.stat().st_mode
    assert set(os.listdir(tmp_path)) == {"a", "b"}


def test_a_directory_is_not_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(SignalError, match="cannot be written"):
        replace_bytes(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == ["a"]


def test_the_original_size_of_an_image_is_known_without_reading_it(catalog, tmp_path):
    path = tmp_path / "turned.jpg"
    turned = Image.Exif()
    turned[0x0112] = 6  # by a quarter
    Image.new("RGB", (30, 20)).save(path, exif=turned)
    assert original_size(catalog, str(path)) == (20, 30)
    assert load_signal(catalog, str(path)).values.shape == (30, 20, 3)
    assert original_size(catalog, "sample:photo") == (512, 600)
    assert original_size(catalog, "sample:chord") is None


def test_the_original_size_is_that_of_the_modality_that_is_chosen(catalog, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.dat")
    assert original_size(catalog, str(tmp_path / "a.dat"), {"modality": "image"}) == (30, 20)
    assert original_size(catalog, "stack.tif", {"modality": "audio"}) is None
