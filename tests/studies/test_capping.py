"""Grids with more cells than an axis has samples."""

from typing import Any

import pytest

import enas_inr
from enas_inr.errors import ModelError, SpecError, warn_once
from enas_inr.spec import Axis, EnsembleSpec, Range, SearchSpace, SignalInfo
from enas_inr.studies.capping import capped_space
from enas_inr.testing import toy_signal

SIZES: dict[str, Any] = {"depths": (0,), "widths": (4,)}
TINY = SIZES | {"steps": 2, "repeats": 1, "strategy": "exhaustive"}


@pytest.fixture
def said(caplog):
    """What is said at once, also if another test had it said."""
    warn_once.cache_clear()
    return caplog


def signal(*shape, name="s"):
    return SignalInfo(name=name, modality="m", shape=shape, channels=1)


def space(*grids, base=8, **axis):
    axes = [Axis(name="grid", values=grids, **axis)] if grids or axis else []
    return SearchSpace(base=EnsembleSpec(grid=base), axes=(*axes, Axis(name="width", values=(4,))))


@pytest.mark.parametrize(
    ("shape", "grids", "capped"),
    [
        ((1, 64, 64), (8, 16), (8, 16)),
        ((1, 64, 64), (64, 65, 1000), (64,)),
        ((4, 64), (2, 8, 100, 200), (2, 8, 64)),
        ((5,), (4, 8), (4, 5)),
    ],
)
def test_grids_with_the_same_cells_are_one_grid(shape, grids, capped):
    found = capped_space(space(*grids), [signal(*shape)])
    assert found.axis("grid").values == capped
    assert len({signal(*shape).cells_along(grid) for grid in capped}) == len(capped)


def test_a_fixed_grid_and_a_range_are_capped():
    assert capped_space(space(base=100), [signal(4, 9)]).base.grid == 9
    whole = Range(low=2, high=200, log=True, whole=True)
    found = capped_space(space(range=whole), [signal(4, 9)]).axis("grid")
    assert found.range == Range(low=2, high=9, log=True, whole=True)
    assert capped_space(space(range=whole), [signal(1, 2)]).axis("grid").values == (2,)


def test_given_architectures_with_the_same_cells_are_one():
    rows = [EnsembleSpec(grid=grid, depth=1, width=4) for grid in (2, 50, 60)]
    assert [one[0] for one in capped_space(SearchSpace.of(rows), [signal(4, 9)]).only] == [2, 9]


def test_a_space_that_fits_is_the_same_object():
    asked = space(2, 8)
    assert capped_space(asked, [signal(8, 8)]) is asked


def test_signals_of_a_set_have_equal_cells():
    thin = [signal(1, 64, 64, name="a"), signal(1, 32, 48, name="b")]
    assert capped_space(space(8), thin).axis("grid").values == (8,)
    mixed = [*thin, signal(2, 64, 64, name="c")]
    refused = "here: grid 8 has 1x8x8 cells on 'a' and 2x8x8 on 'c'; use a grid of at most 1"
    with pytest.raises(SpecError, match=refused):
        capped_space(space(8), mixed, "here: ")


def test_an_architecture_is_trained_once(storage, said):
    strip = toy_signal((3, 24), 1)
    found = enas_inr.search(strip, **TINY, search={"grid": "2,24,25,48"}, storage=storage)
    assert sorted(trial.trial.ensemble.grid for trial in found.trials) == [2, 24]
    line = "grid 48 is 3x24 cells on 3x24 samples, at most one a sample; it is called grid 24"
    assert said.messages == [line]
    parameters = {t.trial.ensemble.grid: t.trial.cost.parameters for t in found.trials}
    assert parameters[24] / parameters[2] == (3 * 24) / (2 * 2)


def test_a_thin_volume_is_fitted_rendered_and_stored(tmp_path, said):
    slab = toy_signal((1, 12, 10), 1, modality="volume")
    path = tmp_path / "slab.inr"
    fitted = enas_inr.fit(slab, grid=4, depth=0, width=4, steps=2, output=path)
    assert "grid 4 is 1x4x4 cells on 1x12x10 samples, at most one a sample" in said.messages
    model = enas_inr.load(path)
    assert model.layout.grid == (1, 4, 4)
    assert model.header.ensemble.grid == 4
    assert model.render().values.equal(fitted.model.render().values)
    assert model.render(scale=2).values.shape == (2, 24, 20, 1)
    archive = tmp_path / "two.inrs"
    enas_inr.write_archive(archive, [path, path], names=["a", "b"])
    with enas_inr.open_archive(archive) as opened:
        assert opened["b"].render().values.equal(model.render().values)
        assert opened.file.header.architecture.cells == 16


def test_models_with_other_cells_are_no_archive(tmp_path):
    paths = [tmp_path / "2.inr", tmp_path / "8.inr"]
    for path, rows in zip(paths, (2, 8), strict=True):
        enas_inr.fit(toy_signal((rows, 8)), grid=4, depth=0, width=4, steps=1, output=path)
    with pytest.raises(ModelError, match=r"M=4 d=0 .* M=4 \(2x4\) d=0"):
        enas_inr.write_archive(tmp_path / "a.inrs", paths)
