from dataclasses import replace

import pytest
from PIL import Image

from enas_inr.objectives.psnr_flops import PsnrFlops
from enas_inr.reports.figures.cost_charts import pareto_figure
from enas_inr.reports.figures.drawing import image_of
from enas_inr.result import SearchResult, best_of, pareto_front
from enas_inr.spec import StudySpec
from enas_inr.strategies.exhaustive import Exhaustive
from enas_inr.testing.lookup import PICTURE, LookupExecutor, lookup_space, simulate
from tests.present import present


def result(objectives, widths=(8, 16, 32), depths=(1, 2)):
    space = lookup_space({"width": widths, "depth": depths}, 10**9)
    executor = LookupExecutor(lambda spec: 20 + spec.width / 4 - spec.depth)
    history = simulate(Exhaustive(space), space, PsnrFlops(), executor)
    return SearchResult(
        study="s",
        storage="none",
        spec=StudySpec(signal=PICTURE, space=space.space, objectives=objectives),
        best=present(best_of(history)),
        trace=(),
        trials=tuple(history),
        seconds=0.0,
        front=pareto_front(history, objectives),
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "objectives",
    [
        ("psnr", "flops"),
        ("bytes", "parameters"),
        ("score", "psnr"),
        ("flops", "psnr", "bytes", "score"),
    ],
)
@pytest.mark.parametrize("sizes", [{}, {"widths": (8,), "depths": (1,)}], ids=["many", "one"])
def test_any_objectives_are_drawn_a_panel_for_each_but_one(tmp_path, objectives, sizes):
    found = result(objectives, **sizes)
    assert len(pareto_figure(found).axes) == len(objectives) - 1
    (tmp_path / "pareto.png").write_bytes(image_of(pareto_figure(found), "png"))
    with Image.open(tmp_path / "pareto.png") as image:
        image.load()
        assert min(image.size) > 300
    assert [child.name for child in tmp_path.iterdir()] == ["pareto.png"]


def test_what_is_good_is_above_and_the_architectures_are_named():
    figure = pareto_figure(result(("flops", "psnr")))
    (panel,) = figure.axes
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("FLOPs", "PSNR (dB)")
    words = [text.get_text() for text in panel.texts]
    assert {"w=8 d=1", "w=16 d=1", "w=32 d=1"} <= set(words)
    assert "3 of 6 trials; ring: the best score" in [text.get_text() for text in figure.texts]


def test_many_on_the_front_are_not_named():
    (panel,) = pareto_figure(result(("psnr", "flops"), widths=tuple(range(8, 99, 4)))).axes
    assert not [text for text in panel.texts if "w=" in text.get_text()]


def test_a_front_that_is_read_again_is_drawn_the_same(tmp_path):
    found = result(("psnr", "flops"))
    for name in ("a.png", "b.png"):
        made = pareto_figure(replace(found, seconds=9.0))
        (tmp_path / name).write_bytes(image_of(made, "png"))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
