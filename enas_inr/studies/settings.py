"""The settings of a search, each of them written once.

A setting is a field of a model with a name, a type and a default; `Setting` adds help, group and
the spelling on the command line. The options of the command line, the keywords of
`enas_inr.search` and `enas_inr.fit`, and the keys of a study file are made from these models, so a
new setting needs one line here and the code that uses it.

The models that a study file shares with a search are here, below both; `enas_inr.api.settings` adds
what only a call needs, such as where trials are trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictFloat, StrictInt

from enas_inr.errors import EnasInrError, SpecError
from enas_inr.validation import Frozen

if TYPE_CHECKING:
    from enas_inr.plugins.catalog import Catalog

PAPER_WIDTHS = (16, 32, 64, 128, 256, 512)
PAPER_DEPTHS = (1, 2, 3, 4, 5)


class Group(StrEnum):
    """Headings of the options on the command line, in their order."""

    MAIN = "Options"
    SAMPLED = "Strategies optuna and ray"
    BUDGET = "Budget and score"
    TRAINING = "Training"
    EXECUTOR = "Executor"
    STUDY = "Study"
    OUTPUT = "Output"


@dataclass(frozen=True)
class Setting:
    """The description of a setting for users, besides its name, type and default.

    Attributes:
        help: description in one line.
        group: heading under which the command line lists it.
        flags: spellings on the command line; by default the name with dashes, without the final s
            of a mapping.
        shown: text that the help shows as the default, if that depends on other settings.
        sets: key of a mapping for which the setting is a shortcut, such as `training.steps`.
        on_command_line: False if only Python and study files have the setting.
    """

    help: str
    group: Group = Group.MAIN
    flags: tuple[str, ...] = ()
    shown: str = ""
    sets: str = ""
    on_command_line: bool = True

    def but(self, **changes: Any) -> Setting:
        """Return a copy with changes."""
        return replace(self, **changes)


def _tuple_of(value: Any) -> Any:
    is_several = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
    return tuple(value) if is_several else value


Options = Mapping[str, Any] | None
"""Options that a plugin defines; KEY=VALUE on the command line."""
Text = Annotated[str | StrictInt | StrictFloat, AfterValidator(str)]
"""Text that may be written as a number, such as the size 128 or the limit 1e9."""
Integers = Annotated[Sequence[int], BeforeValidator(_tuple_of)]
Names = Annotated[Sequence[str], BeforeValidator(_tuple_of)]


class Settings(Frozen, allow_inf_nan=True):
    """Base class of settings. Ranges are checked by the specifications that receive the values."""

    @classmethod
    def marks(cls) -> dict[str, Setting]:
        """Return the settings of the model by name, in the order of their groups."""
        found = {
            name: mark
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, Setting)
        }
        groups = list(Group)
        return dict(sorted(found.items(), key=lambda pair: groups.index(pair[1].group)))

    def given(self) -> dict[str, Any]:
        """Return the settings that were given explicitly."""
        return {name: getattr(self, name) for name in self.marks() if name in self.model_fields_set}

    def chosen(self, kind: str) -> str:
        """Return the name of the plugin chosen for a kind, such as the strategy."""
        return str(getattr(self, kind))

    def settled(self, catalog: Catalog, spell: Callable[[str], str] = str) -> Self:
        """Move every shortcut (see `Setting.sets`) into the mapping to which it belongs.

        Args:
            catalog: provides the options of each plugin.
            spell: returns the spelling of a setting in messages.

        Raises:
            SpecError: a shortcut is for an option that the chosen plugin does not take, or
                contradicts the mapping.
        """
        changes: dict[str, Any] = {}
        for name, mark in self.marks().items():
            value = getattr(self, name)
            if not mark.sets or value is None:
                continue
            target, _, key = mark.sets.partition(".")
            kind = target.removesuffix("_options")
            if kind != target:
                self._check_option(catalog, kind, key, spell(name), spell(kind))
            held = dict(changes.get(target, getattr(self, target)) or {})
            if held.get(key, value) != value:
                raise SpecError(
                    f"{spell(name)} {value!r} and {spell(target)} {key}={held[key]!r} differ",
                    "give one of them",
                )
            changes |= {target: held | {key: value}, name: None}
        return self.model_copy(update=changes)

    def _check_option(
        self, catalog: Catalog, kind: str, key: str, name: str, kind_name: str
    ) -> None:
        chosen = self.chosen(kind)
        if key in catalog.option_names(kind, chosen):
            return
        takers = []
        for description in catalog.descriptions(kind):
            with suppress(EnasInrError):  # broken plugins are skipped here
                if key in catalog.option_names(kind, description.name):
                    takers.append(description.name)
        raise SpecError(
            f"{name} does not apply to {kind} {chosen!r}",
            f"add {kind_name} {' or '.join(sorted(takers))}, or drop it",
        )


PROFILE = Setting(
    "Named training settings: `paper` for reproduction, `tuned` for the best fit in as many "
    "steps, `smooth` for models without seams.",
    Group.TRAINING,
    shown="paper",
    sets="training.profile",
)
STEPS = Setting(
    "Maximum number of training steps.", Group.TRAINING, shown="500", sets="training.steps"
)


class TrainingSettings(Settings):
    """Settings of the training, as changes to the profile `DEFAULT_PROFILE` or another one."""

    DEFAULT_PROFILE: ClassVar[str] = "paper"

    profile: Annotated[str | None, PROFILE] = None
    training: Annotated[
        Options,
        Setting(
            'Changes to the profile, such as {"steps": 100, "learning_rate": 5e-4}.',
            Group.TRAINING,
            on_command_line=False,
        ),
    ] = None
    steps: Annotated[int | None, STEPS] = None
    learning_rate: Annotated[
        float | None,
        Setting(
            "Learning rate.",
            Group.TRAINING,
            flags=("--lr",),
            shown="the profile's, or the backbone's",
            sets="training.learning_rate",
        ),
    ] = None
    optimizer: Annotated[
        str | None,
        Setting(
            "The optimizer; see `enas-inr plugins list`.",
            Group.TRAINING,
            shown="the profile's",
            sets="training.optimizer",
        ),
    ] = None
    optimizer_options: Annotated[
        Options,
        Setting(
            "An option of the optimizer, such as factor=0.5 for muon.",
            Group.TRAINING,
            sets="training.optimizer_options",
        ),
    ] = None
    schedule: Annotated[
        str | None,
        Setting(
            "How the learning rate falls over the steps: constant, cosine or linear.",
            Group.TRAINING,
            shown="the profile's",
            sets="training.schedule",
        ),
    ] = None
    warmup: Annotated[
        float | None,
        Setting(
            "Share of the steps over which the learning rate rises to its value.",
            Group.TRAINING,
            shown="the profile's",
            sets="training.warmup",
        ),
    ] = None
    coordinates: Annotated[
        str | None,
        Setting(
            "Where the coordinates of a cell end: at the `centers` of its outer samples, or at "
            "its `edges`.",
            Group.TRAINING,
            shown="centers",
            sets="training.coordinates",
        ),
    ] = None
    margin: Annotated[
        int | None,
        Setting(
            "Samples beyond its cell on which each sub-network is also trained.",
            Group.TRAINING,
            shown="the profile's",
            sets="training.margin",
        ),
    ] = None
    extent: Annotated[
        int | None,
        Setting(
            "Cells with fewer samples get the coordinates of the middle of a cell with this many.",
            Group.TRAINING,
            shown="the profile's",
            sets="training.extent",
        ),
    ] = None
    repeats: Annotated[
        int,
        Field(ge=1),
        Setting("Number of trainings of each architecture, from different seeds.", Group.TRAINING),
    ] = 5
    seed: Annotated[int, Field(ge=0), Setting("Seed of all random numbers.", Group.TRAINING)] = 0


class SignalSettings(Settings):
    """Settings for reading a signal."""

    size: Annotated[
        Text | None,
        Setting("Resize an image: 128 (a square), WxH, or none.", shown="128 for images"),
    ] = None
    signal_options: Annotated[
        Options,
        Setting(
            "An option of the modality that reads the signal, such as max_frames=16 for a video."
        ),
    ] = None


class StudySettings(TrainingSettings):
    """Settings that determine the results of a search. The defaults are the paper's."""

    strategy: Annotated[str, Setting("The strategy that proposes architectures.")] = "coordinate"
    strategy_options: Annotated[
        Options, Setting('An option of the strategy, such as start={"depth":2}.')
    ] = None
    racing: Annotated[
        bool | None,
        Setting(
            "Let configurations race on a part of the cells; coordinate and exhaustive only.",
            shown="on, but not with the profile paper",
            sets="strategy_options.racing",
        ),
    ] = None
    sampler: Annotated[
        str | None,
        Setting(
            "Optuna's sampler: tpe, random, cmaes, nsgaii, gp, brute, or the name of a class.",
            Group.SAMPLED,
            shown="tpe",
            sets="strategy_options.sampler",
        ),
    ] = None
    sampler_options: Annotated[
        Options,
        Setting(
            "An option of the sampler, such as n_startup_trials=5.",
            Group.SAMPLED,
            sets="strategy_options.sampler_options",
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        Setting(
            "Ray Tune's scheduler: asha, hyperband, median, pbt or none.",
            Group.SAMPLED,
            shown="asha",
            sets="strategy_options.scheduler",
        ),
    ] = None
    searcher: Annotated[
        str | None,
        Setting(
            "How Ray Tune chooses the next trial: random, or optuna (TPE).",
            Group.SAMPLED,
            shown="random",
            sets="strategy_options.searcher",
        ),
    ] = None
    trials: Annotated[
        int | None,
        Setting(
            "Maximum number of architectures to train.",
            Group.SAMPLED,
            shown="20",
            sets="strategy_options.trials",
        ),
    ] = None
    backbone: Annotated[str, Setting("Kind of sub-network; see `enas-inr plugins list`.")] = "siren"
    backbone_options: Annotated[
        Options, Setting("An option of the backbone, such as omega_first=60.")
    ] = None
    grid: Annotated[int, Setting("Cells along each spatial axis, M.")] = 8
    widths: Annotated[Integers, Setting("Widths to search.")] = PAPER_WIDTHS
    depths: Annotated[Integers, Setting("Depths to search.")] = PAPER_DEPTHS
    search: Annotated[
        Options,
        Setting(
            "A further axis of the search: width=16,32 or lr=1e-4..1e-2:log, any field of an "
            "architecture or a recipe, or an option of a backbone such as siren.omega_first=auto.",
            flags=("--search",),
        ),
    ] = None
    max_flops: Annotated[
        Text | None,
        Setting(
            "Maximum FLOPs of one evaluation of the signal: 500M, 1G, 60k/sample, or none.",
            Group.BUDGET,
            shown="61035/sample: the paper's 1G at 128x128",
        ),
    ] = None
    max_parameters: Annotated[
        Text | None, Setting("Maximum number of parameters: 100k, or 2/sample.", Group.BUDGET)
    ] = None
    max_bytes: Annotated[
        Text | None,
        Setting("Maximum size of the model file in bytes: 200k, or 2/sample.", Group.BUDGET),
    ] = None
    max_bits_per_sample: Annotated[
        Text | None, Setting("Maximum size of the model file in bits per sample.", Group.BUDGET)
    ] = None
    max_latency: Annotated[
        Text | None,
        Setting(
            "Maximum time to render the signal on this device, measured before: 50ms.",
            Group.BUDGET,
        ),
    ] = None
    max_memory: Annotated[
        Text | None, Setting("Maximum memory to render the signal, in bytes: 500M.", Group.BUDGET)
    ] = None
    precision: Annotated[
        str,
        Setting(
            "How the file that is limited holds its numbers: float32, float16 or int8.",
            Group.BUDGET,
        ),
    ] = "float32"
    objective: Annotated[
        str,
        Setting(
            "The score to maximise: psnr_flops, best, smallest, fastest, or a plugin's.",
            Group.BUDGET,
            flags=("--objective", "--goal"),
        ),
    ] = "psnr_flops"
    objective_options: Annotated[
        Options, Setting("An option of the objective, such as alpha=5.", Group.BUDGET)
    ] = None
    target_psnr_db: Annotated[
        float | None,
        Setting(
            "PSNR (dB) to reach with the goals smallest and fastest.",
            Group.BUDGET,
            flags=("--target-psnr",),
            shown="40",
            sets="objective_options.target_psnr_db",
        ),
    ] = None
    alpha: Annotated[
        float | None,
        Setting(
            "Decibels that a factor of ten in FLOPs must be worth.",
            Group.BUDGET,
            shown="7",
            sets="objective_options.alpha",
        ),
    ] = None
    floor_db: Annotated[
        float,
        Setting(
            "Decibels by which a winner must be better than the best constant for each cell.",
            Group.BUDGET,
            flags=("--floor",),
        ),
    ] = 3.0
    objectives: Annotated[
        Names,
        Setting(
            "Objectives to weigh, such as psnr,flops; the result then has their Pareto front. "
            "Choose from psnr, score, flops, parameters and bytes.",
            Group.BUDGET,
            shown="the score alone",
        ),
    ] = ()
