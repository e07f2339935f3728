"""WIRE for enas-inr: what `enas-inr plugins list` shows."""

from enas_inr.hookspecs import Backbone, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_backbones() -> list[Backbone]:
    """The backbone `wire`."""
    return [
        Backbone(
            name="wire",
            summary="complex Gabor wavelets as activations",
            target="enas_inr_wire.wire:Wire",
            options="enas_inr_wire.wire:WireOptions",
            learning_rate=5e-3,
            initialisation="weights and biases U(+-1/sqrt(in)), real and imaginary parts alike",
            citation="Saragadam et al., WIRE: Wavelet Implicit Neural Representations, CVPR 2023",
        )
    ]
