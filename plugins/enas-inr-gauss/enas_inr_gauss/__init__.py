"""The description of the backbone `gauss` for enas-inr."""

from enas_inr.hookspecs import Backbone, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_backbones() -> list[Backbone]:
    """Return the description of `gauss`."""
    return [
        Backbone(
            name="gauss",
            summary="Gaussian activations on plain coordinates",
            target="enas_inr_gauss.gauss:Gauss",
            options="enas_inr_gauss.gauss:GaussOptions",
            learning_rate=5e-3,
            initialisation="weights and biases U(+-1/sqrt(in))",
            citation="Ramasinghe and Lucey, Beyond Periodicity: Towards a Unifying Framework for "
            "Activations in Coordinate-MLPs, ECCV 2022",
        )
    ]
