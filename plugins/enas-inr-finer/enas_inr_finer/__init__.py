"""The description of the backbone `finer` for enas-inr."""

from enas_inr.hookspecs import Backbone, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_backbones() -> list[Backbone]:
    """Return the description of `finer`."""
    return [
        Backbone(
            name="finer",
            summary="sines with a period that decreases away from zero",
            target="enas_inr_finer.finer:Finer",
            options="enas_inr_finer.finer:FinerOptions",
            learning_rate=1e-3,
            initialisation="weights U(+-1/in), hidden U(+-sqrt(6/in)/omega_0); biases of the first "
            "layer U(+-first_bias), of the others U(+-1/sqrt(in))",
            citation="Liu et al., FINER: Flexible Spectral-bias Tuning in Implicit Neural "
            "Representation by Variable-periodic Activation Functions, CVPR 2024",
        )
    ]
