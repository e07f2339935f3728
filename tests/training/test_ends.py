"""The loops of the first and the last layer compute what matrix products do."""

import pytest
import torch

from enas_inr.training import ends

MEMBERS, UNITS, POINTS, SAMPLES, START = 2, 7, 37, 50, 9


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def window(buffer):
    return buffer[:MEMBERS, :, START : START + POINTS]


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_the_first_layer(columns):
    weights, inputs = drawn(MEMBERS, UNITS, columns), drawn(MEMBERS + 1, columns, SAMPLES)
    inputs[:, -1] = 1
    z = torch.full((MEMBERS, UNITS, POINTS), torch.nan)
    ends.first_values_(weights.numpy(), inputs.numpy(), z.numpy(), start=START, scale=3.0)
    close(z, 3 * weights @ window(inputs))
    slopes, back = drawn(MEMBERS, UNITS, POINTS), drawn(MEMBERS, UNITS, POINTS) + 1
    gradient = torch.full((MEMBERS, UNITS, columns), torch.nan)
    expected = 3 * (slopes * back) @ window(inputs).transpose(1, 2)
    for times in (1, 2):
        ends.first_gradient_(
            slopes.clone().numpy(),
            back.numpy(),
            inputs.numpy(),
            gradient.numpy(),
            start=START,
            scale=3.0,
            accumulate=times > 1,
        )
        close(gradient, times * expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_last_layer(channels):
    weights, values = drawn(MEMBERS, channels, UNITS + 1), drawn(MEMBERS, UNITS + 1, POINTS)
    values[:, -1] = 1
    targets = drawn(MEMBERS + 1, channels, SAMPLES)
    errors, norms = torch.full((MEMBERS, channels, POINTS), torch.nan), torch.empty(MEMBERS)
    ends.errors_(
        weights.numpy(),
        values.numpy(),
        targets.numpy(),
        errors.numpy(),
        norms.numpy(),
        start=START,
        scale=3.0,
    )
    close(errors, 3 * weights @ values - window(targets))
    close(norms, errors.norm(dim=(1, 2)))
    slopes, gradient = drawn(MEMBERS, UNITS, POINTS), torch.full_like(weights, torch.nan)
    for times in (1, 2):
        deltas = slopes.clone()
        ends.last_gradient_(
            weights.numpy(),
            values.numpy(),
            deltas.numpy(),
            errors.numpy(),
            gradient.numpy(),
            scale=0.5,
            accumulate=times > 1,
        )
        close(deltas, slopes * (0.5 * weights[:, :, :-1].transpose(1, 2) @ errors))
        close(gradient, times * 0.5 * errors @ values.transpose(1, 2))


def test_loops_are_used_where_they_pay():
    assert ends.suits_first(3, 256, layers=2)
    assert not ends.suits_first(3, 16, layers=2)
    assert not ends.suits_first(3, 256, layers=1)
    assert not ends.suits_first(65, 256, layers=2)
    assert ends.suits_last(3, layers=1)
    assert not ends.suits_last(3, layers=0)
    assert not ends.suits_last(8, layers=1)
