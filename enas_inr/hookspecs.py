"""The hooks that a plugin may implement, and the descriptions that they return.

A plugin is a distribution with an entry point in the group `enas_inr` that names a module (or any
object) with one or more of these hooks::

    # pyproject.toml of the plugin
    [project.entry-points.enas_inr]
    my-backbone = "my_package.plugin"

    # my_package/plugin.py: imports neither torch nor the backbone itself
    from enas_inr.hookspecs import Backbone, hookimpl

    ENAS_INR_API = 1  # the version of this plugin API that it is written for

    @hookimpl
    def enas_inr_backbones():
        return [Backbone(name="mine", summary="...", target="my_package.net:Mine")]

Targets are imported on use, so listing the plugins imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import pluggy

PROJECT = "enas_inr"
"""The name of the pluggy project and of the entry-point group."""

API_VERSION = 1
"""The version of everything that a plugin uses: hooks, descriptions and contracts.

It grows with each change that an older enas-inr does not understand. A plugin says in
`ENAS_INR_API` (none: 1) which one it is written for, and is refused where that is newer than this.
"""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a plugin provides, without importing it.

    Attributes:
        name: what a user types; unique within its kind.
        summary: one line for `enas-inr plugins list`.
        target: `package.module:Class`, imported on use.
        options: `package.module:Model`, an `enas_inr.spec.Options` with defaults, imported on
            use, or None when there is nothing to choose.
        citation: where it comes from.

    Raises:
        TypeError: one of them is no text, such as a class instead of its name.
    """

    kind: ClassVar[str]
    contract: ClassVar[str]
    """The class that a target of this kind is derived from, `package.module:Class`."""
    checks: ClassVar[str]
    """Makes the checks of what a target's methods return, `package.module:function`.

    It is called with what a target is constructed with, but for the options, and returns an
    `enas_inr.plugins.guard.Check` by the method's name.
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
        learning_rate: the default, where a training does not name one.
        initialisation: how weights and biases start, in words.
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
        suffixes: of the files it reads, lower case, with the dot; the first is the one in which
            we write signals of this modality where nobody names a file.
        axes: how many spatial axes its signals may have, each from 1 to 4.
        channels: numbers of channels that it can write; empty: any.
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
    """A way to propose architectures; `target` is an `enas_inr.strategies.base.Strategy`."""

    kind: ClassVar[str] = "strategy"
    contract: ClassVar[str] = "enas_inr.strategies.base:Strategy"
    checks: ClassVar[str] = "enas_inr.strategies.checks:checks"


@dataclass(frozen=True, kw_only=True)
class Executor(Description):
    """A place to train trials; `target` is an `enas_inr.executors.base.Executor`."""

    kind: ClassVar[str] = "executor"
    contract: ClassVar[str] = "enas_inr.executors.base:Executor"
    checks: ClassVar[str] = "enas_inr.executors.checks:checks"


@dataclass(frozen=True, kw_only=True)
class Objective(Description):
    """A score to maximise; `target` is an `enas_inr.objectives.base.Objective`."""

    kind: ClassVar[str] = "objective"
    contract: ClassVar[str] = "enas_inr.objectives.base:Objective"
    checks: ClassVar[str] = "enas_inr.objectives.checks:checks"


class HookSpecs:
    """Every hook of enas-inr. Each returns descriptions; all of them are optional."""

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
