"""A fit starts from the weights of a model, or from the mean of those of an archive."""

from dataclasses import replace

import pytest
import torch

import enas_inr
from enas_inr.errors import ModelError, SpecError, TrainingError
from enas_inr.executors.base import ExecutionContext, given
from enas_inr.executors.local import LocalExecutor
from enas_inr.model import fitting
from enas_inr.model.file import decode, encode
from enas_inr.model.fitting import FitSpec
from enas_inr.model.header import StartNote
from enas_inr.model.start import Start
from enas_inr.spec import EnsembleSpec, TrainingSpec
from tests.model.noise import CATALOG, fitted, noise
from tests.trials import make_trial

SIGNAL = noise(7)
TUNED = TrainingSpec.from_profile("tuned", steps=10)


def spec_of(model, training=TUNED, **changes) -> FitSpec:
    return FitSpec(**{"ensemble": model.header.ensemble, "training": training} | changes)


def fit(spec, start=None, signal=SIGNAL, **options):
    return fitting.fit(signal, spec, catalog=CATALOG, device="cpu", start=start, **options)


def test_no_step_from_a_model_is_the_model_and_more_improve_it(models):
    start = Start.of_model(models[0], "m.inr")
    signal = noise(0)
    still = spec_of(models[0], TrainingSpec(steps=1, learning_rate=1e-30))
    assert torch.equal(fit(still, start, signal).model.vector(), models[0].vector())
    further = fit(spec_of(models[0]), start, signal).model
    before = (models[0].render().values - signal.values).square().mean()
    assert (further.render().values - signal.values).square().mean() < before


def test_the_seed_decides_nothing_then(models):
    start = Start.of_model(models[0], "m.inr")
    one, two = (fit(spec_of(models[0], seed=seed), start).model for seed in (0, 1))
    drawn = fit(spec_of(models[0])).model
    assert torch.equal(one.vector(), two.vector())
    assert not torch.equal(one.vector(), drawn.vector())


def test_constants_are_those_of_the_start():
    model = fitted(noise(0), "fourier", seed=3)
    ours = fit(spec_of(model), Start.of_model(model, "m.inr")).model.by_cell()
    assert torch.equal(ours["mapping"], model.by_cell()["mapping"])
    assert not torch.equal(ours["mapping"], fit(spec_of(model)).model.by_cell()["mapping"])


def test_the_mean_of_an_archive_is_that_of_its_vectors(tmp_path, models):
    enas_inr.write_archive(tmp_path / "m.inrs", models, catalog=CATALOG)
    with enas_inr.open_archive(tmp_path / "m.inrs", catalog=CATALOG) as archive:
        start = Start.of_archive(archive)
    mean = torch.stack([model.vector() for model in models]).mean(dim=0)
    found = replace(models[0], blocks=(start.leaves,)).blocks[0]
    ours = torch.cat([leaf.flatten(1) for leaf in found.values()], dim=1).flatten()
    torch.testing.assert_close(ours, mean)
    assert (start.models, start.ensemble) == (3, models[0].header.ensemble)
    assert start.source == f"the mean of 3 models of {tmp_path}/m.inrs"


def test_a_mean_has_the_options_that_all_models_have(tmp_path, models):
    other = models[1].header.ensemble
    options = other.options | {"omega_first": 7.0}
    header = models[1].header.model_copy(
        update={"ensemble": other.model_copy(update={"options": options})}
    )
    pair = [models[0], replace(models[1], header=header)]
    enas_inr.write_archive(tmp_path / "m.inrs", pair, catalog=CATALOG)
    start = Start.of_archive(enas_inr.open_archive(tmp_path / "m.inrs", catalog=CATALOG))
    assert other.options.keys() - start.ensemble.options.keys() == {"omega_first"}


def test_models_of_other_coordinates_have_no_mean(tmp_path, models):
    training = models[1].header.training.model_copy(update={"extent": 72})
    header = models[1].header.model_copy(update={"training": training})
    pair = [models[0], replace(models[1], header=header)]
    enas_inr.write_archive(tmp_path / "m.inrs", pair, catalog=CATALOG)
    with pytest.raises(ModelError, match=r"'noise0' and 'noise1' .* have other coordinates"):
        Start.of_archive(enas_inr.open_archive(tmp_path / "m.inrs", catalog=CATALOG))


def test_the_header_says_from_what_a_model_started(models):
    start = Start.of_model(models[0], "m.inr")
    model = fit(spec_of(models[0]), start).model
    assert model.header.start == StartNote(source="m.inr", sha256=start.sha256)
    stored = decode(encode(model.header, model.blocks), CATALOG, "m").header
    assert stored == model.header
    # An older version would refuse the note, and should say that it has to be updated.
    assert stored.format_version == 2
    drawn = fit(spec_of(models[0])).model.header
    assert drawn.format_version == 1
    assert "start" not in drawn.model_dump_json()
    assert model.with_vector(model.vector()).header.start is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 8}, r"the fit is siren M=3 d=1 w=8.* its start \(m.inr\) is siren M=3 d=1 w=9"),
        ({"grid": 2}, "M=2"),
        ({"depth": 2}, "d=2"),
        ({"backbone": "relu", "options": {}}, "the fit is relu"),
    ],
)
def test_another_architecture_is_refused_in_one_line(models, changes, says):
    spec = spec_of(models[0])
    spec = spec.model_copy(update={"ensemble": spec.ensemble.model_copy(update=changes)})
    with pytest.raises(ModelError, match=says) as caught:
        fit(spec, Start.of_model(models[0], "m.inr"))
    assert "\n" not in str(caught.value)


def test_repeats_that_would_be_equal_are_refused(models):
    with pytest.raises(SpecError, match="2 repeats from the same weights"):
        fit(spec_of(models[0], repeats=2), Start.of_model(models[0], "m.inr"))


def test_a_checkpoint_belongs_to_one_start(tmp_path, models):
    starts = [Start.of_model(model, "m.inr") for model in models[:2]]
    spec, checkpoint = spec_of(models[0]), tmp_path / "c"
    stopped = fit(spec, starts[0], checkpoint=checkpoint, should_stop=lambda: True)
    assert not stopped.finished
    for other in (starts[1], None):
        with pytest.raises(TrainingError, match="belongs to another fit"):
            fit(spec, other, checkpoint=checkpoint)
    same = replace(starts[0], source="moved.inr")
    resumed = fit(spec, same, checkpoint=checkpoint)
    assert not checkpoint.exists()
    assert torch.equal(resumed.model.vector(), fit(spec, starts[0]).model.vector())
    assert resumed.model.header.start == same.note


def test_what_a_search_has_trained_is_not_mixed_with_it(tmp_path, models):
    ensemble = EnsembleSpec(grid=3, depth=1, width=9, options=models[0].header.ensemble.options)
    trial = make_trial(SIGNAL, CATALOG, ensemble, TUNED, None)
    context = ExecutionContext(CATALOG, SIGNAL, "cpu", states=tmp_path)
    list(LocalExecutor(context).run(given([trial])))
    spec = FitSpec(ensemble=ensemble, training=TUNED)
    assert fit(spec, states=tmp_path).known == 9
    start = Start.of_model(models[0], "m.inr")
    ours = fit(spec, start, states=tmp_path)
    assert ours.known == 0
    assert torch.equal(ours.model.vector(), fit(spec, start).model.vector())
