"""Drawings: that marks lie where the numbers are, and that any text is only text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmverify.instance import Instance
from dsmverify.pictures import pictures, regime_picture, sample_picture
from dsmverify.regime import experiments
from dsmverify.report import Report
from dsmverify.report.html.drawing import axes, rates, regime_map, samples, strip
from dsmverify.report.json import read
from dsmverify.report.paper.source import FIGURE_2, figure_2
from dsmverify.report.pictures import RegimePicture, SamplePicture, Setting

from .outcomes import claim, report, row

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "reports" / "referee" / "report.json"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "]]></desc><a href='javascript:x'>",
    "&amp; & ' \" \x00 \x1b[31m \u202e",
]
Element = ElementTree.Element
Ticks = dict[float, float]


def parsed(markup: str) -> Element:
    """The drawing as XML, without the namespace; text that opened a tag would not parse."""
    text = str(markup).replace(' xmlns="http://www.w3.org/2000/svg"', "")
    return ElementTree.fromstring(f"<div>{text}</div>")


def paths(root: Element, style: str) -> list[list[tuple[float, float]]]:
    """Points of the paths of a class, relative commands of no length left out."""
    found = []
    for path in root.iter("path"):
        if path.get("class") == style and path.get("transform") is None:
            numbers = re.findall(r"-?\d+(?:\.\d+)?", (path.get("d") or "").replace("h0", ""))
            values = [float(number) for number in numbers]
            found.append(list(zip(values[::2], values[1::2], strict=True)))
    return found


def marks(root: Element, style: str) -> list[tuple[float, float]]:
    """Places of the marks of a class, those of legends left out."""
    found = []
    for path in root.iter("path"):
        match = re.fullmatch(r"translate\((\S+) (\S+)\)", path.get("transform") or "")
        if match and path.get("class") == style and path.find("title") is not None:
            found.append((float(match[1]), float(match[2])))
    return found


def value_of(text: str) -> float:
    """A tick's number, powers of ten in superscripts included."""
    text = text.replace("−", "-")
    match = re.fullmatch("10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text)
    if match is None:
        return float(text)
    return 10.0 ** int(match[1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


def ticks(root: Element) -> tuple[Ticks, Ticks]:
    """Places of the ticks' numbers: across, and up."""
    texts = [text for text in root.iter("text") if text.get("class") == "tick"]
    across, up = {}, {}
    for text in texts:
        number = value_of(text.text or "")
        if text.get("text-anchor") == "middle":
            across[number] = float(text.get("x") or "nan")
        else:
            up[number] = float(text.get("y") or "nan") - 4
    return across, up


def place(known: Ticks, number: float, *, log: bool = False) -> float:
    """Place of a number, from the two outermost ticks alone."""
    shown = math.log10 if log else float
    (low, high) = min(known), max(known)
    share = (shown(number) - shown(low)) / (shown(high) - shown(low))
    return known[low] + share * (known[high] - known[low])


def instance(**document: Any) -> Instance:
    document = {"x": ["0", "1", "3"], "mu": "4/5", "sigma": "1/10", **document}
    return Instance.from_json(document, name=document.pop("name", "a"))


def sample(**document: Any) -> SamplePicture:
    found = sample_picture(instance(**document))
    assert found is not None
    return found


NETWORK = {"inner_weights": ["1", "-1"], "biases": ["0", "1"], "outer_weights": ["20", "-9"]}


# Axes.

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(FINITE, FINITE, st.integers(2, 8))
def test_a_linear_axis_holds_its_ticks_in_order(one: float, two: float, wanted: int) -> None:
    axis = axes.linear(min(one, two) / 2, max(one, two) / 2, 10, 110, wanted)
    assert axis.low < axis.high
    assert axis.at(axis.low) == pytest.approx(10) and axis.at(axis.high) == pytest.approx(110)
    places = [axis.at(value) for value, _ in axis.ticks]
    assert places == sorted(places) and len(places) <= 2.5 * wanted + 2
    assert all(9.99 <= place <= 110.01 for place in places)
    for value, text in axis.ticks:
        assert value_of(text) == pytest.approx(
            value / 10.0 ** (axis.unit // 2) / 10.0 ** (axis.unit - axis.unit // 2),
            rel=1e-6,
            abs=1e-9,
        )


@given(st.floats(-400, 400), st.floats(0, 800), st.integers(3, 7))
def test_an_axis_of_decades_has_powers_or_numbers(low: float, length: float, wanted: int) -> None:
    axis = axes.decades(low, low + length, 0, 100, wanted)
    for exponent, text in axis.ticks:
        assert axis.holds(exponent)
        if abs(exponent) < 300:
            assert math.log10(value_of(text)) == pytest.approx(exponent, abs=1e-9)
    assert len(axis.ticks) <= max(wanted + 1, 13)


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 60)), max_size=30))
def test_spans_in_one_row_do_not_touch(pairs: list[tuple[float, float]]) -> None:
    spans = [(low, low + width + 1) for low, width in pairs]
    rows = axes.rows_apart(spans)
    for i, one in enumerate(spans):
        for j, two in enumerate(spans[:i]):
            if rows[i] == rows[j]:
                assert one[1] <= two[0] or two[1] <= one[0]


@given(st.lists(st.floats(0, 200), max_size=12))
def test_labels_are_spread_out_within_the_ends(places: list[float]) -> None:
    moved = sorted(axes.spread_out(places, 13, 0, 200))
    assert all(-1e-9 <= place <= 200 for place in moved)
    gaps = [right - left for left, right in pairwise(moved)]
    assert all(gap >= 13 - 1e-9 for gap in gaps)


@pytest.mark.parametrize(
    ("exponent", "text"),
    [
        (0, "1"),
        (2.9036325, "801"),
        (-1.0, "0.1"),
        (-129.0749, "8.42×10⁻¹³⁰"),
        (12, "10¹²"),
        (5.3, "199526"),
        (11.99999, "10¹²"),
    ],
)
def test_numbers_are_spelled_from_their_exponents(exponent: float, text: str) -> None:
    assert axes.number(exponent) == text


# Samples.


@pytest.mark.parametrize(
    "document", [{}, {"network": NETWORK}, {"sigma": "1/1000"}, {"x": ["-3", "0", "400", "401"]}]
)
def test_the_curves_of_a_sample_lie_on_their_numbers(document: dict[str, Any]) -> None:
    found = sample(**document)
    root = parsed(samples.draw(found))
    across, levels = ticks(root)
    texts = [text for text in root.iter("text") if text.get("class") == "tick"]
    ups = [text for text in texts if text.get("text-anchor") == "end"]
    upper = {value_of(t.text or ""): float(t.get("y") or 0) - 4 for t in ups if _y(t) < 195}
    lower = {value_of(t.text or ""): float(t.get("y") or 0) - 4 for t in ups if _y(t) > 195}
    assert levels and len(upper) >= 2 and len(lower) >= 2
    curves = {"curve-one": (found.score, upper), "curve-three": (found.weight, lower)}
    if found.network is not None:
        curves["curve-two"] = (found.network, upper)
    for style, (values, up) in curves.items():
        unit = {"curve-three": _unit(root, "π")}.get(style, _unit(root, "score"))
        (drawn, _) = paths(root, style)
        assert len(drawn) == len(found.y)
        for (x, y), at, value in zip(drawn, found.y, values, strict=True):
            assert x == pytest.approx(place(across, at / _unit(root, "y")), abs=0.25)
            if abs(y) < 4000:
                assert y == pytest.approx(place(up, value / unit), abs=0.4)
    means = paths(root, "mean")[0]
    assert means[0][0] == pytest.approx(place(across, found.means[0] / _unit(root, "y")), abs=0.3)
    assert means[-1][0] == pytest.approx(place(across, found.means[-1] / _unit(root, "y")), abs=0.3)


def _y(text: Element) -> float:
    return float(text.get("y") or "nan")


def _unit(root: Element, name: str) -> float:
    """The power of ten that the text of an axis names."""
    for text in root.iter("text"):
        if text.get("class") == "axis" and (text.text or "").startswith(name):
            match = re.search(r"in units of (\S+)", text.text or "")
            return value_of(match[1]) if match else 1.0
    raise AssertionError(f"no axis {name}")


def test_a_network_far_off_is_cut_off_and_said_so() -> None:
    far = {**NETWORK, "outer_weights": ["1e9", "-9"]}
    markup = samples.draw(sample(network=far))
    assert "The network leaves the frame." in markup
    up = paths(parsed(markup), "curve-one")[0]
    assert max(y for _, y in up) - min(y for _, y in up) > 40
    assert "leaves the frame" not in samples.draw(sample(network=NETWORK))


def test_a_weight_that_vanishes_is_drawn() -> None:
    found = replace(sample(), weight=(0.0,) * len(sample().y))
    root = parsed(samples.draw(found))
    assert {y for _, y in paths(root, "curve-three")[0]} == {276.0}


def test_two_places_are_enough() -> None:
    found = SamplePicture("a", 1, 0.5, 0.5, "0", (0.0,), (-1e-300, 1e-300), (0.0, 0.0), (0.0, 0.0))
    parsed(samples.draw(found))
    huge = SamplePicture("a", 1, 0.5, 0.5, "0", (0.0,), (-1e308, 1e308), (1e308, -1e308), (0, 0))
    parsed(samples.draw(huge))


# Regime maps.


def test_the_lines_of_a_map_lie_on_their_numbers() -> None:
    found = regime_picture([entry for entry in experiments() if entry.noise.time == Fraction(1, 5)])
    root = parsed(regime_map.draw(found))
    across, up = ticks(root)
    limits = [limit for limit in found.limits if limit is not None and limit < 0]
    lines = paths(root, "limit")
    assert len(lines) == len(limits) == 4
    for line, limit in zip(lines, limits, strict=True):
        (at,) = {x for x, _ in line}
        assert at == pytest.approx(place(across, 10**limit, log=True), abs=0.2)
    threshold = paths(root, "threshold")[0]
    for x, y in threshold:
        sigma = math.log10(min(across)) + (x - across[min(across)]) / (
            across[max(across)] - across[min(across)]
        ) * (math.log10(max(across)) - math.log10(min(across)))
        rate = 10 ** (found.threshold + 2 * sigma)
        assert y == pytest.approx(place(up, rate, log=True), abs=0.5)
    for (x, y), setting in zip(marks(root, "setting"), found.settings, strict=True):
        assert setting.rate is not None
        assert x == pytest.approx(place(across, 10**setting.sigma, log=True), abs=0.2)
        assert y == pytest.approx(place(up, 10**setting.rate, log=True), abs=0.2)


def test_the_region_is_above_the_threshold_and_left_of_every_limit() -> None:
    found = regime_picture([instance(learning_rate="1/10")])
    root = parsed(regime_map.draw(found))
    across, up = ticks(root)
    region = paths(root, "region-all")[0]
    least = min(limit for limit in found.limits if limit is not None)
    assert max(x for x, _ in region) == pytest.approx(place(across, 10**least, log=True), abs=0.2)
    corner = max(region, key=lambda point: (point[0], point[1]))
    rate = 10 ** (found.threshold + 2 * least)
    assert corner[1] == pytest.approx(place(up, rate, log=True), abs=0.3)


@pytest.mark.parametrize("x", [["0", "1", "2", "3"], ["0", "1", "2", "3", "5", "7"]])
def test_the_dashed_line_is_the_end_of_the_repaired_regime(x: list[str]) -> None:
    """thm08.r2: sigma <= mu Delta/8, a rate above 2^10 sigma^2/(mu n^2 Delta); here Delta = 1."""
    mu = 0.8
    root = parsed(regime_map.draw(regime_picture([instance(x=x, learning_rate="1/10")])))
    across, up = ticks(root)
    (line, _) = paths(root, "repaired")  # and the key of the legend
    sloping, corner, end = line
    least = 2**10 * (mu / 8) ** 2 / (mu * len(x) ** 2)
    at = place(across, mu / 8, log=True)
    assert corner == pytest.approx((at, place(up, least, log=True)), abs=0.3)
    assert end[0] == pytest.approx(at, abs=0.2)
    assert end[1] < corner[1]
    (low, high) = min(across), max(across)
    left = low * (high / low) ** ((sloping[0] - across[low]) / (across[high] - across[low]))
    below = 2**10 * left**2 / (mu * len(x) ** 2)
    assert sloping[1] == pytest.approx(place(up, below, log=True), abs=0.5)


def test_the_repaired_regime_ends_at_sigma_1_and_needs_four_points() -> None:
    three = parsed(regime_map.draw(regime_picture([instance(learning_rate="1/10")])))
    assert not paths(three, "repaired")
    far = [str(1000 * k) for k in range(4)]
    root = parsed(regime_map.draw(regime_picture([instance(x=far, learning_rate="1/10")])))
    assert paths(root, "repaired")[0][1][0] == max(x for x, _ in paths(root, "frame")[0])


def test_a_limit_above_one_is_no_line() -> None:
    found = regime_picture([instance(x=["0", "1e6"], sigma="1/10", learning_rate="1/10")])
    markup = regime_map.draw(found)
    assert len(paths(parsed(markup), "limit")) == 1  # 1/n
    assert " σ₁, σ₂, σ₄: met by every σ below 1." in markup
    assert "No hypothesis on sigma or the rate is certified to fail" in markup


def test_an_unknown_limit_leaves_no_region() -> None:
    found = replace(regime_picture([instance()]), limits=(None, -1.0, -0.5, -2.0), excess=None)
    root = parsed(regime_map.draw(found))
    assert len(paths(root, "region-all")) == 1  # the key of the legend
    assert len(paths(root, "limit")) == 3


@pytest.mark.parametrize("limits", [(-300.0,) * 4, (300.0,) * 4, (-1.0, -1.0001, -1.0002, -1.0003)])
def test_maps_of_any_size_are_drawn(limits: tuple[float, ...]) -> None:
    setting = Setting("s", "instance", -250.0, -1e4)
    root = parsed(regime_map.draw(RegimePicture("m", 5, 1e-300, limits, 1e5, -1e6, (setting,))))
    names = [text for text in root.iter("text") if (text.text or "").startswith("σ") and _y(text)]
    names = [text for text in names if len(text.text or "") == 2]
    boxes = [(float(text.get("x") or 0), _y(text)) for text in names]
    for i, one in enumerate(boxes):
        for two in boxes[:i]:
            assert abs(one[0] - two[0]) >= 14 or abs(one[1] - two[1]) >= 12


def test_a_setting_without_a_rate_stands_at_the_foot() -> None:
    found = regime_picture([instance()])
    root = parsed(regime_map.draw(found))
    (mark,) = marks(root, "setting")
    frame = paths(root, "frame")[0]
    assert mark[1] == pytest.approx(max(y for _, y in frame) - 6, abs=0.2)
    assert "no rate given" in "".join(root.itertext())
    assert "No learning rate is given at 1 of 1: undecided there." in "".join(root.itertext())


def test_runs_are_marked_on_the_experiments_maps_alone() -> None:
    runs = [*RUNS, {**RUNS[0], "learning_rate": "x"}, {**RUNS[0], "time": "-1"}]
    found = pictures([], battery=True).regime_maps
    root = parsed(regime_map.draw(found[0], runs))
    across, up = ticks(root)
    drawn = marks(root, "run")
    assert len(drawn) == 2
    sigma = math.sqrt(1 - math.exp(-0.4))
    for (x, y), rate in zip(drawn, (0.5, 0.1), strict=True):
        assert x == pytest.approx(place(across, sigma, log=True), abs=0.2)
        assert y == pytest.approx(place(up, rate, log=True), abs=0.2)
    assert not marks(parsed(regime_map.draw(regime_picture([instance()]), runs)), "run")
    # nor where sigma is theirs and mu is not
    assert not marks(parsed(regime_map.draw(replace(found[0], mu=0.5), runs)), "run")


def test_of_settings_of_other_data_a_map_says_nothing() -> None:
    """Their place in the region of another sample's theorem means nothing."""
    own = instance(learning_rate="1/10", sigma="1/2")
    others = [instance(x=["0", "9"], name="far"), instance(x=["0", "8"], name="farther")]
    found = regime_picture([own], others)
    text = "".join(parsed(regime_map.draw(found)).itertext())
    assert text.count("far: no learning rate") == text.count("farther: no learning rate") == 1
    assert "undecided there" not in text
    assert "too large by a factor" in text
    assert ", at 1 of" not in text  # of one setting of its own, all
    rated = [instance(x=["0", "9"], name="far", learning_rate="1")]
    text = "".join(parsed(regime_map.draw(regime_picture([own], rated))).itertext())
    assert "far: other data" in text
    assert "No hypothesis" not in text


def test_settings_that_fail_differently_are_counted() -> None:
    rates = [instance(learning_rate=rate, name=rate) for rate in ("1e-9", "1e-8", "1000")]
    text = "".join(parsed(regime_map.draw(regime_picture(rates))).itertext())
    found = re.search(r"eta > threshold: too small by a factor (\S+) to (\S+), at 2 of 3", text)
    assert found is not None
    assert 10 * float(found[1]) == pytest.approx(float(found[2]), rel=0.01)


def test_a_map_says_whose_constants_it_shows() -> None:
    markup = regime_map.draw(regime_picture([instance(learning_rate="1/10")]))
    assert "Printed constants of theorem 8" in markup and "not a certificate" in markup
    assert "theorem 8" in regime_map.NOTE and "not a certificate" in regime_map.NOTE


# The strip.


def _slacks(*slacks: str, name: str = "prop02a", **fields: Any) -> list[Any]:
    return [
        row("TRUE", f"i{k}", name=name, slack=slack, **fields) for k, slack in enumerate(slacks)
    ]


def test_each_slack_is_a_dot_at_its_place() -> None:
    slacks = ("1.000", "2", "10", "1000", "1e10")
    root = parsed(strip.draw(report(_slacks(*slacks))))
    known, _ = ticks(root)
    (dots, *_) = paths(root, "dot")
    assert [x for x, _ in dots] == [pytest.approx(known[float(slack)], abs=0.3) for slack in slacks]
    median = paths(root, "median")[0]
    assert median[0][0] == pytest.approx(known[10], abs=0.1)
    (one, *_) = paths(root, "one")
    assert {x for x, _ in one} == {known[1]}


def test_slacks_beyond_the_axis_are_arrows_and_counted() -> None:
    slacks = ["3.703e6305982685536", "1e121", "1.5", "0", "1e-8"]
    markup = strip.draw(report(_slacks(*slacks)))
    root = parsed(markup)
    shapes = [p for p in root.iter("path") if p.get("class") == "beyond" and p.get("transform")]
    assert len(shapes) == 3  # one on either side, one in the legend
    assert "there are 4" in markup
    assert len(paths(root, "dot")[0]) == 1


@pytest.mark.parametrize(("slack", "side"), [("1e121", "right"), ("1e-8", "left")])
def test_an_arrow_stands_at_its_own_end(slack: str, side: str) -> None:
    root = parsed(strip.draw(report(_slacks(slack, "1.5"))))
    arrows = [path for path in root.iter("path") if path.get("class") == "beyond"]
    frame = [x for x, _ in paths(root, "frame")[0]]
    (at, _) = [float((path.get("transform") or "")[10:].split(" ")[0]) for path in arrows]
    assert at > max(frame) if side == "right" else at < min(frame)


def test_a_refuted_claim_without_a_ratio_is_said_to_be_one() -> None:
    sentence = "A REFUTED claim without a dot for it fails where there is no ratio."
    assert sentence in strip.draw(report([*_slacks("2"), row("FALSE", "f")]))
    assert sentence not in strip.draw(report([*_slacks("2"), row("FALSE", "f", slack="0.5")]))
    assert sentence not in strip.draw(report(_slacks("2")))


def test_claims_are_sorted_by_their_least_slack_and_link_to_their_rows() -> None:
    rows = [
        *_slacks("5", "3", name="b"),
        *_slacks("2", name="a"),
        row("FALSE", "f", name="c", slack="0.25"),
    ]
    claims = [claim("a"), claim("b"), claim("c"), claim("d")]
    root = parsed(strip.draw(report(rows, claims=claims)))
    links = [link.get("href") for link in root.iter("a")]
    assert links == ["#claim-c", "#claim-a", "#claim-b"]
    fails = paths(root, "dot-fails")[0]
    known, _ = ticks(root)
    assert known[0.1] < fails[0][0] < known[0.5]


def test_unknown_and_trivial_rows_are_no_dots() -> None:
    rows = [
        *_slacks("2"),
        row("UNKNOWN", "u", slack="7"),
        row("TRUE", "t", slack="9", trivial=True),
    ]
    root = parsed(strip.draw(report(rows)))
    assert len(paths(root, "dot")[0]) == 1


def test_no_slack_gives_no_strip() -> None:
    assert strip.draw(report([row("UNKNOWN")])) == ""


@pytest.fixture(scope="module")
def stored() -> Report:
    return read(STORED)


def test_the_strip_of_the_whole_battery_is_small_and_complete(stored: Report) -> None:
    markup = strip.draw(stored)
    assert len(markup.encode()) < 400_000
    root = parsed(markup)
    with_slack = [outcome for outcome in stored.claims if outcome.slack is not None]
    names = [(link.find("text").text or "") for link in root.iter("a")]  # type: ignore[union-attr]
    assert sorted(names) == sorted(outcome.claim.id for outcome in with_slack)
    refuted = {t.text for t in root.iter("text") if "refuted-id" in (t.get("class") or "")} - {"×"}
    assert refuted == {o.claim.id for o in with_slack if o.verdict == "REFUTED"}
    for text in root.iter("text"):
        assert float(text.get("x") or 0) <= axes.WIDTH


def test_an_exponent_needs_no_float() -> None:
    assert strip.exponent("2.546e10859775") == pytest.approx(10859775 + math.log10(2.546))
    assert strip.exponent("0.0004489") == pytest.approx(math.log10(0.0004489))
    assert strip.exponent("inf") is None and strip.exponent(None) is None
    assert strip.exponent("0") == -math.inf


# Rates.


def _run(rate: str, mean: str, low: str, high: str, option: str = "base", **more: str) -> Any:
    values = ("1", "0.2", rate, option, "30", mean, mean, low, high, "0.5", "0.4", "0.6", "agrees")
    return {**dict(zip(FIGURE_2, values, strict=True)), **more}


RUNS: tuple[Mapping[str, str], ...] = (
    _run("0.5", "0.55", "0.44", "0.67"),
    _run("0.1", "0.02", "-0.01", "0.03"),
    _run("0.1", "9", "8", "10", "inner weights frozen"),
    _run("0.1", "9", "8", "10", dimension="10"),
)


def test_means_and_bands_lie_on_their_numbers() -> None:
    markup = rates.draw(RUNS)
    assert markup is not None
    root = parsed(markup)
    across, up = ticks(root)
    ours = sorted(marks(root, "ours"))
    assert len(ours) == 2
    for (x, y), rate, mean in zip(ours, (0.1, 0.5), (0.02, 0.55), strict=True):
        assert x == pytest.approx(place(across, rate, log=True) - 3.5, abs=0.2)
        assert y == pytest.approx(place(up, mean, log=True), abs=0.2)
    page = marks(root, "page")
    assert {round(y) for _, y in page} == {round(place(up, 0.5, log=True))}
    lines = [line for line in paths(root, "page") if len(line) == 2]
    for line in lines:  # from 0.6 down to 0.4
        ends = [place(up, 0.6, log=True), place(up, 0.4, log=True)]
        assert [y for _, y in line] == pytest.approx(ends, abs=0.2)
    assert len(lines) == 2
    bands = [line for line in paths(root, "ours-line") if line[0][0] == line[-1][0]]
    tops = sorted(y for (_, y), _ in bands)
    assert tops[0] == pytest.approx(place(up, 0.67, log=True), abs=0.2)
    arrows = [
        p for p in root.iter("path") if p.get("class") == "ours" and "-4 -3" in p.get("d", "")
    ]
    assert len(arrows) == 1  # the band that reaches below 0


def test_runs_that_diverged_are_left_out_and_counted() -> None:
    left_out = _run("0.5", "0.7", "0.6", "0.8", "base; diverged runs left out", simulations="25")
    markup = rates.draw([_run("0.5", "inf", "inf", "inf"), left_out])
    assert markup is not None and "25 of 30 runs, the others diverged" in markup
    only = rates.draw([_run("0.5", "inf", "inf", "inf")])
    assert only is not None and "the mean diverged" in only
    assert not marks(parsed(only), "ours")


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [_run("0.1", "1", "1", "1", dimension="10")],
        [_run("0.1", "1", "1", "1", "other")],
        [_run("x", "1", "1", "1")],
        [_run("0", "1", "1", "1")],
        [_run("0.1", "nan", "", "", page_value="")],
    ],
)
def test_without_runs_there_is_no_drawing(runs: list[Mapping[str, str]]) -> None:
    assert rates.draw(runs) is None


def test_the_bound_is_named_where_the_map_knows_it() -> None:
    maps = pictures([], battery=True).regime_maps
    markup = rates.draw(RUNS, maps)
    assert markup is not None and "8.4×10⁻¹³⁰" in markup
    assert rates.draw(RUNS, maps[::-1]) == markup  # that of its own time, wherever it stands
    (own,) = pictures([instance(time="0.2", mu=None, sigma=None)], battery=False).regime_maps
    assert own.excess is not None  # of the same mu, and no map of the experiments
    other = rates.draw(RUNS, [own])
    assert other is not None and "bound" not in other
    without = rates.draw(RUNS)
    assert without is not None and "bound" not in without


@pytest.mark.parametrize("means", [("1e-300", "1e300"), ("1e-300", "1e-300"), ("5", "5")])
def test_risks_of_any_size_are_drawn(means: tuple[str, str]) -> None:
    markup = rates.draw([_run("1e-9", means[0], "0", "inf"), _run("1e9", means[1], "0", "inf")])
    assert markup is not None
    assert all(abs(y) <= 5000 for _, y in marks(parsed(markup), "ours"))


def test_the_runs_of_the_repository_are_drawn() -> None:
    rows = figure_2(STORED, ROOT / "reports" / "figures")
    assert rows is not None
    markup = rates.draw(rows)
    assert markup is not None
    assert len(list(parsed(markup).iter("svg"))) == 2


# Every drawing.


def _all(name: str) -> list[str]:
    """One drawing of each kind, with a name wherever one can stand."""
    setting = Setting(name, "instance", -1.0, -2.0, failing=(f"{name} by a factor {name}",))
    bare = regime_picture([instance()])
    runs = [_run("0.5", "1", "1", "1", time=name), _run("0.5", "1", "1", "1", verdict=name)]
    return [
        str(samples.draw(replace(sample(network=NETWORK), name=name, origin=name))),
        str(regime_map.draw(replace(bare, name=name, settings=(setting,)), runs)),
        str(strip.draw(report(_slacks("2", name=name), claims=[claim(name)]))),
        str(rates.draw(runs)),
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_text_from_data_stays_text(name: str) -> None:
    allowed = {
        *("div", "figure", "figcaption", "svg", "title", "desc", "path", "text", "a"),
        *("b", "ul", "li"),
    }
    for markup in _all(name):
        root = parsed(markup)
        assert {element.tag for element in root.iter()} <= allowed
        for element in root.iter():
            assert not any(key.startswith("on") for key in element.attrib)
            assert (element.get("href") or "#claim-").startswith("#claim-")
        assert "<script" not in markup and "\x1b" not in markup and "\u202e" not in markup


def test_ids_are_named_and_unique() -> None:
    found = pictures([instance(name="a"), instance(name="b")], battery=False)
    drawn = [samples.draw(entry) for entry in found.samples]
    drawn += [regime_map.draw(entry) for entry in found.regime_maps]
    root = parsed("".join(drawn))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids)) == 2 * len(list(root.iter("figure"))) == 6
    for svg in root.iter("svg"):
        if svg.get("role"):
            assert set((svg.get("aria-labelledby") or "").split()) <= set(ids)
            assert svg.find("title") is not None and svg.find("desc") is not None


def test_drawings_do_not_depend_on_the_run() -> None:
    assert _all("name") == _all("name")


def test_every_class_has_a_style() -> None:
    css = (ROOT / "dsmverify" / "report" / "html" / "pictures.css").read_text("utf-8")
    maps = pictures([], battery=True).regime_maps
    drawn = [*_all("name"), str(regime_map.draw(maps[0], RUNS)), str(rates.draw(RUNS, maps))]
    drawn.append(str(regime_map.draw(pictures([instance()], battery=False).regime_maps[0])))
    drawn.append(str(strip.draw(report(_slacks("1e200", "2")))))
    drawn.append(str(strip.draw(report([row("FALSE", slack="0.5")]))))
    used = {
        name
        for markup in drawn
        for value in re.findall('class="([^"]*)"', markup)
        for name in value.split()
    }
    styled = set(re.findall(r"\.([a-z-]+)", css))
    assert used <= styled
    assert not re.search(r"https?:|url\(|@import", css)
