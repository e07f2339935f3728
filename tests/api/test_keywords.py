from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
import torch

import enas_inr
from enas_inr.errors import SpecError
from enas_inr.signals.signal import Signal

if TYPE_CHECKING:  # Unused ignores are errors, so these lines show which types are refused.
    from enas_inr.result import SearchResult

    found: SearchResult = enas_inr.search("a.png", grid=4, widths=[8], max_flops=10**9, steps=3)
    enas_inr.search("a.png", grid="four")  # type: ignore[arg-type]
    enas_inr.search("a.png", girds=4)  # type: ignore[call-arg]
    enas_inr.search(3)  # type: ignore[arg-type]
    enas_inr.fit("a.png", grid=4, architecture={"grid": 4}, output="a.inr")
    enas_inr.fit("a.png", target_psnr_db="high")  # type: ignore[arg-type]
    widths: Sequence[int] = (8, 16)
    enas_inr.search("a.png", widths=widths, training={"betas": (0.9, 0.99)})


@pytest.mark.parametrize(
    ("function", "keywords", "says"),
    [
        (enas_inr.search, {"grids": [8]}, "search: unknown key 'grids'; did you mean 'grid'"),
        (enas_inr.fit, {"widht": 8}, "fit: unknown key 'widht'; did you mean 'width'"),
        (enas_inr.search, {"widths": 8}, r"search: widths: .* \(received 8\)"),
        (enas_inr.search, {"objectives": "psnr"}, "objectives: .*'psnr'"),
        (enas_inr.search, {"max_flops": True}, "max_flops"),
        (enas_inr.fit, {"repeats": 0}, "repeats: input should be greater than or equal to 1"),
        (enas_inr.fit, {"precision": "int4"}, "unknown precision 'int4'"),
        (
            enas_inr.fit,
            {"grid": 4, "architecture": {"grid": 8}},
            "grid 4 and architecture grid=8 differ; give one of them",
        ),
        (
            enas_inr.fit,
            {"study": "best", "grid": 4},
            "study 'best' names an architecture, and so do grid",
        ),
    ],
)
def test_wrong_keywords_and_values_are_one_line(
    function: Any, keywords: dict[str, Any], says: str, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=says) as caught:
        function("sample:photo", **keywords)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", [enas_inr.search, enas_inr.fit])
@pytest.mark.parametrize("signal", [3, None], ids=["number", "None"])
def test_what_is_no_signal_is_said(function, signal):
    with pytest.raises(
        SpecError, match=f"a signal cannot be of type {type(signal).__name__}; give a"
    ):
        function(signal)


@pytest.mark.parametrize("function", [enas_inr.search, enas_inr.fit])
def test_how_a_file_is_read_does_not_apply_to_a_signal(function):
    signal = Signal(torch.zeros(4, 4, 1), "image", "mine")
    with pytest.raises(SpecError, match="size '8' does not apply to a Signal"):
        function(signal, size=8)
    with pytest.raises(SpecError, match="signal_options do not apply to a Signal"):
        function(signal, signal_options={"size": [8, 8]})


def test_a_grid_alone_or_in_an_architecture_makes_the_same_model(tmp_path):
    given: list[dict[str, Any]] = [
        {"grid": 3, "steps": 2},
        {"architecture": {"grid": 3}, "training": {"steps": 2}},
    ]
    made = [
        enas_inr.fit(
            "sample:photo", size=12, width=4, output=tmp_path / f"{number}.inr", **settings
        )
        for number, settings in enumerate(given)
    ]
    assert made[0].model.header == made[1].model.header
    assert made[0].model.header.ensemble.sizes() == {"grid": 3, "depth": 1, "width": 4}
    assert (tmp_path / "0.inr").read_bytes() == (tmp_path / "1.inr").read_bytes()
