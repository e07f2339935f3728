"""The hooks that a plugin can implement, and the descriptions that they return.

A plugin is a distribution with an entry point in the group `enas_inr` that names a module (or any
object) with one or more of these hooks::

    # pyproject.toml of the plugin
    [project.entry-points.enas_inr]
    my-backbone = "my_package.plugin"

    # my_package/plugin.py: imports neither torch nor the class of the backbone
    from enas_inr.hookspecs import Backbone, hookimpl

    ENAS_INR_API = 1  # version of the plugin API for which it is written

    @hookimpl
    def enas_inr_backbones():
        return [Backbone(name="mine", summary="...", target="my_package.net:Mine")]

Targets are imported when they are used, so that listing plugins does not import torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import pluggy

__all__ = [
    "API_VERSION",
    "Backbone",
    "Description",
    "Executor",
    "Modality",
    "Objective",
    "Observer",
    "Optimizer",
    "Strategy",
    "hookimpl",
]

PROJECT = "enas_inr"
"""Name of the pluggy project and of the entry-point group."""

API_VERSION = 1
"""Version of the plugin API: hooks, descriptions and contracts.

It is incremented with each change that an older enas-inr does not support. A plugin states the
version for which it is written as `ENAS_INR_API` (default 1), and is refused if that is newer.
"""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of a hook."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """Describes what a plugin provides, so that it can be listed without being imported.

    Attributes:
        name: the name that users type, unique within its kind.
        summary: one line for `enas-inr plugins list`.
        target: `package.module:Class`, imported when it is used.
        options: `package.module:Model`, an `enas_inr.spec.Options` with defaults, imported when
            it is used; None if there are no options.
        citation: the publication or other source.

    Raises:
        TypeError: an attribute is not a string, for example a class instead of its name.
    """

    kind: ClassVar[str]
    contract: ClassVar[str]
    """The base class of targets of this kind, as `package.module:Class`."""
    checks: ClassVar[str]
    """The function that makes the checks of what a target returns, as `package.module:function`.

    It is called with the arguments that a target is constructed with, except for the options, and
    returns one `enas_inr.plugins.guard.Check` for each method that is checked, by its name.
    """
    name: str
    summary: str
    target: str
    options: str | None = None
    citation: str = ""

    def __post_init__(self) -> None:
        texts = {"name": self.name, "summary": self.summary, "citation": self.citation}
        classes = {"target": self.target, "options": self.options or ""}
        for field, value in (texts | classes).items():
            if not isinstance(value, str):
                hint = " (write 'package.module:Class')" if field in classes else ""
                raise TypeError(f"{type(self).__name__}: {field} is {value!r}, not a text{hint}")
        if not self.name:
            raise TypeError(f"{type(self).__name__}: name is empty")


@dataclass(frozen=True, kw_only=True)
class Backbone(Description):
    """A kind of sub-network; `target` is an `enas_inr.backbones.base.Backbone`.

    Attributes:
        learning_rate: default learning rate.
        initialisation: how weights and biases are initialised, in words.
    """

    kind: ClassVar[str] = "backbone"
    contract: ClassVar[str] = "enas_inr.backbones.base:Backbone"
    checks: ClassVar[str] = "enas_inr.backbones.checks:checks"
    learning_rate: float = 1e-4
    initialisation: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.learning_rate, (int, float)) or not self.learning_rate > 0:
            raise TypeError(f"Backbone: learning_rate is {self.learning_rate!r}, not above 0")


@dataclass(frozen=True, kw_only=True)
class Modality(Description):
    """A kind of signal; `target` is an `enas_inr.signals.signal.Modality`.

    Attributes:
        suffixes: suffixes of the files that it reads, in lower case, with the dot. Signals of this
            modality are written with the first one if no file name is given.
        axes: allowed numbers of spatial axes, each from 1 to 4.
        channels: numbers of channels that it can write; empty if it can write any.
        timed: whether axis 0 is time, sampled at the signal's `sample_rate`.
    """

    kind: ClassVar[str] = "modality"
    contract: ClassVar[str] = "enas_inr.signals.signal:Modality"
    checks: ClassVar[str] = "enas_inr.signals.checks:checks"
    suffixes: tuple[str, ...] = ()
    axes: tuple[int, ...] = (2,)
    channels: tuple[int, ...] = ()
    timed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.suffixes, str) or not all(isinstance(s, str) for s in self.suffixes):
            raise TypeError(f"Modality: suffixes is {self.suffixes!r}, not a tuple of texts")
        for suffix in self.suffixes:
            if len(suffix) < 2 or suffix[0] != "." or suffix != suffix.lower():
                raise TypeError(f"Modality: suffix {suffix!r} is not like '.npy', in lower case")
        for field, counts in (("axes", self.axes), ("channels", self.channels)):
            if not isinstance(counts, tuple) or not all(isinstance(n, int) for n in counts):
                raise TypeError(f"Modality: {field} is {counts!r}, not a tuple of whole numbers")


@dataclass(frozen=True, kw_only=True)
class Strategy(Description):
    """Proposes architectures; `target` is an `enas_inr.strategies.base.Strategy`."""

    kind: ClassVar[str] = "strategy"
    contract: ClassVar[str] = "enas_inr.strategies.base:Strategy"
    checks: ClassVar[str] = "enas_inr.strategies.checks:checks"


@dataclass(frozen=True, kw_only=True)
class Executor(Description):
    """A place where trials are trained; `target` is an `enas_inr.executors.base.Executor`."""

    kind: ClassVar[str] = "executor"
    contract: ClassVar[str] = "enas_inr.executors.base:Executor"
    checks: ClassVar[str] = "enas_inr.executors.checks:checks"


@dataclass(frozen=True, kw_only=True)
class Objective(Description):
    """A score to maximise; `target` is an `enas_inr.objectives.base.Objective`."""

    kind: ClassVar[str] = "objective"
    contract: ClassVar[str] = "enas_inr.objectives.base:Objective"
    checks: ClassVar[str] = "enas_inr.objectives.checks:checks"


@dataclass(frozen=True, kw_only=True)
class Optimizer(Description):
    """Updates sub-networks; `target` is an `enas_inr.training.optimizers.base.Optimizer`."""

    kind: ClassVar[str] = "optimizer"
    contract: ClassVar[str] = "enas_inr.training.optimizers.base:Optimizer"
    checks: ClassVar[str] = "enas_inr.training.optimizers.checks:checks"


@dataclass(frozen=True, kw_only=True)
class Observer(Description):
    """Is told what happens in a search or a fit; `target` is an `enas_inr.observers.base.Observer`.

    Users choose any number of observers. They change no results.
    """

    kind: ClassVar[str] = "observer"
    contract: ClassVar[str] = "enas_inr.observers.base:Observer"
    checks: ClassVar[str] = "enas_inr.observers.checks:checks"


class HookSpecs:
    """All hooks of enas-inr. Each one returns descriptions, and each one is optional."""

    @hookspec
    def enas_inr_backbones(self) -> Iterable[Backbone]:
        """Describe backbones: `[Backbone(name="sinc", summary="...", target="pkg.sinc:Sinc")]`."""
        return ()

    @hookspec
    def enas_inr_modalities(self) -> Iterable[Modality]:
        """Describe modalities: `[Modality(name="scan", ..., suffixes=(".npy",), axes=(3,))]`."""
        return ()

    @hookspec
    def enas_inr_strategies(self) -> Iterable[Strategy]:
        """Describe strategies: `[Strategy(name="evolution", ..., target="pkg.evo:Evolution")]`."""
        return ()

    @hookspec
    def enas_inr_executors(self) -> Iterable[Executor]:
        """Describe executors: `[Executor(name="slurm", ..., target="pkg.slurm:Slurm")]`."""
        return ()

    @hookspec
    def enas_inr_objectives(self) -> Iterable[Objective]:
        """Describe objectives: `[Objective(name="rate", ..., target="pkg.rate:Rate")]`."""
        return ()

    @hookspec
    def enas_inr_optimizers(self) -> Iterable[Optimizer]:
        """Describe optimizers: `[Optimizer(name="soap", ..., target="pkg.soap:Soap")]`."""
        return ()

    @hookspec
    def enas_inr_observers(self) -> Iterable[Observer]:
        """Describe observers: `[Observer(name="wandb", ..., target="pkg.wandb:Wandb")]`."""
        return ()
