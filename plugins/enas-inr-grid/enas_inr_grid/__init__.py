"""The description of the backbone `grid` for enas-inr."""

from enas_inr.hookspecs import Backbone, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_backbones() -> list[Backbone]:
    """Return the description of `grid`."""
    return [
        Backbone(
            name="grid",
            summary="learned feature grids of several resolutions, and a tiny ReLU network",
            target="enas_inr_grid.grid:Grid",
            options="enas_inr_grid.options:GridOptions",
            learning_rate=1e-2,
            initialisation="features U(+-0.01); weights U(+-sqrt(6/in)) (He), biases 0",
            citation="Mueller et al., Instant Neural Graphics Primitives with a Multiresolution "
            "Hash Encoding, ACM Transactions on Graphics 2022",
        )
    ]
