"""Hypothesis strategies for instances of a claim's subject, and the search they guide.

Everything is valid by construction: gaps are drawn and added up, mu and sigma are drawn inside
their ranges, the smallest gap is drawn as a spacing ratio. Hypothesis maximises a target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import seed as seeded
from hypothesis import strategies as st

from dsmverify.claims import Claim
from dsmverify.errors import DsmverifyError
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.search.networks import Noised, tightly_bounded
from dsmverify.search.rounding import rounded

WIDTHS: Final = 8
"""Most neurons of a drawn network."""


class Done(BaseException):
    """The budget is spent, or a counterexample is found.

    No `Exception`: Hypothesis would take it for a failure, and run the example again.
    """


def explore(
    claim: Claim,
    trial: Callable[[Instance], float],
    *,
    examples: int,
    seed: int,
    sizes: Sequence[int],
    done: Callable[[], bool],
) -> None:
    """Let Hypothesis look for instances with a large target.

    Args:
        claim: its subject chooses the strategy.
        trial: target of an instance, to be made large.
        examples: at most so many.
        seed: of the search; no database is read or written.
        sizes: numbers of points.
        done: asked before each example.
    """

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(instances(claim, sizes))
    def look(instance: Instance | None) -> None:
        if done():
            raise Done
        if instance is not None:
            target(max(-1e6, trial(instance)), label="slack")

    try:
        look()
    except Done:
        return


@st.composite
def instances(draw: Any, claim: Claim, sizes: Sequence[int]) -> Instance | None:
    """An instance of the claim's subject; None where the drawn numbers make none."""
    try:
        return _instance(draw, claim, sizes)
    except (ArithmeticError, DsmverifyError, ValueError):
        return None


def _instance(draw: Any, claim: Claim, sizes: Sequence[int]) -> Instance:
    size = draw(st.sampled_from(tuple(sizes)))
    sigma = draw(_inside())
    mu = draw(_inside())
    ratio = rounded(10.0 ** draw(st.floats(-4, 6)), 3)
    unit = rounded(ratio * sigma / mu, 3)
    wide = st.integers(0, 60).map(lambda k: rounded(10.0 ** (k / 10), 2))
    gaps = [draw(wide) for _ in range(size - 1)]
    least = min(gaps)
    steps = [gap / least * unit for gap in gaps]
    start = rounded(float(sum(steps)) * draw(st.floats(-2, 2)), 3)
    points = tuple(start + step for step in (0, *accumulate(steps)))
    batch = draw(st.none() | st.integers(1, size).map(Batch))
    made = Instance("candidate", points, NoiseLevel(mu=mu, sigma=sigma), batch=batch)
    if claim.subject == "network":
        network = draw(_networks(made))
        return Instance(made.name, points, made.noise, network=network, batch=batch)
    if claim.parameters:
        parameters = draw(_parameters(claim.parameters))
        return Instance(made.name, points, made.noise, parameters=parameters)
    return made


def _inside() -> Any:
    """Short decimals inside (0, 1), also near the ends."""
    plain = st.integers(1, 99).map(lambda k: Fraction(k, 100))
    small = st.integers(10, 40).map(lambda k: rounded(10.0 ** (-k / 10), 1))
    return plain | small | small.map(lambda value: 1 - value)


@st.composite
def _networks(draw: Any, instance: Instance) -> NetworkData:
    noised = Noised.of(instance)
    width = draw(st.integers(1, WIDTHS))
    inner, biases, outer = [], [], []
    for _ in range(width):
        sign = draw(st.sampled_from((1, -1)))
        centre = draw(st.sampled_from(noised.centres))
        length = Fraction(draw(st.sampled_from((noised.sigma, noised.gap))))
        kink = centre + length * rounded(draw(st.floats(-8, 8)), 2)
        inner.append(Fraction(sign))
        biases.append(-sign * kink)
        size = 10.0 ** draw(st.floats(-4, 4)) / noised.sigma**2
        outer.append(rounded(draw(st.sampled_from((1, -1))) * size, 2))
    found = NetworkData(tuple(inner), tuple(biases), tuple(outer))
    return tightly_bounded(found) if draw(st.booleans()) else found


@st.composite
def _parameters(draw: Any, names: Sequence[str]) -> dict[str, Any]:
    size = st.floats(-3, 3).map(lambda power: rounded(10.0**power, 2))
    gamma = draw(size)
    entries = st.lists(st.floats(-3, 3), min_size=1, max_size=4)
    made = {
        "k": draw(st.integers(1, 12)),
        "A": draw(size),
        "t": draw(size),
        "gamma": gamma,
        "beta": gamma + draw(size),
        "delta": draw(size),
        "f": tuple(rounded(entry, 2) for entry in draw(entries)),
    }
    return {name: made[name] for name in names if name in made}
