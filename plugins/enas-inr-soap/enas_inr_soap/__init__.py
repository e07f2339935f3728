"""The description of the optimizer `soap` for enas-inr."""

from enas_inr.hookspecs import Optimizer, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_optimizers() -> list[Optimizer]:
    """Return the description of `soap`."""
    return [
        Optimizer(
            name="soap",
            summary="Adam in the eigenbasis of Shampoo's preconditioner for hidden matrices",
            target="enas_inr_soap.soap:Soap",
            options="enas_inr_soap.options:SoapOptions",
        )
    ]
