"""The settings of a report's studies as text, in full and in brief."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from enas_inr.spec import Choice, EnsembleSpec, SignalInfo, StudySpec, TrainingSpec
from enas_inr.studies.record import Report, StudyRecord
from enas_inr.validation import counted, format_quantity

_ALWAYS = ("profile", "steps", "learning_rate", "patience", "coordinates")
"""Settings of the training that are shown even if they are as usual."""


def settings(study: StudyRecord) -> dict[str, str]:
    """Return the settings that decided the results of a study, in words, by their names."""
    spec = study.spec
    signal = spec.signal
    shape = " to ".join(dict.fromkeys(map(_shape, _ends(spec))))
    units = {2: "pixels", 3: "voxels"} if signal.sample_rate is None else {}
    unit = units.get(len(signal.shape), "samples")
    rate = f", {signal.sample_rate} Hz" if signal.sample_rate else ""
    channels = counted(signal.channels, "channel")
    return {
        "signal": spec.about_text,
        "aggregate": spec.aggregate if spec.signals else "",
        "shape": f"{shape} {unit}, {channels}{rate}",
        "backbone": backbone_text(spec),
        "architectures": spec.space.text(),
        "strategy": _choice(spec.strategy),
        "objective": _choice(spec.objective),
        "Pareto front of": ", ".join(spec.objectives),
        "budget": _budget(spec),
        "training": _training(spec.training),
        "repeats": str(spec.repeats),
        "seed": str(spec.seed),
        "trials": _trials(study),
        "device": _distinct(result.device for result in study.results),
        "versions": _distinct(
            ", ".join(f"{name} {version}" for name, version in sorted(result.versions.items()))
            for result in study.results
        ),
        "training time": f"{sum(result.seconds for result in study.results):,.1f} s",
    }


def _ends(spec: StudySpec) -> tuple[SignalInfo, SignalInfo]:
    """Return the smallest and the largest of the signals."""
    ordered = sorted(spec.all_signals, key=lambda info: info.samples)
    return ordered[0], ordered[-1]


def _shape(signal: SignalInfo) -> str:
    return "x".join(map(str, reversed(signal.shape)))


def brief_settings(report: Report) -> list[str]:
    """Return a line for each signal, and one for each way of training."""
    signals = [
        f"{len(study.spec.signals)} signals, aggregate: {study.spec.aggregate}"
        if study.spec.signals
        else f"signal: {signal.name}, {'x'.join(map(str, signal.shape))} samples of "
        f"{counted(signal.channels, 'channel')}"
        for study in report.studies
        for signal in [study.spec.signal]
    ]
    ways = [
        f"training: profile {spec.training.profile}, {spec.training.steps} steps, learning rate "
        f"{_rate(spec.training)}, {spec.repeats} repeats from seed {spec.seed}"
        for spec in (study.spec for study in report.studies)
    ]
    return list(dict.fromkeys([*signals, *ways]))


def backbone_text(spec: StudySpec, trained: EnsembleSpec | None = None) -> str:
    """Return the kind of sub-network and the given options."""
    searched = [axis for axis in spec.space.axes if axis.name == "backbone"]
    if searched:
        return trained.backbone if trained else str(searched[0])
    return _choice(Choice(name=spec.space.base.backbone, options=spec.space.base.options))


def _choice(choice: Choice) -> str:
    options = ", ".join(f"{name} {value}" for name, value in choice.options.items())
    return f"{choice.name} ({options})" if options else choice.name


def _budget(spec: StudySpec) -> str:
    parts = []
    for name, total in spec.budget.limits(spec.signal.samples).items():
        limit = getattr(spec.budget, name)
        amount = f"{total:g} s" if name == "latency" else format_quantity(total)
        text = f"{'FLOPs' if name == 'flops' else name} up to {amount}"
        parts.append(f"{text} ({limit})" if limit.per_sample else text)
    return ", ".join(parts) or "none"


def _training(training: TrainingSpec) -> str:
    usual, settings = TrainingSpec(), dict(training) | {"learning_rate": _rate(training)}
    return "; ".join(
        f"{name.replace('_', ' ')} {_told(value)}"
        for name, value in settings.items()
        if name in _ALWAYS or value != getattr(usual, name)
    )


def _rate(training: TrainingSpec) -> float | str:
    return training.learning_rate or ("fitted" if training.fits_rate else "the backbone's")


def _told(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{part:g}" for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _trials(study: StudyRecord) -> str:
    counts = Counter(result.status.value for result in study.results)
    return ", ".join(f"{count} {status}" for status, count in counts.items()) or "none yet"


def _distinct(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
