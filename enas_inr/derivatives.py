"""Derivatives of a function of coordinates, such as a module of a model, at many points at once.

Each helper takes the function itself (`... axes` to `... channels`, the value at a point depending
on that point alone), and the points. The results can be differentiated again, so they can be part
of a loss: with respect to the parameters of a module, and to points that require a gradient.

In an ensemble, each point has the derivative of the sub-network of its cell. At borders of cells
the function jumps, or with blending has kinks; these add nothing to a derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.errors import SpecError

__all__ = ["Function", "divergence", "gradient", "hessian", "laplacian"]

Function = Callable[[Tensor], Tensor]
"""A differentiable function of points, `... axes` to `... channels`."""


def gradient(
    function: Function,
    coordinates: Float[Tensor, "*points axes"],
    *,
    samples: Sequence[int] | None = None,
) -> Float[Tensor, "*points channels axes"]:
    """Return the gradient of each channel: the Jacobian matrix at each point.

    Args:
        function: the function.
        coordinates: the points.
        samples: samples of the signal along each axis, such as `module.size`, for derivatives by
            samples; None for derivatives by coordinates, of which an axis has 2 from edge to edge.

    Raises:
        SpecError: `samples` does not have a number for each axis.
    """
    with torch.enable_grad():
        x = _points(coordinates)
        found = _jacobian(function(x), x) * _scale(x, samples)
    return _handed_over(found)


def divergence(
    function: Function,
    coordinates: Float[Tensor, "*points axes"],
    *,
    samples: Sequence[int] | None = None,
) -> Float[Tensor, "*points"]:
    """Return the divergence of a vector field, which has a channel for each axis.

    Args:
        function: the vector field.
        coordinates: the points.
        samples: as for `gradient`.

    Raises:
        SpecError: the function has more or fewer channels than there are axes, or as `gradient`.
    """
    with torch.enable_grad():
        x = _points(coordinates)
        values = function(x)
        if values.shape[-1] != x.shape[-1]:
            raise SpecError(
                f"a function with {values.shape[-1]} channels on {x.shape[-1]} axes has no "
                "divergence",
                "give a function with a channel for each axis",
            )
        found = _divergence(values, x, _scale(x, samples))
    return _handed_over(found)


def hessian(
    function: Function,
    coordinates: Float[Tensor, "*points axes"],
    *,
    samples: Sequence[int] | None = None,
) -> Float[Tensor, "*points channels axes axes"]:
    """Return the matrix of the second derivatives of each channel.

    Args:
        function: the function.
        coordinates: the points.
        samples: as for `gradient`.

    Raises:
        SpecError: as `gradient`.
    """
    with torch.enable_grad():
        x = _points(coordinates)
        scale = _scale(x, samples)
        first = _jacobian(function(x), x)
        rows = [_jacobian(first[..., axis], x) for axis in range(x.shape[-1])]
        found = torch.stack(rows, dim=-2) * scale.unsqueeze(1) * scale
    return _handed_over(found)


def laplacian(
    function: Function,
    coordinates: Float[Tensor, "*points axes"],
    *,
    samples: Sequence[int] | None = None,
) -> Float[Tensor, "*points channels"]:
    """Return the sum of the second derivatives of each channel along the axes.

    Args:
        function: the function.
        coordinates: the points.
        samples: as for `gradient`.

    Raises:
        SpecError: as `gradient`.
    """
    with torch.enable_grad():
        x = _points(coordinates)
        scale = _scale(x, samples)
        sums = [
            _divergence(_derivative(channel, x) * scale, x, scale)
            for channel in function(x).unbind(dim=-1)
        ]
        found = torch.stack(sums, dim=-1)
    return _handed_over(found)


def _points(coordinates: Tensor) -> Tensor:
    """Return points that require a gradient: those that are given if they do."""
    wanted = coordinates.requires_grad and torch.is_grad_enabled()
    return coordinates if wanted else coordinates.detach().requires_grad_()


def _scale(x: Tensor, samples: Sequence[int] | None) -> Float[Tensor, " axes"]:
    """Return the length of a sample in coordinates along each axis, or 1."""
    axes = x.shape[-1]
    if samples is None:
        return x.new_ones(axes)
    if len(samples) != axes:
        raise SpecError(
            f"samples {tuple(samples)} do not fit points of {axes} axes",
            "give the number of samples along each axis",
        )
    return 2 / x.new_tensor(list(samples))


def _jacobian(values: Tensor, x: Tensor) -> Tensor:
    """Return the derivatives of each channel, `... channels axes`."""
    return torch.stack([_derivative(values[..., c], x) for c in range(values.shape[-1])], dim=-2)


def _divergence(
    field: Tensor, x: Tensor, scale: Float[Tensor, " axes"]
) -> Float[Tensor, "*points"]:
    """Return the sum of the derivatives of each channel along its own axis."""
    along = [_derivative(field[..., a], x)[..., a] * scale[a] for a in range(x.shape[-1])]
    return torch.stack(along).sum(dim=0)


def _derivative(values: Float[Tensor, "*points"], x: Tensor) -> Float[Tensor, "*points axes"]:
    """Return the derivative of the value at each point by the coordinates of that point."""
    if not values.requires_grad:  # a constant, such as the slope of a linear function
        return torch.zeros_like(x)
    (found,) = torch.autograd.grad(
        values.sum(), x, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return found


def _handed_over(found: Tensor) -> Tensor:
    """Return a result, which has a graph if the caller records one."""
    return found if torch.is_grad_enabled() else found.detach()
