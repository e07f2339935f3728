"""A browser shows what `render` returns, with WebGL and without."""

import base64

import numpy as np
import pytest
import torch

import enas_inr
from enas_inr.signals.signal import Signal
from tests.viewer.browser import SETTLED, WAIT, browser, chromium

pytest.importorskip("playwright")
pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed")

ENDS = {"": "WebGL2", "?js": "JavaScript"}
PIXELS = """() => {
  const bytes = viewer.painter.pixels();
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
TINY = {"grid": 3, "width": 6, "depth": 1, "steps": 3, "quiet": True}


@pytest.fixture(scope="module")
def chrome():
    with browser() as started:
        yield started


@pytest.fixture
def opened(chrome, tmp_path):
    """Open the page of a model; an error or a warning of the page fails the test."""
    complaints: list[str] = []
    pages = []

    def open_page(model, end="", width=240, height=420, **options):
        path = tmp_path / "page.html"
        enas_inr.view(model, output=path, force=True, **options)
        page = chrome.new_page(viewport={"width": width, "height": height})
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        page.goto(path.as_uri() + end)
        page.wait_for_function(WAIT)
        return page

    yield open_page
    for page in pages:
        page.close()
    # Chromium remarks on reading pixels back, which costs time.
    assert [text for text in complaints if "ReadPixels" not in text] == []


def fitted(signal, folder, **options):
    settings = {name: value for name, value in (TINY | options).items() if name != "quiet"}
    enas_inr.fit(signal, output=folder / "model.inr", **settings)
    return enas_inr.load(folder / "model.inr")


def stored(model, folder, precision="float16"):
    """The model with the numbers that the page has."""
    model.save(folder / "stored.inr", precision=precision, force=True)
    return enas_inr.load(folder / "stored.inr")


def picture():
    rows, columns = torch.meshgrid(
        torch.linspace(-1, 1, 21), torch.linspace(-1, 1, 26), indexing="ij"
    )
    values = torch.stack([rows, (4 * columns).sin(), rows * columns], dim=-1)
    return Signal(values, "image", "<b>picture</b></script>")


def pixels_of(page):
    width, height = page.evaluate("[viewer.canvas.width, viewer.canvas.height]")
    data = base64.b64decode(page.evaluate(PIXELS))
    return np.frombuffer(data, np.uint8).reshape(height, width, 4)


def shades(signal):
    return (signal.values.numpy() * 0.5 + 0.5).clip(0, 1) * 255


def assert_shows(page, model, *, blend, zoom, x, y):
    """Compare the part of the canvas that shows the signal with a rendering."""
    page.evaluate(SETTLED, {"zoom": zoom, "x": x, "y": y, "blend": blend})
    found = pixels_of(page)
    rows, columns = model.header.signal.shape
    height = min(found.shape[0], round((rows - y) * zoom))
    width = min(found.shape[1], round((columns - x) * zoom))
    window = [(y, y + height / zoom), (x, x + width / zoom)]
    expected = shades(model.render(window=window, size=(height, width), blend=blend))
    assert np.abs(found[:height, :width, :3] - expected).max() <= 2
    assert (found[height:] == 0).all()
    assert (found[:, width:] == 0).all()


@pytest.mark.parametrize(("end", "painter"), ENDS.items())
@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier", "finer", "gauss"])
def test_the_pixels_are_those_of_a_rendering(opened, tmp_path, end, painter, backbone):
    if backbone in ("finer", "gauss"):
        pytest.importorskip(f"enas_inr_{backbone}")
    model = fitted(picture(), tmp_path, backbone=backbone, profile="paper")
    page = opened(model, end)
    assert painter in page.inner_text("#status")
    assert page.inner_text("h1") == "<b>picture</b></script>"
    same = stored(model, tmp_path)
    for blend, zoom, x, y in (
        (False, 1, 0, 0),
        (True, 8, 2, 3),
        (False, 64, 11, 9),
        (False, 0.5, 0, 1),
    ):
        assert_shows(page, same, blend=blend, zoom=zoom, x=x, y=y)


UNLAYERED = {
    "dense grids": ("grid", {"features": 3, "finest": 5}),
    "hashed grids": ("grid", {"levels": 3, "finest": 40, "table": 13}),
    "smooth grids": ("grid", {"finest": 9, "table": 11, "interpolation": "smooth", "features": 5}),
    "wavelets": ("wire", {}),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("backbone", "options"), UNLAYERED.values(), ids=UNLAYERED)
def test_the_pixels_of_networks_without_layers_too(opened, tmp_path, end, backbone, options):
    pytest.importorskip(f"enas_inr_{backbone}")
    model = fitted(
        picture(), tmp_path, backbone=backbone, backbone_options=options, steps=40,
        learning_rate=0.02,
    )  # fmt: skip
    for precision, views in (
        ("float16", ((False, 1, 0, 0), (True, 8, 2, 3), (False, 64, 7, 6))),  # borders are at 8, 7
        ("int8", ((False, 8, 2, 3),)),
    ):
        page, same = opened(model, end, precision=precision), stored(model, tmp_path, precision)
        for blend, zoom, x, y in views:
            assert_shows(page, same, blend=blend, zoom=zoom, x=x, y=y)
        page.close()


def test_the_pixels_of_a_page_with_int8_are_those_of_a_model_of_int8(opened, tmp_path):
    model = fitted(picture(), tmp_path)
    page = opened(model, precision="int8")
    assert_shows(page, stored(model, tmp_path, "int8"), blend=True, zoom=8, x=2, y=3)


@pytest.mark.parametrize("end", ENDS)
def test_the_original_is_on_the_left_and_the_error_on_the_right(opened, tmp_path, end):
    signal = picture()
    page = opened(fitted(signal, tmp_path), end, original=signal)
    page.evaluate("viewer.share = 0.5")
    page.evaluate(SETTLED, {"zoom": 4, "x": 0, "y": 0})
    half = min(page.evaluate("viewer.canvas.width") // 8, 26)
    known = shades(signal).round()
    assert np.abs(pixels_of(page)[2:84:4, 2 : 4 * half : 4, :3] - known[:, :half]).max() <= 1
    page.keyboard.press("e")
    page.keyboard.press("o")
    page.evaluate(SETTLED, {"zoom": 4, "x": 0, "y": 0})
    shown = pixels_of(page)[:84, :104]
    assert (shown[..., 3] == 255).all()
    assert (shown[..., 2] <= shown[..., 0]).all()  # black, red, yellow, white


HASHED = {"levels": 2, "finest": 20, "table": 50}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("backbone", "options"), [("siren", {}), ("grid", HASHED)])
def test_a_slice_of_a_volume_is_that_of_a_rendering(opened, tmp_path, end, backbone, options):
    pytest.importorskip("enas_inr_volume")
    if options:
        pytest.importorskip("enas_inr_grid")
    values = torch.rand(5, 7, 9, 1, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scan = Signal(values, "volume", "scan")
    model = fitted(scan, tmp_path, grid=2, backbone=backbone, backbone_options=options, steps=40)
    page = opened(model, end)
    same = stored(model, tmp_path).render().values
    for axis, place in ((0, 3), (1, 2), (2, 8)):
        page.select_option("select", str(axis))
        page.locator("#tools input").fill(str(place))
        page.evaluate(SETTLED, {"zoom": 1, "x": 0, "y": 0, "blend": False})
        expected = (same.select(axis, place)[..., 0].numpy() * 0.5 + 0.5).clip(0, 1) * 255
        rows, columns = expected.shape
        assert np.abs(pixels_of(page)[:rows, :columns, 0] - expected).max() <= 2


@pytest.mark.parametrize(("backbone", "options"), [("siren", {}), ("grid", HASHED)])
def test_the_samples_of_a_sound_are_those_of_a_rendering(opened, tmp_path, backbone, options):
    if options:
        pytest.importorskip("enas_inr_grid")
    time = torch.arange(300) / 8000
    values = torch.stack([(900 * time).sin(), (2000 * time).cos()], dim=-1) / 2
    tone = Signal(values, "audio", "tone", sample_rate=8000)
    model = fitted(tone, tmp_path, backbone=backbone, backbone_options=options, steps=40)
    page = opened(model)
    page.evaluate(SETTLED, {"blend": False})
    found = page.evaluate("viewer.samples.map((channel) => Array.from(channel))")
    expected = stored(model, tmp_path).render().values.clamp(-1, 1)
    assert np.abs(np.array(found).T - expected.numpy()).max() < 1e-3
    page.keyboard.press("+")
    assert page.evaluate(
        "viewer.state.zoom * viewer.length / viewer.canvas.width"
    ) == pytest.approx(2)


def test_keys_move_zoom_and_toggle_on_a_narrow_screen(opened, tmp_path):
    signal = picture()
    page = opened(fitted(signal, tmp_path), width=420, height=700, original=signal)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    before = page.evaluate("viewer.state")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    for key in "ceob":
        page.keyboard.press(key)
    after = page.evaluate("viewer.state")
    assert after["zoom"] == 2 * before["zoom"]
    assert (after["cells"], after["error"]) == (True, True)
    assert after["blend"] != before["blend"]
    assert not page.is_visible("#split")
    assert page.get_attribute("#tools button[aria-keyshortcuts=e]", "aria-pressed") == "true"
    page.keyboard.press("0")
    assert page.evaluate("viewer.state.zoom") == before["zoom"]


def test_the_mouse_moves_and_zooms_about_its_place(opened, tmp_path):
    page = opened(fitted(picture(), tmp_path))
    page.evaluate(SETTLED, {"zoom": 32, "x": 2, "y": 2})
    box = page.locator("canvas").first.bounding_box()
    left, top = box["x"], box["y"]
    page.mouse.move(left + 96, top + 64)
    page.mouse.down()
    page.mouse.move(left + 32, top + 32)
    page.mouse.up()
    state = page.evaluate("viewer.state")
    assert [state["x"], state["y"]] == pytest.approx([4, 3], abs=0.01)
    under = state["x"] + 32 / 32
    page.mouse.wheel(0, -200)
    page.wait_for_function("() => viewer.state.zoom === 64")
    assert page.evaluate("viewer.state.x + 32 / viewer.state.zoom") == pytest.approx(
        under, abs=0.01
    )


def test_two_fingers_zoom_as_far_as_they_part(opened, tmp_path):
    page = opened(fitted(picture(), tmp_path))
    page.evaluate(SETTLED, {"zoom": 16, "x": 2, "y": 2})
    box = page.locator("canvas").first.bounding_box()
    devtools = page.context.new_cdp_session(page)

    def touch(kind, *columns):
        points = [
            {"x": box["x"] + column, "y": box["y"] + 50, "id": number}
            for number, column in enumerate(columns)
        ]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 80, 120)
    touch("touchMove", 60, 140)
    touch("touchEnd")
    page.wait_for_function("() => Math.abs(viewer.state.zoom - 32) < 1e-6")
    # What was between the fingers is still there.
    assert page.evaluate("viewer.state.x + 100 / viewer.state.zoom") == pytest.approx(
        2 + 100 / 16, abs=0.05
    )


def test_the_space_bar_plays_and_stops_a_sound(opened, tmp_path):
    time = torch.arange(80_000) / 8000
    tone = Signal((900 * time).sin().unsqueeze(-1) / 2, "audio", "tone", sample_rate=8000)
    page = opened(fitted(tone, tmp_path, grid=4, steps=1))
    page.keyboard.press(" ")
    page.wait_for_function("() => viewer.audio && viewer.audio.context.state === 'running'")
    page.keyboard.press(" ")
    page.wait_for_function("() => viewer.audio === null")
