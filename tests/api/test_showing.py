"""What results show of themselves, and how a caller watches and ends long work."""

import re
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

import enas_inr
from enas_inr.api import watching
from enas_inr.errors import SpecError
from tests.signals.pictures.picture_files import pixels

matplotlib.use("agg")

SPACE: dict[str, Any] = {"search": {"grid": [2]}, "widths": [4, 6], "depths": [1], "repeats": 1}
SEARCH: dict[str, Any] = SPACE | {"steps": 3, "strategy": "exhaustive", "racing": False}
FIT: dict[str, Any] = {"grid": 2, "width": 4, "depth": 1, "steps": 2}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    storage = tmp_path_factory.mktemp("shown") / "study.db"
    return enas_inr.search(pixels(12, 10, 3), storage=str(storage), study="<shown>", **SEARCH)


def fitted(signal, tmp_path, **given):
    return enas_inr.fit(signal, output=tmp_path / "m.inr", **(FIT | given))


def test_reprs_are_one_short_line(found, tmp_path):
    fit = fitted(pixels(8, 8, 3), tmp_path)
    many = enas_inr.fit_many([pixels(8, 8, 3)], output=tmp_path / "many", **FIT)
    for result in (found, found.best, fit, fit.model, many):
        assert len(repr(result)) < 200
        assert "\n" not in repr(result)
    assert "siren M=2 d=1 w=4" in repr(fit.model)
    assert f"{fit.metrics['psnr_db']:.2f} dB" in repr(fit.model)
    assert "2 trials" in repr(found)


def test_a_search_shows_its_winner_its_picture_the_trace_and_the_curves(found):
    shown = found._repr_html_()
    assert f"best: {found.best.trial.ensemble.label()}" in shown
    assert "data:image/png;base64," in shown
    for result in found.trials:
        assert result.trial.ensemble.label() in shown
        assert f"{result.psnr_db:.2f}" in shown
    assert shown.count("<polyline") == 2
    assert "&lt;shown&gt;" in shown
    assert "<shown>" not in shown
    assert "<polyline" in found.best._repr_html_()


def test_what_is_shown_of_many_trials_is_bounded(found):
    from dataclasses import replace

    many = replace(found, trials=found.trials * 1000, trace=())
    assert len(re.findall("<tr>", many._repr_html_())) < 30
    step = replace(found.trace[0], candidates=found.trials * 1000)
    assert len(replace(found, trace=(step,))._repr_html_()) < 1_000_000


def test_models_show_a_picture_or_a_player(tmp_path):
    picture = fitted(pixels(8, 8, 3), tmp_path)._repr_html_()
    assert "data:image/png;base64," in picture
    noise = np.random.default_rng(0).uniform(-1, 1, 200).astype(np.float32)
    sound = fitted(noise, tmp_path, sample_rate=800, force=True).model
    assert "<audio controls" in sound._repr_html_()
    assert str(tmp_path / "m.inr") in picture


def test_plots_are_axes_of_matplotlib(found, tmp_path):
    from matplotlib import pyplot

    model = fitted(pixels(8, 8, 3), tmp_path).model
    axes = pyplot.subplots()[1]
    assert found.plot(ax=axes) is axes
    assert len(axes.collections) == 2
    assert found.best.plot().get_ylabel() == "PSNR (dB)"
    assert model.plot().images[0].get_array().shape == (8, 8, 3)
    pyplot.close("all")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_a_rendering_has_the_type_and_the_range_of_the_array(dtype, tmp_path):
    numbers = (np.random.default_rng(0).random((9, 8)) * 200).astype(dtype)
    limits = None if dtype.startswith("u") else (-100.0, 300.0)
    model = fitted(numbers, tmp_path, range=limits).model
    low, high = limits or (0, np.iinfo(dtype).max)
    rendered = enas_inr.render(model).numpy()
    assert rendered.dtype == numbers.dtype
    assert rendered.shape == numbers.shape
    expected = low + (model.render().values[..., 0].clamp(-1, 1).double() + 1) / 2 * (high - low)
    np.testing.assert_allclose(rendered, expected, atol=0.51 if dtype != "float32" else 1e-3)


def test_sounds_of_integers_are_what_a_file_of_them_would_be(tmp_path):
    numbers = np.array([0, 16384, -32768, 32767], np.int16).repeat(8)
    model = fitted(numbers, tmp_path, sample_rate=8000).model
    header = model.header
    assert (header.signal.modality, header.signal.sample_rate) == ("audio", 8000)
    taken = enas_inr.Signal(torch.from_numpy(numbers / 32768).float()[:, None], "audio", "s", 8000)
    assert header.signal.fingerprint == taken.info().fingerprint
    assert model.render().numpy().dtype == np.int16


def test_tensors_pictures_of_pillow_and_paths_are_signals(tmp_path):
    numbers = pixels(9, 8, 3)
    picture = Image.fromarray(numbers)
    picture.save(tmp_path / "p.png")
    given = [numbers, torch.from_numpy(numbers).permute(2, 0, 1), picture, tmp_path / "p.png"]
    prints = {fitted(one, tmp_path, force=True).model.header.signal.fingerprint for one in given}
    assert len(prints) == 1
    assert np.array_equal(np.asarray(enas_inr.render(tmp_path / "m.inr").to_pil()).shape, (9, 8, 3))


def test_a_volume_is_an_array_with_its_modality(tmp_path):
    pytest.importorskip("enas_inr_volume")
    numbers = np.random.default_rng(0).normal(size=(4, 5, 6)) * 100
    model = fitted(numbers, tmp_path, modality="volume").model
    rendered = model.render().numpy()
    assert (rendered.shape, rendered.dtype) == (numbers.shape, numbers.dtype)
    assert numbers.min() <= rendered.min() <= rendered.max() <= numbers.max()
    enas_inr.render(model, output=tmp_path / "v.nii.gz")
    assert (tmp_path / "v.nii.gz").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sample_rate": 8000}, "sample_rate does not apply to a file"),
        ({"range": (0, 1)}, "range does not apply to a file"),
        ({"modality": "image"}, "modality does not apply to a file"),
    ],
)
def test_settings_of_arrays_are_not_those_of_files(given, said):
    with pytest.raises(SpecError, match=said):
        enas_inr.fit("sample:photo", **given)


def test_an_empty_range_or_one_that_is_passed_is_refused():
    with pytest.raises(enas_inr.errors.SignalError, match=r"range \(1, 1\) is empty"):
        enas_inr.fit(np.zeros((4, 4)), range=(1, 1))
    with pytest.raises(enas_inr.errors.SignalError, match="from 0 to 7, not 0 to 5"):
        enas_inr.fit(np.array([[0.0, 7.0]]), range=(0, 5))


def test_a_file_is_rendered_and_written_in_one_call(tmp_path):
    fitted(pixels(8, 8, 3), tmp_path)
    enas_inr.render(tmp_path / "m.inr", scale=2, output=tmp_path / "big.png")
    assert Image.open(tmp_path / "big.png").size == (16, 16)
    with pytest.raises(enas_inr.errors.ModelError, match="exists"):
        enas_inr.render(tmp_path / "m.inr", output=tmp_path / "big.png")
    with pytest.raises(SpecError, match="a model cannot be of type int; give an"):
        enas_inr.render(3)  # type: ignore[arg-type]


def test_the_public_names_are_listed_before_they_are_imported():
    assert dir(enas_inr) == sorted(enas_inr.__all__)


def test_a_callback_hears_of_each_trial_and_can_stop_the_search(tmp_path):
    heard: list[Any] = []
    given = SEARCH | {"storage": str(tmp_path / "s.db"), "widths": range(4, 16)}
    stops = enas_inr.search(
        pixels(8, 8, 3),
        on_trial=lambda result: stopping(heard, result),
        **given,
    )
    assert 1 <= len(heard) == len(stops.trials) < 12
    assert not stops.interrupted
    heard.clear()
    whole = enas_inr.search(pixels(8, 8, 3), on_trial=heard.append, **given)
    assert len(whole.trials) == 12
    assert [one.trial.number for one in heard] == [one.trial.number for one in whole.trials][
        -len(heard) :
    ]


def stopping(heard, result):
    heard.append(result)
    return True


def interrupted_after(count):
    heard = []

    def interrupt(result):
        heard.append(result)
        if len(heard) == count:
            raise KeyboardInterrupt

    return interrupt


@pytest.mark.parametrize("person", [True, False])
def test_an_interrupt_returns_the_result_so_far_to_a_person_only(person, tmp_path, monkeypatch):
    monkeypatch.setattr("enas_inr.api.search.interactive", lambda: person)
    given = SEARCH | {"storage": str(tmp_path / "s.db"), "widths": range(4, 16)}
    if not person:
        with pytest.raises(KeyboardInterrupt):
            enas_inr.search(pixels(8, 8, 3), on_trial=interrupted_after(2), **given)
    else:
        found = enas_inr.search(pixels(8, 8, 3), on_trial=interrupted_after(2), **given)
        assert found.interrupted
        assert "interrupted" in repr(found)
        assert 2 <= len(found.trials) < 12
        assert found.best in found.trials
    again = enas_inr.search(pixels(8, 8, 3), **given)
    assert len(again.trials) == 12
    assert not again.interrupted


def test_an_interrupted_fit_returns_what_is_trained_and_goes_on(tmp_path, monkeypatch):
    """Ctrl-C is noticed between steps, so that the checkpoint is whole."""
    import signal

    monkeypatch.setattr(watching, "interactive", lambda: True)
    before = signal.getsignal(signal.SIGINT)
    pressed: list[bool] = []

    def press(progress):
        if not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    given = FIT | {"steps": 3000, "output": tmp_path / "m.inr"}
    part = enas_inr.fit(pixels(16, 16, 3), on_progress=press, progress=False, **given)
    assert not part.finished
    assert "interrupted" in repr(part)
    assert part.model.render().values.shape == (16, 16, 3)
    assert part.checkpoint.exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_bar_shows_trials_and_the_best_so_far(tmp_path, capsys):
    enas_inr.search(pixels(8, 8, 3), progress=True, storage=str(tmp_path / "s.db"), **SEARCH)
    shown = capsys.readouterr().err
    assert "2 trials: 100%" in shown
    assert "best siren M=2 d=1" in shown
    enas_inr.search(pixels(8, 8, 3), storage=str(tmp_path / "s.db"), **SEARCH)
    assert capsys.readouterr().err == ""


def test_a_notebook_is_known_by_its_shell(monkeypatch):
    import sys

    monkeypatch.delattr(sys, "ps1", raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not watching.interactive()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object()))
    assert watching.interactive()
