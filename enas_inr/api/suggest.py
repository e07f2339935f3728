"""The function behind `enas-inr suggest`: where a search of a signal may begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SkipValidation

from enas_inr.api.keywords import takes
from enas_inr.api.reading import take_signal
from enas_inr.api.settings import SearchSettings, SuggestSettings
from enas_inr.backbones.suggestion import Detail, Suggestion
from enas_inr.backbones.suggestion import suggest as suggest_for
from enas_inr.plugins.catalog import Catalog, load_catalog
from enas_inr.spec import TrainingSpec

if TYPE_CHECKING:
    from enas_inr.api.reading import Given


class SuggestCall(SuggestSettings, arbitrary_types_allowed=True):
    """The settings of a suggestion, and the object that takes part in a call."""

    catalog: Annotated[
        SkipValidation[Catalog | None], Field(description="The plugins; None: all installed ones.")
    ] = None


@takes(SuggestCall)
def suggest(signal: Given, call: SuggestCall) -> Suggestion:
    """Suggest an ensemble for a signal from its size and its spectrum, without training.

    `signal` is a file, a sample such as `sample:photo`, a picture as a NumPy array, or a Signal.

    Raises:
        SpecError: a setting or a name is not valid.
        SignalError: the signal cannot be read.
        PluginError: a plugin fails.
    """
    from enas_inr.signals.spectrum import spectrum_of

    catalog = call.catalog or load_catalog()
    taken = take_signal(catalog, signal, call)
    training = dict(call.settled(catalog).training or {})
    profile = str(training.pop("profile", None) or SearchSettings.DEFAULT_PROFILE)
    spectrum, target = spectrum_of(taken), call.target_psnr_db
    busy = spectrum.typical, spectrum.busy, spectrum.flat
    return suggest_for(
        taken.info(),
        Detail(target, *spectrum.needed(target), *busy),
        catalog,
        training=TrainingSpec.from_profile(profile, **training),
        backbone=call.backbone,
        options=call.backbone_options,
        grid=call.grid,
    )
