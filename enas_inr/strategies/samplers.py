"""Make the samplers of Optuna by name."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from enas_inr.errors import SpecError
from enas_inr.validation import nearest

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

SHORT_NAMES = {
    "tpe": "TPESampler",
    "random": "RandomSampler",
    "cmaes": "CmaEsSampler",
    "nsgaii": "NSGAIISampler",
    "gp": "GPSampler",
    "brute": "BruteForceSampler",
}
"""Short names of the samplers that are used most."""

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # With Optuna's default of 50, a search of usual length would stay random.
    "NSGAIISampler": {"population_size": 8},
    "NSGAIIISampler": {"population_size": 8},
}
_PACKAGES = {"CmaEsSampler": ("cmaes",)}
"""The further packages that a sampler imports."""

_INDEPENDENT = {"TPESampler", "RandomSampler", "GPSampler", "BruteForceSampler"}
"""The samplers that decide by the trials of the study and their options alone.

The others remember generations or positions by what they have proposed themselves.
"""

_COMPUTE_WITH_TORCH = {"GPSampler"}

_OBJECTS = re.compile("Callable|Base|Trial")  # in the type of an option
_SINGLE_OBJECTIVE = {"CmaEsSampler"}


def is_independent(name: str) -> bool:
    """Whether a sampler decides by the trials of the study alone, and remembers nothing itself."""
    return SHORT_NAMES.get(name, name) in _INDEPENDENT


def needs_all_trials(name: str) -> bool:
    """Whether a sampler goes through all configurations, so that it must know each trial."""
    return SHORT_NAMES.get(name, name) == "BruteForceSampler"


def make_sampler(
    name: str, options: Mapping[str, Any], *, seed: int, several: bool = False
) -> BaseSampler:
    """Make a sampler.

    Args:
        name: a short name, or the name of a class in `optuna.samplers`.
        options: keyword arguments of that class; a `seed` among them takes precedence.
        seed: random seed.
        several: whether it has to optimise several objectives.

    Raises:
        SpecError: the sampler or an option is unknown, a value is wrong, a package is missing, or
            the sampler cannot optimise several objectives.
    """
    known = _samplers()
    chosen = SHORT_NAMES.get(name, name)
    if chosen not in known:
        raise SpecError(f"unknown sampler {name!r}", nearest(name, [*SHORT_NAMES, *known]))
    missing = [package for package in _PACKAGES.get(chosen, ()) if find_spec(package) is None]
    if missing:
        raise SpecError(
            f"sampler {name!r} needs {' and '.join(missing)}",
            "install the extra: pip install 'enas-inr[samplers]'",
        )
    if several and chosen in _SINGLE_OBJECTIVE:
        raise SpecError(
            f"sampler {name!r} can optimise only one objective",
            "choose tpe, nsgaii or gp, or drop --objectives",
        )
    accepted = _options(known[chosen])
    for option in options:
        if option not in accepted:
            raise SpecError(
                f"sampler {name!r}: unknown option {option!r}", nearest(option, accepted)
            )
    seeded = {"seed": seed} if "seed" in accepted else {}
    with explained(name):
        return known[chosen](**{**_DEFAULTS.get(chosen, {}), **seeded, **options})


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Silence Optuna, and turn an error of a sampler into one line.

    Raises:
        SpecError: the sampler raised an error; it checks its options only when it uses them.
    """
    import optuna

    level = optuna.logging.get_verbosity()
    if level != optuna.logging.ERROR:  # setting it clears a cache of all loggers
        optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with _one_thread(SHORT_NAMES.get(name, name)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        raise SpecError(
            f"sampler {name!r} failed: {type(error).__name__}: {error}",
            "check its options, or choose another --sampler",
        ) from error
    finally:
        if level != optuna.logging.ERROR:
            optuna.logging.set_verbosity(level)


@contextmanager
def _one_thread(chosen: str) -> Iterator[None]:
    """Let a sampler that computes with torch use one thread.

    Its sums, and so what it proposes, would depend on the number of threads; and on a few points,
    several take ten times as long as one.
    """
    if chosen not in _COMPUTE_WITH_TORCH:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@cache
def _samplers() -> dict[str, type[BaseSampler]]:
    import optuna

    return {
        class_name: made
        for class_name in optuna.samplers.__all__
        if _needs_nothing(made := getattr(optuna.samplers, class_name))
    }


@cache
def _options(sampler: type) -> list[str]:
    """Names of the options that JSON can express, which excludes functions and objects."""
    parameters = inspect.signature(sampler).parameters.values()
    return [p.name for p in parameters if not _OBJECTS.search(str(p.annotation))]


def _needs_nothing(sampler: Any) -> bool:
    """Whether a sampler can be made without objects that a command line cannot express."""
    return (
        inspect.isclass(sampler)
        and not inspect.isabstract(sampler)
        and all(
            parameter.default is not parameter.empty
            for parameter in inspect.signature(sampler).parameters.values()
        )
    )
