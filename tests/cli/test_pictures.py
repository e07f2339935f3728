"""What a picture's file says goes through the model, from `fit` to `render`."""

import numpy as np
from PIL import Image, ImageCms

from tests.command_line import call
from tests.signals.pictures.picture_files import oiio_read, oiio_write, pixels

TINY = "--grid 2 --width 4 --depth 1 --steps 2"


def rendered(name, suffix, options=""):
    """Fit a file and render its model; return what both said."""
    fitted = call(f"fit {name} {TINY} -o model.inr --force -q {options}")
    assert fitted.code == 0, fitted.err
    drawn = call(f"render model.inr -o out{suffix} --scale 2 --force -q")
    assert drawn.code == 0, drawn.err


def test_a_colour_profile_and_the_resolution_reach_the_rendering(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels(16, 16, 3)).save("in.png", icc_profile=profile, dpi=(300, 300))
    rendered("in.png", ".png")
    with Image.open("out.png") as image:
        assert image.size == (32, 32)
        assert image.info["icc_profile"] == profile
        np.testing.assert_allclose(image.info["dpi"], (600, 600), atol=0.02)


def test_the_type_and_the_range_of_floats_reach_the_rendering(tmp_path):
    original = np.random.default_rng(0).random((16, 16, 3)).astype(np.float32) * 90 - 30
    oiio_write("in.tif", original)
    rendered("in.tif", ".exr")
    written = oiio_read("out.exr")
    assert written.dtype == np.float32
    assert original.min() <= written.min() < written.max() <= original.max()
    assert abs(written.mean() - original.mean()) < 30


def test_16_bits_reach_the_rendering(tmp_path):
    oiio_write("in.png", pixels(16, 16, 3, dtype=np.uint16))
    rendered("in.png", ".tif")
    assert oiio_read("out.tif").dtype == np.uint16


def test_a_page_is_chosen_by_an_option(tmp_path):
    pages = [Image.new("RGB", size) for size in ((16, 16), (20, 24))]
    pages[0].save("in.tif", save_all=True, append_images=pages[1:])
    rendered("in.tif", ".png", "--signal-option page=2")
    with Image.open("out.png") as image:
        assert image.size == (40, 48)
    refused = call(f"fit in.tif {TINY} -o other.inr --signal-option page=3")
    assert (refused.code, refused.err.count("\n")) == (3, 1)
    assert "there is no page 3, since it holds 2 pictures" in refused.err


def test_nan_is_refused_before_anything_is_trained(tmp_path):
    original = np.ones((16, 16, 1), np.float32)
    original[3, 4] = np.nan
    oiio_write("in.tif", original, "Y")
    refused = call(f"fit in.tif {TINY} -o model.inr")
    assert (refused.code, refused.err.count("\n")) == (3, 1)
    assert "1 NaN or infinite value among 256" in refused.err
