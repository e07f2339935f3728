import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from enas_inr.reports.figures import draw_figures, write_figures
from enas_inr.reports.page import render_page
from enas_inr.reports.rows import Results
from enas_inr.spec import EnsembleSpec
from enas_inr.studies import pictures
from enas_inr.studies.record import Published
from tests.reports.report_data import SOUND, report, results, study

PUBLISHED = {"base": Published(psnr_paper_db=29.0)}

VOID = {"meta", "link", "img", "input", "br", "hr"}
FETCHED = ("src", "href", "action", "poster", "srcset", "data")


class Page(HTMLParser):
    """What a browser would see, with the errors it would forgive."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.fetched: list[str] = []
        self.handlers: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.fetched += [value for name, value in attributes if name in FETCHED]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        if "id" in values:
            self.ids.append(values["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag not in VOID
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in self.open[-1:]:
            self.texts.setdefault(tag, []).append(data)

    def cells(self, tag):
        return [text.strip() for text in self.texts.get(tag, [])]

    def count(self, tag, **wanted):
        return sum(
            name == tag and all(values.get(k) == v for k, v in wanted.items())
            for name, values in self.tags
        )


@pytest.fixture(scope="module")
def everything():
    return report(
        study("lake", "pictures", coordinate=True, named=["base", "second"], published=PUBLISHED),
        study("bell", "sounds", info=SOUND, fail=lambda spec: spec.width == 32),
        summary="What this is.",
        reduced="16x12 pixels",
        baseline="base",
    )


def page_of(results: Results) -> str:
    return render_page(results, draw_figures(results))


@pytest.fixture(scope="module")
def text(everything):
    return page_of(Results.of(everything))


def test_it_is_sound_html_with_unique_ids_and_targets(text):
    page = Page(text)
    assert len(page.ids) == len(set(page.ids)) > 10
    targets = [address[1:] for address in page.fetched if address.startswith("#")]
    targets += re.findall(r"url\(#([^)]+)\)", text)
    targets += [v[k] for _, v in page.tags for k in ("aria-labelledby", "for") if k in v]
    assert set(targets) <= set(page.ids)


def test_it_needs_nothing_else(text):
    page = Page(text)
    assert all(address.startswith(("#", "data:")) for address in page.fetched)
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest|import\(", text)
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert page.handlers == []


def test_it_is_accessible(text):
    page = Page(text)
    assert page.count("html", lang="en") == page.count("main") == page.count("h1") == 1
    assert all(values.get("alt") is not None for tag, values in page.tags if tag == "img")
    assert all(values.get("scope") for tag, values in page.tags if tag == "th")
    assert page.count("svg") == page.count("svg", role="img") > 4


def test_every_section_is_there(text):
    page = Page(text)
    sections = {"settings", "results", "figures", "reconstructions", "sounds", "trace"}
    assert sections <= set(page.ids)
    assert page.count("audio", preload="none") == 2 + 1 + 4  # the lead has two
    assert page.count("img", **{"class": "picture"}) == 2 + 1 + 6
    assert page.count("img", **{"class": "error"}) == 1 + 6
    assert "What this is." in text
    for header in ("FLOPs", "PSNR", "published", "difference", "gain", "p", "passes at", "score"):
        assert header in page.cells("th")


def test_what_is_empty_is_left_out():
    page = Page(page_of(Results.of(report(study(pictures=False), figures=("curves",)))))
    assert not {"reconstructions", "sounds", "trace", "lightbox"} & set(page.ids)
    assert not {"published", "gain", "status", "study", "signal"} & set(page.cells("th"))


def test_only_the_reduced_have_a_banner(everything, text):
    assert Page(text).count("p", **{"class": "banner"}) == 1
    assert text.count("reduced: 16x12 pixels") >= 6
    full = page_of(Results.of(replace(everything, reduced="", figures=("curves",))))
    assert Page(full).count("p", role="note") == 0


def test_a_failed_trial_is_shown_with_its_message(text):
    page = Page(text)
    assert page.cells("span").count("diverged") == 2 * 2  # its PSNR, and its status
    assert page.cells("span").count("the loss is NaN at step 3") == 2


def test_shared_settings_are_said_once(text):
    page = Page(text)
    said = page.cells("dd")
    assert sum("steps 500" in text for text in said) == 1
    assert {"lake", "bell"} <= set(page.cells("td"))
    alone = Page(page_of(Results.of(report(study(), figures=("curves",)))))
    assert {"lake", "16x12 pixels, 3 channels", "exhaustive"} <= set(alone.cells("dd"))


def test_hostile_names_are_text():
    hostile = "<script>alert(1)</script>\"'&\x00"
    made = report(
        study(label=hostile, named=[hostile], coordinate=True), summary=hostile, reduced=hostile
    )
    text = page_of(Results.of(replace(made, title=hostile, baseline=hostile)))
    assert Page(text).count("script") == 1
    assert "alert(1)</script>" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_decision_marks_what_it_chose(everything, text):
    chosen = Page(text).cells("span").count("chosen")
    assert chosen == len(everything.studies[0].trace)


def test_only_the_figures_asked_for(everything):
    page = Page(page_of(Results.of(replace(everything, figures=("curves",)))))
    assert page.count("svg") == 2  # for a wide and for a narrow window
    assert page.count("audio") == 0


def test_equal_reports_are_equal_pages_whoever_draws_their_figures(everything, text):
    results = Results.of(everything)
    drawn = draw_figures(results)
    assert render_page(results, drawn) == text
    assert render_page(results, drawn) == text  # the first has not changed them


def test_the_best_and_the_front_are_marked():
    made = report(study(widths=(8, 16), depths=(1,)), figures=("curves",))
    page = Page(page_of(Results.of(made)))
    assert page.count("tr", **{"class": "best"}) == 1
    assert page.count("span", **{"aria-label": "on the Pareto front"}) == 2
    assert EnsembleSpec(width=8).label() in page.cells("th")


def test_pictures_are_decoded_once_and_only_to_be_drawn(tmp_path, monkeypatch):
    decoded = []
    for name in ("pixels_of", "sound_of"):

        def counted(content, decode=getattr(pictures, name)):
            decoded.append(content)
            return decode(content)

        monkeypatch.setattr(pictures, name, counted)
    made = report(study("a"), study("b", info=SOUND))
    undrawn = Results.of(replace(made, figures=("curves", "psnr_flops")))
    page_of(undrawn)
    write_figures(draw_figures(undrawn), tmp_path / "undrawn")
    assert not decoded
    assert "content" not in vars(made.studies[0].original)  # nor was it read
    page_of(Results.of(made))
    assert len(decoded) == 2 + 12  # both originals, six reconstructions of each
    write_figures(draw_figures(Results.of(made)), tmp_path / "drawn")
    assert len(decoded) == 2 + 12


def test_the_best_architecture_comes_first_with_its_picture_and_command(text):
    page = Page(text)
    places = [page.ids.index(name) for name in ("best", "trace", "results", "figures", "settings")]
    assert places == sorted(places)
    assert "pictures: siren M=8 d=1 w=8" in page.cells("h3")
    assert "enas-inr fit FILE --study lake -o model.inr" in page.cells("code")
    assert page.count("audio", **{"aria-label": "Original"}) == 2  # in the lead, and with others


def test_the_lead_says_how_the_search_went(text):
    lines = Page(text).cells("li")
    assert "width 8 of 8, 16, 32: 28.12 dB" in lines


def test_the_only_reconstruction_is_shown_once():
    found = results(study(pictures=True))
    (record,) = found.report.studies
    best = next(row for row in found.rows if row.best)
    number = best.result.trial.number
    only = replace(record, pictures={number: record.pictures[number]})
    page = Page(page_of(Results.of(replace(found.report, studies=(only,)))))
    assert "best" in page.ids
    assert "reconstructions" not in page.ids
    assert page.count("img", **{"class": "picture"}) == 2  # the original and the best
    assert page.count("dialog") == 1  # in which they are enlarged


def test_figures_follow_the_width_of_the_page(text):
    assert "min-width: 700px" not in text
    page = Page(text)
    assert page.count("div", **{"class": "narrow"}) == page.count("div", **{"class": "broad"}) > 0
    assert Page(text).count("div", **{"class": "figure wide"}) > 0  # of two signals
