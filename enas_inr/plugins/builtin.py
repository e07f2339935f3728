"""The built-in plugins, registered through the same hooks as all others."""

from __future__ import annotations

from enas_inr.hookspecs import (
    Backbone,
    Executor,
    Modality,
    Objective,
    Observer,
    Optimizer,
    Strategy,
    hookimpl,
)

ENAS_INR_API = 1
ENRP = "Soltany Kadarvish et al., Ensemble Neural Representation Networks"


@hookimpl
def enas_inr_backbones() -> list[Backbone]:
    """The paper's three backbones: SIREN, ReLU and Fourier features."""
    return [
        Backbone(
            name="siren",
            summary="sine activations",
            target="enas_inr.backbones.siren:Siren",
            options="enas_inr.backbones.options:SirenOptions",
            initialisation="weights U(+-1/in), hidden U(+-sqrt(6/in)/omega_0); biases by bias_init",
            citation="Sitzmann et al., Implicit Neural Representations with Periodic Activation "
            "Functions, NeurIPS 2020",
        ),
        Backbone(
            name="relu",
            summary="ReLU activations on plain coordinates",
            target="enas_inr.backbones.relu:Relu",
            options="enas_inr.backbones.options:ReluOptions",
            initialisation="weights U(+-sqrt(6/in)) (He); biases by bias_init",
            citation="He et al., Delving Deep into Rectifiers, ICCV 2015",
        ),
        Backbone(
            name="fourier",
            summary="ReLU activations on Gaussian random Fourier features",
            target="enas_inr.backbones.fourier:Fourier",
            options="enas_inr.backbones.options:FourierOptions",
            initialisation="mapping N(0, sigma^2), fixed; weights U(+-sqrt(6/in)); biases by "
            "bias_init",
            citation="Tancik et al., Fourier Features Let Networks Learn High Frequency Functions "
            "in Low Dimensional Domains, NeurIPS 2020",
        ),
    ]


@hookimpl
def enas_inr_modalities() -> list[Modality]:
    """Images and audio."""
    return [
        Modality(
            name="image",
            summary="pictures in gray, RGB or RGBA, of integers or floats",
            target="enas_inr.signals.pictures.image:ImageModality",
            options="enas_inr.signals.options:ImageOptions",
            suffixes=(
                *(".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"),
                *(".heic", ".heif", ".exr", ".hdr", ".jxl", ".jp2", ".pgm", ".ppm", ".pfm"),
                *(".pnm", ".apng", ".jfif", ".mpo"),
            ),
            axes=(2,),
            channels=(1, 3, 4),
        ),
        Modality(
            name="audio",
            summary="sound with any number of channels",
            target="enas_inr.signals.sounds.audio:AudioModality",
            suffixes=(
                *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc"),
                *(".au", ".snd", ".caf", ".w64", ".rf64"),
                *(".m4a", ".m4b", ".aac", ".mka", ".weba", ".wma", ".amr", ".ac3"),
            ),
            axes=(1,),
            timed=True,
        ),
    ]


@hookimpl
def enas_inr_strategies() -> list[Strategy]:
    """The paper's algorithm, exhaustive search, Ray Tune and Optuna's samplers."""
    return [
        Strategy(
            name="coordinate",
            summary="coordinate ascent over the axes, the paper's Algorithm 1",
            target="enas_inr.strategies.coordinate:CoordinateAscent",
            options="enas_inr.strategies.options:CoordinateOptions",
            citation=f"{ENRP}, Algorithm 1",
        ),
        Strategy(
            name="exhaustive",
            summary="every architecture within the budget",
            target="enas_inr.strategies.exhaustive:Exhaustive",
            options="enas_inr.strategies.options:ExhaustiveOptions",
        ),
        Strategy(
            name="race",
            summary="all configurations on a few cells, those that can still win on more",
            target="enas_inr.strategies.race:Race",
            options="enas_inr.strategies.options:RaceOptions",
            citation="Maron & Moore, Hoeffding Races, NeurIPS 1993",
        ),
        Strategy(
            name="ray",
            summary="Ray Tune: many trials, weak ones stopped early (with --executor ray)",
            target="enas_inr.executors.ray.tune_strategy:RayTune",
            options="enas_inr.executors.options:RayTuneOptions",
            citation="Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020",
        ),
        Strategy(
            name="optuna",
            summary="samplers of Optuna: TPE, CMA-ES, NSGA-II, Gaussian processes, ...",
            target="enas_inr.strategies.optuna_sampler:OptunaSearch",
            options="enas_inr.strategies.options:OptunaOptions",
            citation="Akiba et al., Optuna: A Next-generation Hyperparameter Optimization "
            "Framework, KDD 2019",
        ),
    ]


@hookimpl
def enas_inr_executors() -> list[Executor]:
    """Training in this process, or on a cluster."""
    return [
        Executor(
            name="local",
            summary="this process, on its CPU or one GPU",
            target="enas_inr.executors.local:LocalExecutor",
        ),
        Executor(
            name="ray",
            summary="a Ray cluster, which can also be started for all GPUs of this machine",
            target="enas_inr.executors.ray.executor:RayExecutor",
            options="enas_inr.executors.options:RayOptions",
            citation="Moritz et al., Ray, OSDI 2018",
        ),
    ]


@hookimpl
def enas_inr_objectives() -> list[Objective]:
    """The paper's score, and goals under a limit or with a PSNR to reach."""
    return [
        Objective(
            name="psnr_flops",
            summary="PSNR - alpha log10(FLOPs), the paper's score",
            target="enas_inr.objectives.psnr_flops:PsnrFlops",
            options="enas_inr.objectives.options:PsnrFlopsOptions",
            citation=f"{ENRP}, eq. (8)",
        ),
        Objective(
            name="best",
            summary="the highest PSNR within the limits",
            target="enas_inr.objectives.best:Best",
            options="enas_inr.objectives.options:BestOptions",
        ),
        Objective(
            name="smallest",
            summary="the smallest file that reaches --target-psnr",
            target="enas_inr.objectives.smallest:Smallest",
            options="enas_inr.objectives.options:TargetOptions",
        ),
        Objective(
            name="fastest",
            summary="the shortest time to render that reaches --target-psnr",
            target="enas_inr.objectives.fastest:Fastest",
            options="enas_inr.objectives.options:TargetOptions",
        ),
    ]


@hookimpl
def enas_inr_optimizers() -> list[Optimizer]:
    """The paper's optimizer, and Muon."""
    return [
        Optimizer(
            name="adam",
            summary="Adam, the paper's optimizer",
            target="enas_inr.training.optimizers.adam:Adam",
            citation="Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015",
        ),
        Optimizer(
            name="muon",
            summary="orthogonalised momentum for hidden matrices, Adam for the rest",
            target="enas_inr.training.optimizers.muon:Muon",
            options="enas_inr.training.optimizers.options:MuonOptions",
            citation="Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024",
        ),
    ]


@hookimpl
def enas_inr_observers() -> list[Observer]:
    """A log of all events."""
    return [
        Observer(
            name="jsonl",
            summary="each event as a line of JSON in a file",
            target="enas_inr.observers.json_lines:JsonLines",
            options="enas_inr.observers.options:JsonLinesOptions",
        )
    ]
