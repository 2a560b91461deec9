"""Where the main theorem speaks: powers of ten against the formulas evaluated by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from dsmverify.instance import Instance, NoiseLevel
from dsmverify.regime import experiments, regime

PAIR = Instance(
    "pair",
    (Fraction(0), Fraction(1)),
    NoiseLevel(mu=Fraction(1, 2), sigma=Fraction(1, 4)),
    learning_rate=Fraction(1, 10),
)


def test_powers_of_ten_by_hand() -> None:
    found = regime(PAIR)
    # sigma_4 = mu n^(5/2) Delta/2^10; C_n = 8 mu^2 L^3 (mu^2 x_n + 2/Delta) = 8 (1/4)(9/4) = 4.5.
    sigma_4 = 0.5 * 2**2.5 / 1024
    assert found.limit == "sigma_4"
    assert float(found.sigma_0.split()[0]) == pytest.approx(math.log10(sigma_4), abs=0.05)
    threshold = 4096 * 0.25**2 / (0.5 * 4)
    assert float(found.threshold) == pytest.approx(math.log10(threshold), abs=0.05)
    at_limit = threshold * (sigma_4 / 0.25) ** 2
    assert float(found.threshold_at_sigma_0) == pytest.approx(math.log10(at_limit), abs=0.05)
    bound = 4.5 / sigma_4**6
    excess = math.pi * 2**5 * 0.5**3 / (2**36 * math.exp(0.5) * (bound * sigma_4) ** 4)
    assert float(found.excess) == pytest.approx(math.log10(excess * sigma_4**2), abs=0.05)


def test_what_fails_and_by_how_much() -> None:
    failing = dict(text.split(": ", 1) for text in regime(PAIR).failing)
    # sigma_1 = 1/16: sigma = 1/4 is 4 times too large. Threshold 128: 0.1 is 1280 times too small.
    assert failing["sigma <= sigma_1"] == "too large by a factor 4"
    assert failing["eta > threshold"] == "too small by a factor 1.28e+03"
    assert "sigma <= sigma_3" not in failing


def test_no_rate_no_hypothesis_about_it() -> None:
    sample = Instance("pair", PAIR.points, PAIR.noise)
    assert not [text for text in regime(sample).failing if text.startswith("eta")]


def test_the_experiments_meet_no_hypothesis_of_the_theorem() -> None:
    settings = experiments()
    assert len(settings) == 8
    for instance in settings:
        assert len(regime(instance).failing) == 5, instance.name
