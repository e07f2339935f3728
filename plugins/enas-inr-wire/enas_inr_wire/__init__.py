"""The description of the backbone `wire` for enas-inr."""

from enas_inr.hookspecs import Backbone, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_backbones() -> list[Backbone]:
    """Return the description of `wire`."""
    return [
        Backbone(
            name="wire",
            summary="complex Gabor wavelets as activations",
            target="enas_inr_wire.wire:Wire",
            options="enas_inr_wire.wire:WireOptions",
            learning_rate=5e-3,
            initialisation="weights and biases U(+-1/sqrt(in)), both real and imaginary parts",
            citation="Saragadam et al., WIRE: Wavelet Implicit Neural Representations, CVPR 2023",
        )
    ]
