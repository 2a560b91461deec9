"""Where the main theorem speaks, and how much it says: orders of magnitude for one sample.

At a sample: `sigma_0`, the learning-rate threshold and the excess-risk bound at the sample's sigma
and at `sigma_0`, each as a power of ten. `1/sigma^2`, the risk of the zero score, is the yardstick:
an excess-risk bound far below it rules out next to nothing. Every number is an enclosure's middle,
rounded; `A = C_n/sigma^6`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from typing import Any

from flint import arb

from dsmverify import content
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.formulas import constants
from dsmverify.instance import Instance
from dsmverify.integrals import Accuracy
from dsmverify.systems.balls import SYSTEM, ball
from dsmverify.truth import Truth, compare

BITS = 128
"""Working precision: ten digits of every power of ten, and a good deal more."""


@dataclass(frozen=True)
class Regime:
    """The main theorem at one sample, noise level and learning rate.

    Attributes:
        name: of the instance.
        spacing_ratio: mu Delta / sigma.
        sigma: noise level.
        sigma_0: decimal exponent of the noise level up to which the theorem speaks.
        limit: which of `sigma_1..sigma_4` that is.
        threshold: decimal exponent of the learning-rate threshold at the sample's sigma.
        threshold_at_sigma_0: the same at sigma_0.
        excess: decimal exponent of the excess-risk bound at sigma_0 over 1/sigma_0^2.
        failing: hypotheses that fail at this instance, with the factor by which they do.
    """

    name: str
    spacing_ratio: str
    sigma: str
    sigma_0: str
    limit: str
    threshold: str
    threshold_at_sigma_0: str
    excess: str
    failing: tuple[str, ...]


def regime(instance: Instance) -> Regime:
    """The main theorem at one instance; its learning rate is optional."""
    with precision(BITS):
        facts = Facts(replace(instance, network=None), Accuracy(30))
        sample, limit = facts.sample, facts.sigma_0
        at_limit = replace(sample, sigma=limit)
        bound = constants.default_bound(SYSTEM, at_limit, facts.spacing)
        excess = constants.excess_risk_bound(SYSTEM, at_limit, facts.spacing, bound)
        limits = {
            name: getattr(facts, name) for name in ("sigma_1", "sigma_2", "sigma_3", "sigma_4")
        }
        smallest = min(limits, key=lambda name: float(limits[name].mid().log()))
        return Regime(
            name=instance.name,
            spacing_ratio=_short(sample.mu * facts.spacing / sample.sigma),
            sigma=_short(sample.sigma),
            sigma_0=_exponent(limit),
            limit=smallest,
            threshold=_exponent(facts.learning_rate_threshold),
            threshold_at_sigma_0=_exponent(
                constants.learning_rate_threshold(at_limit, facts.spacing)
            ),
            excess=_exponent(excess * limit * limit),
            failing=tuple(_failing(instance, facts)),
        )


def has_theorem() -> bool:
    """Whether the content is about theorem 8: then it has the constants of its proof."""
    return bool(content.chain().SCENARIOS)


def experiments() -> tuple[Instance, ...]:
    """The settings of the experiments of figures 1 and 2, one instance for each rate.

    There are none where the content has no `experiments.toml`.
    """
    if "experiments.toml" not in content.resource_names("checks", ".toml"):
        return ()
    data = tomllib.loads(content.resource_text("checks/experiments.toml"))
    return tuple(_instances(data))


def _instances(data: dict[str, Any]) -> list[Instance]:
    found = []
    for setting in data["setting"]:
        for rate in data["rates"]:
            document = {"x": data["points"], "time": setting["time"], "learning_rate": rate}
            found.append(Instance.from_json(document, name=f"{setting['name']}, eta = {rate}"))
    return found


def _failing(instance: Instance, facts: Facts) -> list[str]:
    """Hypotheses of theorem 8 on sigma and eta that are certainly false, and by how much."""
    found = []
    sigma = facts.sample.sigma
    for name in ("sigma_1", "sigma_2", "sigma_3", "sigma_4"):
        limit = getattr(facts, name)
        if compare(sigma, "<=", limit) is Truth.FALSE:
            found.append(f"sigma <= {name}: too large by a factor {_short(sigma / limit)}")
    if instance.learning_rate is not None:
        rate, least = ball(instance.learning_rate), facts.learning_rate_threshold
        if compare(rate, ">", least) is Truth.FALSE:
            found.append(f"eta > threshold: too small by a factor {_short(least / rate)}")
    return found


def _exponent(value: arb) -> str:
    """Decimal logarithm of a positive ball, one digit after the point."""
    return f"{float((value.log() / arb(10).log()).mid()):.1f}"


def _short(value: arb) -> str:
    """Three significant digits of a ball's middle."""
    exponent = float((value.log() / arb(10).log()).mid())
    if -4 < exponent < 6:
        return f"{float(value.mid()):.3g}"
    return f"1e{exponent:.0f}"
