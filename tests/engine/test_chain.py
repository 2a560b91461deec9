"""The chain of constants: it reproduces the page, says where the page fails, and recomputes."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import mpmath as mp
import pytest
import sympy

from dsmverify import catalogue, chain, content, derivation
from dsmverify.chain import Constant, Outcome, Power, Scenario, Stated
from dsmverify.errors import InputError
from dsmverify.truth import Truth

THRESHOLDS = {
    "as printed": 2**12,
    "prop07.h repaired literally": 2**13,
    "Delta^3 in thm08.b": 2**12,
    "weighted count, n >= 4": 2**12,
    "weighted count, n >= 5": 2**11,
    "noised weight": 2**13,
    "noised weight, weighted count, n >= 4": 2**12,
    "stable minimum, n >= 4": 2**10,
    "stable minimum, n >= 5": 2**9,
}
RISKS = {
    "as printed": (-35, -36, -38),
    "prop07.h repaired literally": (-38, -39, -41),
    "weighted count, n >= 5": (-32, -33, -35),
}
"""Powers of two in eq. 19, in the excess risk and in the condition of sigma_2."""


def test_the_printed_chain_reproduces_the_page_but_for_two_steps() -> None:
    outcome = chain.run("as printed")
    assert outcome.unsupported == ("variation", "sigma_2, power of Delta")
    printed = [entry for entry in outcome.entries if entry.printed is not None]
    assert len(printed) > 40
    for entry in printed:
        assert entry.printed_follows is (
            Truth.FALSE if entry.name in outcome.unsupported else Truth.TRUE
        ), entry.name


def test_the_product_of_prop07_h_lies_between_two_powers_of_two() -> None:
    product = chain.run("unrounded")["variation"].computed
    assert chain.power_of_two(product, "at most") == -12
    with mp.workdps(30):
        value = (mp.mpf(1) / 2 - mp.exp(-32)) * (1 - 1 / mp.sqrt(8)) / 1024
        assert 3168 < 1 / value < 3169
    assert chain.follows(sympy.Rational(1, 3169), "at most", product) is Truth.TRUE
    assert chain.follows(sympy.Rational(1, 3168), "at most", product) is Truth.FALSE


@pytest.mark.parametrize("name", THRESHOLDS)
def test_thresholds_of_the_scenarios(name: str) -> None:
    assert chain.run(name)["threshold"].used == THRESHOLDS[name]


@pytest.mark.parametrize("name", RISKS)
def test_risks_of_the_scenarios(name: str) -> None:
    outcome = chain.run(name)
    for link, two in zip(("risk bound", "excess risk", "sigma_2"), RISKS[name], strict=True):
        stated = chain.exact(Power(two=two, pi=1, e=Fraction(-1, 2)))
        assert chain.follows(outcome[link].used, "equal", stated) is Truth.TRUE


def test_every_repair_is_supported() -> None:
    for scenario in chain.scenarios():
        if not scenario.as_printed:
            assert chain.run(scenario).unsupported == (), scenario.name


def test_the_parts_add_up_and_the_third_term_is_what_it_may_be() -> None:
    """At one setting, in floating point: eq. 19 at equality, the threshold at equality."""
    outcome = chain.run("unrounded")

    def value(name: str) -> mp.mpf:
        number = outcome[name].used.subs(chain.root_e(), sympy.exp(sympy.Rational(1, 2)))
        return mp.mpf(sympy.N(number, 30))

    with mp.workdps(30):
        n, sigma, bound, product = 11, mp.mpf("0.01"), mp.mpf(10) ** 15, mp.mpf("0.7")
        unit = product * n**2 / sigma**2
        risk = value("risk bound") * n**5 * product**3 / (bound**4 * sigma**4)
        third = bound / (mp.sqrt(2 * mp.pi) * sigma)
        third *= mp.cbrt(mp.sqrt(2 * mp.pi * mp.e) * bound * sigma * n * risk)
        rate = value("threshold") * sigma**2 / (n**2 * product)
        assert mp.almosteq(third, value("third part") * unit, 1e-20)
        total = 1 / (2 * rate) + value("cross part") * unit + third
        assert mp.almosteq(total, value("variation") * unit, 1e-20)
        level = value("sigma_4") * product * mp.mpf(n) ** 2.5
        unit = product * n**2 / level**2
        root = mp.sqrt(1 / (16 * n * level**2)) / 2
        assert mp.almosteq(root, value("cross part") * unit, 1e-20)


@pytest.mark.parametrize(
    ("name", "value", "link", "factor"),
    [
        ("index weight", Power(two=-8), "threshold", 2),
        ("index weight", Power(two=-8), "risk bound", Fraction(1, 8)),
        ("one of two", Power(1), "variation", 2),
        ("risk of the score", Power(8), "sigma_2", Fraction(1, 2)),
        ("stability", Power(1), "threshold", Fraction(1, 2)),
        ("kernel factor", Power(1), "threshold", 2),
        ("decay on the interval", Power(e=Fraction(-1, 4)), "third term", None),
        ("mass within sigma", Power(two=-2), "kink coefficient", None),
        ("condition of thm04", Power(32), "score variation", Fraction(3, 2)),
        ("spacing ratio", Power(16), "sigma_1", Fraction(1, 2)),
        ("cross share", Power(two=-3), "sigma_4", Fraction(1, 2)),
        ("small risk", Power(two=-6), "risk floor", Fraction(1, 4)),
    ],
)
def test_a_changed_step_recomputes_what_follows_from_it(
    name: str, value: Power, link: str, factor: Fraction | int | None
) -> None:
    before = _plain()
    after = _plain(constants=(Constant(name, value, "planted", "planted"),))
    ratio = sympy.simplify(after[link].used / before[link].used)
    assert ratio != 1
    assert factor is None or ratio == sympy.Rational(Fraction(factor))
    assert after[name].step == "planted"
    touched = {name}
    for entry in after.entries:
        if touched & set(entry.inputs):
            touched.add(entry.name)
        elif entry.name != name:
            assert entry.used == before[entry.name].used, entry.name
    assert link in touched


def test_a_link_depends_on_nothing_but_its_inputs() -> None:
    """Every constant reaches some link, and every input is there before it is used."""
    data = content.chain()
    seen = {constant.name for constant in data.CONSTANTS}
    used: set[str] = set()
    for link in chain.LINKS:
        assert set(link.inputs) <= seen, link.name
        used |= set(link.inputs)
        seen.add(link.name)
    assert {constant.name for constant in data.CONSTANTS} <= used
    assert len(seen) == len(data.CONSTANTS) + len(chain.LINKS)
    assert {stated.name for stated in data.PRINTED} <= {link.name for link in chain.LINKS}


def test_an_overstated_value_is_found_out() -> None:
    outcome = _plain(stated=(Stated("variation", Power(two=-11), "planted"),))
    assert outcome.unsupported == ("variation",)
    assert outcome["variation"].stated_by == "planted"
    overstated = _plain(stated=(Stated("threshold", Power(two=11), "planted"),))
    assert overstated.unsupported == ("threshold",)


@pytest.mark.parametrize("least", [4, 5, 6, 7, 9, 12, 20])
def test_the_least_share_of_all_larger_sizes(least: int) -> None:
    found = chain.least_index_share(least)
    assert found == min(chain.index_share(size) for size in range(least, 300))


def test_below_four_points_no_index_has_a_weight() -> None:
    assert chain.index_share(3) == 0
    with pytest.raises(ValueError, match="below n = 4"):
        chain.least_index_share(3)


@pytest.mark.parametrize(
    ("number", "strength", "power"),
    [
        (sympy.Integer(8), "at most", 3),
        (sympy.Integer(8), "at least", 3),
        (sympy.Integer(9), "at most", 3),
        (sympy.Integer(9), "at least", 4),
        (sympy.Rational(1, 3168), "at most", -12),
        (sympy.Rational(1, 3168), "at least", -11),
        (sympy.Integer(1), "at least", 0),
        (sympy.sqrt(2), "at most", 0),
    ],
)
def test_powers_of_two(number: sympy.Expr, strength: chain.Strength, power: int) -> None:
    assert chain.power_of_two(number, strength) == power


def test_equal_numbers_in_other_forms_are_equal() -> None:
    one = 1 / sympy.sqrt(2 * sympy.pi)
    other = sympy.sqrt(2) / (2 * sympy.sqrt(sympy.pi))
    for strength in ("at most", "at least", "equal"):
        assert chain.follows(one, strength, other) is Truth.TRUE
    assert chain.follows(one + sympy.Rational(1, 10**40), "at most", other) is Truth.FALSE


def test_names_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match="as printed"):
        chain.run("as printd")
    with pytest.raises(InputError, match="index weight"):
        _plain(constants=(Constant("index wait", Power(1), "planted", "planted"),))
    with pytest.raises(InputError, match="threshold"):
        _plain(stated=(Stated("treshold", Power(1), "planted"),))


def test_rows_are_plain_data() -> None:
    rows = chain.rows()
    assert json.loads(json.dumps(rows)) == rows
    assert [row["scenario"] for row in rows] == [one.name for one in chain.scenarios()]
    entry = {one["name"]: one for one in rows[0]["entries"]}["variation"]
    assert (entry["printed"], entry["printed_follows"]) == ("1/2048", "FALSE")
    assert entry["computed_power_of_two"] == -12
    assert entry["computed_decimal"].startswith("0.000315")


def test_scenarios_name_derivations_that_exist() -> None:
    known = set(derivation.names())
    for scenario in chain.scenarios():
        assert set(scenario.proved_by) <= known


def test_steps_are_known_claims_or_repairs() -> None:
    """An id of the chain is the id of a claim, once its rows are there."""
    known = {claim.id.partition("@")[0] for claim in catalogue.claims()}
    data = content.chain()
    ids = {constant.step for constant in data.CONSTANTS} | {link.step for link in chain.LINKS}
    families = {one.partition(".")[0] for one in ids}
    assert families <= {one.partition(".")[0] for one in known}


def _plain(**changes: object) -> Outcome:
    plain = Scenario("plain", "nothing stated", least_size=10)
    return chain.run(dataclasses.replace(plain, **changes))  # type: ignore[arg-type]
