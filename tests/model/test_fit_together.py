"""Signals that are fitted together get the models that each of them gets alone."""

from typing import Any

import pytest
import torch

from enas_inr.backbones.siren import Siren
from enas_inr.errors import SpecError, TrainingError
from enas_inr.model.fit_checkpoint import identities_in
from enas_inr.model.fitting import End, FitSpec, Fitted, fit, fit_together
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.signal import Signal
from enas_inr.spec import EnsembleSpec, TrainingSpec

CATALOG = load_catalog(plugins=False)


def waves(speed: float = 1.0, rows: int = 24, columns: int = 20) -> Signal:
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    values = torch.stack([torch.sin(speed * x / 3 + y / 5), torch.cos(x / 4 - speed * y / 6)], -1)
    return Signal(values * 0.8, "image", f"waves {speed}")


SIGNALS = [waves(0.3), waves(3.0), waves(1.0, 17, 20), waves(1.7)]  # two shapes


def asked(steps: int = 130, repeats: int = 1, backbone: str = "siren", **training) -> FitSpec:
    return FitSpec(
        ensemble=EnsembleSpec(backbone=backbone, grid=2, depth=1, width=8),
        training=TrainingSpec(**{"steps": steps, "learning_rate": 3e-2} | training),
        repeats=repeats,
    )


def aiming() -> FitSpec:
    """A target that all but one reach."""
    return asked(steps=300, patience=300).model_copy(update={"target_psnr_db": 22.0})


def together(spec, signals=SIGNALS, **options):
    ends = {}
    fit_together(
        [(signal, spec) for signal in signals],
        lambda number, outcome: ends.update({number: outcome}),
        catalog=CATALOG,
        **options,
    )
    return ends


def assert_equal(ours: Fitted, alone: Fitted) -> None:
    assert isinstance(ours, Fitted)
    assert (ours.end, ours.retried) == (alone.end, alone.retried)
    assert ours.model.header.repeat == alone.model.header.repeat
    assert ours.model.header.training == alone.model.header.training
    assert ours.model.header.signal == alone.model.header.signal
    for mine, its in zip(ours.model.blocks, alone.model.blocks, strict=True):
        assert mine.keys() == its.keys()
        assert all(torch.equal(mine[name], its[name]) for name in its)


def stops_after(rounds):
    left = iter(range(rounds))
    return lambda: next(left, None) is None


@pytest.mark.parametrize(
    "spec",
    [
        asked(),
        asked(repeats=2),
        asked(backbone="fourier", learning_rate=1e-2),  # its frequencies are not trained
        asked(steps=400, patience=13),
        asked(steps=400, patience=9, repeats=3),
        asked(steps=60, optimizer="muon"),
    ],
)
def test_a_model_is_bit_by_bit_that_of_the_signal_alone(spec):
    ends = together(spec)
    assert ends.keys() == set(range(len(SIGNALS)))
    for number, signal in enumerate(SIGNALS):
        alone = fit(signal, spec, catalog=CATALOG)
        assert_equal(ends[number], alone)
        assert ends[number].steps == alone.steps
    if spec.training.patience < 100:
        assert len({ended.steps for ended in ends.values()}) > 1


def test_each_signal_stops_at_the_target_on_its_own():
    spec = aiming()
    ends = together(spec)
    assert len({ended.steps for ended in ends.values()}) > 1
    assert [ended.end for ended in ends.values()].count(End.TARGET) == 3
    for number, signal in enumerate(SIGNALS):
        assert_equal(ends[number], fit(signal, spec, catalog=CATALOG))


def diverging(monkeypatch) -> FitSpec:
    """Only fits of the smaller cells get a rate that is far too high."""
    rate = {10 * 12: 1e-2, 10 * 9: 30.0}
    monkeypatch.setattr(Siren, "learning_rate", lambda self, shape, points, steps: rate[points])
    return asked(learning_rate=None, defaults="fitted", patience=130)


def test_what_diverges_is_repeated_at_a_quarter_and_nothing_else(monkeypatch):
    spec = diverging(monkeypatch)
    ends = together(spec)
    assert [ends[number].retried for number in range(4)] == [False, False, True, False]
    for number, signal in enumerate(SIGNALS):
        assert_equal(ends[number], fit(signal, spec, catalog=CATALOG))


@pytest.mark.parametrize("stops", [[1], [4, 1], [9, 2, 2, 1]])
@pytest.mark.parametrize("kind", ["plain", "diverging", "patience", "target"])
def test_interrupted_fits_become_what_undisturbed_ones_do(tmp_path, monkeypatch, kind, stops):
    spec = {
        "plain": lambda: asked(repeats=2),
        "diverging": lambda: diverging(monkeypatch),
        "patience": lambda: asked(steps=400, patience=13, repeats=2),
        "target": aiming,
    }[kind]()
    path, left = tmp_path / "c", list(range(len(SIGNALS)))
    ends: dict[int, Fitted] = {}
    for rounds in [*stops, 10**9]:
        found = together(
            spec,
            [SIGNALS[number] for number in left],
            checkpoint=path,
            should_stop=stops_after(rounds),
        )
        finished = {left[n]: one for n, one in found.items() if one.finished}
        assert not ends.keys() & finished.keys()
        ends |= finished
        left = [number for number in left if number not in ends]
        assert path.exists() == bool(left)
        if left:
            assert len(set(identities_in(path))) == len(left)
    assert not left
    for number, signal in enumerate(SIGNALS):
        assert_equal(ends[number], fit(signal, spec, catalog=CATALOG))


def test_a_signal_that_is_added_later_is_trained_beside_what_goes_on(tmp_path):
    path = tmp_path / "c"
    together(asked(), SIGNALS[:2], checkpoint=path, should_stop=stops_after(3))
    ends = together(asked(), SIGNALS[1:], checkpoint=path)
    assert not path.exists()
    for number, signal in enumerate(SIGNALS[1:]):
        assert_equal(ends[number], fit(signal, asked(), catalog=CATALOG))


def test_another_checkpoint_is_refused(tmp_path):
    path = tmp_path / "c"
    together(asked(), SIGNALS[:2], checkpoint=path, should_stop=stops_after(1))
    with pytest.raises(TrainingError, match="belongs to another fit; remove it"):
        together(asked(), SIGNALS[2:], checkpoint=path)


def test_an_error_of_one_signal_is_its_own():
    wrong = asked().model_copy(update={"ensemble": EnsembleSpec(options={"omega": 1})})
    ends: dict[int, Any] = {}
    pairs = [(SIGNALS[0], asked()), (SIGNALS[0], wrong), (SIGNALS[1], asked())]
    fit_together(pairs, ends.__setitem__, catalog=CATALOG)
    assert isinstance(ends[1], SpecError)
    for number, signal in ((0, SIGNALS[0]), (2, SIGNALS[1])):
        assert_equal(ends[number], fit(signal, asked(), catalog=CATALOG))


def test_a_thin_signal_is_fitted_beside_others():
    thin = waves(1.0, 1, 20)
    ends = together(asked(), [SIGNALS[0], thin])
    for end, signal in zip(ends.values(), (SIGNALS[0], thin), strict=True):
        assert_equal(end, fit(signal, asked(), catalog=CATALOG))


def test_a_signal_whose_loss_is_never_finite_fails_alone(monkeypatch):
    """Its weights are drawn like those of the others; only its rate is infinite."""
    bad = Signal(torch.full((24, 20, 2), 3e38), "image", "huge")  # its squared error overflows
    ends = together(asked(), [SIGNALS[0], bad])
    assert isinstance(ends[1], TrainingError)
    assert "every repeat diverged" in str(ends[1])
    assert_equal(ends[0], fit(SIGNALS[0], asked(), catalog=CATALOG))


def test_out_of_memory_repeats_only_what_has_not_ended():
    ends = []

    def on_end(number, outcome):
        ends.append(number)
        if len(ends) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")  # as in the training of the others

    fit_together([(signal, aiming()) for signal in SIGNALS], on_end, catalog=CATALOG)
    assert sorted(ends) == [0, 1, 2, 3]
