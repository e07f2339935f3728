"""The script that compares feature grids with SIREN chooses networks of equal bytes."""

import pytest

from enas_inr.backbones.feasibility import resolved
from enas_inr.plugins.catalog import load_catalog
from enas_inr.spec import SignalInfo, TrainingSpec
from tests.scripts import BENCHMARKS, script

PICTURE = SignalInfo(name="picture", modality="image", shape=(64, 64), channels=3)
MOST = 64 * 64 * 3 / 2


@pytest.mark.parametrize("kind", ["siren", "grid", "grid, hashed"])
def test_each_network_is_the_largest_within_the_parameters(kind):
    pytest.importorskip("enas_inr_grid")
    catalog, training = load_catalog(), TrainingSpec.from_profile("tuned")
    with script(BENCHMARKS / "feature_grids.py") as benchmark:
        spec = benchmark.chosen(kind, 4, MOST, PICTURE, catalog)

    def parameters(one):
        return resolved(one, PICTURE, catalog, training)[1].parameters

    name = {"siren": "width", "grid": "finest", "grid, hashed": "table"}[kind]
    if name == "width":
        larger = spec.with_value("width", spec.width + 1)
    else:
        larger = spec.model_copy(update={"options": spec.options | {name: spec.options[name] + 1}})
    assert parameters(spec) <= MOST < parameters(larger)
