"""The training of a member depends only on its seed and its cell."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.backbones.fourier import Fourier
from enas_inr.backbones.layered import LayeredBackbone
from enas_inr.backbones.opaque import Opaque
from enas_inr.backbones.options import FourierOptions, ReluOptions, SirenOptions
from enas_inr.backbones.relu import Relu
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetCost, NetShape
from enas_inr.errors import TrainingError
from enas_inr.signals.partition import cell_coordinates, cut
from enas_inr.spec import TrainingSpec
from enas_inr.training import chunks as plan
from enas_inr.training import compiled_kernel as compiled
from enas_inr.training import layered_kernel as layered
from enas_inr.training.batch import Job, derived_seed, make_batches
from enas_inr.training.evaluate import evaluate
from enas_inr.training.packing import LayeredPacking
from enas_inr.training.run import Progress
from enas_inr.training.trainer import train
from tests.present import present

CPU = torch.device("cpu")
STEPS = 50
TRAINING = TrainingSpec(steps=STEPS)
SHAPE = NetShape(in_features=2, out_features=3, depth=1, width=16)
BACKBONES: dict[str, LayeredBackbone] = {
    "siren": Siren(SirenOptions(bias_init="fan_product")),
    "relu": Relu(ReluOptions(bias_init="fan_in")),
    "fourier": Fourier(FourierOptions(mapping_size=6, sigma=1.0, bias_init="fan_in")),
}


class ComplexWave(Backbone):
    """The real part of a sum of complex waves: complex parameters."""

    def init(self, shape: NetShape, seeds) -> Params:
        def draw(seed: int) -> Tensor:
            generator = torch.Generator().manual_seed(seed)
            rows = shape.in_features + shape.out_features
            return torch.randn(shape.width, rows, dtype=torch.complex64, generator=generator)

        return {"wave": torch.stack([draw(seed) for seed in seeds])}

    def forward(self, shape: NetShape, params: Params, x):
        wave = params["wave"]
        phase = x @ wave[:, :, : shape.in_features].real.transpose(1, 2)
        return (torch.exp(1j * phase) @ wave[:, :, shape.in_features :]).real

    def cost(self, shape: NetShape) -> NetCost:
        numbers = shape.width * (shape.in_features + shape.out_features)
        return NetCost(macs_per_sample=numbers, parameters=2 * numbers)


def picture(rows: int = 12, columns: int = 12, channels: int = 3) -> Float[Tensor, "r c 3"]:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(rows, columns, channels, generator=generator) * 2 - 1


def job(backbone: Backbone, values=None, grid=(2, 2), seeds=(10, 11), lr=1e-3, shape=SHAPE) -> Job:
    return Job(backbone, shape, cut(picture() if values is None else values, grid), seeds, lr)


def plain_adam(leaves, rate):
    return torch.optim.Adam(leaves, lr=rate, foreach=False)


def trained_alone(
    one: Job, repeat: int, cell: int, steps: int = STEPS, extent: int = 1, optimizer=plain_adam
):
    """One sub-network by plain autograd and a plain optimizer: its losses and final leaves."""
    block = next(b for b in one.partition.blocks if cell in b.cells)
    target = block.values[block.cells.index(cell)]
    margin = one.partition.margin
    x = cell_coordinates(block.shape, "centers", margin=margin, extent=extent).unsqueeze(0)
    leaves = dict(one.backbone.init(one.shape, [derived_seed(one.seeds[repeat], cell)]))
    if one.initial is not None:
        leaves = {name: leaf[cell : cell + 1].clone() for name, leaf in one.initial.items()}
    trained = [
        leaf.requires_grad_() for n, leaf in leaves.items() if n not in one.backbone.constants
    ]
    update = optimizer(trained, one.learning_rate)
    losses = []
    for _ in range(steps):
        update.zero_grad()
        loss = (one.backbone.forward(one.shape, leaves, x)[0] - target).square().mean()
        loss.backward()
        update.step()
        losses.append(float(loss.detach()))
    return losses, {name: leaf.detach()[0] for name, leaf in leaves.items()}


@pytest.mark.parametrize("opaque", [False, True], ids=["layered", "general"])
@pytest.mark.parametrize("name", BACKBONES)
def test_a_batched_member_becomes_what_it_becomes_alone(name, opaque):
    backbone = Opaque(BACKBONES[name]) if opaque else BACKBONES[name]
    one = job(backbone)
    (outcome,) = train([one], TRAINING, CPU, keep_params=True)
    for repeat, cell in [(0, 0), (0, 3), (1, 2)]:
        _, alone = trained_alone(one, repeat, cell)
        for leaf, expected in alone.items():
            torch.testing.assert_close(
                outcome.params[0][leaf][repeat, cell], expected, atol=2e-5, rtol=1e-3
            )


@pytest.mark.parametrize("opaque", [False, True], ids=["layered", "general"])
@pytest.mark.parametrize("name", BACKBONES)
def test_a_member_becomes_what_it_becomes_alone_from_the_same_leaves(name, opaque):
    """In a batch with members that are drawn, on a grid whose cells have four shapes."""
    backbone = Opaque(BACKBONES[name]) if opaque else BACKBONES[name]
    drawn = job(backbone, picture(13, 11), seeds=(10,))
    other = backbone.init(SHAPE, [100, 101, 102, 103])
    started = replace(drawn, initial={name: 0.9 * leaf for name, leaf in other.items()})
    outcomes = train([drawn, started], TRAINING, CPU, keep_params=True)
    for one, outcome in zip([drawn, started], outcomes, strict=True):
        for block, params in zip(one.partition.blocks, outcome.params, strict=True):
            for row, cell in enumerate(block.cells):
                _, alone = trained_alone(one, 0, cell)
                for leaf, expected in alone.items():
                    torch.testing.assert_close(params[leaf][0, row], expected, atol=2e-5, rtol=1e-3)
    assert not torch.equal(outcomes[0].losses, outcomes[1].losses)


def test_leaves_from_which_a_job_starts_are_not_changed():
    initial = BACKBONES["siren"].init(SHAPE, range(4))
    before = {name: leaf.clone() for name, leaf in initial.items()}
    train([replace(job(BACKBONES["siren"]), initial=initial)], TRAINING, CPU)
    assert all(torch.equal(leaf, before[name]) for name, leaf in initial.items())


@pytest.mark.parametrize("name", BACKBONES)
def test_with_a_margin_a_signals_loss_still_weighs_each_cell_by_its_own_samples(name):
    partition = cut(picture(13, 11), (2, 3), margin=2)
    one = Job(BACKBONES[name], SHAPE, partition, (10,), 1e-3)
    training = TRAINING.model_copy(update={"extent": 9})
    (outcome,) = train([one], training, CPU)
    expected = sum(
        torch.tensor(trained_alone(one, 0, cell, extent=9)[0]) * weight / partition.samples
        for cell, weight in enumerate(partition.weights.tolist())
    )
    torch.testing.assert_close(outcome.losses[0].float(), expected, atol=1e-5, rtol=1e-3)


def test_complex_parameters_train_through_the_general_kernel():
    one = job(ComplexWave(), lr=1e-2)
    (outcome,) = train([one], TRAINING, CPU, keep_params=True)
    _, alone = trained_alone(one, 1, 2)
    torch.testing.assert_close(outcome.params[0]["wave"][1, 2], alone["wave"], atol=1e-4, rtol=1e-3)
    assert outcome.losses[0, -1] < 0.5 * outcome.losses[0, 0]


def test_the_loss_of_a_step_is_the_whole_signals_before_its_update():
    one = job(BACKBONES["siren"], picture(13, 11), grid=(3, 2))
    (outcome,) = train([one], TRAINING, CPU)
    weights = one.partition.weights
    curves = torch.tensor([trained_alone(one, 1, cell)[0] for cell in range(6)])
    expected = (curves * weights[:, None]).sum(dim=0) / weights.sum()
    torch.testing.assert_close(outcome.losses[1].float(), expected, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("name", BACKBONES)
def test_chunks_and_tiles_change_nothing_but_rounding(name):
    one = job(BACKBONES[name], picture(15, 14))
    (whole,) = train([one], TRAINING, CPU)
    (pieces,) = train([one], TRAINING, CPU, workspace=1)  # one member at a time
    torch.testing.assert_close(whole.losses, pieces.losses, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("name", BACKBONES)
def test_encoding_anew_each_step_changes_nothing(name, monkeypatch):
    monkeypatch.setattr(plan, "CPU_TILE", 10)
    one = job(BACKBONES[name], picture(15, 14))
    (kept,) = train([one], TRAINING, CPU)
    monkeypatch.setattr(layered, "MOST_ENCODED_BYTES", 0)
    (anew,) = train([one], TRAINING, CPU)
    torch.testing.assert_close(kept.losses, anew.losses)


@pytest.mark.parametrize("opaque", [False, True], ids=["layered", "general"])
@pytest.mark.parametrize("name", BACKBONES)
def test_a_cell_of_many_tiles_trains_as_a_whole_one(name, opaque, monkeypatch):
    monkeypatch.setattr(plan, "CPU_TILE", 10)  # 56 samples: six tiles of 9 or 10
    backbone = Opaque(BACKBONES[name]) if opaque else BACKBONES[name]
    one = job(backbone, picture(15, 14))
    (outcome,) = train([one], TRAINING, CPU, keep_params=True)
    _, alone = trained_alone(one, 1, 3)
    assert len(one.partition.blocks[0].values[0]) == 56
    for leaf, expected in alone.items():
        torch.testing.assert_close(outcome.params[0][leaf][1, 1], expected, atol=2e-5, rtol=1e-3)


def test_members_do_not_depend_on_the_other_jobs_of_the_batch():
    partition = cut(picture(), (2, 2))
    one = Job(BACKBONES["siren"], SHAPE, partition, (10, 11), 1e-3)
    other = Job(Siren(SirenOptions(bias_init="fan_in")), SHAPE, partition, (5, 6, 7), 1e-3)
    alone = train([one], TRAINING, CPU)[0]
    together = train([other, one], TRAINING, CPU)
    torch.testing.assert_close(together[1].losses, alone.losses, atol=1e-6, rtol=1e-3)
    assert together[0].losses.shape == (3, STEPS)


def test_architectures_of_equal_shape_share_a_batch_and_others_do_not():
    partition = cut(picture(), (2, 2))

    def of(backbone: Backbone, lr: float = 1e-3) -> Job:
        return Job(backbone, SHAPE, partition, (0,), lr)

    fourier = [Fourier(FourierOptions(sigma=s, bias_init="fan_in")) for s in (1.0, 5.0)]
    siren = [Siren(SirenOptions(omega_first=o, bias_init="fan_in")) for o in (30.0, 60.0)]
    assert len(make_batches([of(f) for f in fourier], TRAINING, CPU, 2**20)) == 1
    assert len(make_batches([of(s) for s in siren], TRAINING, CPU, 2**20)) == 2
    assert len(make_batches([of(siren[0]), of(siren[0], 2e-3)], TRAINING, CPU, 2**20)) == 2


def test_two_runs_are_equal_to_the_bit():
    one = job(BACKBONES["siren"])
    first, second = (train([one], TRAINING, CPU)[0].losses for _ in range(2))
    assert torch.equal(first, second)


def test_out_of_memory_halves_the_chunk_and_ends_the_same(monkeypatch):
    monkeypatch.setattr(compiled, "compiled_loops", lambda *_: None)
    monkeypatch.setattr("enas_inr.training.trainer.plan_workers", lambda jobs, device: 2)
    one = job(BACKBONES["siren"])
    (expected,) = train([one], TRAINING, CPU)
    asked = []

    kernel = layered.LayeredKernel

    def small(encoding, layers, block, settings, plan):
        asked.append(plan.members)
        if plan.members > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return kernel(encoding, layers, block, settings, plan)

    monkeypatch.setattr(layered, "LayeredKernel", small)
    layers = BACKBONES["siren"].layers(SHAPE)
    moments = 2 * 4 * LayeredPacking(layers).numbers
    member = layered.member_bytes(layers, 36, 36, moments)
    monkeypatch.setattr("enas_inr.training.trainer.SMALLEST_WORKSPACE", member)
    (outcome,) = train([one], TRAINING, CPU, workspace=8 * member)
    assert sorted(set(asked)) == [2, 4]  # two workers take half the members each
    assert asked[-1] == 2
    torch.testing.assert_close(outcome.losses, expected.losses, atol=1e-6, rtol=1e-3)


def test_out_of_memory_with_the_smallest_chunk_is_one_clear_error(monkeypatch):
    def no_memory(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(compiled, "compiled_loops", lambda *_: None)
    monkeypatch.setattr(layered, "LayeredKernel", no_memory)
    with pytest.raises(TrainingError, match="smallest chunk"):
        train([job(BACKBONES["siren"])], TRAINING, CPU)


def test_a_member_that_diverges_is_named_with_its_step_and_leaves_others_alone():
    values = picture()
    values[6:, :6] = float("inf")  # cell 2 cannot be fitted
    one = job(BACKBONES["siren"], values)
    (outcome,) = train([one], TrainingSpec(steps=1), CPU, keep_params=True)
    (finite,) = train([job(BACKBONES["siren"])], TrainingSpec(steps=1), CPU, keep_params=True)
    for cell in (0, 1, 3):  # the other cells take the same step as next to a finite cell
        torch.testing.assert_close(
            outcome.params[0]["layers.1.weight"][0, cell],
            finite.params[0]["layers.1.weight"][0, cell],
        )
    assert [repeat.diverged_at for repeat in outcome.repeats] == [1, 1]
    assert [repeat.best_loss for repeat in outcome.repeats] == [None, None]
    assert outcome.diverged == (2, 2)


def test_a_curve_ends_where_its_repeat_stopped():
    values = torch.zeros(8, 8, 1)
    shape = NetShape(2, 1, 0, 4)
    leaping = Job(Relu(ReluOptions(bias_init="zeros")), shape, cut(values, (1, 1)), (0, 1), 3.0)
    (outcome,) = train([leaping], TrainingSpec(steps=400, patience=5), CPU, workspace=1)
    assert outcome.losses.shape[1] == max(repeat.steps for repeat in outcome.repeats)
    for losses, repeat in zip(outcome.losses, outcome.repeats, strict=True):
        assert torch.isfinite(losses[: repeat.steps]).all()
        assert torch.isnan(losses[repeat.steps :]).all()


def test_training_ends_early_when_every_repeat_has_stopped():
    constant = torch.zeros(8, 8, 1)
    relu = Relu(ReluOptions(bias_init="zeros"))
    shape = NetShape(2, 1, 0, 4)
    one = Job(relu, shape, cut(constant, (1, 1)), (0,), 10.0)  # jumps, without a new minimum
    (outcome,) = train([one], TrainingSpec(steps=5000, patience=5), CPU)
    (repeat,) = outcome.repeats
    assert repeat.stopped
    assert repeat.steps == present(repeat.best_step) + 5
    assert outcome.losses.shape[1] < 5000


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("size", [(12, 12), (13, 11), (7, 5)])
def test_the_reconstruction_has_the_loss_that_the_next_step_reports(name, size):
    one = job(BACKBONES[name], picture(*size), grid=(3, 2))
    (before,) = train([one], TRAINING, CPU, steps=7, keep_params=True)
    (after,) = train([one], TRAINING, CPU, steps=8)
    for repeat in range(2):
        values = evaluate(one, before.params, TRAINING, repeat)
        assert values.shape == (*size, 3)
        mse = float((values - picture(*size)).square().mean())
        assert mse == pytest.approx(float(after.losses[repeat, 7]), rel=1e-3)


def test_no_steps_only_draw_the_members():
    one = job(BACKBONES["siren"])
    (outcome,) = train([one], TRAINING, CPU, steps=0, keep_params=True)
    drawn = one.backbone.init(SHAPE, [derived_seed(10, 1)])
    torch.testing.assert_close(
        outcome.params[0]["layers.1.weight"][0, 1], drawn["layers.1.weight"][0]
    )


def test_audio_and_volumes_train_too():
    for values, grid in [(picture(40, 1, 2)[:, 0], (5,)), (torch.rand(6, 5, 4, 1), (2, 2, 2))]:
        shape = NetShape(len(grid), values.shape[-1], 1, 16)
        one = job(BACKBONES["siren"], values, grid, shape=shape)
        (outcome,) = train([one], TRAINING, CPU)
        assert outcome.losses[0, -1] < outcome.losses[0, 0]


def test_progress_rises_to_one_and_tells_the_psnr():
    told: list[Progress] = []
    train([job(BACKBONES["siren"])], TRAINING, CPU, on_progress=told.append)
    shares = [progress.done for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert told[-1].psnr_paper_db is not None


LARGE = """
import resource, torch
from enas_inr.backbones.siren import Siren
from enas_inr.cost import NetShape
from enas_inr.backbones.options import SirenOptions
from enas_inr.signals.partition import cut
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job
from enas_inr.training.trainer import train
siren = Siren(SirenOptions(bias_init="fan_in"))
train_one = lambda values, grid, depth, seeds: train(
    [Job(siren, NetShape(2, 3, depth, 64), cut(values, grid), seeds, 1e-4)],
    TrainingSpec(steps=1), torch.device("cpu"))
train_one(torch.rand(8, 8, 3), (2, 2), 1, (0,))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
train_one(torch.rand(2048, 2048, 3), (32, 32), 1, (0, 1))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_a_2048x2048_picture_trains_within_2_gb():
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 2e9
