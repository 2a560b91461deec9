"""From the constants of the proof steps to those of theorem 8, as a calculation.

The proof of theorem 8 is a chain: proposition 9 bounds the weight, proposition 7 the variation of a
network from below, proposition 6 from above, and theorem 8 weighs the two. Each step contributes
constants (`Constant`, data of the content); each link computes one from others (`LINKS`). Changing
the constant of one step recomputes what follows from it.

A link computes what the steps before it give, exactly. What the page (or a repair) states there may
be weaker, a power of two for a product say, or not be supported by it: it is compared with the
computed value, and the chain goes on with what is stated. So the printed chain reproduces the
printed theorem and shows on the way where a step does not give what it states.

Unit of every variation: `mu n^2 Delta/sigma^2`. Numbers are exact: rationals times powers of 2, pi
and e, and sums of such.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from dsmverify import content
from dsmverify.certify import precision
from dsmverify.derivation import enclose, residual_form
from dsmverify.errors import InputError, show
from dsmverify.exact import lower_decimal
from dsmverify.truth import Truth, compare

Number = Any
"""An exact number: a SymPy expression in rationals, roots, pi and `root_e`."""

Strength = Literal["at most", "at least", "equal"]
Weight = Literal["pi", "noised"]
Count = Literal["middle half", "weighted"]

BITS = 256
"""Working precision of comparisons."""

DIGITS = 8
"""Digits of the decimals in rows."""


@dataclass(frozen=True)
class Power:
    """`factor 2^two pi^pi e^e`, exact."""

    factor: Fraction | int = 1
    two: Fraction | int = 0
    pi: Fraction | int = 0
    e: Fraction | int = 0


@dataclass(frozen=True)
class Constant:
    """A constant that one step contributes.

    Attributes:
        name: how the links call it.
        value: its value.
        step: id of the step.
        meaning: where it stands there.
    """

    name: str
    value: Power
    step: str
    meaning: str


@dataclass(frozen=True)
class Stated:
    """A value that the page, or a repair, states for a link.

    Attributes:
        name: name of the link.
        value: what is stated.
        step: id of the claim or step that states it.
    """

    name: str
    value: Power
    step: str


@dataclass(frozen=True)
class Scenario:
    """One way through the chain.

    Attributes:
        name: short name.
        statement: what is assumed, in words.
        weight: the weight of the variation, as printed or with the noise inside.
        count: which indices are summed in proposition 7, with which weights.
        least_size: smallest n for which its steps are argued.
        as_printed: whether what the page states is used wherever nothing else is stated.
        kink_term: whether the Hessian's kink and cross terms have to be paid for; not so where
            stability bounds the tangent kernel alone.
        constants: constants that differ from the page's.
        stated: values stated for links, instead of the page's.
        proved_by: derivations that prove its steps.
        leans_on_unproved: printed claims that it uses although they fail or are not proved.
    """

    name: str
    statement: str
    weight: Weight = "pi"
    count: Count = "middle half"
    least_size: int = 10
    as_printed: bool = False
    kink_term: bool = True
    constants: tuple[Constant, ...] = ()
    stated: tuple[Stated, ...] = ()
    proved_by: tuple[str, ...] = ()
    leans_on_unproved: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """One computed constant.

    Attributes:
        name: its name.
        step: id of the step that it is computed in.
        meaning: where it stands there.
        strength: how a stated value must lie to follow: `at most` the computed one, say.
        inputs: names of constants and earlier links, in the order of the formula.
        formula: computes it.
        for_kink_term: whether it is needed only where the kink term is paid for.
    """

    name: str
    step: str
    meaning: str
    strength: Strength
    inputs: tuple[str, ...]
    formula: Callable[..., Number]
    for_kink_term: bool = False


@dataclass(frozen=True)
class Entry:
    """One constant or link of a scenario.

    Attributes:
        name: its name.
        step: id of the step that it comes from.
        meaning: where it stands.
        inputs: what it is computed from; empty for the constant of a step.
        computed: what the inputs give.
        used: what the chain goes on with.
        printed: what the page states, None where it states nothing.
        printed_follows: whether the printed value follows from the computed one.
        used_follows: whether the used value does.
        stated_by: id that the used value is taken from, "" where it is the computed one.
    """

    name: str
    step: str
    meaning: str
    inputs: tuple[str, ...]
    computed: Number
    used: Number
    printed: Number | None
    printed_follows: Truth | None
    used_follows: Truth
    stated_by: str = ""


@dataclass(frozen=True)
class Outcome:
    """The chain in one scenario.

    Attributes:
        scenario: the scenario.
        entries: constants of the steps first, then links, in order.
    """

    scenario: Scenario
    entries: tuple[Entry, ...]
    by_name: Mapping[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {entry.name: entry for entry in self.entries})

    def __getitem__(self, name: str) -> Entry:
        """Entry of a constant or link.

        Raises:
            KeyError: the scenario has none of this name.
        """
        return self.by_name[name]

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Names of entries whose used value is not certified to follow."""
        return tuple(e.name for e in self.entries if e.used_follows is not Truth.TRUE)


# Numbers ----------------------------------------------------------------------------------------


def root_e() -> Number:
    """`e^(1/2)` as a positive symbol, so that equality has a normal form; `text` spells it out."""
    import sympy

    return sympy.Symbol("root_e", positive=True)


def exact(value: Power) -> Number:
    """A `Power` as an exact number."""
    import sympy

    def rational(number: Fraction | int) -> Number:
        return sympy.Rational(number.numerator, number.denominator)

    two, pi = sympy.Integer(2) ** rational(value.two), sympy.pi ** rational(value.pi)
    return rational(value.factor) * two * pi * root_e() ** rational(2 * value.e)


def text(number: Number) -> str:
    """An exact number in plain text."""
    import sympy

    return str(sympy.sympify(number).subs(root_e(), sympy.exp(sympy.Rational(1, 2))))


def follows(stated: Number, strength: Strength, computed: Number) -> Truth:
    """Whether a stated value follows: decided by balls, equality by a normal form."""
    below = _ordered(stated, computed)
    if below is None:
        return Truth.TRUE if residual_form(stated - computed) == 0 else Truth.UNKNOWN
    return Truth.TRUE if strength == ("at most" if below else "at least") else Truth.FALSE


def _ordered(one: Number, other: Number) -> bool | None:
    """Whether `one < other`; None where balls do not tell."""
    with precision(BITS):
        left, right = ball_of(one), ball_of(other)
        if compare(left, "<", right) is Truth.TRUE:
            return True
        return False if compare(left, ">", right) is Truth.TRUE else None


def ball_of(number: Number) -> Any:
    """Enclosure of an exact number at the working precision."""
    from flint import arb, fmpq

    return enclose(number, {root_e(): arb(fmpq(1, 2)).exp()})


def power_of_two(number: Number, strength: Strength) -> int:
    """Exponent of the best power of two that follows from a positive number.

    Args:
        number: an exact positive number.
        strength: `at most`: the largest power of two up to it; `at least`: the smallest from it on.

    Raises:
        ValueError: the number is no positive one, or `strength` is `equal`.
    """
    import sympy

    if strength == "equal" or _ordered(sympy.Integer(0), number) is not True:
        raise ValueError(f"{text(number)}: a power of two below or above a positive number")
    with precision(BITS):
        near = math.floor(float(ball_of(number).log().mid()) / math.log(2))
    # The float only says where to look: the first power that certainly does not exceed counts.
    exponent = near + 1
    while follows(sympy.Integer(2) ** exponent, "at most", number) is not Truth.TRUE:
        exponent -= 1
    exceeds = _ordered(sympy.Integer(2) ** exponent, number) is True
    return exponent + 1 if strength == "at least" and exceeds else exponent


# Proposition 7's sum over indices ---------------------------------------------------------------


def index_share(size: int) -> Fraction:
    """`S(n)/n^4`, S the sum over the better parity of `h_i = min((i-1)^3, (n-i)^2 (n-i-1))/2`.

    Source: derivation weighted_count.
    """
    shares = {
        i: Fraction(min((i - 1) ** 3, (size - i) ** 2 * (size - i - 1)), 2) for i in range(2, size)
    }
    sums = (
        sum((h for i, h in shares.items() if i % 2 == parity), Fraction(0)) for parity in (0, 1)
    )
    return max(sums) / size**4


def least_index_share(least: int) -> Fraction:
    """Infimum of `S(n)/n^4` over all `n >= least`, exact.

    `S(n)/n^4 >= ((n-1)(n-3))^2/(128 n^4)` (derivation weighted_count), and that lower bound grows
    with n from n = 4 on. So sizes are enumerated until it has passed the smallest value found.

    Args:
        least: smallest size, at least 4.

    Raises:
        ValueError: `least` is below 4, where no index has a positive weight, or a thousand sizes
            are not enough.
    """
    if least < 4:
        raise ValueError(f"least: {least}, but no index has a weight below n = 4")
    best = index_share(least)
    for size in range(least + 1, least + 1000):
        if Fraction(((size - 1) * (size - 3)) ** 2, 128 * size**4) >= best:
            return best
        best = min(best, index_share(size))
    raise ValueError(f"least: {least}, but no smallest value within a thousand sizes")


# The links --------------------------------------------------------------------------------------


def _half_power(number: Number) -> Number:
    import sympy

    return sympy.sqrt(number)


def _root_two_pi() -> Number:
    import sympy

    return sympy.sqrt(2) * sympy.sqrt(sympy.pi)


def _tail(rate: Number, ratio: Number) -> Number:
    """`exp(-rate ratio^2)`."""
    return root_e() ** (-2 * rate * ratio**2)


LINKS: tuple[Link, ...] = (
    Link(
        "score variation",
        "thm04",
        "TV(s*) >= this mu^3 n Delta^3/sigma^4",
        "at most",
        (
            "both half gaps",
            "index weight",
            "index share",
            "one side",
            "tail at thm04",
            "midpoint variance",
            "variance factor",
            "condition of thm04",
        ),
        lambda halves, weight, share, side, tail, midpoint, factor, condition: (
            halves * weight * share * (side - tail) * (midpoint - factor / condition)
        ),
    ),
    Link(
        "weight factor",
        "prop09.d",
        "what the noise leaves of the weight",
        "at most",
        ("one side", "tail rate", "spacing ratio"),
        lambda side, rate, ratio: side - _tail(rate, ratio),
    ),
    Link(
        "index sum",
        "prop07.g",
        "sum over indices of the weights, per mu n^2 Delta",
        "at most",
        ("index weight", "index share", "one of two"),
        lambda weight, share, every: weight * share * every,
    ),
    Link(
        "slope loss",
        "prop07.h",
        "sqrt(2 n R_n/sigma^2) <= this/sigma^2",
        "at least",
        ("small risk", "moment share"),
        lambda risk, share: _half_power(risk / share),
    ),
    Link(
        "variation",
        "prop07.h",
        "TV(s_theta) >= this mu n^2 Delta/sigma^2",
        "at most",
        ("index sum", "weight factor", "slope loss"),
        lambda total, weight, loss: total * weight * (1 - loss),
    ),
    Link(
        "sharpness factor",
        "prop06a",
        "TV(s_theta) <= this m lambda_max(hess R_n) + ..",
        "at least",
        ("kernel factor", "hessian factor"),
        lambda kernel, hessian: 1 / (kernel * hessian),
    ),
    Link(
        "rate factor",
        "prop06b",
        "TV(s_theta*) <= this/eta + ..",
        "at least",
        ("sharpness factor", "stability"),
        lambda sharpness, stability: sharpness * stability,
    ),
    Link(
        "cross coefficient",
        "prop06a",
        ".. + this sqrt(R_n) + ..",
        "at least",
        ("cross factor", "sharpness factor"),
        lambda cross, sharpness: cross * sharpness,
        for_kink_term=True,
    ),
    Link(
        "square",
        "prop06.g",
        "f(tau)^2 <= this n R_n",
        "at least",
        ("kept value", "mass within sigma"),
        lambda kept, mass: 1 / (kept**2 * mass),
        for_kink_term=True,
    ),
    Link(
        "cube",
        "prop06.i",
        "|f(tau)|^3 exp(-(tau - mu x_i)^2/(2 sigma^2)) <= this sqrt(2 pi) A sigma n R_n",
        "at least",
        ("slope factor", "kept value", "decay on the interval"),
        lambda slope, kept, decay: slope / (2 * (1 - kept) * kept**2 * decay),
        for_kink_term=True,
    ),
    Link(
        "kink coefficient",
        "prop06a",
        ".. + this (A/sigma) max(sqrt(2 n R_n), ..)",
        "at least",
        ("kink factor", "sharpness factor", "square"),
        lambda kink, sharpness, square: kink * sharpness * _half_power(square / 2),
        for_kink_term=True,
    ),
    Link(
        "third term",
        "thm08.e2",
        "cube of the third term <= this A^4 n R_n/sigma^2",
        "at least",
        ("kink factor", "sharpness factor", "cube"),
        lambda kink, sharpness, cube: (kink * sharpness) ** 3 * cube * _root_two_pi(),
        for_kink_term=True,
    ),
    Link(
        "third part",
        "thm08.e2",
        "what the third term may take of the variation",
        "equal",
        ("third share", "variation"),
        lambda share, variation: share * variation,
        for_kink_term=True,
    ),
    Link(
        "cross part",
        "thm08.f",
        "what the second term may take of the variation",
        "equal",
        ("cross share", "variation"),
        lambda share, variation: share * variation,
        for_kink_term=True,
    ),
    Link(
        "risk bound",
        "thm08.b",
        "eq. 19: R_n(theta*) <= this n^5 mu^3 Delta^3/(A^4 sigma^4)",
        "at most",
        ("third part", "third term"),
        lambda part, term: part**3 / term,
        for_kink_term=True,
    ),
    Link(
        "excess risk",
        "thm08",
        "R_n(theta*) - R_n(s*) > this n^5 mu^3 Delta^3/(A^4 sigma^4)",
        "at most",
        ("excess share", "risk bound"),
        lambda share, bound: share * bound,
        for_kink_term=True,
    ),
    Link(
        "sigma_1",
        "thm08.a",
        "sigma_1 = this mu Delta",
        "at most",
        ("spacing ratio",),
        lambda ratio: 1 / ratio,
    ),
    Link(
        "sigma_2",
        "thm08.b",
        "exp(-mu^2 Delta^2/(32 sigma^2)) <= this n^5 mu Delta^p/((x_n - x_1)^2 A^4)",
        "at most",
        ("risk bound", "excess risk", "risk of the score"),
        lambda bound, excess, score: (bound - excess) / score,
        for_kink_term=True,
    ),
    Link(
        "sigma_2, power of Delta",
        "thm08.b",
        "p in the condition of sigma_2: the power of Delta in eq. 19",
        "equal",
        ("power of the third term",),
        lambda power: power,
        for_kink_term=True,
    ),
    Link(
        "sigma_3",
        "thm08.c",
        "eq. 20 follows from eq. 19 for sigma <= 1/n if this is at most 1",
        "at least",
        ("risk bound", "small risk"),
        lambda bound, risk: bound / risk,
        for_kink_term=True,
    ),
    Link(
        "sigma_4",
        "thm08.f",
        "sigma_4 = this mu n^(5/2) Delta, from eq. 20",
        "at most",
        ("cross part", "cross coefficient", "small risk"),
        lambda part, coefficient, risk: part / (coefficient * _half_power(risk)),
        for_kink_term=True,
    ),
    Link(
        "threshold",
        "thm08.g",
        "eta > this sigma^2/(mu n^2 Delta)",
        "at least",
        ("rate factor", "variation", "third part", "cross part"),
        lambda rate, variation, third, cross: rate / (variation - third - cross),
    ),
    Link(
        "risk floor",
        "prop07",
        "R_n(theta*) > this/(n sigma^2), where no kink term is paid for",
        "at most",
        ("small risk",),
        lambda risk: risk,
    ),
)


# Running ----------------------------------------------------------------------------------------


def scenarios() -> tuple[Scenario, ...]:
    """The scenarios of the content."""
    found: tuple[Scenario, ...] = content.chain().SCENARIOS
    return found


def run(scenario: Scenario | str) -> Outcome:
    """The chain in one scenario.

    Args:
        scenario: a scenario, or the name of one of `scenarios()`.

    Raises:
        InputError: no scenario has this name, or it names a constant or link that does not exist.
    """
    if isinstance(scenario, str):
        scenario = _named(scenario)
    data = content.chain()
    constants: dict[str, Constant] = {one.name: one for one in data.CONSTANTS}
    changed = {one.name: one for one in scenario.constants}
    printed = {one.name: one for one in data.PRINTED}
    stated = {one.name: one for one in scenario.stated}
    names = {link.name for link in LINKS}
    for kind, given, known in (("constants", changed, set(constants)), ("stated", stated, names)):
        for name in given:
            if name not in known:
                raise InputError(
                    f"{kind} of scenario {scenario.name!r}",
                    show(name),
                    "the chain has nothing of this name",
                    f"name one of: {', '.join(sorted(known))}",
                )
    entries = [_constant(changed.get(name, one), one) for name, one in constants.items()]
    values = {entry.name: entry.used for entry in entries}
    values["smallest size"] = exact(Power(scenario.least_size))
    for link in links(scenario):
        entry = _link(
            link,
            values,
            printed.get(link.name),
            stated.get(link.name) or (printed.get(link.name) if scenario.as_printed else None),
        )
        values[link.name] = entry.used
        entries.append(entry)
    return Outcome(scenario, tuple(entries))


def links(scenario: Scenario) -> tuple[Link, ...]:
    """The links of a scenario: those of the page, three of which depend on how it goes."""
    return tuple(
        _variant(link, scenario) for link in LINKS if scenario.kink_term or not link.for_kink_term
    )


def _variant(link: Link, scenario: Scenario) -> Link:
    if link.name == "weight factor" and scenario.weight == "noised":
        return replace(link, step="prop09a.r2", inputs=("one side",), formula=lambda side: side)
    if link.name == "index sum" and scenario.count == "weighted":
        return replace(
            link, step="prop07.g.r1", inputs=("smallest size",), formula=_weighted_index_sum
        )
    if link.name == "threshold" and not scenario.kink_term:
        return replace(
            link, inputs=("rate factor", "variation"), formula=lambda rate, total: rate / total
        )
    return link


def _weighted_index_sum(size: Number) -> Number:
    return exact(Power(least_index_share(int(size))))


def rows() -> list[dict[str, Any]]:
    """Every scenario with its links, as plain data: texts and decimals of exact numbers."""
    found = []
    for scenario in scenarios():
        outcome = run(scenario)
        found.append(
            {
                "scenario": scenario.name,
                "statement": scenario.statement,
                "least_size": scenario.least_size,
                "proved_by": list(scenario.proved_by),
                "leans_on_unproved": list(scenario.leans_on_unproved),
                "unsupported": list(outcome.unsupported),
                "entries": [_row(entry) for entry in outcome.entries],
            }
        )
    return found


def _named(name: str) -> Scenario:
    known = {one.name: one for one in scenarios()}
    if name not in known:
        raise InputError(
            "scenario",
            show(name),
            "there is no scenario of this name",
            f"the scenarios are: {', '.join(known)}",
        )
    return known[name]


def _constant(one: Constant, page: Constant) -> Entry:
    value, printed = exact(one.value), exact(page.value)
    same = residual_form(value - printed) == 0
    return Entry(
        name=one.name,
        step=one.step,
        meaning=one.meaning,
        inputs=(),
        computed=value,
        used=value,
        printed=printed,
        printed_follows=Truth.TRUE if same else None,
        used_follows=Truth.TRUE,
    )


def _link(
    link: Link, values: Mapping[str, Number], page: Stated | None, source: Stated | None
) -> Entry:
    computed = link.formula(*(values[name] for name in link.inputs))
    used = computed if source is None else exact(source.value)
    printed = None if page is None else exact(page.value)
    return Entry(
        name=link.name,
        step=link.step,
        meaning=link.meaning,
        inputs=link.inputs,
        computed=computed,
        used=used,
        printed=printed,
        printed_follows=None if printed is None else follows(printed, link.strength, computed),
        used_follows=follows(used, link.strength, computed),
        stated_by="" if source is None else source.step,
    )


def _row(entry: Entry) -> dict[str, Any]:
    printed, ratio = entry.printed, None
    if printed is not None and printed != 0:
        ratio = _decimal(entry.used / printed)
    return {
        "name": entry.name,
        "step": entry.step,
        "meaning": entry.meaning,
        "inputs": list(entry.inputs),
        "computed": text(entry.computed),
        "computed_decimal": _decimal(entry.computed),
        "computed_power_of_two": _row_power(entry),
        "used": text(entry.used),
        "used_decimal": _decimal(entry.used),
        "stated_by": entry.stated_by,
        "printed": None if printed is None else text(printed),
        "printed_follows": None if entry.printed_follows is None else entry.printed_follows.value,
        "used_follows": entry.used_follows.value,
        "used_over_printed": ratio,
    }


def _row_power(entry: Entry) -> int | None:
    """Best power of two that follows from a link, where that is a question."""
    strength = {link.name: link.strength for link in LINKS}.get(entry.name, "equal")
    return None if strength == "equal" else power_of_two(entry.computed, strength)


def _decimal(number: Number) -> str:
    """Leading digits of an exact number, rounded down."""
    with precision(BITS):
        return lower_decimal(ball_of(number), DIGITS)
