"""Every bound of the explorer at corners of its sliders, against the claims themselves on balls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest
from flint import arb

from dsmverify import Instance, catalogue, explorer
from dsmverify.certify import precision
from dsmverify.claims import Claim, Hypothesis, Inequality, Interval, Places
from dsmverify.facts import Facts
from dsmverify.formulas.case import Case
from dsmverify.integrals import Accuracy
from dsmverify.systems.balls import ball
from dsmverify.truth import Truth, compare
from tests.browser.visits import Visits

if TYPE_CHECKING:
    from playwright.sync_api import Page

UNIT = 2.0**-53

BITS = 512

ROUNDINGS = 64
"""Roundings that a logarithm of the page may carry, in units of its size."""

CORNERS = (
    # n, spacing, kind, noise, rate, A
    (2, "0.01", "sigma", "0.0001", "1e-10", None),
    (2, "31.6", "sigma", "0.999", "1e6", "1"),
    (3, "1", "sigma", "0.6", "0.01", "1e60"),
    (4, "0.5", "t", "0.2", "2", None),
    (5, "1.5", "t", "3", "0.5", "100"),
    (7, "31.6", "sigma", "0.0001", "1e-8", None),
    (10, "1", "sigma", "0.1", "0.01", None),
    (10, "0.2", "sigma", "0.1", "1e3", None),
    (20, "0.01", "t", "1e-8", "1", "1e6"),
    (50, "0.01", "sigma", "0.999", "0.01", None),
    (50, "0.8", "sigma", "0.09", "0.01", "1e9"),
)

INTEGRALS = (
    "risk_empirical_score",
    "tv_empirical_score",
    "curvature_mass",
    "squared_slope_mean",
    "tv_network",
)
"""Quantities that come from the tables, which have tests of their own: their bounds only."""

COUNT = 35
"""Bounds on the page: 34 claims and the definition of A."""

KEYS = {"sigma": "sigma", "t": "time"}

ABOUT_THE_NETWORK = "R_n(theta) <= 1/(16 n sigma^2)"

EVALUATE = """
([n, spacing, kind, noise, rate, bound]) => {
  const s = dsmExplorer.stateOf({ n, spacing, kind, noise, rate, bound });
  const plain = (side) => side && { ...side, truth: undefined };
  const risk = dsmTruths.riskOf(s);
  return {
    risk: risk.reason ? null : risk.ln,
    theorems: dsmRegime.theorems(s),
    bounds: dsmBounds.QUANTITIES.flatMap((quantity) => quantity.bounds.map((bound) => {
      const side = bound.value(s);
      return {
        quantity: quantity.id, id: bound.id, form: bound.form, refuted: bound.refuted ?? false,
        sense: bound.sense ?? quantity.sense, side: plain(side),
        truth: plain(side.truth ?? quantity.truth(s)), needs: bound.needs.map((need) => need(s)),
      };
    })),
  };
}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explorer") / explorer.FILE_NAME
    path.write_text(explorer.render(), encoding="utf-8")
    return path


def claim_of(name: str) -> Claim | None:
    """The claim of an id, by its first reading where it has several; None for a definition."""
    found = (claim for claim in catalogue.claims() if claim.id.partition("@")[0] == name)
    return next(found, None)


def inequality_of(claim: Claim) -> Inequality:
    """The inequality that bounds the quantity: the last one that has the bound on its right."""
    parts = claim.conclusion if isinstance(claim.conclusion, tuple) else (claim.conclusion,)
    part = parts[-1] if claim.id == "shift3" else parts[0]
    assert isinstance(part, Inequality), claim.id
    return part


@dataclass
class Setting:
    """One setting of the sliders, exact: the engine's case with what no sample has."""

    facts: Facts
    extra: Mapping[str, arb]

    @classmethod
    def of(cls, corner: tuple[Any, ...], risk: float | None) -> Setting:
        n, spacing, kind, noise, rate, bound = corner
        gap = Fraction(spacing)
        points = [str(gap * Fraction(2 * i - n - 1, 2)) for i in range(1, n + 1)]
        facts = Facts(Instance.from_json({"x": points, KEYS[kind]: noise}), Accuracy())
        case = facts.case()
        time = ball(Fraction(noise)) if kind == "t" else -case.mu.log()
        extra = {
            "learning_rate": ball(Fraction(rate)),
            "parameter:t": time,
            "parameter:beta": arb(2),
            "parameter:gamma": arb(1),
            "parameter:delta": case.mu * ball(gap) / 2,
        }
        if bound is not None:
            extra["bound"] = ball(Fraction(bound))
        if risk is not None:
            extra["risk"] = arb(risk).exp()
        return cls(facts, extra)

    def case(self, i: int = 0, y: arb | None = None) -> Case[Any]:
        case = self.facts.case(i, y)
        extra = self.extra
        facts = self.facts
        return replace(case, quantities=lambda name: extra[name] if name in extra else facts(name))

    def places(self, claim: Claim) -> Iterator[Case[Any]]:
        """Every index and point at which the page looks, ends and middles of intervals."""
        size = self.case().n
        indices = {"none": (0,), "gaps": range(1, size), "points": range(1, size + 1)}
        for i in indices[claim.range.index]:
            at = self.case(i)
            where = claim.range.y
            if where is None:
                yield at
            elif isinstance(where, Places):
                yield from (self.case(i, side(at)) for side in where.sides)
            else:
                assert isinstance(where, Interval)
                low, high = where.lower(at), where.upper(at)
                yield from (self.case(i, y) for y in (low, (low + high) / 2, high))


def logarithm(value: arb) -> float:
    """Of the absolute value, as a double; the ball must be narrow."""
    found = abs(value).log()
    assert found.is_finite(), value
    assert found.rad() < arb(1e-15) * (1 + abs(found)), value
    return float(found.mid())


def room(*sides: Mapping[str, Any]) -> float:
    """What rounding and the errors that the page states may move."""
    errors = [float(side.get("error") or 0) for side in sides]
    sizes = [abs(float(side["ln"])) for side in sides]
    return 1e-11 + sum(errors) + ROUNDINGS * UNIT * sum(sizes)


@pytest.mark.parametrize("corner", CORNERS, ids=lambda corner: "-".join(map(str, corner)))
def test_every_bound_is_the_side_of_its_claim(
    corner: tuple[Any, ...], visits: Visits, file: Path
) -> None:
    """Sides, hypotheses and, at all its places, how near the value comes to the bound."""
    page = visits.open(file)
    n, spacing, kind, noise, rate, bound = corner
    numbers = [n, float(spacing), kind, float(noise), float(rate), bound and float(bound)]
    found = page.evaluate(EVALUATE, numbers)
    assert len(found["bounds"]) == COUNT
    lefts: dict[Any, float] = {}
    with precision(BITS):
        setting = Setting.of(corner, found["risk"])
        for shown in found["bounds"]:
            check_bound(shown, setting, lefts)
        check_regime(found["theorems"], setting)


def check_bound(shown: Mapping[str, Any], setting: Setting, lefts: dict[Any, float]) -> None:
    name, side, truth = shown["id"], shown["side"], shown["truth"]
    claim = claim_of(name)
    if claim is None:
        assert name == "D-A"
        default = logarithm(setting.facts.bound / 2)
        assert abs(side["ln"] - default) <= room(side), name
        return
    assert claim.form == shown["form"] or (name, shown["form"]) == ("shift3", "beyond the paper")
    check_needs(claim, shown["needs"], setting)
    part = inequality_of(claim)
    assert part.relation == shown["sense"], name
    if side.get("reason"):
        assert "risk" not in setting.extra
        return
    scale = 2 * logarithm(setting.case().sigma) if name.startswith("lem14b") else 0.0
    gaps = []
    index = re.match(r"i = (\d+)", side.get("where") or "")
    for k, case in enumerate(setting.places(claim)):
        right = part.right(case)
        if not right > 0:
            assert right <= 0 or side["sign"] <= 0, name
            if right < 0 and not index:
                assert side["sign"] < 0, name
                assert abs(logarithm(right) - scale - side["ln"]) <= room(side), name
            continue
        assert side["sign"] == 1, name
        ln = logarithm(right) - scale
        if index is None or case.i == int(index[1]):
            assert abs(ln - side["ln"]) <= room(side), (name, ln, side)
        if shown["quantity"] not in INTEGRALS and not truth.get("reason"):
            key = (part.left, claim.range, k)
            if key not in lefts:
                left = part.left(case)
                # By symmetry |E[W] - x_i| is 0 at the middle mean: never the largest one.
                if part.relation == "<=" and left.contains(0):
                    continue
                lefts[key] = logarithm(left) - scale
            gaps.append(lefts[key] - ln)
    if not gaps:
        return
    if name.startswith("prop09b"):  # the page has the largest value, which lies in the middle
        middle = setting.case(0, arb(0))
        gaps.append(logarithm(part.left(middle)) - logarithm(part.right(middle)))
    nearest = min(gaps) if part.relation == ">=" else max(gaps)
    assert abs(nearest - (truth["ln"] - side["ln"])) <= room(truth, side), (name, nearest, truth)


def check_needs(claim: Claim, needs: list[Mapping[str, Any]], setting: Setting) -> None:
    """The same hypotheses in the same order, each with the factor by which it holds or fails."""
    asked = [
        premise
        for premise in claim.hypotheses
        if isinstance(premise, Hypothesis)
        and premise.statement not in {ABOUT_THE_NETWORK, "t > 0"}
        and not claim.id.startswith("lem14b")
    ]
    texts = {premise.statement: premise for premise in asked}
    assert {need["text"].partition(",")[0] for need in needs} == set(texts), claim.id
    for need in needs:
        premise = texts[need["text"].partition(",")[0]]
        left, right = premise.left(setting.case()), premise.right(setting.case())
        ratio = left / right if premise.relation.startswith(">") else right / left
        assert abs(logarithm(ratio) - need["lnRatio"]) <= 1e-11 + 1e-14 * abs(need["lnRatio"])


def check_regime(theorems: list[Mapping[str, Any]], setting: Setting) -> None:
    """Hypotheses on the rate, and conclusions, of the repaired theorem and of the translations."""
    found = {theorem["id"]: theorem for theorem in theorems}
    for name in ("thm08", "thm08.r2", "shift4", "shift7"):
        claim = cast(Claim, claim_of(name))
        parts = claim.conclusion if isinstance(claim.conclusion, tuple) else (claim.conclusion,)
        part = cast(Inequality, parts[-1])
        right, side = part.right(setting.case()), found[name]["side"]
        if right > 0:
            assert side["sign"] == 1
            assert abs(logarithm(right) - side["ln"]) <= room(side), name
        else:
            assert side["sign"] == 0 or side["error"] > 0.1, name
        rows = {row["id"]: row for row in found[name]["hypotheses"]}
        for premise in claim.hypotheses:
            if not isinstance(premise, Hypothesis) or not premise.statement.startswith("eta"):
                continue
            left, limit = premise.left(setting.case()), premise.right(setting.case())
            wanted = logarithm(left / limit)
            assert abs(wanted - rows["rate"]["lnRatio"]) <= 1e-11, name
            if abs(wanted) > 1e-9:
                holds = compare(left, premise.relation, limit) is Truth.TRUE
                assert holds == (rows["rate"]["lnRatio"] > 0)


def test_printed_forms_that_the_report_refutes_are_marked(visits: Visits, file: Path) -> None:
    """By the verdicts of the committed report: no form that it refutes goes without the mark."""
    page = visits.open(file)
    found = page.evaluate(EVALUATE, [10, 1, "sigma", 0.1, 0.01, None])
    path = Path(__file__).resolve().parents[2] / "reports" / "referee" / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    verdicts: dict[str, str] = {}
    for claim in report["claims"]:  # the literal reading comes first
        verdicts.setdefault(claim["id"].partition("@")[0], claim["verdict"])
    for bound in found["bounds"]:
        if bound["id"] != "D-A":
            assert bound["refuted"] == (verdicts[bound["id"]] == "REFUTED"), bound["id"]
    row = page.locator("tr[data-quantity='prop09a'] .form")
    assert row.text_content() == "printed, refuted in the report"


SETTINGS = """
(corners) => corners.map(([n, spacing, kind, noise, rate, bound]) => {
  const s = dsmExplorer.stateOf({ n, spacing, kind, noise, rate, bound });
  return Object.fromEntries(dsmBounds.QUANTITIES.flatMap((quantity) => {
    const value = quantity.truth(s);
    const trivial = quantity.trivial && { text: "it", side: quantity.trivial.value(s) };
    return quantity.bounds.map((bound) => {
      const side = bound.value(s);
      const own = side.truth ?? value;
      return [bound.id, bound.sense
        ? dsmVerdicts.ofNetwork(bound, side, own, bound.sense, s)
        : dsmVerdicts.ofBound(bound, side, own, trivial, quantity.sense, s)];
    });
  }));
})
"""


def verdicts_at(visits: Visits, file: Path, *corners: tuple[Any, ...]) -> Any:
    numbers = [
        [n, float(spacing), kind, float(noise), float(rate), bound and float(bound)]
        for n, spacing, kind, noise, rate, bound in corners
    ]
    return visits.open(file).evaluate(SETTINGS, numbers)


def test_no_form_that_is_proved_is_said_to_fail(visits: Visits, file: Path) -> None:
    """Also where logarithms are as large as 1e10 and both sides carry that many roundings."""
    tight = [(7, "31.6", "sigma", noise, "1", None) for noise in ("1e-4", "1.23e-4", "3.21e-3")]
    for found in verdicts_at(visits, file, *CORNERS, *tight):
        failing = {name for name, verdict in found.items() if verdict["kind"] == "fails"}
        assert failing <= {"prop09a", "cor03a"}


@pytest.mark.parametrize(
    ("ln", "ahead", "kind"), [(-1e10, 1e-6, "yes"), (-1e10, 1e-3, "fails"), (-1.0, 1e-6, "fails")]
)
def test_large_logarithms_are_told_apart_only_beyond_their_rounding(
    ln: float, ahead: float, kind: str, visits: Visits, file: Path
) -> None:
    found = visits.open(file).evaluate(
        """([ln, ahead]) => {
          const [side, value] = [ln + ahead, ln].map((each) => ({ sign: 1, ln: each }));
          return dsmVerdicts.ofBound({ needs: [] }, side, value, null, ">=", {});
        }""",
        [ln, ahead],
    )
    assert found["kind"] == kind


@pytest.mark.parametrize(
    ("corner", "name", "kind", "words"),
    [
        # kappa = 0.8 * 1.5/0.6 = 2, exactly what is asked for, which float64 cannot know
        ((5, "1.5", "sigma", "0.6", "1", None), "prop02b", "open", "equality within rounding"),
        ((5, "1.51", "sigma", "0.6", "1", None), "prop02b", "yes", "within a factor"),
        ((5, "1.49", "sigma", "0.6", "1", None), "prop02b", "no", "by a factor 1 + 0.0067"),
        ((5, "1", "t", "0.2", "1", None), "thm04.f", "open", "t <= 1/5"),
        ((5, "1", "t", "0.201", "1", None), "thm04.f", "no", "t <= 1/5"),
        ((5, "1", "t", "3", "1", None), "thm04.f", "no", "t <= 1/5"),
        # an equality: V = gap^2/4 at n = 2
        ((2, "1", "sigma", "0.5", "1", None), "prop02a", "yes", "equal within rounding"),
        # kappa = 8.1 and n = 50: R_n(s*) itself is above 1/(16 n sigma^2)
        ((50, "0.814", "sigma", "0.1", "1", None), "prop07.r3", "no", "met by no network"),
        ((10, "0.814", "sigma", "0.1", "1", None), "prop07.r3", "yes", "within a factor"),
        ((10, "1", "sigma", "0.1", "0.01", None), "prop06b.r1", "open", "below TV(s*), which has"),
        ((10, "31.6", "sigma", "1e-4", "1", None), "thm04.s1", "open", "not computed"),
        ((10, "0.01", "sigma", "0.999", "1", None), "cor03b.s1", "open", "not computed"),
    ],
)
def test_verdicts_claim_no_more_than_float64_can_tell(
    corner: tuple[Any, ...], name: str, kind: str, words: str, visits: Visits, file: Path
) -> None:
    [found] = verdicts_at(visits, file, corner)
    assert found[name]["kind"] == kind, found[name]
    assert words in found[name]["text"]


def test_theorems_at_the_edge_of_a_hypothesis_are_not_decided(visits: Visits, file: Path) -> None:
    """`eta > sigma^4` with equality; sigma_0, the least of four limits, is not counted again."""
    page = visits.open(file, fragment="n=10&spacing=1&sigma=0.1&rate=0.0001")
    words = page.locator("[data-theorem=shift7] p .verdict").text_content() or ""
    assert words.startswith("Not decided here")
    assert page.locator("[data-theorem=shift7] [data-holds=edge]").count() == 1
    words = page.locator("[data-theorem=thm08] p .verdict").text_content() or ""
    assert words.startswith("Says nothing here: 2 of 7 hypotheses")
    # The translation bound is about sharpness: no minimum is asked for.
    page = visits.open(file, fragment="n=10&spacing=1&sigma=0.1&rate=0.01")
    words = page.locator("[data-theorem=shift4] p .verdict").text_content() or ""
    assert words.endswith("For every network of this sharpness, a minimum or not:")
    row = page.locator("[data-theorem=thm08] [data-hypothesis=bound] .verdict")
    assert row.text_content() == "holds: the two are equal by choice"


MOVE = """
([id, count]) => {
  const slider = document.getElementById(id);
  slider.value = Number(slider.value) + count * Number(slider.step);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}
"""


def stop_the_clock(page: Page) -> None:
    """Time passes in `page.clock.run_for` only."""
    page.clock.install(time=0)
    page.clock.pause_at(10_000)


def test_numbers_do_not_wait_for_the_picture(visits: Visits, file: Path) -> None:
    """In the next frame the numbers are new and the picture is not; then it follows."""
    page = visits.open(file, fragment="n=10&spacing=1&sigma=0.1&picture=slope_jump")
    stop_the_clock(page)
    picture = "() => document.getElementById('picture-svg').innerHTML"
    before = page.evaluate(picture)
    page.evaluate(MOVE, ["spacing", 20])
    # Asked for after the page has asked for its own: it runs next, in the same frame.
    page.evaluate(
        """() => requestAnimationFrame(() => {
          window.inFrame = [
            document.getElementById("spacing-value").textContent,
            document.getElementById("picture-svg").innerHTML,
          ];
        })"""
    )
    page.clock.run_for(50)
    assert page.evaluate("() => window.inFrame") == ["1.58", before]
    page.clock.run_for(1000)
    assert page.evaluate(picture) != before


def test_the_last_setting_is_the_one_that_is_drawn(visits: Visits, file: Path) -> None:
    """After a slider went there and back while pictures were under way."""
    page = visits.open(file, fragment="n=20&spacing=1&sigma=0.1&rate=0.01&picture=slope_jump")
    picture = "() => document.getElementById('picture-svg').innerHTML"
    first = page.evaluate(picture)
    stop_the_clock(page)
    for step in (10, -10):
        page.evaluate(MOVE, ["spacing", step])
        page.clock.run_for(18)
    page.clock.run_for(10_000)
    assert page.evaluate(picture) == first
    page.evaluate(MOVE, ["spacing", 10])
    page.clock.run_for(10_000)
    fragment = urlsplit(page.evaluate("() => location.href")).fragment
    other = visits.open(file, fragment=fragment)
    assert page.evaluate(picture) == other.evaluate(picture)
    assert other.evaluate(picture) != first


def test_the_address_is_written_once_the_slider_rests(visits: Visits, file: Path) -> None:
    """Browsers ignore an address, with a warning, that changes hundreds of times in a row."""
    page = visits.open(file)
    page.wait_for_function("() => location.hash.length > 1")
    stop_the_clock(page)
    page.evaluate(
        """() => {
          window.written = 0;
          const old = history.replaceState.bind(history);
          history.replaceState = (...given) => { window.written += 1; old(...given); };
        }"""
    )
    for _ in range(20):
        page.evaluate(MOVE, ["noise", 1])
        page.clock.run_for(17)
    assert page.evaluate("() => window.written") == 0
    page.clock.run_for(1000)
    assert page.evaluate("() => window.written") == 1


def test_a_link_followed_while_an_address_waits_is_not_lost(visits: Visits, file: Path) -> None:
    """The slider's address comes due before the browser has told the page of the link."""
    page = visits.open(file)
    page.wait_for_function("() => location.hash.length > 1")
    page.evaluate(
        """() => {
          const set = window.setTimeout.bind(window);
          window.setTimeout = (task, wait, ...rest) => {
            if (wait) window.due = task;  // held back, to come at the worst moment
            return set(wait ? () => {} : task, wait, ...rest);
          };
        }"""
    )
    page.evaluate(MOVE, ["noise", 5])
    page.wait_for_function("() => window.due !== undefined")
    page.evaluate("() => { location.hash = 'n=5&sigma=0.3'; window.due(); }")
    page.wait_for_function("() => document.getElementById('n-value').textContent === '5'")
    assert page.locator("#noise-value").text_content() == "0.3"
