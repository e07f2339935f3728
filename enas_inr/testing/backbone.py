"""The conformance suite for backbones."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from enas_inr import hookspecs
from enas_inr.backbones.base import Backbone, Params
from enas_inr.backbones.layered import Activation, LayeredBackbone
from enas_inr.backbones.opaque import Opaque
from enas_inr.cost import NetCost, NetShape
from enas_inr.errors import SpecError
from enas_inr.model import fitting
from enas_inr.model.model import load
from enas_inr.signals.partition import cut
from enas_inr.spec import EnsembleSpec, SignalInfo, TrainingSpec
from enas_inr.testing.counting import coordinates, counted_cost, with_gradients
from enas_inr.testing.plugin import ConformanceError, Plugin, Suite, not_applicable, require
from enas_inr.testing.stages import evaluated
from enas_inr.testing.toys import toy_signal
from enas_inr.training.batch import Job
from enas_inr.training.trainer import train

SHAPES = (
    NetShape(in_features=1, out_features=1, depth=1, width=8),
    NetShape(in_features=2, out_features=3, depth=0, width=5),
    NetShape(in_features=2, out_features=3, depth=2, width=16),
    NetShape(in_features=3, out_features=1, depth=1, width=7),
    NetShape(in_features=4, out_features=2, depth=1, width=6),
)
SAMPLES = (16, 16)  # shape of the toy signal
GRID = 2  # cells of the toy signal along each axis
TINY = NetShape(in_features=2, out_features=1, depth=1, width=32)
OVERFIT_STEPS = 1000
OVERFIT_DB = 6.0  # how far the error must fall below that of a constant
CPU = torch.device("cpu")


class BackboneSuite(Suite):
    """The rules for backbones; see `enas_inr.backbones.base.Backbone`."""

    def test_defaults(self, plugin: Plugin) -> None:
        """The description states a learning rate, an initialisation and a citation."""
        described = _described(plugin)
        require(
            described.learning_rate > 0,
            f"the learning rate is {described.learning_rate}; give a positive number",
        )
        for name in ("initialisation", "citation"):
            require(
                bool(getattr(described, name)),
                f"{name} is empty; describe it ('our own' is a valid citation)",
            )

    def test_leaves(self, plugin: Plugin) -> None:
        """Leaves are float32 or complex64 on the CPU, and their first axis counts the members."""
        for shape in SHAPES:
            backbone = make(plugin, shape)
            for name, leaf in backbone.init(shape, [1, 2, 3, 4]).items():
                what = f"leaf {name!r} of {shape}"
                require(
                    leaf.shape[:1] == (4,),
                    f"{what} has shape {tuple(leaf.shape)} for 4 seeds; put the members first",
                )
                require(
                    leaf.dtype in (torch.float32, torch.complex64) and leaf.device == CPU,
                    f"{what} is {leaf.dtype} on {leaf.device}; draw float32 or complex64 on CPU",
                )
                require(bool(torch.isfinite(_real(leaf)).all()), f"{what} is not finite")
                require(
                    not leaf.requires_grad,
                    f"{what} requires a gradient; leave requires_grad to the trainer",
                )
            known = set(backbone.init(shape, [1]))
            require(
                set(backbone.constants) <= known,
                f"constants {backbone.constants} are not all leaves; choose from {sorted(known)}",
            )

    def test_output(self, plugin: Plugin) -> None:
        """The output is float32 of shape (members, points, channels) for every shape of network."""
        for shape in SHAPES:
            backbone = make(plugin, shape)
            for members, points in ((1, 1), (3, 7)):
                params = backbone.init(shape, range(members))
                values = backbone.forward(shape, params, coordinates(shape, members, points))
                wanted = (members, points, shape.out_features)
                require(
                    tuple(values.shape) == wanted,
                    f"forward returns {tuple(values.shape)} for {shape}; return {wanted}",
                )
                require(
                    values.dtype == torch.float32,
                    f"forward returns {values.dtype}; return torch.float32",
                )
                require(
                    bool(torch.isfinite(values).all()),
                    f"forward returns values for {shape} that are not finite",
                )

    def test_seeds(self, plugin: Plugin) -> None:
        """A seed draws the same member whatever the other seeds are; different seeds differ."""
        for shape in SHAPES:
            backbone = make(plugin, shape)
            alone, together = backbone.init(shape, [42]), backbone.init(shape, [7, 42, 9])
            differs = False
            for name, leaf in alone.items():
                require(
                    torch.equal(leaf[0], together[name][1]),
                    f"leaf {name!r} of seed 42 depends on the other seeds; use a separate "
                    "torch.Generator for each seed",
                )
                differs = differs or not torch.equal(leaf[0], together[name][0])
            require(differs, "seeds 7 and 42 draw the same member; use the seed")

    def test_member_alone(self, plugin: Plugin) -> None:
        """The values and gradients of a member are the same in a batch and alone."""
        for shape in SHAPES:
            backbone = make(plugin, shape)
            params = backbone.init(shape, [1, 2, 3])
            x = coordinates(shape, members=3)
            whole, gradients = _values_and_gradients(backbone, shape, params, x)
            alone, own = _values_and_gradients(
                backbone, shape, {name: leaf[1:2] for name, leaf in params.items()}, x[1:2]
            )
            _require_close(alone, whole[1:2], f"the values of a member of {shape}")
            for name, gradient in own.items():
                _require_close(gradient, gradients[name][1:2], f"its gradient of {name!r}")

    def test_gradients(self, plugin: Plugin) -> None:
        """Every trained leaf has a finite gradient, and so have the coordinates."""
        for shape in SHAPES:
            backbone = make(plugin, shape)
            x = coordinates(shape, members=2).requires_grad_()
            values, gradients = _values_and_gradients(
                backbone, shape, backbone.init(shape, [1, 2]), x
            )
            for name, gradient in gradients.items():
                require(
                    bool(torch.isfinite(gradient).all()),
                    f"the gradient of {name!r} is not finite for {shape}",
                )
            (slope,) = torch.autograd.grad(values.sum(), x, allow_unused=True)
            finite = slope is None or bool(torch.isfinite(slope).all())
            require(finite, f"the gradient of x is not finite for {shape}")

    def test_cost(self, plugin: Plugin) -> None:
        """The declared cost equals the numbers in the leaves and the multiply-adds in forward."""
        for shape in SHAPES:
            backbone = make(plugin, shape)
            declared, counted = backbone.cost(shape), counted_cost(backbone, shape)
            for name in ("macs_per_sample", "macs_once", "parameters", "constants"):
                stated, found = getattr(declared, name), getattr(counted, name)
                require(
                    stated == found,
                    f"cost({shape}).{name} is {stated}, but {found} were counted; a complex number "
                    "counts as two and a complex multiply-add as four; write layers as matrix "
                    "products",
                )

    def test_equal_options(self, plugin: Plugin) -> None:
        """Two backbones with equal options make equal networks."""
        shape = SHAPES[2]
        first, second = make(plugin, shape), make(plugin, shape)
        x = coordinates(shape, members=1)
        same = [b.forward(shape, b.init(shape, [3]), x) for b in (first, second)]
        require(
            torch.equal(*same),
            "two backbones with the same options compute different values; keep no state",
        )

    def test_options_matter(self, plugin: Plugin) -> None:
        """Each numeric option changes the initialisation, the output or the cost."""
        shape = SHAPES[2]
        resolved = plugin.resolved(_info(shape), GRID)
        numbers = {n: v for n, v in resolved.items() if isinstance(v, (int, float)) and v}
        numbers = {n: v for n, v in numbers.items() if not isinstance(v, bool)}
        if not numbers:
            raise not_applicable("the backbone has no numeric option")
        before = _behaviour(make(plugin, shape), shape)
        for name, value in numbers.items():
            with suppress(SpecError):  # the doubled value is not valid, so nothing can be compared
                changed: Backbone = plugin.create(options=resolved | {name: 2 * value})
                require(
                    _behaviour(changed, shape) != before,
                    f"{name} = {2 * value} makes the same network as {name} = {value}; use the "
                    "option or remove it",
                )

    def test_activations(self, plugin: Plugin) -> None:
        """The slope of each activation is its derivative (layered backbones)."""
        for activation in _activations(plugin):
            z = torch.linspace(-3, 3, 41).requires_grad_()
            value = activation.value(z)
            (slope,) = torch.autograd.grad(value.sum(), z)
            scratch, out = z.detach().clone(), torch.empty(41)
            activation.value_and_slope_(scratch, out)
            what = f"of {type(activation).__name__}.value_and_slope_"
            _require_close(out, value.detach(), f"the value {what}")
            _require_close(scratch, slope, f"the slope {what}")

    def test_loops(self, plugin: Plugin) -> None:
        """The compiled loop of an activation, if it has one, agrees with torch (layered ones)."""
        for activation in _activations(plugin):
            loop = activation.loop()
            if loop is None:
                continue
            z = torch.linspace(-3, 3, 2 * 3 * 41).view(2, 3, 41)
            slopes, out = z.clone(), torch.full((2, 4, 41), 7.0)
            loop(slopes.numpy(), out.numpy())
            scratch, expected = z.clone(), torch.empty_like(z)
            activation.value_and_slope_(scratch, expected)
            what = f"of the loop of {type(activation).__name__}"
            _require_close(out[:, :-1], expected, f"the values {what}")
            _require_close(slopes, scratch, f"the slopes {what}")
            require(
                bool((out[:, -1] == 7).all()),
                f"the loop of {type(activation).__name__} writes to features of `out` that `z` "
                "lacks; leave these alone",
            )

    def test_equal_activations(self, plugin: Plugin) -> None:
        """Equal activations compare equal, so that trials can share batches (layered backbones)."""
        for mine, other in zip(_activations(plugin), _activations(plugin), strict=True):
            require(
                mine == other,
                f"two activations {mine!r} with the same options are not equal; make the class a "
                "frozen dataclass",
            )

    def test_stages(self, plugin: Plugin) -> None:
        """The stages, if the backbone has any for browsers, give the values of forward."""
        for shape in SHAPES:
            backbone = make(plugin, shape)
            params = backbone.init(shape, [1, 2])
            constants = {name: params[name] for name in backbone.constants}
            stages = backbone.stages(shape, constants)
            if stages is None:
                continue
            x = coordinates(shape, members=2)
            values = backbone.forward(shape, params, x)
            what = f"the values of forward and of the stages of {shape}"
            _require_close(evaluated(stages, params, x), values, what, 1e-3)

    def test_kernels_agree(self, plugin: Plugin) -> None:
        """The hand-written kernel and autograd give the same losses (layered backbones)."""
        backbone = make(plugin, TINY)
        if not isinstance(backbone, LayeredBackbone):
            raise not_applicable("the backbone is not layered, so only autograd trains it")
        losses = [
            train([_job(plugin, kind)], _training(plugin, 5), CPU)[0].losses
            for kind in (backbone, Opaque(backbone))
        ]
        _require_close(losses[0], losses[1], "the losses of five steps", 1e-3)

    def test_repeats_are_independent(self, plugin: Plugin) -> None:
        """A repeat has the same losses whatever other repeats are in its batch."""
        backbone, training = make(plugin, TINY), _training(plugin, 5)
        together = train([_job(plugin, backbone, (5, 6))], training, CPU)[0].losses
        alone = train([_job(plugin, backbone, (6,))], training, CPU)[0].losses
        _require_close(alone[0], together[1], "the losses of a repeat", 1e-3)

    def test_overfits(self, plugin: Plugin) -> None:
        """The backbone overfits a tiny signal at its default learning rate."""
        job = _job(plugin, make(plugin, TINY))
        losses = train([job], _training(plugin, OVERFIT_STEPS), CPU)[0].losses[0]
        variance = float(toy_signal(SAMPLES).values.var(correction=0))
        reached = float(losses[~losses.isnan()].min())
        require(
            reached < variance * 10 ** (-OVERFIT_DB / 10),
            f"after {OVERFIT_STEPS} steps the error is {reached:.3g}, while that of a constant is "
            f"{variance:.3g}; check initialisation and learning rate",
        )

    def test_saved_and_read(self, plugin: Plugin, tmp_path: Path) -> None:
        """A fitted model renders the same values after it is saved to a `.inr` file and loaded."""
        signal = toy_signal(SAMPLES)
        spec = fitting.FitSpec(
            ensemble=EnsembleSpec(
                backbone=plugin.name, options=dict(plugin.options), grid=GRID, depth=1, width=8
            ),
            training=TrainingSpec(steps=3),
        )
        model = fitting.fit(signal, spec, catalog=plugin.catalog, device="cpu").model
        path = tmp_path / "toy.inr"
        model.save(path, force=True)
        again = load(path, catalog=plugin.catalog)
        require(
            torch.equal(again.render().values, model.render().values),
            "a model renders other values after it is saved and loaded; keep all numbers in the "
            "leaves",
        )
        x = torch.linspace(-1, 1, 5).unsqueeze(1).expand(-1, 2)
        require(
            bool(torch.isfinite(again(x)).all()),
            "the values of a model at the corners of the signal are not finite",
        )


def make(plugin: Plugin, shape: NetShape) -> Backbone:
    """Make a backbone with its options resolved for a toy signal that matches `shape`."""
    made: Backbone = plugin.create(options=plugin.resolved(_info(shape), GRID))
    return made


def _info(shape: NetShape) -> SignalInfo:
    return SignalInfo(
        name="toy", modality="image", shape=(16,) * shape.in_features, channels=shape.out_features
    )


def _behaviour(backbone: Backbone, shape: NetShape) -> tuple[NetCost, list[float]]:
    """Return the cost of a member and its values at some coordinates."""
    values = backbone.forward(shape, backbone.init(shape, [3]), coordinates(shape, members=1))
    return backbone.cost(shape), values.flatten().tolist()


def _described(plugin: Plugin) -> hookspecs.Backbone:
    described = plugin.provider.description
    assert isinstance(described, hookspecs.Backbone)
    return described


def _training(plugin: Plugin, steps: int) -> TrainingSpec:
    return TrainingSpec(steps=steps, patience=steps, learning_rate=_described(plugin).learning_rate)


def _job(plugin: Plugin, backbone: Backbone, seeds: tuple[int, ...] = (5,)) -> Job:
    partition = cut(toy_signal(SAMPLES).values, (GRID, GRID))
    return Job(backbone, TINY, partition, seeds, _described(plugin).learning_rate)


def _values_and_gradients(
    backbone: Backbone, shape: NetShape, params: Params, x: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the values, and the gradient of their sum of squares for each trained leaf."""
    leaves = with_gradients(backbone, params)
    values = backbone.forward(shape, leaves, x)
    trained = [name for name in leaves if name not in backbone.constants]
    parts = torch.autograd.grad(
        values.square().sum(),
        [leaves[name] for name in trained],
        retain_graph=True,
        allow_unused=True,
    )
    for name, part in zip(trained, parts, strict=True):
        require(
            part is not None,
            f"forward does not use the leaf {name!r} of {shape}; remove it or list it in constants",
        )
    return values, {n: _real(part) for n, part in zip(trained, parts, strict=True)}


def _activations(plugin: Plugin) -> list[Activation]:
    backbone = make(plugin, TINY)
    if not isinstance(backbone, LayeredBackbone):
        raise not_applicable("the backbone is not layered")
    return [layer.activation for layer in backbone.layers(TINY) if layer.activation]


def _real(leaf: Tensor) -> Tensor:
    return torch.view_as_real(leaf.resolve_conj()) if leaf.is_complex() else leaf


def _require_close(first: Tensor, second: Tensor, what: str, relative: float = 1e-4) -> None:
    try:
        torch.testing.assert_close(first, second, rtol=relative, atol=1e-5)
    except AssertionError as error:
        raise ConformanceError(f"{what} differ: {' '.join(str(error).split())}") from None
