import pytest
import torch

from enas_inr.errors import SignalError
from enas_inr.signals.signal import Signal
from enas_inr.signals.slices import middle_slice, slice_text


@pytest.mark.parametrize(
    ("shape", "timed", "text"),
    [
        ((20, 30), False, ""),
        ((16, 20, 30), False, "slice 9 of 16"),
        ((1, 20, 30), True, "frame 1 of 1"),
        ((3, 16, 20, 30), False, "slice 2 of 3, slice 9 of 16"),
        ((3, 16, 20, 30), True, "frame 2 of 3, slice 9 of 16"),
    ],
)
def test_the_text_names_the_slice_that_is_shown(shape, timed, text):
    assert slice_text(shape, timed=timed) == text
    values = torch.zeros(*shape, 1)
    values[tuple(n // 2 for n in shape[:-2])] = 1
    shown = middle_slice(Signal(values, "any", "a", sample_rate=5))
    assert shown.values.shape == (20, 30, 1)
    assert (shown.values == 1).all()


def test_a_picture_is_its_own_slice():
    picture = Signal(torch.zeros(4, 5, 3), "image", "a", meta={"mode": "RGB"})
    assert middle_slice(picture) is picture


def test_where_a_rendering_has_its_samples():
    values = torch.zeros(4, 6, 1)
    assert Signal(values, "any", "a").sampling == ((0.0, 1.0), (0.0, 1.0))
    whole = Signal(values, "any", "a", window=((0.0, 4.0), (0.0, 6.0)))
    assert whole.sampling == ((0.0, 1.0), (0.0, 1.0))
    # Twice as many samples: the first one, half as wide, ends where the original's middle is.
    part = Signal(values, "any", "a", window=((1.0, 3.0), (0.0, 3.0)))
    assert part.sampling == ((0.75, 0.5), (-0.25, 0.5))


@pytest.mark.parametrize("shape", [(3,), (1, 1, 1, 1, 1, 1)])
def test_a_signal_has_one_to_four_axes(shape):
    with pytest.raises(SignalError, match=r"axes besides its channels; give 1 to 4"):
        Signal(torch.zeros(shape), "any", "a").check()
