"""Write the reference table: `python -m dsmverify.testing.make_table`; with `--check`, compare.

Every value is an enclosure in Arb balls, from the same formulas and rigorous integrals as
`evaluate`, at a precision that rises until the digits are there. What is written depends on the
exact value only, not on how it was enclosed: `lower` and `upper` are the neighbouring decimals of
42 digits around it, `value` is it rounded once to 40 digits. (Where a ball that holds a decimal of
42 digits never gets rid of it, one decimal more on either side.) So another certified method must
give the same bytes.

A value that balls cannot tell from 0 is given only where symmetry proves it to be 0; where a value
cannot be had to these digits there is no row, and the header says so and why.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from flint import arb, arb_mat, ctx

from dsmverify.certify import precision
from dsmverify.exact import MAX_EXPONENT, lower_decimal, nearest_decimal, parse_exact, upper_decimal
from dsmverify.facts import Facts
from dsmverify.formulas import constants, posterior
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.report.versions import library_versions
from dsmverify.spectra import is_positive_definite, largest_eigenvalue, midpoints, rayleigh
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.testing.table import (
    DIGEST_FILE,
    DIGITS,
    FILE,
    KIND,
    QUANTITIES,
    SCHEMA,
    Decimals,
    Row,
    sha256,
)
from dsmverify.testing.table_cases import cases, formats_of, tags_of
from dsmverify.truth import Truth, certainly_below, compare

END_DIGITS: Final = DIGITS + 2
"""Significant digits of `lower` and `upper`."""

LEVELS: Final = ((384, 165), (768, 200), (1536, 260))
"""Working precisions, and the relative bits that integrals aim at there."""

CELLS: Final = 20_000
"""Bisections that the signs of one integral may cost."""

EVALUATIONS: Final = 1_000_000
"""Evaluations that one panel of an integral may cost."""

SHIFT_BITS: Final = 45
"""Inverse iteration aims this many bits, relative to the matrix, above a float64 eigenvalue."""

UNDECIDED_ZERO: Final = "an entry cannot be told from 0"


FAR_EXPONENT: Final = f"an entry's decimal exponent is beyond {MAX_EXPONENT}"


@dataclass(frozen=True)
class Omitted:
    """A row that is not there.

    Attributes:
        id: what its name would be.
        reason: why.
        digits: decimal digits that were reached.
    """

    id: str
    reason: str
    digits: int


def all_rows() -> list[Row | Omitted]:
    """Every row of the table in order, and what is left out."""
    return [row_of(*request) for request in requests()]


def requests() -> list[tuple[str, str, Instance]]:
    """Name of the case, quantity and input of every row; the same input is asked for once."""
    seen: set[tuple[str, str]] = set()
    found = []
    for case in cases():
        for name in QUANTITIES:
            given = input_of(case, name)
            key = (name, "" if given is None else json.dumps(given.to_json()))
            if given is not None and key not in seen:
                seen.add(key)
                found.append((case.name, name, given))
    return found


def input_of(case: Instance, quantity: str) -> Instance | None:
    """What of an instance a quantity depends on; None if it lacks that."""
    about = QUANTITIES[quantity]
    network = case.network
    if about.needs == "network" and network is None:
        return None
    if about.needs == "sample" or (about.needs == "bound" and network and network.bound is None):
        network = None
    return replace(case, network=network, at=case.at if about.shape == "points" else ())


def row_of(case: str, quantity: str, given: Instance) -> Row | Omitted:
    """One row, computed from nothing but its input.

    Args:
        case: name of the instance.
        quantity: a key of `QUANTITIES`.
        given: as `input_of` gives it.
    """
    name = f"{case}/{quantity}"
    spelled: Any = None
    for level, (bits, integral_bits) in enumerate(LEVELS):
        with precision(bits):
            facts = Facts(given, Accuracy(integral_bits, CELLS, EVALUATIONS))
            reason = _cannot(facts, quantity)
            balls = np.asarray(_QUANTITIES[quantity](facts), dtype=object)
            spelled = _spelled(balls, _zeros(given, quantity), is_last=level == len(LEVELS) - 1)
            if spelled is not None or reason is not None:
                break
    if spelled is None:
        return Omitted(name, reason or _shortfall(balls), _digits_reached(balls))
    value, lower, upper = spelled
    given_json = given.to_json()
    tags, formats = tags_of(given), formats_of(given)
    return Row(name, quantity, case, tags, formats, given_json, value, lower, upper)


# The quantities as balls.


def _at_points(formula: Callable[..., Any], facts: Facts) -> Any:
    places = facts.instance.at
    anchor = np.array([facts.places.nearest(y) for y in places])
    y = SYSTEM.constant(_objects(places))
    return formula(SYSTEM, y, facts.sample, anchor)


def _weight(facts: Facts) -> Any:
    return _objects([_weight_at(facts, y) for y in facts.instance.at])


def _weight_at(facts: Facts, y: Fraction) -> arb:
    """Pi at an exact point; no number where balls cannot tell whether it is inside the range."""
    mu, points = facts.instance.noise.rational_mu, facts.instance.points
    if mu is not None:
        inside = mu * points[0] <= y <= mu * points[-1]
        return facts.case().weight(ball(y)) if inside else arb(0)
    low, high = facts.sample.mu * ball(points[0]), facts.sample.mu * ball(points[-1])
    if certainly_below(ball(y), low) or certainly_below(high, ball(y)):
        return arb(0)
    sure = certainly_below(low, ball(y)) and certainly_below(ball(y), high)
    return facts.case().weight(ball(y)) if sure else arb.nan()


def _network(facts: Facts) -> Any:
    return _objects([facts.score_value(ball(y)) for y in facts.instance.at])


def _sigma_0(facts: Facts) -> arb:
    """Smallest of the four conditions; sigma_2 bisected down to the working precision."""
    others: arb = facts.sigma_1.min(facts.sigma_3).min(facts.sigma_4)
    if certainly_below(others, facts.sigma_2):
        return others
    low, high = arb(facts.sigma_2.lower()), arb(facts.sigma_2.upper())

    def holds(sigma: arb) -> Truth:
        sides = constants.exponential_condition(SYSTEM, facts.sample, facts.spacing, sigma)
        return compare(sides[0], "<=", sides[1])

    # Below the turning point the two sides cross once, so each answer cuts the interval.
    while (truth := holds(middle := ((low + high) / 2).mid())) is not Truth.UNKNOWN:
        low, high = (middle, high) if truth is Truth.TRUE else (low, middle)
        if not certainly_below(low, high):
            break
    return others.min(low.union(high))


def _largest(matrix: Any) -> arb:
    """Largest eigenvalue of a symmetric ball matrix, also where two of them agree.

    Lower end: the Rayleigh quotient of a vector from inverse iteration with one shift just above
    the float eigenvalue, which a multiple eigenvalue does not disturb. Upper end: a bound of which
    `t I - M` is certainly positive definite.
    """
    size = len(matrix)
    centre = midpoints(matrix)
    scale = arb(max(float(abs(entry).upper()) for entry in centre.flat))
    floats = np.array([[float(entry / scale) for entry in row] for row in centre])
    values, vectors = np.linalg.eigh(floats)
    eye = np.array([[arb(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
    shift = scale * (arb(float(values[-1])) + arb(2) ** -SHIFT_BITS)
    inverse = arb_mat((centre - shift.mid() * eye).tolist()).inv().mid()
    column = arb_mat([[arb(float(entry))] for entry in vectors[:, -1]])
    # An eigenvalue further off than 2^-20 loses this factor to the leading one in each step.
    for _ in range(4 + int(ctx.prec) // (SHIFT_BITS - 20)):
        column = (inverse * column).mid()
        column = (column / max(float(abs(column[k, 0])) for k in range(size))).mid()
    vector = np.array([column[k, 0] for k in range(size)], dtype=object)
    rho = rayleigh(matrix, vector)
    step = scale * arb(2) ** (-3 * int(ctx.prec) // 4)
    bound = arb(rho.upper()) + step
    if is_positive_definite(bound * eye - matrix) is not Truth.TRUE:
        return largest_eigenvalue(matrix)
    return arb(rho.lower()).union(bound)


_QUANTITIES: Final[Mapping[str, Callable[[Facts], Any]]] = {
    **{
        name: partial(_at_points, getattr(posterior, name))
        for name in (
            "density",
            "posterior_mean",
            "posterior_variance",
            "posterior_third_moment",
            "empirical_score",
            "empirical_score_slope",
            "empirical_score_curvature",
        )
    },
    "weight": _weight,
    "C_n": lambda facts: facts.curvature_constant,
    "bound": lambda facts: facts.bound,
    "learning_rate_threshold": lambda facts: facts.learning_rate_threshold,
    "excess_risk_bound": lambda facts: facts.excess_risk_bound,
    "sigma_0": _sigma_0,
    "network": _network,
    "risk": lambda facts: facts.risk,
    "gradient": lambda facts: facts.gradient,
    "hessian": lambda facts: facts.hessian,
    "risk_empirical_score": lambda facts: facts.risk_empirical_score,
    "tv_empirical_score": lambda facts: facts.tv_empirical_score,
    "excess_risk": lambda facts: facts.squared_distance,
    "tv_network": lambda facts: facts.tv_network,
    "hessian_lambda_max": lambda facts: _largest(facts.hessian),
    "hessian_lambda_min": lambda facts: -_largest(-facts.hessian),
    "ntk_lambda_max": lambda facts: _largest(facts.tangent_kernel),
}


def _cannot(facts: Facts, quantity: str) -> str | None:
    """Why no precision will do."""
    integrals = facts.integrals
    if quantity == "risk_empirical_score" and integrals.is_separated:
        return "enclosed within a factor 2 only: the spacing ratio is beyond 300"
    return None


def _zeros(given: Instance, quantity: str) -> set[tuple[int, ...]]:
    """Entries that are 0 for a reason that no precision shows."""
    odd = {"posterior_third_moment", "empirical_score", "empirical_score_curvature"}
    if quantity in odd or (quantity == "posterior_mean" and given.points[0] == -given.points[-1]):
        return _symmetric_places(given)
    return _strangers(given) if quantity == "hessian" else set()


def _symmetric_places(given: Instance) -> set[tuple[int, ...]]:
    """Points y where odd moments are 0: the centre of a symmetric sample.

    Where `x_i + x_{n+1-i} = 2c` for every i, the posterior at `y = mu c` is symmetric about c, so
    its third moment is 0 and its mean c; hence `s*(mu c) = (mu c - mu c)/sigma^2 = 0`.
    """
    mu, points = given.noise.rational_mu, given.points
    doubles = {left + right for left, right in zip(points, reversed(points), strict=True)}
    if len(doubles) > 1:
        return set()
    centre = doubles.pop() / 2
    # Whatever mu is, the mean of a sample centred at 0 is 0.
    mean = Fraction(0) if centre == 0 else None if mu is None else mu * centre
    return {(place,) for place, y in enumerate(given.at) if y == mean}


def _strangers(given: Instance) -> set[tuple[int, ...]]:
    """Entries of the Hessian for two neurons that are never active at once: all four are 0.

    Right of the kink l and left of the kink k have no interval in common where `tau_k <= tau_l`.
    """
    data = given.network
    assert data is not None  # QUANTITIES says that the Hessian needs one
    kinks = [-b / w for w, b in zip(data.inner_weights, data.biases, strict=True)]
    found: set[tuple[int, ...]] = set()
    for rising in (k for k, w in enumerate(data.inner_weights) if w > 0):
        for falling in (k for k, w in enumerate(data.inner_weights) if w < 0):
            if kinks[falling] <= kinks[rising]:
                for first in (rising, rising + data.width):
                    for second in (falling, falling + data.width):
                        found |= {(first, second), (second, first)}
    return found


# Spelling.


def _spelled(
    balls: Any, zeros: set[tuple[int, ...]], *, is_last: bool
) -> tuple[Decimals, Decimals, Decimals] | None:
    """`value`, `lower` and `upper` of balls in nested lists; None where one has too few digits."""
    parts = np.empty((3, *balls.shape), dtype=object)
    for index in np.ndindex(balls.shape):
        ends = ("0", "0", "0") if index in zeros else _ends(balls[index], is_last=is_last)
        if ends is None:
            return None
        for kind, text in enumerate(ends):
            parts[(kind, *index)] = text
    value, lower, upper = (part.tolist() if balls.ndim else part for part in parts)
    return value, lower, upper


def _ends(value: arb, *, is_last: bool) -> tuple[str, str, str] | None:
    """The value rounded, and decimals on either side of it; None for a ball that is too wide."""
    if not value.is_finite() or (value.contains(0) and not value.is_zero()):
        return None
    if not value.is_exact():
        # A radius far below the middle is cut to 2^-128 of it when ends are spelled.
        value = value * (1 + arb(0, 1) * arb(2) ** -int(ctx.prec))
    lower, upper = lower_decimal(value, END_DIGITS), upper_decimal(value, END_DIGITS)
    if _is_far(lower) or _is_far(upper):
        return None
    low, high = (parse_exact(text, field="end") for text in (lower, upper))
    # Neighbours differ by at most one unit, 10^(1 - END_DIGITS) of the value.
    units = 2 if is_last else 1
    if (high - low) * 10 ** (END_DIGITS - 1) > units * max(abs(low), abs(high)):
        return None
    inside = [
        nearest_decimal(parse_exact(end(value, 4 * END_DIGITS), field="end"), DIGITS)
        for end in (lower_decimal, upper_decimal)
    ]
    if inside[0] != inside[1]:
        if not is_last:
            return None
        # No precision tells on which side of a tie the value lies: ties go to the even digit.
        inside.sort(key=lambda text: int(text.partition("e")[0].replace(".", "")) % 2)
    return inside[0], lower, upper


def _is_far(decimal: str) -> bool:
    """Whether a decimal's exponent is beyond what exact decimals are read with."""
    return abs(int(decimal.partition("e")[2] or 0)) > MAX_EXPONENT


def _digits_reached(balls: Any) -> int:
    """Significant digits of the worst entry; 0 for one that may be 0."""
    return min(max(0, int(value.rel_accuracy_bits() * 0.30103)) for value in balls.flat)


def _shortfall(balls: Any) -> str:
    if any(value.is_finite() and value.contains(0) and not value.is_zero() for value in balls.flat):
        return UNDECIDED_ZERO
    if any(value.is_finite() and _is_far(upper_decimal(value, 1)) for value in balls.flat):
        return FAR_EXPONENT
    return f"fewer than {DIGITS} digits at {LEVELS[-1][0]} bits"


def _objects(values: Sequence[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


# The file.


def header_of(found: Sequence[Row | Omitted]) -> dict[str, Any]:
    """First line of the table."""
    versions = library_versions()
    kept = [row for row in found if isinstance(row, Row)]
    counts: dict[str, int] = {}
    for row in kept:
        counts[row.quantity] = counts.get(row.quantity, 0) + 1
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "digits": DIGITS,
        "rows": len(kept),
        "counts": counts,
        "quantities": {name: about.meaning for name, about in QUANTITIES.items()},
        "omitted": [
            {"id": row.id, "reason": row.reason, "digits": row.digits}
            for row in found
            if isinstance(row, Omitted)
        ],
        "provenance": {
            "generator": "python -m dsmverify.testing.make_table",
            "licence": "MIT",
            "versions": {name: versions[name] for name in ("dsmverify", "python-flint", "arb")},
            "precision_bits": [bits for bits, _ in LEVELS],
            "integral_bits": [bits for _, bits in LEVELS],
            "end_digits": END_DIGITS,
        },
    }


def render(found: Sequence[Row | Omitted]) -> bytes:
    """The table's bytes."""
    lines = [json.dumps(header_of(found), separators=(",", ":"))]
    lines += [row.line() for row in found if isinstance(row, Row)]
    return ("\n".join(lines) + "\n").encode("ascii")


def digest_text(data: bytes) -> str:
    """The table's `.sha256` file, as `sha256sum --check` reads it."""
    return f"{sha256(data)}  {FILE}\n"


def differences(old: bytes, new: bytes) -> list[str]:
    """What two tables differ in, in words; versions in the headers may differ."""
    before, after = (data.decode("ascii").splitlines() for data in (old, new))
    heads = [json.loads(lines[0]) for lines in (before, after)]
    for head in heads:
        head["provenance"].pop("versions")
    found = [] if heads[0] == heads[1] else ["header"]
    rows = [{json.loads(line)["id"]: line for line in lines[1:]} for lines in (before, after)]
    names: Iterable[str] = {**rows[0], **rows[1]}
    found += [name for name in names if rows[0].get(name) != rows[1].get(name)]
    if not found and before[1:] != after[1:]:
        found = ["order of rows"]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table, or compare the one that is there with a new one."""
    parser = argparse.ArgumentParser(prog="python -m dsmverify.testing.make_table")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    options = parser.parse_args(arguments)
    data = render(all_rows())
    path = options.out / FILE
    if options.check:
        found = differences(path.read_bytes(), data)
        for name in found:
            print(f"differs: {name}", file=sys.stderr)
        return 1 if found else 0
    path.write_bytes(data)
    (options.out / DIGEST_FILE).write_text(digest_text(data), "ascii")
    head = json.loads(data.split(b"\n", 1)[0])
    print(f"{path}: {head['rows']} rows, {len(head['omitted'])} omitted, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
