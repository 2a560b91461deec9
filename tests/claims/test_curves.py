"""Claims about learning curves: sides, answers, planted errors, derivations and the second path."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from mpmath import mp

from dsmverify import catalogue, checking, content, tracing
from dsmverify.certify import Session
from dsmverify.checking import check, trials_of
from dsmverify.claims import Claim, Hypothesis, Identity, Inequality, ReadOff, Row, Stated
from dsmverify.curves.bundled import bundled_points
from dsmverify.curves.points import CurvePoint, instance_from_json
from dsmverify.data import read_instances
from dsmverify.derivation import Chain, verify
from dsmverify.errors import DerivationError, InputError
from dsmverify.formulas import curve_bounds as curves
from dsmverify.formulas.curve_case import CurveCase
from dsmverify.formulas.learning_curves import observables, printed_observables
from dsmverify.formulas.random_features import Parameters, isotropic, linearise, state
from dsmverify.instance import Instance
from dsmverify.systems import load
from dsmverify.verdicts import decide_verdict, sound_row

recheck = importlib.import_module("dsmverify.replay.recheck")
CLAIMS = {claim.id: claim for claim in catalogue.claims() if claim.id.startswith("rf.")}
POINTS = {point.name: point for point in bundled_points()}
PROVED = frozenset(name for name, claim in CLAIMS.items() if claim.derivation is not None)
POINT: dict[str, Any] = {
    "activation": "erf",
    "psi_n": "2",
    "psi_p": "3",
    "time": "0.25",
    "ridge": "0.125",
    "noise_samples": 2,
}


def point(**changes: Any) -> CurvePoint:
    return CurvePoint.from_json(POINT | changes, name="here")


def decide(claim: Claim, name: str) -> Row:
    return Session(POINTS[name], PROVED).decide(claim)


# Kinds of instances.


def test_a_point_is_read_and_written_exactly() -> None:
    for given in (*POINTS.values(), point(noise_samples=math.inf), point(ridge="1/3")):
        text = json.dumps(given.to_json())
        assert CurvePoint.from_json(text, name=given.name) == given
        assert instance_from_json(text, name=given.name) == given
    assert isinstance(instance_from_json({"x": [0, 1], "sigma": "0.5"}), Instance)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ridge": 0}, "ridge"),
        ({"ridge": "-1"}, "ridge"),
        ({"ridge": "0+", "psi_p": 4}, "ridge"),
        ({"psi_n": 0}, "psi_n"),
        ({"psi_p": "-2"}, "psi_p"),
        ({"time": 0}, "time"),
        ({"noise_samples": 0}, "noise_samples"),
        ({"noise_samples": "1.5"}, "noise_samples"),
        ({"noise_samples": True}, "noise_samples"),
        ({"activation": "rleu"}, "activation"),
        ({"activation": 3}, "activation"),
        ({"phi": 1}, "phi"),
    ],
)
def test_a_bad_point_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        point(**changes)
    assert caught.value.argument == field
    assert caught.value.way_out


def test_a_missing_key_is_named() -> None:
    given = {key: value for key, value in POINT.items() if key != "time"}
    with pytest.raises(InputError, match="time: "):
        CurvePoint.from_json(given)


def test_a_file_holds_samples_and_points(tmp_path: Any) -> None:
    file = tmp_path / "both.json"
    file.write_text(json.dumps([POINT, {"x": [0, 1], "sigma": "0.5"}]), "utf-8")
    first, second = read_instances([file])
    assert isinstance(first, CurvePoint)
    assert isinstance(second, Instance)
    with pytest.raises(InputError, match="a point of a learning curve, which has none"):
        read_instances([file], learning_rate="0.1")


def test_claims_meet_instances_of_their_kind_only() -> None:
    sample = Instance.from_json({"x": [0, 1], "sigma": "0.5"}, name="sample")
    chosen = catalogue.select(["rf.inv1", "prop02a", "thm08"])
    trials = list(trials_of([point(), sample], chosen, 0))
    by_name = {trial.instance.name: trial.claims for trial in trials}
    assert by_name["here"] == ("rf.inv1",)
    assert all("rf.inv1" not in claims for name, claims in by_name.items() if name != "here")
    assert any("prop02a" in claims for claims in by_name.values())
    row = Session(sample).decide(CLAIMS["rf.inv1"])
    assert row.answer == "NOT_APPLICABLE"
    assert row.failed_hypothesis == "the instance is a point of a learning curve: it is a sample"


def test_claims_that_are_named_must_speak_of_the_instances() -> None:
    sample = Instance.from_json({"x": [0, 1], "sigma": "0.5"}, name="sample")
    with pytest.raises(InputError, match="prop02a"):
        check([point()], ["rf.inv1", "prop02a"])
    with pytest.raises(InputError, match="sample"):
        check([point(), sample], ["rf.inv1"])
    every = catalogue.claims()
    _, left = checking.matched([point()], every, all_claims=True)
    assert {claim.id for claim in left} == set(CLAIMS)


def test_a_report_about_a_point_is_written_and_rechecked(tmp_path: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    report = check([point()], ["rf.inv1", "rf.mem2"])
    assert {one.claim.id: one.verdict for one in report.claims} == {
        "rf.inv1": "PROVED",
        "rf.mem2": "HOLDS",
    }
    report.write(tmp_path)
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    from dsmverify.report import schema

    jsonschema.validate(document, schema())
    assert document["inputs"][0]["document"] == point().to_json()
    assert "here (of a learning curve)" in (tmp_path / "report.md").read_text("utf-8")
    assert "0 points" not in (tmp_path / "report.html").read_text("utf-8")
    result = recheck.recheck(tmp_path)
    assert result.passed, result.failures


# Sides.


def sides(claim: Claim) -> list[Callable[..., Any]]:
    conclusion = claim.conclusion
    if isinstance(conclusion, ReadOff):
        return []
    parts = conclusion.checks if isinstance(conclusion, Stated) else conclusion
    found: list[Callable[..., Any]] = []
    for part in parts if isinstance(parts, tuple) else (parts,):
        found += [part.left, part.right]
        if isinstance(part, Inequality) and part.margin is not None:
            found.append(part.margin)
    for premise in claim.hypotheses:
        assert isinstance(premise, Hypothesis)
        found += [premise.left, premise.right]
    return found


SIDES = sorted(
    {side for claim in CLAIMS.values() for side in sides(claim)}, key=lambda s: s.__name__
)


def case(name: str, copies: int = 2) -> CurveCase[Any]:
    """A case with invented values for what the engine certifies: only the sides are on trial."""
    ns = load(name)

    def number(text: str) -> Any:
        return ns.constant(Fraction(text))

    parameters = Parameters(
        ns=ns,
        psi_n=number("3/2"),
        psi_p=number("7/3"),
        signal=number("3/4"),
        noise=number("1/4"),
        inverse_copies=ns.constant(Fraction(1, copies)),
        ridge=number("1/8"),
        linear=number("2/5"),
        shared=number("1/7"),
        fresh=number("1/9"),
        spectrum=isotropic(ns),
        unit=number("1"),
    )
    at = state(parameters, (number("1/3"), number("2/3")))
    system = linearise(at)
    known = {
        "state": at,
        "linearised": system,
        "observables": observables(at, system),
        "printed": printed_observables(at, system),
        "signal_resolvent": number("5/4"),
        "signal_resolvent_square": number("7/4"),
    }
    return CurveCase(ns, parameters, known.__getitem__, lambda **_: case(name, copies + 1))


@pytest.mark.parametrize("side", SIDES, ids=lambda side: side.__name__)
def test_a_side_has_one_value_in_every_system(side: Callable[..., Any]) -> None:
    with mp.workdps(40):
        reference = float(side(case("mpmath")))
    for name in ("float64", "arb"):
        value = side(case(name))
        # some fifty roundings, and cancellation by 10^3 at most at these values
        assert float(value) == pytest.approx(reference, rel=1e-10, abs=1e-12), name


def test_no_side_does_what_only_some_systems_can_follow() -> None:
    tracing.trace(CLAIMS.values())


# Answers.

QUICK = [name for name in POINTS if "tanh" not in POINTS[name].activation]


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_the_verdict_on_the_bundled_points_is_the_recorded_one(name: str) -> None:
    claim = CLAIMS[name]
    if isinstance(claim.conclusion, ReadOff) or claim.undecidable:
        return
    rows = [sound_row(decide(claim, place), claim) for place in QUICK]
    files = {place: POINTS[place].to_json() for place in QUICK}
    proof = True if claim.derivation is not None else None
    outcome = decide_verdict(claim, rows, proof, files)
    assert outcome.verdict == catalogue.recorded()[name].verdict
    assert outcome.true + outcome.false >= 1
    if claim.source.version.startswith("arXiv"):
        assert outcome.applicable - outcome.trivial >= 7  # and one with tanh


def times(factor: str, side: Callable[..., Any]) -> Callable[..., Any]:
    return lambda c: c.ns.constant(Fraction(factor)) * side(c)


PLANTED: dict[str, tuple[Identity | Inequality, str]] = {
    "rf.inv1": (Identity(curves.spent, times("1.001", curves.psi_p)), "curve-more-ten"),
    "rf.inv2": (Identity(curves.fitted_copies, curves.fitted_samples), "curve-more-ten"),
    "rf.inv3": (Identity(curves.fitted_samples, curves.psi_p), "curve-all-abs"),
    "rf.train": (Identity(curves.train_error_from_minimum, curves.minimum), "curve-more-ten"),
    "rf.signs": (Inequality(curves.minimum, "<=", curves.train_error), "curve-more-ten"),
    "rf.gap": (
        Inequality(curves.train_error, ">=", curves.new_data_loss),
        "curve-fewer-abs",
    ),
    "rf.lim1a": (Identity(curves.train_error, curves.new_data_loss), "curve-fewer-abs"),
    "rf.lim1b": (
        Identity(curves.test_error, curves.population_test_error),
        "curve-reference-one",
    ),
    "rf.lim3a": (
        Identity(curves.test_error, curves.linear_few_features),
        "curve-limit-linear",
    ),
    "rf.lim6": (
        Identity(curves.test_error, times("1.0001", curves.population_test_error)),
        "curve-limit-relu",
    ),
    "rf.lim8": (
        Inequality(curves.test_error, "<=", curves.first_order_test_error),
        "curve-large-ridge",
    ),
    "rf.peak1": (
        Inequality(curves.new_data_loss, "<=", times("0.01", curves.peak_ceiling)),
        "curve-large-ridge",
    ),
    "rf.copies1": (
        Inequality(curves.test_error_with_more, ">=", curves.test_error),
        "curve-fewer-erf",
    ),
    "rf.copies3": (
        Inequality(curves.train_error_with_more, "<=", curves.train_error),
        "curve-fewer-erf",
    ),
}
"""A conclusion that is wrong, and a point at which it shows."""


@pytest.mark.parametrize("name", [name for name in PLANTED if name != "rf.peak1"])
def test_a_wrong_conclusion_fails(name: str) -> None:
    conclusion, place = PLANTED[name]
    assert decide(CLAIMS[name], place).answer == "TRUE"
    assert decide(replace(CLAIMS[name], conclusion=conclusion), place).answer == "FALSE"


def test_where_the_order_in_m_turns() -> None:
    """Reported from m = 1 to 2 just below p = 2 n, where the peak of m = 2 is near."""
    claim = CLAIMS["rf.copies2@next"]
    assert decide(claim, "curve-more-before").answer == "FALSE"
    assert decide(CLAIMS["rf.copies2@all"], "curve-more-before").answer == "TRUE"
    assert decide(CLAIMS["rf.copies2@test"], "curve-more-before").answer == "TRUE"


def test_the_peak_needs_a_ridge_that_is_small_for_its_m() -> None:
    """lam = 10^-6 is not: with m = 100 a hundredth of the ridge multiplies E_test by 2.2 only."""
    late = point(activation="relu", psi_n=1, psi_p=100, time="1/1000", noise_samples=100)
    late = replace(late, ridge=Fraction(1, 10**6))
    row = Session(late).decide(CLAIMS["rf.peak3"])
    assert row.answer == "NOT_APPLICABLE"
    assert str(row.failed_hypothesis).startswith("lam <= s^2/(100 R^2)")
    kept = tuple(one for one in CLAIMS["rf.peak3"].hypotheses if "100 R^2" not in str(one))
    assert Session(late).decide(replace(CLAIMS["rf.peak3"], hypotheses=kept)).answer == "FALSE"


def test_what_falls_with_m_is_the_training_error_and_not_the_least_loss() -> None:
    assert decide(CLAIMS["rf.copies3"], "curve-more-wide").answer == "FALSE"
    assert decide(CLAIMS["rf.copies3.r1"], "curve-more-wide").answer == "TRUE"


def test_the_claim_on_simulations_says_where_they_are() -> None:
    remark = CLAIMS["rf.sim"].remark
    assert "curves_tests.csv" in remark
    root = Path(__file__).resolve().parents[2]
    rows = (root / "reports" / "figures" / "curves_tests.csv").read_text("utf-8").splitlines()
    assert len(rows) > 1


def test_a_point_whose_neighbour_has_no_finite_errors_is_undecided() -> None:
    claim = replace(CLAIMS["rf.copies3"], hypotheses=())
    row = Session(point(psi_p=6, ridge="0+")).decide(claim)
    assert row.answer == "UNKNOWN"


# Derivations.

CHANGES = (
    ("rf_invariants", "_first", "(1 - A * (1 - psi_p) * g)", "(1 + A * (1 - psi_p) * g)"),
    ("rf_invariants", "_second", "linear * K + shift * H - lam * H,", "linear * K + shift * H,"),
    ("rf_uniqueness", "add_response", "[a * k + s * h]", "[a * k - s * h]"),
    ("rf_observables", "_signs", "K / (r**2 * D))", "K / (r * D))"),
    ("rf_observables", "_adjoint", "(1 - 2 * level) * (c[0]", "(1 - level) * (c[0]"),
    ("rf_observables", "_order", "first * Cu / psi_n, first", "first * Nu / psi_n, first"),
    ("rf_limits", "_linear", "delta = 1 - 1 / psi_n", "delta = 1 - 2 / psi_n"),
    ("rf_limits", "_population", "x / width * stieltjes**2", "x * stieltjes**2"),
    ("rf_limits", "_many_features", "a2 * mu * delta + theta", "mu * delta + theta"),
    ("rf_limits", "_large_ridge", "A**2 * H**3 / r", "A**3 * H**3 / r"),
    ("rf_limits", "_linear", "psi_p - A * kernel)", "psi_p + A * kernel)"),
    ("rf_observables", "_order", "w[j] * d[j] ** 2 * aligned[j]", "w[j] * d[j] * aligned[j]"),
    ("rf_memorised", "_response", "(1 + 1 / (H * S)),", "(1 + 2 / (H * S)),"),
    ("rf_memorised", "_source", "(v0 / theta) * (theta", "(v0 * theta) * (theta"),
    ("rf_memorised", "_feedback", "F * (3 + e) + psi_n * e,", "F * (2 + e) + psi_n * e,"),
    ("rf_memorised", "_errors", "(a2 / h) * (x + f1) - a2 / h +", "(a2 / h) * (x + f1) + a2 / h +"),
    ("rf_memorised", "_equation", "- lam * (1 - delta)", "- lam * (2 - delta)"),
    ("rf_memorised", "_ridge_term", "* (1 + (own * kernel", "* (2 + (own * kernel"),
    (
        "rf_copies",
        "_parameters",
        "(-gap * theta, -gap * s2, -gap)",
        "(gap * theta, -gap * s2, -gap)",
    ),
    ("rf_copies", "_samples", "move = -response()", "move = response()"),
    ("rf_copies", "_rates", "-2 * entry,", "-entry,"),
    ("rf_copies", "_losses", "d[k] * (z[k] - image[k])", "d[k] * (z[k] + image[k])"),
    ("rf_peak", "_above", "root / (root + beta)", "root / (2 * root + beta)"),
    ("rf_peak", "_all", "RN * (e**2 + 2 * e)", "RN * (e**2 + e)"),
)
"""Derivation, its part, and what one of its lines becomes: constants, powers and signs."""


@pytest.mark.parametrize(
    "change", CHANGES, ids=lambda change: f"{change[0]}{change[1]}: {change[3]}"
)
def test_a_changed_derivation_fails(change: tuple[str, str, str, str]) -> None:
    name, part, line, changed = change
    text = content.resource_text(f"derivations/{name}.py")
    if name == "rf_uniqueness":
        line, changed = "a * k + s * h]", "a * k - s * h]"
    assert text.count(line) == 1
    original: Any = content.derivation_module(name)
    space = {"__name__": original.__name__, "__package__": original.__package__}
    exec(compile(text.replace(line, changed), "changed", "exec"), space)
    chain = Chain()
    add: Any = space[part]
    with pytest.raises(DerivationError):
        add(chain)
        verify(chain.derivation("changed", "", "", ""))


def test_the_theorem_on_ridge_regression_is_no_other() -> None:
    from dsmverify import derivation

    text = content.resource_text("derivations/rf_label_noise.py")
    original: Any = content.derivation_module("rf_label_noise")
    verify(original.derive())
    assert "rf.lim1b" in derivation.run("rf_label_noise").proves
    for line, changed in (
        ("3 * x**4 * z4", "2 * x**4 * z4"),
        ("(one * two - two - one + 1)", "(one * two - two - one - 1)"),
        ("chi = -nu * delta * H", "chi = -mu * delta * H"),
    ):
        assert line in text
        space = {"__name__": original.__name__, "__package__": original.__package__}
        exec(compile(text.replace(line, changed, 1), "changed", "exec"), space)
        with pytest.raises(DerivationError):
            verify(space["derive"]())


# The second path.


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("rf.signs", "curve-fewer-abs"),
        ("rf.mem2", "curve-large-ridge"),
        ("rf.copies2@next", "curve-more-before"),
        ("rf.lim1b", "curve-fewer-abs"),
        ("rf.lim6", "curve-limit-relu"),
        ("rf.peak1", "curve-peak-sin"),
        ("rf.fixed", "curve-more-abs"),
    ],
)
def test_both_paths_agree(name: str, place: str) -> None:
    claim = CLAIMS[name]
    row = decide(claim, place)
    found, premises = recheck.evaluate(name, POINTS[place].to_json(), dict(row.where), row.bits)
    parts = [found[int(row.where["part"]) - 1]] if "part" in row.where else found
    assert row.lhs is not None
    assert row.rhs is not None
    left, right = (dataclasses.asdict(side) for side in (row.lhs, row.rhs))
    assert recheck._premise_faults(premises) == []
    assert recheck._side_faults(parts[0], left, right) == []
    assert recheck._fails(parts[0]) == (row.answer == "FALSE")


def test_reference_values_by_the_second_path() -> None:
    from dsmverify.replay.curves import CurveSetting, curve

    context = mp.clone()
    context.prec = 160
    expected = {
        "curve-reference-one": ("3.4345255386867304", "0.439560183244971629"),
        "curve-reference-all": ("0.567760536641530235", "0.815954500852997322"),
    }
    for name, (test, train) in expected.items():
        found = curve(CurveSetting(context, POINTS[name].to_json(), {}))
        assert abs(found["test"] - context.mpf(test)) < context.mpf("1e-15")
        assert abs(found["train"] - context.mpf(train)) < context.mpf("1e-15")
