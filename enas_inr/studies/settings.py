"""The settings of a search, each of them written once.

A new setting needs one line here and the code that uses it. The models that a study file shares
with a search are here, below both; `enas_inr.api.settings` adds what only a call needs, such as
where trials are trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from enas_inr.spec.recipe import PROFILES
from enas_inr.studies.setting import Group, Integers, Names, Options, Setting, Settings, Text

PAPER_WIDTHS = (16, 32, 64, 128, 256, 512)
PAPER_DEPTHS = (1, 2, 3, 4, 5)
USUAL_WIDTHS = (8, 16, 32, 64, 128)
FINE_WIDTHS = (4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Where a limit or a target decides, small steps in size matter."""
USUAL_DEPTHS = (1, 2, 3)

PROFILE = Setting(
    "Named training settings: `paper` for reproduction, `tuned` for the best fit in the same "
    "number of steps, `smooth` for models without seams.",
    Group.TRAINING,
    shown="paper",
    sets="training.profile",
)
STEPS = Setting(
    "Maximum number of training steps.", Group.TRAINING, shown="500", sets="training.steps"
)


GRID = Setting(
    "Cells along each spatial axis, M.",
    shown="searched, see `enas-inr suggest`; 8 with the profile paper",
)
PAPER_GRID = 8


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
            value="RATE",
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
        Field(ge=1, le=1_000_000),
        Setting("Number of trainings of each architecture, from different seeds.", Group.TRAINING),
    ] = 5
    seed: Annotated[
        int, Field(ge=0, le=2**64 - 1), Setting("Seed of all random numbers.", Group.TRAINING)
    ] = 0


class SignalSettings(Settings):
    """Settings for reading a signal."""

    size: Annotated[
        Text | None,
        Setting(
            "Resize an image: 128 (a square), WxH, or none.",
            shown="none; 128 with the profile paper",
        ),
    ] = None
    signal_options: Annotated[
        Options,
        Setting("An option of the modality that reads the signal, such as page=2 of a TIFF stack."),
    ] = None
    sample_rate: Annotated[
        int | None,
        Field(ge=1),
        Setting("Frames per second of a sound that is given as an array.", on_command_line=False),
    ] = None
    range: Annotated[
        tuple[float, float] | None,
        Setting(
            "The numbers of an array that become -1 and 1, if not those of its type.",
            on_command_line=False,
        ),
    ] = None
    modality: Annotated[
        str | None,
        Setting(
            "What an array is: image, audio, or a modality of a plugin, such as volume.",
            on_command_line=False,
        ),
    ] = None


class SetSettings(SignalSettings):
    """Settings for reading a set of signals."""

    limit: Annotated[
        int | None,
        Field(ge=1),
        Setting("Use only this many signals of a set, from its beginning.", shown="all"),
    ] = None
    skip_bad: Annotated[bool, Setting("Leave out signals that cannot be read, and duplicates.")] = (
        False
    )

    @classmethod
    def own(cls) -> tuple[str, ...]:
        """Return the names of the settings that a single signal does not have."""
        return tuple(name for name in SetSettings.marks() if name not in SignalSettings.marks())


class StudySettings(TrainingSettings):
    """Settings that determine the results of a search. The defaults are the paper's."""

    strategy: Annotated[
        str | None,
        Setting(
            "The strategy that proposes architectures.",
            shown="race; coordinate with the profile paper, or several objectives",
        ),
    ] = None
    strategy_options: Annotated[
        Options, Setting('An option of the strategy, such as start={"depth":2}.')
    ] = None
    racing: Annotated[
        bool | None,
        Setting(
            "Let configurations race on a part of the cells; for coordinate and exhaustive only.",
            shown="on, except with the profile paper",
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
    grid: Annotated[int | None, GRID] = None
    widths: Annotated[
        Integers | None,
        Setting("Widths to search.", shown="8 to 128; 16 to 512 with the profile paper"),
    ] = None
    depths: Annotated[
        Integers | None,
        Setting("Depths to search.", shown="1,2,3; 1 to 5 with the profile paper"),
    ] = None
    search: Annotated[
        Options,
        Setting(
            "A further axis of the search, such as width=16,32 or lr=1e-4..1e-2:log: any field of "
            "an architecture or a recipe, or an option of a backbone, as in "
            "siren.omega_first=auto.",
            flags=("--search",),
        ),
    ] = None
    max_flops: Annotated[
        Text | None,
        Setting(
            "Maximum FLOPs of one evaluation of the signal, such as 500M or 60k/sample; or none.",
            Group.BUDGET,
            shown="61035/sample, the paper's",
        ),
    ] = None
    max_parameters: Annotated[
        Text | None,
        Setting("Maximum number of parameters, such as 100k or 2/sample.", Group.BUDGET),
    ] = None
    max_bytes: Annotated[
        Text | None,
        Setting("Maximum size of the model file in bytes, such as 200k or 2/sample.", Group.BUDGET),
    ] = None
    max_bits_per_sample: Annotated[
        Text | None,
        Setting("Maximum size of the model file in bits per sample.", Group.BUDGET, value="BITS"),
    ] = None
    max_latency: Annotated[
        Text | None,
        Setting(
            "Maximum time to render the signal on this device, such as 50ms.",
            Group.BUDGET,
        ),
    ] = None
    max_memory: Annotated[
        Text | None,
        Setting("Maximum memory to render the signal, in bytes, such as 500M.", Group.BUDGET),
    ] = None
    precision: Annotated[
        str,
        Setting(
            "Precision of the numbers in the file, for limits on it: float32, float16 or int8.",
            Group.BUDGET,
        ),
    ] = "float32"
    objective: Annotated[
        str,
        Setting(
            "Score to maximise: psnr_flops, best, smallest, fastest, or a plugin's.",
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
            "PSNR (dB) to reach, with the goals smallest and fastest.",
            Group.BUDGET,
            flags=("--target-psnr",),
            shown="40",
            sets="objective_options.target_psnr_db",
        ),
    ] = None
    alpha: Annotated[
        float | None,
        Setting(
            "PSNR (dB) that ten times the FLOPs must gain.",
            Group.BUDGET,
            shown="7",
            sets="objective_options.alpha",
        ),
    ] = None
    floor_db: Annotated[
        float,
        Setting(
            "PSNR (dB) by which a winner must exceed the best constant for each cell.",
            Group.BUDGET,
            flags=("--floor",),
        ),
    ] = 3.0
    objectives: Annotated[
        Names,
        Setting(
            "Objectives to trade off, such as psnr,flops; the result then has their Pareto front. "
            "Choose from psnr, score, flops, parameters and bytes.",
            Group.BUDGET,
            shown="the score alone",
        ),
    ] = ()

    aggregate: Annotated[
        str,
        Setting(
            "How to combine the scores of the signals of a set: mean, median, worst, quantile=0.1.",
            Group.BUDGET,
        ),
    ] = "mean"

    @property
    def usual_sizes(self) -> dict[str, Sequence[int]]:
        """The widths and depths that are searched if none are given."""
        if not self.explores:
            return {"width": PAPER_WIDTHS, "depth": PAPER_DEPTHS}
        paper = self.objective == "psnr_flops"
        return {"width": USUAL_WIDTHS if paper else FINE_WIDTHS, "depth": USUAL_DEPTHS}

    @property
    def explores(self) -> bool:
        """Whether a search explores the grid of a whole signal: not with the paper's defaults."""
        profile = self.profile or (self.training or {}).get("profile") or self.DEFAULT_PROFILE
        return profile not in PROFILES or PROFILES[profile].defaults != "paper"

    def chosen(self, kind: str) -> str:
        """Return the plugin chosen for a kind."""
        if kind == "strategy" and self.strategy is None:
            return "race" if self.explores and len(self.objectives) < 2 else "coordinate"
        return super().chosen(kind)
