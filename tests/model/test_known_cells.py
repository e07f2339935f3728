"""A fit takes the weights of cells that a search has trained, and trains the others."""

from pathlib import Path

import pytest
import torch

from enas_inr.executors.base import ExecutionContext, given
from enas_inr.executors.local import LocalExecutor
from enas_inr.executors.states import States
from enas_inr.model import fitting
from enas_inr.model.fitting import FitSpec
from enas_inr.model.measure import measure
from enas_inr.plugins.catalog import load_catalog
from enas_inr.signals.loading import load_signal
from enas_inr.spec import EnsembleSpec, Part, TrainingSpec
from tests.trials import make_trial

CATALOG = load_catalog(plugins=False)
SIGNAL = load_signal(CATALOG, "sample:photo", {"size": [21, 19]})  # cells of four shapes
TUNED = TrainingSpec.from_profile("tuned", steps=40)


def trained(folder, parts, backbone="siren", training=TUNED):
    spec = EnsembleSpec(backbone=backbone, grid=4, depth=1, width=8)
    trials = [
        make_trial(SIGNAL, CATALOG, spec, training, part, number=number)
        for number, part in enumerate(parts)
    ]
    context = ExecutionContext(CATALOG, SIGNAL, "cpu", states=folder)
    list(LocalExecutor(context).run(given(trials)))
    return FitSpec(ensemble=spec, training=training)


def fit(spec, folder: Path | None = None, **options):
    return fitting.fit(SIGNAL, spec, catalog=CATALOG, device="cpu", states=folder, **options)


@pytest.mark.parametrize("backbone", ["siren", "fourier"])  # one has constants
@pytest.mark.parametrize(
    ("parts", "known"),
    [
        ([Part(cells=3), Part(first_cell=3, cells=7)], 7),
        ([Part(cells=7), Part(cells=5)], 7),  # some cells twice
        ([Part(cells=16)], 16),
        ([None], 16),
        ([Part(cells=4, steps=10)], 0),  # not all steps are made
    ],
)
def test_it_is_the_model_of_a_fit_without_them(tmp_path, backbone, parts, known):
    spec = trained(tmp_path, parts, backbone)
    ours, whole = fit(spec, tmp_path), fit(spec)
    assert (ours.known, whole.known) == (known, 0)
    assert measure(ours.model, SIGNAL)["psnr_db"] == pytest.approx(
        measure(whole.model, SIGNAL)["psnr_db"], abs=0.3
    )
    assert ours.model.header.metrics["steps"] == 40


def test_what_is_not_known_is_trained_as_ever(tmp_path):
    spec = trained(tmp_path, [Part(cells=5)])
    order = ExecutionContext(CATALOG, SIGNAL).order(4, TUNED.margin)
    ours, whole = fit(spec, tmp_path).model.by_cell(), fit(spec).model.by_cell()
    for name, leaf in ours.items():
        assert torch.equal(leaf[order[5:]], whole[name][order[5:]])


def test_they_are_not_taken_for_a_rate_that_does_not_fall(tmp_path):
    """The last weights are then worse than the best ones, which a fit keeps."""
    paper = TrainingSpec.from_profile("paper", steps=40)
    spec = trained(tmp_path, [Part(cells=5)], training=paper)
    assert fit(spec, tmp_path).known == 0


@pytest.mark.parametrize("change", [{"seed": 1}, {"repeats": 2}, {"target_psnr_db": 20.0}])
def test_they_are_not_taken_for_another_fit(tmp_path, change):
    spec = trained(tmp_path, [Part(cells=5)])
    assert fit(spec, tmp_path).known == 5
    assert fit(spec.model_copy(update=change), tmp_path).known == 0


def test_a_fit_that_was_interrupted_goes_on_with_them(tmp_path):
    spec = trained(tmp_path / "states", [Part(cells=5)])
    checkpoint = tmp_path / "checkpoint"
    stopped = fit(spec, tmp_path / "states", checkpoint=checkpoint, should_stop=lambda: True)
    assert not stopped.finished
    ours = fit(spec, tmp_path / "states", checkpoint=checkpoint)
    whole = fit(spec, tmp_path / "states")
    assert ours.finished
    assert not checkpoint.exists()
    for name, leaf in ours.model.by_cell().items():
        assert torch.equal(leaf, whole.model.by_cell()[name])


def test_a_damaged_state_is_as_if_there_were_none(tmp_path):
    spec = trained(tmp_path, [Part(cells=5)])
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert fit(spec, tmp_path).known == 0
    (_, trial) = fitting.settled(SIGNAL.info(), spec, CATALOG)
    assert States(tmp_path, SIGNAL.info(), CATALOG).finished(trial) == []
