"""The dependency graph: the layered layout, what is drawn, and that nothing gets lost in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st

from dsmverify.claims import ClaimOutcome, Verdict
from dsmverify.report import Report, json
from dsmverify.report.html.claims import anchor
from dsmverify.report.html.drawing import graph
from dsmverify.report.html.drawing.layers import (
    Edge,
    Point,
    components,
    lay_out,
    without_shortcuts,
)
from tests.report.outcomes import claim

REFEREE = Path(__file__).resolve().parents[2] / "reports" / "referee" / "report.json"
GAP, DROP = 10.0, 30.0

names = st.sampled_from("abcdefghijkl")
edge_lists = st.lists(st.tuples(names, names), max_size=40)
downward = st.lists(st.tuples(names, names).map(lambda e: (min(e), max(e))), max_size=40)


def _reach(start: str, edges: Iterable[Edge]) -> set[str]:
    """What is reachable, by going on until nothing is new."""
    found = {lower for upper, lower in edges if upper == start}
    while True:
        more = found | {lower for upper, lower in edges if upper in found}
        if more == found:
            return found
        found = more


def _sizes(edges: Iterable[Edge]) -> dict[str, tuple[float, float]]:
    mentioned = sorted(set(itertools.chain.from_iterable(edges)) | {"a"})
    return {name: (20.0 + 7 * index, 15.0 + 3 * index) for index, name in enumerate(mentioned)}


@given(edge_lists)
def test_boxes_keep_apart_and_edges_run_between_them(edges: list[Edge]) -> None:
    sizes = _sizes(edges)
    layout = lay_out(sizes, edges, gap=GAP, drop=DROP)
    assert set(layout.places) == set(sizes)
    for one, other in itertools.combinations(sizes, 2):
        (x, y), (right, down) = layout.places[one], layout.places[other]
        beside = x + sizes[one][0] <= right + 1e-6 or right + sizes[other][0] <= x + 1e-6
        assert beside or y + sizes[one][1] <= down - DROP / 2 or down + sizes[other][1] <= y
    for name, (x, y) in layout.places.items():
        assert x >= -1e-6 and x + sizes[name][0] <= layout.width + 1e-6
        assert y >= 0 and y + sizes[name][1] <= layout.height + 1e-6
    assert set(layout.routes) == {edge for edge in edges if edge[0] != edge[1]}
    for (upper, lower), route in layout.routes.items():
        heights = [y for _, y in route]
        assert heights in (sorted(heights), sorted(heights, reverse=True))
        ends = {upper: route[0], lower: route[-1]}
        for name, (x, y) in ends.items():
            left, top = layout.places[name]
            assert left <= x <= left + sizes[name][0]
            assert y in (pytest.approx(top), pytest.approx(top + sizes[name][1]))


@given(downward)
def test_without_circles_every_edge_goes_down(edges: list[Edge]) -> None:
    sizes = _sizes(edges)
    layout = lay_out(sizes, edges, gap=GAP, drop=DROP)
    for upper, lower in layout.routes:
        bottom = layout.places[upper][1] + sizes[upper][1]
        assert bottom + DROP <= layout.places[lower][1] + 1e-9


@given(edge_lists)
def test_a_long_edge_does_not_run_through_boxes(edges: list[Edge]) -> None:
    sizes = _sizes(edges)
    layout = lay_out(sizes, edges, gap=GAP, drop=DROP)
    for edge, route in layout.routes.items():
        for (x, y), (right, down) in itertools.pairwise(route):
            if x == right:
                for name, (left, top) in layout.places.items():
                    if name not in edge and left < x < left + sizes[name][0]:
                        low, high = sorted((y, down))
                        assert high <= top + 1e-6 or low >= top + sizes[name][1] - 1e-6


@given(edge_lists)
def test_the_same_graph_gives_the_same_layout(edges: list[Edge]) -> None:
    first, second = (lay_out(_sizes(edges), edges, gap=GAP, drop=DROP) for _ in range(2))
    assert first == second


@given(edge_lists)
def test_shortcuts_change_nothing_that_is_reachable(edges: list[Edge]) -> None:
    kept = without_shortcuts(edges)
    assert set(kept) <= set(edges)
    for name in set(itertools.chain.from_iterable(edges)):
        assert _reach(name, kept) == _reach(name, edges)


@given(downward)
def test_no_shortcut_is_left(edges: list[Edge]) -> None:
    proper = [edge for edge in edges if edge[0] != edge[1]]
    kept = without_shortcuts(proper)
    for edge in kept:
        others = [other for other in kept if other != edge]
        assert edge[1] not in _reach(edge[0], others)


@given(edge_lists)
def test_components_share_no_edge(edges: list[Edge]) -> None:
    listed = list(_sizes(edges))
    groups = components(listed, edges)
    assert sorted(itertools.chain.from_iterable(groups)) == listed
    assert [len(group) for group in groups] == sorted((len(g) for g in groups), reverse=True)
    for upper, lower in edges:
        assert any(upper in group and lower in group for group in groups)
    both_ways = [*edges, *(edge[::-1] for edge in edges)]
    for group in groups:
        assert all(_reach(group[0], both_ways) | {group[0]} == set(group) for _ in group)


def test_few_crossings_where_none_is_needed() -> None:
    edges = [("t", "a"), ("t", "b"), ("a", "y"), ("b", "x"), ("t", "x")]
    sizes = dict.fromkeys("tabxy", (20.0, 10.0))
    places = lay_out(sizes, edges, gap=GAP, drop=DROP).places
    assert (places["a"][0] < places["b"][0]) == (places["y"][0] < places["x"][0])


def _outcome(name: str, verdict: Verdict = "PROVED", **fields: Any) -> ClaimOutcome:
    zero = dict.fromkeys(
        ("tried", "applicable", "trivial", "true", "false", "unknown", "not_applicable"), 0
    )
    return ClaimOutcome(
        claim=claim(name, **fields),
        verdict=verdict,
        reason=None,
        method="",
        slack=None,
        witness=None,
        certificate=None,
        severity=None,
        **zero,
    )


def _step(name: str, serves: str, verdict: Verdict = "PROVED", **fields: Any) -> ClaimOutcome:
    return _outcome(name, verdict, kind="step", serves=serves, **fields)


def _drawn(*outcomes: ClaimOutcome) -> BeautifulSoup:
    text = str(graph.draw(Report(claims=outcomes)))
    ElementTree.fromstring(text)  # what is drawn is well formed
    return BeautifulSoup(text, "html.parser")


def _nodes(page: BeautifulSoup) -> dict[str, Tag]:
    return {_text(node.title).partition(":")[0]: node for node in page.select(".node:has(title)")}


def _text(tag: Tag | None) -> str:
    assert tag is not None
    return tag.get_text()


def _lines(page: BeautifulSoup) -> dict[str, list[str]]:
    found = {}
    for line in page.select("path.edge:has(title)"):
        found[_text(line.title)] = [name for name in line["class"] if name != "edge"]
    return found


SMALL = (
    _outcome("thm08@sum", "HOLDS", leans_on=("prop07",)),
    _step("thm08.a", "thm08@sum", leans_on=("thm08.b",)),
    _step("thm08.b", "thm08@sum", "REFUTED"),
    _outcome("prop07", "UNDECIDED", leans_on=("lem01",)),
    _outcome("lem01", "PROVED"),
    _outcome("apart", "PROVED", leans_on=("lem01", "gone")),
    _outcome("prop07.r1", "PROVED", form="repaired", repairs="prop07"),
)


def test_verdicts_are_shown_by_word_and_shape() -> None:
    page = _drawn(*SMALL)
    nodes = _nodes(page)
    assert set(nodes) == {"thm08@sum", "thm08.a", "thm08.b", "prop07", "lem01", "apart", "gone"}
    for name, state in (
        ("thm08@sum", "HOLDS"),
        ("thm08.b", "REFUTED"),
        ("prop07", "UNDECIDED"),
        ("gone", "not checked"),
    ):
        assert f": {state}." in _text(nodes[name].title)
        assert f"state-{state.lower().replace(' ', '-')}" in nodes[name]["class"]
        (shape,) = nodes[name].select("path.glyph")
        legend = next(
            entry for entry in page.select(".graph-legend li") if entry.get_text() == state
        )
        assert legend.select("path.glyph")[0]["d"] == shape["d"]
    assert "UNDECIDED" in _text(nodes["prop07"].select_one(".note"))
    assert "Repaired form: prop07.r1 (PROVED)" in _text(nodes["prop07"].title)


def test_every_verdict_has_a_shape_of_its_own() -> None:
    verdicts = get_args(Verdict)
    page = _drawn(*(_outcome(f"c{index}", verdict) for index, verdict in enumerate(verdicts)))
    shapes = [str(node.select("path.glyph")[0]["d"]) for node in _nodes(page).values()]
    assert len(set(shapes)) == len(verdicts)


def test_broken_and_open_edges_are_not_drawn_as_sound_ones() -> None:
    lines = _lines(_drawn(*SMALL))
    assert lines == {
        "thm08@sum leans on thm08.a": ["sound", "needed"],
        "thm08.a leans on thm08.b; broken: thm08.b is REFUTED": ["broken", "needed"],
        "thm08 leans on prop07: thm08@sum on prop07; open: prop07 is UNDECIDED": [
            "open",
            "needed",
        ],
        "prop07 leans on lem01": ["sound", "needed"],
        "apart leans on lem01": ["sound"],
        "apart leans on gone; open: gone is not checked": ["open"],
    }


def test_one_failing_edge_breaks_the_line_between_two_boxes() -> None:
    page = _drawn(
        _outcome("top", leans_on=("low@a", "low@b")),
        _outcome("low@a"),
        _outcome("low@b", "REFUTED"),
    )
    (line,) = page.select("path.edge:has(title)")
    assert "broken" in line["class"]
    assert _text(line.title) == (
        "top leans on low: top on low@a, top on low@b; broken: low@b is REFUTED"
    )


def test_what_the_theorem_leans_on_is_emphasised() -> None:
    nodes = _nodes(_drawn(*SMALL))
    strong = {name for name, node in nodes.items() if "needed" in node["class"]}
    assert strong == {"thm08@sum", "thm08.a", "thm08.b", "prop07", "lem01"}


def test_the_sentence_counts() -> None:
    page = _drawn(*SMALL)
    assert _text(page.select_one(".graph-summary")) == (
        "7 statements, 7 lines between them: 2 lead to a REFUTED statement, 2 to one that is not "
        "PROVED. thm08 leans, directly or not, on 4 statements: 1 of them REFUTED, 1 not PROVED."
    )


def test_the_list_says_what_the_picture_says() -> None:
    page = _drawn(*SMALL)
    assert [entry.get_text() for entry in page.select(".graph-list li")] == [
        "apart (PROVED) leans on lem01, gone (not checked).",
        "lem01 (PROVED) leans on nothing else.",
        "prop07 (UNDECIDED) leans on lem01. Repaired form: prop07.r1 (PROVED).",
        "thm08@sum (HOLDS) leans on prop07 (UNDECIDED), thm08.a, thm08.b (REFUTED).",
        "thm08.a (PROVED) leans on thm08.b (REFUTED).",
        "thm08.b (REFUTED) leans on nothing else.",
    ]


def test_links_lead_to_the_claims_and_the_keyboard_uses_the_list() -> None:
    page = _drawn(*SMALL)
    for link in page.select(".graph-picture a"):
        assert link["tabindex"] == "-1"
        assert link["href"] == "#" + anchor(_text(link.title).partition(":")[0])
    listed = {str(link["href"]) for link in page.select(".graph-list a")}
    assert listed == {str(link["href"]) for link in page.select(".graph-picture a")}
    assert "#claim-gone" not in listed
    (region,) = page.select("[role=region]")
    assert region["tabindex"] == "0" and region["aria-label"]


def test_statements_that_lean_on_each_other_are_drawn() -> None:
    page = _drawn(
        _outcome("a", leans_on=("b",)),
        _outcome("b", leans_on=("c",)),
        _outcome("c", leans_on=("a", "c")),
    )
    assert set(_lines(page)) == {"a leans on b", "b leans on c", "c leans on a"}


def test_no_claims_and_only_repaired_ones() -> None:
    assert graph.draw(Report(claims=())) == '<p class="graph-summary">No claim was checked.</p>'
    page = _drawn(_outcome("a.r1", form="repaired", repairs="a"))
    assert set(_nodes(page)) == {"a.r1"}


HOSTILE = (
    "<script>alert(1)</script>",
    "</svg></title><img src=x onerror=alert(1)>",
    "\" onload='alert(1)",
    "a&b;&lt;",
    "<!--",
    "a\x1b[31m\u202eb\x00\ud800",
    "x" * 5000,
    "{} {0} %s",
    "a b/c#d?e",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    page = _drawn(
        _outcome(name, "REFUTED", statement=name, leans_on=("low",)),
        _outcome("low", leans_on=(f"{name}.gone",)),
        _step(f"{name}.s", name),
    )
    allowed = {"div", "p", "ul", "li", "details", "summary", "a", "svg", "g", "title", "desc"}
    assert {tag.name for tag in page.find_all(True)} <= allowed | {"path", "rect", "text"}
    for tag in page.find_all(True):
        assert not any(attribute.startswith("on") for attribute in tag.attrs)
    shown = re.sub("[\x00-\x1f\u202e\ud800]", "\ufffd", name)
    assert f"{shown} (REFUTED) leans on low" in _text(page.select_one(".graph-list"))
    (picture,) = page.select("svg.graph-picture")
    assert float(str(picture["width"])) < 2000


def _edges_of(outcomes: Mapping[str, ClaimOutcome]) -> set[Edge]:
    """What each printed statement names, and the steps that serve it, worked out here."""
    found = set()
    for name, outcome in outcomes.items():
        one = outcome.claim
        found |= {(name, other) for other in one.leans_on}
        if one.serves and one.literal:
            found |= {
                (other, name)
                for other in outcomes
                if other == one.serves
                or (one.serves not in outcomes and other.partition("@")[0] == one.serves)
            }
    return {(upper, lower) for upper, lower in found if upper != lower}


def test_the_whole_battery_is_drawn() -> None:
    report = json.read(REFEREE)
    text = str(graph.draw(report))
    ElementTree.fromstring(text)
    assert text == str(graph.draw(report))
    page = BeautifulSoup(text, "html.parser")
    printed = {one.claim.id: one for one in report.claims if one.claim.form == "printed"}
    # A printed statement may lean on a repaired one, which is drawn then.
    by_id = {one.claim.id: one for one in report.claims}
    leaning = {(name, other) for name, one in by_id.items() for other in one.claim.leans_on}
    drawn = set(printed).union(*(_reach(name, leaning) for name in printed))
    nodes = _nodes(page)
    assert set(nodes) == drawn
    assert drawn - set(printed) == {"rf.copies3.r1"}
    edges = _edges_of({name: by_id[name] for name in drawn})
    needed = set().union(*(_reach(name, edges) | {name} for name in ("thm08@mean", "thm08@sum")))
    assert {name for name, node in nodes.items() if "needed" in node["class"]} == needed
    entries = {}
    for entry in page.select(".graph-list li"):
        links = [str(a["href"]).removeprefix("#claim-") for a in entry.select("a")]
        entries[links[0]] = set(links[1:])
    assert {(upper, lower) for upper in entries for lower in entries[upper]} == edges
    broken = [words for words, kinds in _lines(page).items() if "broken" in kinds]
    refuted = {name for name, one in printed.items() if one.verdict == "REFUTED"}
    leant_on = {lower for _, lower in edges} & refuted
    assert all(any(f"{name} is REFUTED" in words for words in broken) for name in leant_on)
    assert not any("REFUTED" in words for words in _lines(page) if words not in broken)


def test_boxes_of_the_battery_do_not_overlap() -> None:
    page = BeautifulSoup(str(graph.draw(json.read(REFEREE))), "html.parser")
    frames: list[tuple[Point, Point]] = []
    for node in page.select(".graph-picture .node"):
        x, y = map(float, re.findall(r"[\d.]+", str(node["transform"])))
        (rect,) = node.select("rect")
        frames.append(((x, y), (x + float(str(rect["width"])), y + float(str(rect["height"])))))
    (picture,) = page.select("svg.graph-picture")
    width, height = float(str(picture["width"])), float(str(picture["height"]))
    assert width < 1600  # at 85 % it fits a desk's window of 1440
    for (x, y), (right, down) in frames:
        assert x >= 0 and right <= width and y >= 0 and down <= height
    for ((x, y), (right, down)), ((left, top), (end, bottom)) in itertools.combinations(frames, 2):
        assert right <= left or end <= x or down <= top or bottom <= y
