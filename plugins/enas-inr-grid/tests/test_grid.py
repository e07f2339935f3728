import pytest
import torch
from enas_inr_grid.grid import GAIN, Grid
from enas_inr_grid.interpolation import PRIMES, Level, corners, interpolate
from enas_inr_grid.options import GridOptions, resolutions, rows

from enas_inr.cost import NetShape
from enas_inr.spec import SignalInfo, TrainingSpec
from enas_inr.testing import BackboneSuite, installed

PICTURE = NetShape(in_features=2, out_features=3, depth=1, width=8)


class TestGrid(BackboneSuite):
    @pytest.fixture
    def plugin(self):
        return installed("backbone", "grid")


class TestHashed(BackboneSuite):
    # What the suite above says of dense grids is enough.
    test_overfits = None  # type: ignore[assignment]
    test_repeats_are_independent = None  # type: ignore[assignment]

    @pytest.fixture
    def plugin(self):
        return installed("backbone", "grid", table=12, features=3, interpolation="smooth")


def table_of(level, members=1, features=2):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(members, features, level.rows, generator=generator)


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_features_of_a_vertex_are_those_of_its_row(axes, smooth):
    level = Level(3, 4**axes, smooth=smooth)
    places = torch.cartesian_prod(*[torch.arange(4)] * axes).view(-1, axes)
    x = (places / 3 * 2 - 1).unsqueeze(0)
    table = table_of(level)
    torch.testing.assert_close(interpolate([level], [table], x), table, atol=1e-5, rtol=0)


def test_between_the_vertices_of_a_picture_the_features_are_bilinear():
    level = Level(1, 4)
    table = torch.tensor([[[1.0, 2.0, 10.0, 20.0]]])  # at (-1, -1), (-1, 1), (1, -1), (1, 1)
    x = torch.tensor([[[-0.5, 0.0], [0.5, 1.0]]])  # a quarter and three quarters along axis 0
    values = interpolate([level], [table], x)
    expected = [0.75 * 1.5 + 0.25 * 15, 0.25 * 2 + 0.75 * 20]
    torch.testing.assert_close(values, torch.tensor([[expected]]))


def test_smooth_interpolation_has_no_slope_at_a_vertex():
    level = Level(2, 3, smooth=True)
    x = torch.tensor([[[-1.0], [-0.5], [0.0], [1.0]]], requires_grad=True)
    values = interpolate([level], [torch.tensor([[[0.0, 1.0, 3.0]]])], x)
    (slope,) = torch.autograd.grad(values.sum(), x)
    torch.testing.assert_close(values.flatten(), torch.tensor([0.0, 0.5, 1.0, 3.0]))
    torch.testing.assert_close(slope.flatten(), torch.tensor([0.0, 1.5, 0.0, 0.0]))


def test_beyond_the_grids_linear_features_continue_and_smooth_ones_stay():
    x = torch.tensor([[[-2.0], [2.0]]])
    table = torch.tensor([[[0.0, 1.0, 3.0]]])
    linear = interpolate([Level(2, 3)], [table], x)
    smooth = interpolate([Level(2, 3, smooth=True)], [table], x)
    assert linear.flatten().tolist() == [-1.0, 5.0]
    assert smooth.flatten().tolist() == [0.0, 3.0]


def test_the_rows_of_hashed_vertices_follow_the_published_hash():
    index, weight = corners(Level(8, 11), torch.tensor([[[0.1, -0.6]]]))  # in the interval (4, 1)
    expected = {((4 + i) * PRIMES[0] ^ (1 + j) * PRIMES[1]) % 11 for i in (0, 1) for j in (0, 1)}
    assert set(index.flatten().tolist()) == expected
    assert weight.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("table", [None, 20])
def test_shared_points_have_the_values_and_gradients_of_points_of_their_own(table):
    level = Level(6, rows(6, 2, table))
    shared = torch.rand(40, 2) * 2 - 1
    found = []
    for x in (shared.expand(3, -1, -1), shared.expand(3, -1, -1).contiguous()):
        features = table_of(level, members=3).requires_grad_()
        values = interpolate([level], [features], x)
        (gradient,) = torch.autograd.grad(values.square().sum(), features)
        found.append((values, gradient))
    (product, by_product), (gathered, by_gathering) = found
    torch.testing.assert_close(product, gathered, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(by_product, by_gathering, atol=1e-4, rtol=1e-4)


def test_the_network_receives_the_features_of_all_levels():
    backbone = Grid(GridOptions(levels=2, features=2, base=1, finest=3, span=0.5))
    params = backbone.init(PICTURE, [3])
    x = torch.rand(1, 6, 2) - 0.5
    levels = backbone.levels(PICTURE)
    h = torch.cat(
        [
            interpolate([level], [GAIN * params[f"levels.{index}.features"]], x * 2)
            for index, level in enumerate(levels)
        ],
        dim=1,
    ).mT
    for index in range(2):
        h = torch.relu(h @ params[f"layers.{index}.weight"].mT + params[f"layers.{index}.bias"])
    expected = h @ params["layers.2.weight"].mT + params["layers.2.bias"]
    torch.testing.assert_close(backbone.forward(PICTURE, params, x), expected)


def test_derivatives_of_second_order_exist_between_the_vertices():
    backbone = Grid(GridOptions(finest=4, interpolation="smooth"))
    params = backbone.init(PICTURE, [3])
    x = torch.full((1, 1, 2), 0.3, dtype=torch.float32, requires_grad=True)
    value = backbone.forward(PICTURE, params, x)[0, 0, 0]
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), x)
    assert second.isfinite().all()
    assert second.abs().max() > 0


def test_the_cost_has_the_rows_and_the_corners_of_each_level():
    backbone = Grid(GridOptions(levels=2, features=4, base=2, finest=7, table=50))
    cost = backbone.cost(PICTURE)
    assert cost.parameters == 4 * (9 + 50) + 8 * 9 + 8 * 9 + 3 * 9
    assert cost.macs_per_sample == 2 * 4 * 4 + 8 * 8 + 8 * 8 + 8 * 3


@pytest.mark.parametrize(
    ("levels", "base", "finest", "expected"),
    [(4, 2, 16, (2, 4, 8, 16)), (3, 2, 4, (2, 3, 4)), (1, 2, 9, (9,)), (2, 5, 6, (5, 6))],
)
def test_resolutions_grow_by_a_factor(levels, base, finest, expected):
    assert resolutions(GridOptions(levels=levels, base=base, finest=finest)) == expected


def test_no_two_levels_are_equal():
    signal = SignalInfo(name="s", modality="image", shape=(64, 96), channels=3)
    for grid in range(1, 33):
        for levels in (1, 2, 3, 5, 9):
            found = GridOptions(levels=levels, base=3).resolve(signal, grid)
            chosen = resolutions(found)
            assert list(chosen) == sorted(set(chosen))
            assert len(chosen) == found.levels <= levels
            assert chosen[-1] == found.finest


def test_the_finest_level_follows_the_cell():
    signal = SignalInfo(name="s", modality="image", shape=(64, 96), channels=3)
    assert GridOptions().resolve(signal, 8).finest == round((12 - 1) / 2)
    assert GridOptions(finest=9).resolve(signal, 8).finest == 9


def test_the_levels_span_the_coordinates_that_a_recipe_gives_the_samples():
    signal = SignalInfo(name="s", modality="image", shape=(64, 96), channels=3)
    tuned, smooth = (TrainingSpec.from_profile(name) for name in ("tuned", "smooth"))
    assert GridOptions().fitted(signal, 8, tuned).span == 1
    expected = (12 - 1 + 2) / (72 - 1)
    assert GridOptions().fitted(signal, 8, smooth).span == pytest.approx(expected, abs=1e-6)
    assert GridOptions(span=0.7).fitted(signal, 8, smooth).span == 0.7
