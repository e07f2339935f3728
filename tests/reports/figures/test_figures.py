from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from enas_inr.errors import SpecError
from enas_inr.reports.figures import FIGURES, SHEET, draw_figures, draw_narrow, write_figures
from enas_inr.reports.figures.drawing import INK, SERIES
from enas_inr.reports.gallery import error_levels, pictured
from enas_inr.reports.rows import Results
from enas_inr.result import Curve
from enas_inr.studies.record import Published
from tests.present import present
from tests.reports.report_data import OTHER, SOUND, report, results, study


def dots(panel):
    """The points with markers, which nothing joins."""
    return [
        (float(x), float(y))
        for line in panel.lines
        if (line.get_markersize(), line.get_linestyle()) == (6, "None")
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
        if np.isfinite([x, y]).all()
    ]


def words(figure):
    from matplotlib.text import Text

    return {text.get_text() for text in figure.findobj(Text)}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["psnr_flops", "psnr_parameters", "psnr_bytes", "score_flops"])
def test_every_complete_trial_is_a_point(name):
    made = results(study(fail=lambda spec: spec.width == 32))
    (panel,) = present(FIGURES[name](made)).axes
    assert len(dots(panel)) == 4
    assert panel.get_xscale() == "log"
    assert panel.get_xlabel()
    assert ("dB" in panel.get_ylabel()) == name.startswith("psnr")


def test_the_published_are_drawn_where_the_paper_has_them():
    made = results(
        study(named=["one"], published={"one": Published(psnr_paper_db=30.0, flops=10**6)})
    )
    (panel,) = present(FIGURES["psnr_flops"](made)).axes
    assert any(x == 10**6 and y == pytest.approx(36.0206) for x, y in dots(panel))
    (plain,) = present(FIGURES["psnr_flops"](results(study(named=["one"])))).axes
    assert len(dots(panel)) == len(dots(plain)) + 1


def with_repeats(made, *differences):
    """The same study, with a repeat at each distance in dB from the mean of a trial."""

    def again(result):
        repeats = [
            result.repeats[1].model_copy(
                update={"psnr_paper_db": present(result.psnr_paper_db) + difference}
            )
            for difference in differences
        ]
        return result.model_copy(update={"repeats": tuple(repeats)})

    return replace(made, results=tuple(map(again, made.results)))


def test_wide_intervals_are_drawn_as_far_as_one_range_beyond_the_points():
    # The interval of two repeats a decibel apart is 6.35 dB to each side.
    wide = with_repeats(study(widths=(8, 16), depths=(1,)), -0.5, 0.5)
    (panel,) = present(FIGURES["psnr_flops"](results(wide))).axes
    heights = [y for _, y in dots(panel)]
    low, high = panel.get_ylim()
    reach = max(heights) - min(heights)
    assert reach == pytest.approx(2.0)
    assert low < min(heights) - 0.99 * reach
    assert high > max(heights) + 0.99 * reach
    assert high - low < 4 * reach


def test_a_chart_never_shows_less_than_half_a_decibel():
    made = with_repeats(study(widths=(8,), depths=(1, 2)), 0.0)  # 0.1 dB apart, no intervals
    (panel,) = present(FIGURES["psnr_flops"](results(made))).axes
    low, high = panel.get_ylim()
    assert high - low >= 0.5
    assert all(low < y < high for _, y in dots(panel))


def test_a_panel_for_each_signal_and_one_scale_for_all():
    figure = present(
        FIGURES["psnr_flops"](results(study("a"), study("b", info=OTHER, widths=(64, 128))))
    )
    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    assert {"lake", "hill"} <= words(figure)


def test_only_a_study_of_widths_is_joined():
    def joined(made):
        (panel,) = present(FIGURES["psnr_flops"](made)).axes
        return [
            np.size(line.get_xdata())
            for line in panel.lines
            if line.get_color() == SERIES[0]
            and (line.get_marker(), line.get_linestyle())
            not in [("_", "-"), (line.get_marker(), "None")]
        ]

    both = [study(widths=(8, 16, 32), depths=depths) for depths in ((1,), (1, 2))]
    assert [joined(results(one)) for one in both] == [[3], []]


def test_more_trials_need_no_more_lines():
    few, many = (
        present(FIGURES["psnr_flops"](results(study(widths=widths)))).axes[0]
        for widths in ((8, 16), range(8, 80, 2))
    )
    assert len(dots(many)) == 18 * len(dots(few))
    assert len(many.lines) == len(few.lines)


def test_what_is_reduced_says_so_in_every_figure():
    made = results(study(coordinate=True), reduced="48x48 pixels")
    drawn = [figure for draw in FIGURES.values() if (figure := draw(made))]
    assert len(drawn) == len(FIGURES) - 1  # all but that of sets
    for figure in drawn:
        assert "reduced: 48x48 pixels" in words(figure)


def test_what_does_not_apply_is_not_drawn():
    lone = report(study(widths=(8,), depths=(1,), pictures=False))
    bare = replace(
        lone.studies[0],
        results=tuple(r.model_copy(update={"curve": Curve()}) for r in lone.studies[0].results),
    )
    assert all(
        draw(Results.of(replace(lone, studies=(bare,)))) is None for draw in FIGURES.values()
    )


def test_at_most_ten_curves_and_the_baseline():
    many = study(widths=(8, 16, 24, 32, 40, 48), depths=(1, 2), named=["base"])
    (panel,) = present(FIGURES["curves"](results(many, baseline="base"))).axes
    drawn = [line for line in panel.lines if np.size(line.get_xdata()) == 3]
    (level,) = [line for line in panel.lines if line.get_color() == INK]
    assert len(drawn) == len(panel.collections) == 10
    assert np.asarray(level.get_ydata())[0] == pytest.approx(many.results[0].psnr_db)


def test_the_trace_has_a_line_for_each_study_with_axes():
    made = results(study("a", coordinate=True), study("b", "x", coordinate=True), study("c"))
    upper, lower = present(FIGURES["trace"](made)).axes
    assert [len(panel.lines) for panel in (upper, lower)] == [2, 2]
    assert np.size(upper.lines[0].get_xdata()) == len(made.report.studies[0].trace)
    assert lower.get_xticklabels()[0].get_text() == "1 width"


def test_the_sheet_has_the_original_eight_at_most_and_their_errors():
    many = study(widths=(8, 16, 24, 32, 40), depths=(1, 2), named=["first"])
    figure = present(FIGURES["reconstructions"](results(many)))
    assert len(figure.axes) == 1 + 2 * 8 + 1  # and the colour bar
    assert {"Original", "first"} <= words(figure)
    assert len(present(FIGURES["reconstructions"](results(study(info=SOUND)))).axes) == 2 * 7 + 1


def test_named_rows_are_pictured_first_then_the_best():
    made = results(study(named=["z"]))
    (shown,) = pictured(made, 3)
    assert shown.name_of(shown.rows[0][0]) == "z"
    others = [row.result.score for row, *_ in shown.rows[1:]]
    every = [present(row.result.score) for row in made.rows if row.name != "z"]
    assert others == sorted(every, reverse=True)[:2]


def test_the_error_is_the_mean_over_the_channels_in_levels():
    original = present(present(study().original).decoded)
    other = original.copy()
    other[0, 0, 0] ^= 0b1001
    levels = present(error_levels(original, other))
    change = abs(int(original[0, 0, 0]) - int(other[0, 0, 0]))
    assert levels[0, 0] == pytest.approx(change / 3)
    assert levels.sum() == pytest.approx(change / 3)


@pytest.mark.filterwarnings("error")
def test_charts_for_a_phone_have_room_for_heading_and_legend():
    made = results(study(widths=(4, 8, 16, 32), depths=(1, 2, 3), coordinate=True))
    wide = draw_figures(made, SHEET)
    narrow = draw_narrow(made, [*wide, SHEET])
    assert set(narrow) == set(wide)
    for name, figure in narrow.items():
        assert figure.get_figwidth() < wide[name].get_figwidth()
        panels = [present(panel.get_tightbbox()) for panel in figure.axes]
        for text in figure.texts:
            assert text.get_window_extent().y0 > max(panel.y1 for panel in panels)
            assert text.get_window_extent().x1 < figure.bbox.x1
        (legend,) = figure.legends
        assert legend.get_window_extent().y1 < min(panel.y0 for panel in panels)
        assert legend.get_window_extent().x1 < figure.bbox.x1


def test_files_are_written_alike_and_only_those_asked_for(tmp_path):
    made = report(study(named=["$a_1$ & <b>"]), figures=("curves", "psnr_flops", "trace"))
    for folder in ("one", "two"):
        paths = write_figures(draw_figures(Results.of(made)), tmp_path / folder)
    names = ["psnr_flops.png", "psnr_flops.svg", "curves.png", "curves.svg"]
    assert [path.name for path in paths] == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert "$a_1$ &amp; &lt;b&gt;" in (tmp_path / "two" / "curves.svg").read_text()
    with Image.open(tmp_path / "two" / "curves.png") as image:
        image.load()
    with pytest.raises(SpecError, match="curves"):
        draw_figures(Results.of(replace(made, figures=("curvs",))))
