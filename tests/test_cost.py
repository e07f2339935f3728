import pytest

from enas_inr.backbones.feasibility import feasible_space, resolved
from enas_inr.cost import (
    BYTES_PER_NUMBER,
    Candidate,
    FeasibleSpace,
    NetCost,
    NetShape,
    ensemble_cost,
    net_shape,
    within_budget,
)
from enas_inr.errors import BudgetError, SpecError
from enas_inr.plugins.catalog import load_catalog
from enas_inr.spec import (
    Axis,
    Budget,
    Cost,
    EnsembleSpec,
    Limit,
    SearchSpace,
    SignalInfo,
    StudySpec,
)

IMAGE = SignalInfo(name="mountain", modality="image", shape=(128, 128), channels=3)
CLIP = SignalInfo(name="bach", modality="audio", shape=(308_207,), channels=1)
PAPER_AXES = (
    Axis(name="width", values=(16, 32, 64, 128, 256, 512)),
    Axis(name="depth", values=(1, 2, 3, 4, 5)),
)

TABLE_1 = [  # name, M, d, w, FLOPs = 2 * multiply-adds
    ("SIREN", 1, 3, 256, 6_484_393_984),
    ("ENRP-S0", 2, 5, 64, 681_574_400),
    ("ENRP-S1", 4, 2, 64, 278_921_216),
    ("ENRP-S2", 8, 1, 128, 557_842_432),
    ("ENRP-S3", 16, 1, 128, 557_842_432),
    ("ENRP-S4", 32, 1, 128, 557_842_432),
]


@pytest.fixture(scope="module")
def catalog():
    return load_catalog(plugins=False)


@pytest.fixture
def cost_of(catalog):
    def cost_of(signal=IMAGE, **spec):
        return resolved(EnsembleSpec(**spec), signal, catalog)[1]

    return cost_of


def paper_study(budget, signal=IMAGE):
    space = SearchSpace(base=EnsembleSpec(grid=8), axes=PAPER_AXES)
    return StudySpec(signal=signal, space=space, budget=budget)


@pytest.mark.parametrize(
    ("grid", "depth", "width", "flops"), [row[1:] for row in TABLE_1], ids=[r[0] for r in TABLE_1]
)
def test_the_flops_of_table_1_are_exact(cost_of, grid, depth, width, flops):
    by_hand = 2 * (2 * width + depth * width * width + width * 3) * 128 * 128
    assert cost_of(grid=grid, depth=depth, width=width).flops == by_hand == flops


@pytest.mark.parametrize(
    ("grid", "depth", "width", "parameters"),
    [
        (1, 3, 256, 198_915),
        (8, 1, 128, 64 * (3 * 128 + 129 * 128 + 129 * 3)),
        (32, 1, 128, 1024 * (3 * 128 + 129 * 128 + 129 * 3)),
    ],
    ids=["SIREN", "ENRP-S2", "ENRP-S4"],
)
def test_the_parameters_of_table_1_are_exact(cost_of, grid, depth, width, parameters):
    cost = cost_of(grid=grid, depth=depth, width=width)
    assert cost.parameters == parameters
    assert cost.bytes == 4 * parameters


def test_the_parameters_of_the_large_ensembles_are_those_that_the_paper_prints(cost_of):
    assert f"{cost_of(grid=8, depth=1, width=128).parameters / 1e6:.3f}" == "1.106"
    assert f"{cost_of(grid=32, depth=1, width=128).parameters / 1e6:.2f}" == "17.70"


def test_the_flops_of_figure_6_count_the_mapping_matrix_once_for_each_sub_network(cost_of):
    sizes = {"grid": 32, "depth": 1, "width": 128}
    fourier = cost_of(backbone="fourier", options={"mapping_size": 65}, **sizes)
    assert fourier.flops == 2 * (130 * 128 + 128 * 3) * 128**2 + 2 * (65 * 2) * 32**2
    assert fourier.flops == 558_108_672
    assert cost_of(backbone="relu", **sizes).flops == 557_842_432


def test_the_mapping_matrix_is_stored_but_not_trained(cost_of):
    cost = cost_of(backbone="fourier", options={"mapping_size": 65}, grid=2, depth=1, width=8)
    assert cost.parameters == 4 * (131 * 8 + 9 * 3)
    assert cost.bytes == 4 * (cost.parameters + 4 * 65 * 2)


@pytest.mark.parametrize(
    ("depth", "width", "flops", "printed"),
    [
        (3, 256, 2 * (256 + 3 * 256 * 256 + 256) * 308_207, "121.5"),
        (5, 64, 2 * (64 + 5 * 64 * 64 + 64) * 308_207, "12.7"),
    ],
)
def test_the_flops_of_the_audio_networks_are_exact(cost_of, depth, width, flops, printed):
    for grid in (1, 32):
        assert cost_of(CLIP, grid=grid, depth=depth, width=width).flops == flops
    assert f"{flops / 1e9:.1f}" == printed


def test_of_audio_the_grid_counts_segments(cost_of):
    one = cost_of(CLIP, grid=1, depth=5, width=64)
    assert one.parameters == 2 * 64 + 5 * 65 * 64 + 65
    assert cost_of(CLIP, grid=32, depth=5, width=64).parameters == 32 * one.parameters


def test_flops_depend_on_the_samples_and_not_on_the_grid(cost_of):
    assert len({cost_of(grid=grid).flops for grid in (1, 3, 8, 128)}) == 1


def test_the_cost_of_an_ensemble_by_hand():
    signal = SignalInfo(name="box", modality="", shape=(5, 7, 11), channels=2)
    net = NetCost(macs_per_sample=3, parameters=10, macs_once=4, constants=6)
    assert ensemble_cost(net, 2, signal) == Cost(
        flops=2 * (3 * 5 * 7 * 11 + 4 * 8), parameters=10 * 8, bytes=BYTES_PER_NUMBER * 16 * 8
    )


def test_a_sub_network_has_a_coordinate_for_each_axis_and_an_output_for_each_channel():
    spec = EnsembleSpec(depth=2, width=9)
    assert net_shape(spec, IMAGE) == NetShape(in_features=2, out_features=3, depth=2, width=9)
    assert net_shape(spec, CLIP) == NetShape(in_features=1, out_features=1, depth=2, width=9)


@pytest.mark.parametrize("backbone", ["siren", "relu", "fourier"])
@pytest.mark.parametrize(
    "shape", [NetShape(2, 3, 2, 7), NetShape(1, 1, 0, 5), NetShape(3, 4, 1, 1)]
)
def test_a_network_has_as_many_numbers_as_its_cost_says(catalog, backbone, shape):
    made = catalog.create("backbone", backbone, options={"bias_init": "fan_in"})
    params = made.init(shape, [11, 12, 13])
    constants = sum(leaf.numel() for name, leaf in params.items() if name in made.constants)
    trained = sum(leaf.numel() for name, leaf in params.items() if name not in made.constants)
    cost = made.cost(shape)
    assert (trained, constants) == (3 * cost.parameters, 3 * cost.constants)
    assert set(made.constants) <= set(params)


@pytest.mark.parametrize(
    "flops", [Limit(value=10**9), Limit.parse("1G"), Budget().flops], ids=["value", "1G", "default"]
)
def test_sixteen_architectures_of_the_paper_fit_its_budget(catalog, flops):
    space = feasible_space(paper_study(Budget(flops=flops)), catalog)
    sizes = {(c.spec.width, c.spec.depth) for c in space.feasible}
    assert sizes == {(w, d) for w in (16, 32, 64) for d in (1, 2, 3, 4, 5)} | {(128, 1)}
    assert len(space.feasible) == 16
    assert max(c.cost.flops for c in space.feasible) <= 10**9


def test_the_default_budget_means_the_same_for_another_size_of_image(catalog):
    small = IMAGE.model_copy(update={"shape": (32, 48)})
    sizes = [
        [(c.spec.width, c.spec.depth) for c in feasible_space(study, catalog).feasible]
        for study in (paper_study(Budget()), paper_study(Budget(), small))
    ]
    assert sizes[0] == sizes[1]


def test_every_limit_is_kept(catalog):
    parameters = 64 * (3 * 64 + 65 * 64 + 65 * 3)  # 64 cells with w = 64, d = 1
    for budget in (
        Budget(flops=None, parameters=Limit(value=parameters)),
        Budget(flops=None, bytes=Limit(value=4 * parameters)),
    ):
        feasible = feasible_space(paper_study(budget), catalog).feasible
        costs = {(c.spec.width, c.spec.depth): c.cost.parameters for c in feasible}
        assert max(costs.values()) == parameters == costs[64, 1]
        # A cell with w = 32 may have 4547 numbers: 195 + 1056 d.
        assert set(costs) == {(16, d) for d in range(1, 6)} | {(32, d) for d in range(1, 5)} | {
            (64, 1)
        }


def test_a_budget_that_nothing_fits_names_the_limits_and_the_nearest(catalog):
    smallest = 2 * (2 * 16 + 16 * 16 + 16 * 3) * 128**2
    study = paper_study(Budget(flops=Limit.parse("1M"), parameters=Limit.parse("5")))
    with pytest.raises(BudgetError) as caught:
        feasible_space(study, catalog)
    text = str(caught.value)
    assert "none of the 30 configurations fits the budget of 1.00M flops, 5 parameters" in text
    assert f"{smallest / 1e6:.2f}M flops" in text
    assert "the nearest, siren M=8 d=1 w=16, has" in text
    assert "raise the limit of flops and parameters, or add smaller sizes" in text


def test_a_cost_equal_to_the_limit_fits(catalog):
    def fixed(spec):
        return Candidate(spec, Cost(flops=spec.width, parameters=1, bytes=4))

    space = SearchSpace(base=EnsembleSpec(), axes=(Axis(name="width", values=(3, 4, 5)),))
    found = within_budget(space, Budget(flops=Limit(value=2, per_sample=True)), 2, fixed).feasible
    assert [c.spec.width for c in found] == [3, 4]


def test_a_line_varies_one_axis_within_the_budget(catalog):
    space = feasible_space(paper_study(Budget(flops=Limit.parse("1G"))), catalog)

    def line(axis, **sizes):
        point = tuple(sizes[axis.name] for axis in space.space.axes)
        return [getattr(c.spec, axis) for c in space.line(point, axis)]

    assert line("width", width=256, depth=3) == [16, 32, 64]
    assert line("width", width=16, depth=1) == [16, 32, 64, 128]
    assert line("depth", width=64, depth=5) == [1, 2, 3, 4, 5]
    assert line("depth", width=128, depth=5) == [1]
    assert line("depth", width=512, depth=1) == []


def test_a_line_of_a_space_with_one_axis_is_the_space():
    space = SearchSpace(base=EnsembleSpec(), axes=(Axis(name="width", values=(3, 4)),))
    feasible = tuple(
        Candidate(space.configuration(point), Cost(flops=1, parameters=1, bytes=1), point)
        for point in space.points()
    )
    assert FeasibleSpace(space, feasible).line((99,), "width") == feasible


def test_no_axis_has_more_cells_than_samples(catalog):
    wide = IMAGE.model_copy(update={"shape": (4, 9)})
    four, five, nine, many = (
        resolved(EnsembleSpec(grid=grid), wide, catalog) for grid in (4, 5, 9, 1000)
    )
    one_cell = four[1].parameters / (4 * 4)
    assert five[1].parameters == 4 * 5 * one_cell
    assert many == nine  # equal architectures have equal keys
    assert nine[1].parameters == 4 * 9 * one_cell
    assert len({spec.key() for spec, _ in (four, five, nine)}) == 3


def test_pricing_settles_the_options(catalog):
    found, _ = resolved(EnsembleSpec(options={"omega_hidden": 20}, grid=2), CLIP, catalog)
    assert found.options == {
        "bias_init": "fan_in",
        "omega_first": 3000.0,
        "omega_hidden": 20.0,
    }


def test_pricing_refuses_an_unknown_backbone_and_option(catalog):
    with pytest.raises(SpecError, match="unknown backbone 'sirne'; did you mean 'siren'"):
        resolved(EnsembleSpec(backbone="sirne"), IMAGE, catalog)
    with pytest.raises(SpecError, match="'sigm'; did you mean 'sigma'"):
        resolved(EnsembleSpec(backbone="fourier", options={"sigm": 1}), IMAGE, catalog)
