"""One network held against the theorem: its hypotheses one by one, and every claim about networks.

Everything that a record calls TRUE or FALSE is certified, on the exact network: a float parameter
is the rational that it denotes. A claim about minima is evaluated at the proved minimum next to the
network, where there is one; elsewhere it is not applicable, and the record says how far from
critical the network is. Rows are evidence, not verdicts: a FALSE of a claim whose recorded verdict
is PROVED means that something here is wrong, and fails the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from flint import arb

from dsmverify import catalogue
from dsmverify.certify import LEVELS, Session, precision
from dsmverify.claims import Claim, ReadOff, Row
from dsmverify.exact import lower_decimal, nearest_decimal, upper_decimal
from dsmverify.facts import Facts
from dsmverify.instance import Batch, Instance, Reduction
from dsmverify.integrals import Accuracy
from dsmverify.truth import Truth, compare

READINGS: tuple[Reduction, ...] = ("mean", "sum")
"""What the batch loss is over the batch."""

VISIBLE = "1e-12"
"""A bound on the excess risk below this is beyond anything that training could show."""

DENSE = 60
"""Claims that compare the Hessian entry by entry are left out for wider networks: m^2 balls."""

ENTRYWISE = frozenset({"hess15", "hess15.r1"})

SHOWN_BITS = 12
"""Relative accuracy from which on four digits of a middle say something."""

SCORE_BITS = 50
"""Relative accuracy asked of R_n(s*), which a good network's excess risk is a small part of."""

STEADY = frozenset({"excess", "lem05", *ENTRYWISE})
"""Claims about the network alone, which neither rate nor batch enters, and the slowest of all."""

UNDECIDED_HYPOTHESIS = "budget: hypothesis undecided: "

FAR_FROM_CRITICAL = "no critical point"


@dataclass(frozen=True)
class Condition:
    """One hypothesis of theorem 8 at one network.

    Attributes:
        statement: what is asked for.
        truth: `TRUE`, `FALSE` (both certified) or `UNKNOWN`.
        measured: by how much, in words.
    """

    statement: str
    truth: str
    measured: str


@dataclass(frozen=True)
class Answered:
    """One claim at one network.

    Attributes:
        claim: its id.
        recorded: its recorded verdict; "" where none is.
        answer: `TRUE`, `FALSE`, `UNKNOWN` or `NOT_APPLICABLE`.
        slack: room of an inequality, as a ratio; "" where there is none.
        said: why it is not applicable or unknown.
    """

    claim: str
    recorded: str
    answer: str
    slack: str
    said: str

    @property
    def is_evidence_against(self) -> bool:
        """Whether a claim that counts as proved fails here."""
        return self.answer == "FALSE" and self.recorded == "PROVED"

    @property
    def why(self) -> str:
        """What it fails for, without the numbers: the same words at every record."""
        return self.said.removeprefix(UNDECIDED_HYPOTHESIS).partition(": ")[0]


@dataclass(frozen=True)
class Record:
    """One network at one learning rate.

    Numbers are four digits of certified enclosures, their ends "a to b" where they are wide, ""
    where there is none.

    Attributes:
        part: section of the report.
        sample: name of the sample.
        network: what the network is, in words.
        did: what the run did, or where the minimum comes from.
        size: n.
        width: m.
        spacing_ratio: mu Delta / sigma.
        rate: eta.
        batch: size and replacement.
        rate_over_threshold: eta over theorem 8's threshold.
        risk: R_n(theta).
        excess_risk: R_n(theta) - R_n(s*).
        relative_excess: excess risk times sigma^2: 1 is what the zero score has, or a little more.
        gradient: norm of the gradient at the network's own parameters.
        sharpness: m eta lambda_max(hess R_n); eq. 8 asks for at most 2.
        rate_of_equality: 2/(m lambda_max(hess R_n)), at which eq. 8 holds with equality; minima
            may be stable beyond it, as SGD does not see the kink term of hess R_n.
        stable_mean: whether the point is linearly stable, batch loss a mean, and why.
        stable_sum: the same with a sum.
        bound: theorem 8's bound on the excess risk.
        relative_bound: the bound times sigma^2.
        is_bound_visible: whether the bound is above 1e-12.
        outcome_mean: theorem 8 here: pass, fail, not applicable or undecided, with the reason.
        outcome_sum: the same with a sum.
        conditions: hypotheses of theorem 8.
        answers: every claim about networks and minima.
        notes: what else a reader should know.
    """

    part: str
    sample: str
    network: str
    did: str
    size: int
    width: int
    spacing_ratio: str
    rate: str
    batch: str
    rate_over_threshold: str
    risk: str
    excess_risk: str
    relative_excess: str
    gradient: str
    sharpness: str
    rate_of_equality: str
    stable_mean: str
    stable_sum: str
    bound: str
    relative_bound: str
    is_bound_visible: bool
    outcome_mean: str
    outcome_sum: str
    conditions: tuple[Condition, ...]
    answers: tuple[Answered, ...]
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[Answered, ...]:
        """Claims that count as proved and are certified FALSE here."""
        return tuple(answer for answer in self.answers if answer.is_evidence_against)

    def document(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The record of plain data."""
        lists = {
            "conditions": tuple(Condition(**one) for one in document["conditions"]),
            "answers": tuple(Answered(**one) for one in document["answers"]),
            "notes": tuple(document["notes"]),
        }
        return cls(**(dict(document) | lists))


def about_networks() -> tuple[Claim, ...]:
    """Every claim, printed or own, about a network or a minimum; proof steps are left out."""
    return tuple(
        claim
        for claim in catalogue.claims()
        if claim.subject in {"network", "minimum"}
        and claim.kind == "claim"
        and not claim.undecidable
        and not isinstance(claim.conclusion, ReadOff)
    )


def recorded_verdicts() -> dict[str, str]:
    """Recorded verdict of every claim that has one."""
    return {name: entry.verdict for name, entry in catalogue.recorded().items()}


def judge(
    instance: Instance,
    *,
    part: str,
    sample: str,
    network: str,
    did: str,
    claims: Sequence[Claim],
    verdicts: Mapping[str, str],
    notes: Iterable[str] = (),
    known: dict[Any, Any] | None = None,
) -> Record:
    """A network at a learning rate: hypotheses of theorem 8, and every claim.

    Args:
        instance: sample, network, learning rate and batch.
        part: section of the report.
        sample: name of the sample.
        network: what the network is.
        did: what the run did.
        claims: to be evaluated.
        verdicts: recorded verdict by id.
        notes: for the reader.
        known: rows of claims that neither rate nor batch enters, by claim and network, and R_n(s*)
            by sample; filled.

    Result: certified answers; the numbers are middles of enclosures.
    """
    assert instance.network is not None and instance.learning_rate is not None
    width, left_out = instance.network.width, list(notes)
    proved = frozenset(name for name, verdict in verdicts.items() if verdict == "PROVED")
    session = Session(instance, proved)
    chosen = [claim for claim in claims if width <= DENSE or claim.id not in ENTRYWISE]
    if len(chosen) < len(claims):
        left_out.append(f"{', '.join(sorted(ENTRYWISE))} left out: wider than {DENSE} neurons")
    known = {} if known is None else known
    rows = {}
    for claim in chosen:
        key = (claim.id, instance.points, instance.noise, instance.network)
        if key not in known:
            rows[claim.id] = session.decide(claim)
            if claim.id in STEADY:
                known[key] = rows[claim.id]
        else:
            rows[claim.id] = known[key]
    level = _minimum_level(session)
    at = 0 if level is None else level
    with precision(LEVELS[at]):
        facts = session.facts(at, at_minimum=level is not None)
        own = session.facts(at, at_minimum=False)
        minimum = session.minimum(at)
        excess = facts.risk - _optimal_risk(instance, LEVELS[at], known)
        variance = facts.sample.sigma * facts.sample.sigma
        rate, top = facts.learning_rate, facts.hessian_lambda_max
        stable = {
            reading: session.stability(at, reading)
            if level is not None
            else (Truth.UNKNOWN, FAR_FROM_CRITICAL)
            for reading in READINGS
        }
        return Record(
            part=part,
            sample=sample,
            network=network,
            did=did,
            size=instance.size,
            width=width,
            spacing_ratio=short(facts.sample.mu * facts.spacing / facts.sample.sigma),
            rate=short(rate),
            batch=_batch(facts.batch),
            rate_over_threshold=short(rate / own.learning_rate_threshold),
            risk=short(facts.risk),
            excess_risk=short(excess),
            relative_excess=short(excess * variance),
            gradient=short(minimum.gradient),
            sharpness=short(width * rate * top),
            rate_of_equality=short(2 / (width * top)),
            stable_mean=_spoken(*stable["mean"]),
            stable_sum=_spoken(*stable["sum"]),
            bound=short(own.excess_risk_bound),
            relative_bound=short(own.excess_risk_bound * variance),
            is_bound_visible=compare(own.excess_risk_bound, ">", arb(VISIBLE)) is Truth.TRUE,
            outcome_mean=_outcome(rows.get("thm08@mean")),
            outcome_sum=_outcome(rows.get("thm08@sum")),
            conditions=_conditions(session, at, level is not None, stable),
            answers=tuple(_answered(row, verdicts) for row in rows.values()),
            notes=tuple(left_out),
        )


def sample_conditions(facts: Facts) -> tuple[Condition, ...]:
    """What theorem 8 asks of sample, noise level and rate, at the caller's precision."""
    found = []
    sigma = facts.sample.sigma
    for name in ("sigma_1", "sigma_2", "sigma_3", "sigma_4"):
        limit = getattr(facts, name)
        ratio = f"sigma / {name} = {short(sigma / limit)}"
        found.append(Condition(f"sigma <= {name}", compare(sigma, "<=", limit).value, ratio))
    rate, threshold = facts.learning_rate, facts.learning_rate_threshold
    found.append(
        Condition(
            "eta > 2^12 sigma^2/(mu n^2 Delta)",
            compare(rate, ">", threshold).value,
            f"eta / threshold = {short(rate / threshold)}",
        )
    )
    return tuple(found)


def short(value: arb) -> str:
    """Four digits of a ball's middle where it has them, else its ends; "" if it is no number."""
    if not value.is_finite():
        return ""
    if value.rel_accuracy_bits() >= SHOWN_BITS or value == 0:
        return nearest_decimal(value, 4)
    return f"{lower_decimal(value, 3)} to {upper_decimal(value, 3)}"


# Inside ------------------------------------------------------------------------------------------


def _optimal_risk(instance: Instance, bits: int, known: dict[Any, Any]) -> arb:
    """R_n(s*) at the caller's precision, kept by sample."""
    key = ("R_n(s*)", instance.points, instance.noise, bits)
    if key not in known:
        facts = Facts(replace(instance, network=None), Accuracy(SCORE_BITS))
        known[key] = facts.risk_empirical_score
    value: arb = known[key]
    return value


def _minimum_level(session: Session) -> int | None:
    """The lowest precision at which a strict local minimum next to the network is proved."""
    for level, bits in enumerate(LEVELS):
        with precision(bits):
            truth = session.minimum(level).truth
        if truth is Truth.TRUE:
            return level
        if truth is Truth.FALSE:
            return None
    return None


def _conditions(
    session: Session, level: int, is_minimum: bool, stable: Mapping[Reduction, tuple[Truth, str]]
) -> tuple[Condition, ...]:
    instance = session.instance
    assert isinstance(instance, Instance) and instance.network is not None
    facts = session.facts(level, at_minimum=is_minimum)
    minimum = session.minimum(level)
    signs = all(abs(weight) == 1 for weight in instance.network.inner_weights)
    largest = arb(0)
    for weight in facts.network.outer:
        largest = largest.max(abs(weight))
    gradient = f"|grad R_n| = {short(minimum.gradient)}"
    local = "FALSE" if minimum.truth is Truth.FALSE else minimum.truth.value
    distance = minimum.distance
    near = gradient if distance is None else f"proved, {short(distance)} away; {gradient} here"
    return (
        Condition("inner weights +-1", "TRUE" if signs else "FALSE", ""),
        Condition(
            "|w2_l| < A",
            compare(largest, "<", facts.bound).value,
            f"max |w2_l| / A = {short(largest / facts.bound)}",
        ),
        Condition("A >= C_n/sigma^6", "TRUE", "A = C_n/sigma^6 is chosen"),
        Condition("theta* is a local minimum", local, near),
        *(
            Condition(f"theta* is linearly stable ({reading})", truth.value, said)
            for reading, (truth, said) in stable.items()
        ),
        *sample_conditions(session.facts(level, at_minimum=False)),
    )


def _outcome(row: Row | None) -> str:
    if row is None:
        return "not evaluated"
    if row.answer == "TRUE":
        return f"pass: excess risk over bound = {row.slack}"
    if row.answer == "FALSE":
        return "FAIL"
    if row.answer == "NOT_APPLICABLE":
        return f"not applicable: {row.failed_hypothesis}"
    return f"undecided: {(row.reason or '').removeprefix(UNDECIDED_HYPOTHESIS)}"


def _answered(row: Row, verdicts: Mapping[str, str]) -> Answered:
    said = row.failed_hypothesis or row.reason or ("trivial" if row.trivial else "")
    return Answered(row.claim, verdicts.get(row.claim, ""), row.answer, row.slack or "", said)


def _spoken(truth: Truth, said: str) -> str:
    words = {Truth.TRUE: "stable", Truth.FALSE: "not stable", Truth.UNKNOWN: "undecided"}
    return f"{words[truth]}: {said}"


def _batch(batch: Batch) -> str:
    return f"{batch.size}, {'with' if batch.replacement else 'without'} replacement"
