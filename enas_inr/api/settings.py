"""The settings of `search` and `fit`; `enas_inr.studies.settings` explains their form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from enas_inr.signals.options import PAPER_SIZE
from enas_inr.spec.budget import parse_seconds
from enas_inr.studies.location import DEFAULT_SHOWN
from enas_inr.studies.setting import Group, Options, Setting, Settings, StorageText, Text
from enas_inr.studies.settings import (
    PROFILE,
    STEPS,
    SetSettings,
    SignalSettings,
    StudySettings,
    TrainingSettings,
)
from enas_inr.studies.stopping import Stopping

OUTPUT = Setting(
    "The model file.", Group.OUTPUT, flags=("--output", "-o"), shown="SIGNAL's name with .inr"
)
PREVIEW = Setting("Picture to write of the original, the result and the error.", Group.OUTPUT)
FORCE = Setting("Overwrite files.", Group.OUTPUT, flags=("--force",))

Device = Annotated[str, Setting("Device: auto, cpu, cuda, cuda:N, mps or xpu.", Group.TRAINING)]


def _listed(value: Any) -> Any:
    """Return a list of what is one name or one object."""
    several = isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
    return tuple(value) if several else (value,)


class ObserverSettings(Settings):
    """Settings of who is told what happens; they change no results."""

    observers: Annotated[
        Sequence[Any],
        BeforeValidator(_listed),
        Setting(
            "Observers that are told what happens, such as jsonl, or tensorboard and mlflow of "
            "the package enas-inr-tracking.",
            Group.STUDY,
            flags=("--observer",),
            shown="none",
        ),
    ] = ()
    observer_options: Annotated[
        Options,
        Setting(
            "An option of the observers, such as folder=runs; NAME.KEY=VALUE sets that of one "
            "observer.",
            Group.STUDY,
        ),
    ] = None


MOST_PSNR_DB = 200.0  # beyond, float32 decides


class SearchSettings(SetSettings, StudySettings, ObserverSettings):
    """All settings of a search, including where its trials are trained and kept."""

    DEFAULT_PROFILE: ClassVar[str] = "tuned"
    FIRST: ClassVar[tuple[str, ...]] = (
        "objective",
        "target_psnr_db",
        "max_bytes",
        "max_flops",
        "size",
        "backbone",
        "grid",
        "widths",
        "depths",
        "strategy",
        "steps",
        "timeout",
        "study",
        "storage",
        "device",
    )

    hold_out: Annotated[
        float | None,
        Field(gt=0, lt=1),
        Setting(
            "Share of the signals of a set to hold out of the search, to measure what one "
            "configuration for all of them costs on other signals.",
            shown="none",
            value="SHARE",
        ),
    ] = None
    profile: Annotated[str | None, PROFILE.but(shown=DEFAULT_PROFILE)] = None
    device: Device = "auto"
    executor: Annotated[
        str | None,
        Setting(
            "Where trials are trained: local, ray, or a plugin's.",
            Group.EXECUTOR,
            shown="local; ray for the strategy ray",
        ),
    ] = None
    executor_options: Annotated[
        Options,
        Setting("An option of the executor, such as workers=4 for ray.", Group.EXECUTOR),
    ] = None
    ray_address: Annotated[
        str | None,
        Setting(
            "Address of a running cluster: auto or HOST:PORT.",
            Group.EXECUTOR,
            shown="a cluster is started on this machine",
            sets="executor_options.address",
        ),
    ] = None
    workers: Annotated[
        int | None,
        Setting(
            "Number of trials trained at the same time.",
            Group.EXECUTOR,
            shown="all that fit",
            sets="executor_options.workers",
        ),
    ] = None
    cpus_per_trial: Annotated[
        float | None,
        Setting(
            "CPU cores for each trial.",
            Group.EXECUTOR,
            shown="1",
            sets="executor_options.cpus_per_trial",
            value="CORES",
        ),
    ] = None
    gpus_per_trial: Annotated[
        float | None,
        Setting(
            "GPUs for each trial; 0.5 trains two on one GPU.",
            Group.EXECUTOR,
            shown="1 if there are any",
            sets="executor_options.gpus_per_trial",
            value="GPUS",
        ),
    ] = None
    study: Annotated[
        str | None,
        Setting(
            "Name of the study to start or continue.",
            Group.STUDY,
            shown="derived from the settings",
        ),
    ] = None
    storage: Annotated[
        StorageText,
        Setting(
            "Where the study is kept: an Optuna URL, or the path of an SQLite file.",
            Group.STUDY,
            shown=DEFAULT_SHOWN,
        ),
    ] = None
    timeout: Annotated[
        Text | None,
        Setting(
            "Stop after this time, such as 90s or 10min. The same command resumes the search.",
            Group.STUDY,
            shown="none",
        ),
    ] = None
    stop_after: Annotated[
        int | None,
        Field(ge=1),
        Setting(
            "Stop after this many trials without an improvement.",
            Group.STUDY,
            shown="none",
            value="TRIALS",
        ),
    ] = None
    pictures: Annotated[
        bool,
        Setting(
            "Keep each trial's reconstruction as a picture or sound, for the dashboard.",
            Group.STUDY,
        ),
    ] = True

    @property
    def stop_rules(self) -> Stopping:
        """When to stop early.

        Raises:
            SpecError: the time limit is no duration.
        """
        seconds = None if self.timeout is None else parse_seconds(str(self.timeout))
        return Stopping(seconds, self.stop_after)

    @property
    def usual_size(self) -> str:
        """The size of an image for which none is given: its own, or the paper's."""
        return "none" if self.explores else PAPER_SIZE

    def chosen(self, kind: str) -> str:
        """Return the plugin chosen for a kind; the strategy `ray` implies the executor `ray`."""
        if kind == "executor":
            return self.executor or ("ray" if self.strategy == "ray" else "local")
        return super().chosen(kind)


class SuggestSettings(SignalSettings):
    """All settings of a suggestion."""

    target_psnr_db: Annotated[
        float,
        Field(gt=0, le=MOST_PSNR_DB),
        Setting("PSNR (dB) that the model should reach.", flags=("--target-psnr",)),
    ] = 40.0
    backbone: Annotated[str, Setting("Kind of sub-network; see `enas-inr plugins list`.")] = "siren"
    backbone_options: Annotated[
        Options, Setting("An option of the backbone, such as omega_first=60.")
    ] = None
    grid: Annotated[
        int | None,
        Field(ge=1),
        Setting(
            "Cells along each spatial axis, M; the rest is suggested for it.", shown="suggested"
        ),
    ] = None
    profile: Annotated[str | None, PROFILE.but(shown=SearchSettings.DEFAULT_PROFILE)] = None
    training: Annotated[
        Options,
        Setting(
            'Changes to the profile, such as {"optimizer": "muon"}.',
            Group.TRAINING,
            on_command_line=False,
        ),
    ] = None
    steps: Annotated[int | None, STEPS] = None


_OF_SEARCH = SearchSettings.marks()


class MakeSettings(SearchSettings):
    """All settings of a search whose winner is fitted and written."""

    DEFAULT_PROFILE: ClassVar[str] = "smooth"
    FIRST: ClassVar[tuple[str, ...]] = (
        "target_psnr_db",
        "max_bytes",
        "objective",
        "precision",
        "size",
        "backbone",
        "profile",
        "steps",
        "timeout",
        "study",
        "storage",
        "device",
    )
    TARGET_DB: ClassVar[float] = 36.0
    """PSNR to reach if none is given: above it, most photographs take more bytes than a PNG."""

    objective: Annotated[
        str, _OF_SEARCH["objective"].but(shown="smallest; best within a limit of bytes")
    ] = "smallest"
    target_psnr_db: Annotated[float | None, _OF_SEARCH["target_psnr_db"].but(shown="36")] = None
    precision: Annotated[str, _OF_SEARCH["precision"].but(shown="that of the fewest bytes")] = (
        "float32"
    )
    profile: Annotated[str | None, PROFILE.but(shown=DEFAULT_PROFILE)] = None
    output: Annotated[str | Path | None, OUTPUT] = None
    preview: Annotated[str | Path | None, PREVIEW] = None
    force: Annotated[bool, FORCE] = False


class ArchitectureSettings(Settings):
    """Settings of the architecture to fit."""

    study: Annotated[str | None, Setting("Fit the best architecture of this study.")] = None
    storage: Annotated[StorageText, Setting("Storage of that study.", shown=DEFAULT_SHOWN)] = None
    architecture: Annotated[
        Options,
        Setting(
            'Fields of an EnsembleSpec, such as {"grid": 16, "width": 32}.', on_command_line=False
        ),
    ] = None
    backbone: Annotated[
        str | None, Setting("Kind of sub-network.", shown="siren", sets="architecture.backbone")
    ] = None
    backbone_options: Annotated[
        Options,
        Setting("An option of the backbone, such as omega_first=60.", sets="architecture.options"),
    ] = None
    grid: Annotated[
        int | None,
        Setting("Cells along each spatial axis, M.", shown="8", sets="architecture.grid"),
    ] = None
    depth: Annotated[
        int | None,
        Setting("Number of hidden layers, d.", shown="1", sets="architecture.depth"),
    ] = None
    width: Annotated[
        int | None,
        Setting("Units of a hidden layer, w.", shown="64", sets="architecture.width"),
    ] = None


class FitSettings(SignalSettings, ArchitectureSettings, TrainingSettings, ObserverSettings):
    """All settings of a fit."""

    DEFAULT_PROFILE: ClassVar[str] = "smooth"
    FIRST: ClassVar[tuple[str, ...]] = (
        "study",
        "backbone",
        "grid",
        "depth",
        "width",
        "steps",
        "size",
        "profile",
        "init_from",
        "resume_from",
        "device",
    )

    size: Annotated[
        Text | None,
        Setting("Resize an image first: 128 (a square), WxH, or none.", shown="none"),
    ] = None
    profile: Annotated[
        str | None, PROFILE.but(shown=f"the study's or start's, or {DEFAULT_PROFILE}")
    ] = None
    steps: Annotated[int | None, STEPS.but(shown="those of the study or model, or 500")] = None
    repeats: Annotated[
        int,
        Field(ge=1, le=1_000_000),
        Setting("Number of trainings from different seeds; the best is kept.", Group.TRAINING),
    ] = 1
    init_from: Annotated[
        str | Path | None,
        Setting(
            "Start from the weights of a model, of an archive (the mean of its models), or of the "
            "winner of a study.",
            Group.TRAINING,
            shown="weights drawn from the seed",
            value="WEIGHTS",
        ),
    ] = None
    resume_from: Annotated[
        str | Path | None,
        Setting(
            "Train a model file further, with its architecture and recipe, for --steps more steps. "
            "The optimizer and the schedule start afresh, since a file does not hold their state.",
            Group.TRAINING,
            shown="none",
            value="MODEL",
        ),
    ] = None
    target_psnr_db: Annotated[
        float | None,
        Setting("Stop when this PSNR (dB) is reached.", Group.TRAINING, flags=("--target-psnr",)),
    ] = None
    device: Device = "auto"
    output: Annotated[str | Path | None, OUTPUT] = None
    precision: Annotated[
        str, Setting("Precision of the stored numbers: float32, float16 or int8.", Group.OUTPUT)
    ] = "float32"
    preview: Annotated[str | Path | None, PREVIEW] = None
    force: Annotated[bool, FORCE] = False


class FitManySettings(SetSettings, FitSettings):
    """All settings of a fit of many signals."""

    output: Annotated[
        str | Path | None,
        OUTPUT.but(
            help="The model file; of several signals, the folder of their models.",
            shown="SIGNAL's name with .inr; models",
        ),
    ] = None
    jobs: Annotated[
        int | None,
        Field(ge=1),
        Setting(
            "Number of processes that fit signals of a set at the same time, with Ray.",
            Group.EXECUTOR,
            shown="this process alone",
        ),
    ] = None
