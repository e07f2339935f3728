"""A model as a module of PyTorch: the same function, to differentiate, compile, train and save."""

import copy
import subprocess
import sys

import pytest
import torch
from torch.func import functional_call, hessian, jacrev, vmap

import enas_inr
from enas_inr.errors import ModelError, SignalError, SpecError
from enas_inr.model.measure import measure
from enas_inr.plugins.catalog import load_catalog
from tests.model.noise import CATALOG, noise
from tests.model.noise import fitted as fitted_noise
from tests.model.test_model import fitted, signal

SHAPES = [(13, 11, 3), (40, 2), (7, 6, 5, 1), (3, 3, 1)]


@pytest.fixture(scope="module")
def model():
    """A model with cells of four shapes."""
    return fitted(signal(13, 11, 3), convention="edges", extent=9)


def anywhere(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, dtype=torch.float64, generator=generator) * 2.2 - 1.1


@pytest.mark.parametrize("blend", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_function_of_the_model(shape, blend):
    model = fitted(signal(*shape))
    module = model.module(blend=blend)
    axes = len(shape) - 1
    for points in (anywhere(50, axes), anywhere(3, 4, axes), anywhere(axes), anywhere(0, axes)):
        values = module(points)
        assert values.shape == (*points.shape[:-1], shape[-1])
        torch.testing.assert_close(values, model(points, blend=blend), atol=1e-6, rtol=0)
    torch.testing.assert_close(module(points, blend=not blend), model(points, blend=not blend))
    torch.testing.assert_close(module.samples(), model.render().values, atol=1e-6, rtol=0)


def test_points_at_the_samples_and_in_the_cells_are_those_of_the_signal(model):
    module, seen = model.module(), set()
    rendered = model.render().values
    for own in module.cells():
        values = module.members(own.cells, own.coordinates)
        index = (((own.coordinates + 1) * torch.tensor([13, 11]) - 1) / 2).round().long()
        torch.testing.assert_close(values, rendered[index[..., 0], index[..., 1]])
        seen |= set(map(tuple, index.reshape(-1, 2).tolist()))
    assert len(seen) == 13 * 11
    for drawn in module.cells(6, generator=torch.Generator().manual_seed(0)):
        values = module.members(drawn.cells, drawn.coordinates)
        torch.testing.assert_close(values, module(drawn.coordinates), atol=1e-6, rtol=0)


@pytest.mark.parametrize("blend", [False, True])
def test_derivatives_can_be_vectorised(model, blend):
    module, points = model.module(blend=blend), anywhere(9, 2).requires_grad_()
    values = module(points)
    by_autograd = torch.stack(
        [torch.autograd.grad(values[:, c].sum(), points, retain_graph=True)[0] for c in range(3)],
        dim=1,
    )
    plain = points.detach()
    for function in (module, lambda x: model(x, blend=blend)):
        torch.testing.assert_close(vmap(function)(plain), values, atol=1e-6, rtol=0)
        torch.testing.assert_close(vmap(jacrev(function))(plain), by_autograd)
        assert vmap(hessian(function))(plain).shape == (9, 3, 2, 2)
    whole = jacrev(model)(plain)  # and nothing of it is kept by the model
    torch.testing.assert_close(
        whole.diagonal(dim1=0, dim2=2).permute(2, 0, 1),
        vmap(jacrev(model))(plain),
    )
    assert not torch._C._functorch.is_functorch_wrapped_tensor(model(plain))


def test_derivatives_of_second_order_reach_the_parameters(model):
    module, points = model.module(blend=True).double(), anywhere(5, 2).requires_grad_()

    def slope(weight):
        leaves = {"leaves.layers.1.weight": weight}
        values = functional_call(module, leaves, (points,))
        return torch.autograd.grad(values.sum(), points, create_graph=True)[0]

    weight = module.get_parameter("leaves.layers.1.weight").detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(slope, weight, fast_mode=True)


def test_names_types_and_states_are_those_of_modules(model):
    module = model.module()
    leaves = model.by_cell()
    assert set(module.state_dict()) == {f"leaves.{name}" for name in leaves}
    assert all(
        module.get_parameter(f"leaves.{n}").shape == leaf.shape for n, leaf in leaves.items()
    )
    other = fitted(signal(13, 11, 3), convention="edges", extent=9).module()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert not other(anywhere(4, 2)).any()
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(anywhere(4, 2)), module(anywhere(4, 2)))
    twin = copy.deepcopy(module).to(torch.float64)
    assert twin(anywhere(4, 2)).dtype == torch.float64
    torch.testing.assert_close(twin(anywhere(4, 2)), module(anywhere(4, 2)), check_dtype=False)
    assert "13x11 samples, 3 channels, 3x3 cells, blend=False" in repr(module)


COMPILED = """
import sys, torch
import enas_inr
for blend in (False, True):
    module = enas_inr.load(sys.argv[1]).module(blend=blend)
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    points = torch.rand(8, 2, dtype=torch.float64) * 2 - 1
    torch.testing.assert_close(compiled(points), module(points), atol=1e-6, rtol=0)
    compiled(points).square().mean().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
"""


def test_it_compiles_as_one_graph(tmp_path, model):
    model.save(tmp_path / "m.inr")
    # In a process without the checks of types, which cannot be compiled.
    command = [sys.executable, "-W", "ignore", "-c", COMPILED, str(tmp_path / "m.inr")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_autocast_changes_the_precision_of_products_alone(model):
    module, points = model.module(blend=True), anywhere(8, 2)
    with torch.autocast("cpu", torch.bfloat16):
        values, samples = module(points), module.samples()
    assert values.dtype == samples.dtype == torch.float32
    assert not torch.equal(values, module(points))
    torch.testing.assert_close(values, module(points), atol=0.5, rtol=0)


def test_a_training_changes_the_module_alone_and_goes_back_to_a_file(tmp_path, model):
    before, module = model.vector(), model.module()
    wanted = signal(13, 11, 3)
    assert model.with_module(module) is model
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    for _ in range(5):
        optimizer.zero_grad()
        loss = (module.samples() - wanted.values).square().mean()
        loss.backward()
        optimizer.step()
    made = model.with_module(module, signal=wanted)
    assert torch.equal(model.vector(), before)
    assert made.header.metrics["psnr_db"] > measure(model, wanted)["psnr_db"]
    assert made.header.start.source == "the model of test, trained further with another loss"
    assert model.with_module(module, source="m.inr").header.start.source == "m.inr"
    assert model.with_module(module).header.metrics == {}
    made.save(tmp_path / "x.inr")
    loaded = enas_inr.load(tmp_path / "x.inr", catalog=CATALOG)
    assert loaded.header == made.header
    torch.testing.assert_close(loaded(anywhere(5, 2)), module(anywhere(5, 2)))


@pytest.mark.parametrize("backbone", ["fourier", "wire"])
def test_constants_are_not_trained_and_complex_leaves_are_pairs(backbone):
    catalog = load_catalog()
    if backbone not in {d.name for d in catalog.descriptions("backbone")}:
        pytest.skip(f"{backbone} is not installed")
    from enas_inr.model.fitting import FitSpec, fit
    from enas_inr.spec import EnsembleSpec, TrainingSpec

    ensemble = EnsembleSpec(backbone=backbone, grid=2, depth=1, width=6)
    spec = FitSpec(ensemble=ensemble, training=TrainingSpec(steps=1))
    model = fit(noise(0), spec, catalog=catalog, device="cpu").model
    module, points = model.module(), anywhere(7, 2)
    torch.testing.assert_close(module(points), model(points), atol=1e-5, rtol=0)
    assert not any(tensor.is_complex() for tensor in module.state_dict().values())
    names = {name.removeprefix("leaves.") for name, _ in module.named_buffers()}
    assert names == set(model.backbone.constants)
    torch.testing.assert_close(module.double()(points).float(), model(points), atol=1e-4, rtol=0)
    assert model.with_module(module) is model
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module(points).square().mean().backward()
    optimizer.step()
    assert not torch.equal(model.with_module(module).vector(), model.vector())


def test_what_cannot_be_is_one_clear_error(model):
    module = model.module()
    with pytest.raises(SpecError, match="last dimension of 2"):
        module(torch.zeros(5, 3))
    with pytest.raises(SignalError, match=r"signal 'test' has 12x11 samples, and the model 13x11"):
        model.with_module(module, signal=signal(12, 11, 3))
    with pytest.raises(ModelError, match="another architecture"):
        fitted_noise(noise(0)).with_module(module)
    with torch.no_grad():
        module.get_parameter("leaves.layers.0.bias")[0] = torch.nan
    with pytest.raises(ModelError, match=r"'layers.0.bias' .* not finite; train at a lower"):
        model.with_module(module)
