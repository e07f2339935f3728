import pytest

from enas_inr.errors import SpecError
from enas_inr.signals.options import parse_size


def test_an_image_size_is_read_as_a_square_a_rectangle_or_none():
    assert parse_size("128") == (128, 128)
    assert parse_size("640x480") == (640, 480)
    assert parse_size("NONE") is None
    for text in ("", "0", "12x", "1x2x3", "-4", "1.5", "big"):
        with pytest.raises(SpecError, match=r"is not an image size; write 128, 640x480 or none"):
            parse_size(text)
