"""Strategies: valid by construction, simple when shrunk, and known to Hypothesis when installed."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tomllib
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from dsmverify.errors import InputError
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.testing import hook, strategies
from dsmverify.testing.arrays import Network
from dsmverify.testing.strategies import instances, networks, noise_levels, samples

ONE, HALF = Fraction(1), Fraction(1, 2)


def simplest(strategy: st.SearchStrategy[Any], predicate: Any, seed: int = 0) -> Any:
    # Without the phase `explain`, whose variations `find` would return.
    phases = settings(phases=(Phase.generate, Phase.shrink), max_examples=1000, database=None)
    return find(strategy, predicate, settings=phases, random=Random(seed))


def exact_ratio(sample: Instance) -> tuple[Fraction, Fraction]:
    """Numerator and denominator of `(mu Delta/sigma)^2` for rational mu^2 and sigma^2."""
    level = sample.noise
    assert level.sigma is not None
    square = 1 - level.sigma**2 if level.mu is None else level.mu**2
    return square * sample.spacing**2, level.sigma**2


def numbers(sample: Instance) -> list[Fraction]:
    level = sample.noise
    found = [*sample.points, *sample.at]
    found += [value for value in (level.mu, level.sigma, level.time) if value is not None]
    data = sample.network
    if data is not None:
        found += [*data.inner_weights, *data.biases, *data.outer_weights]
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(samples(3, 6, spacing_ratio=("0.3", 40), spellings=("mu_sigma", "sigma")))
def test_samples_have_the_sizes_and_ratios_asked_for(sample: Instance) -> None:
    assert 3 <= sample.size <= 6
    assert sample.network is None
    top, bottom = exact_ratio(sample)
    assert Fraction("0.3") ** 2 * bottom <= top <= 40**2 * bottom


@settings(max_examples=20)
@given(samples(spacing_ratio=(2, 3), spellings=("time",)))
def test_samples_at_a_time_have_the_ratio_asked_for(sample: Instance) -> None:
    time = float(sample.noise.time or 0)
    ratio = math.exp(-time) * float(sample.spacing) / math.sqrt(-math.expm1(-2 * time))
    assert 2 <= ratio <= 3


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(instances(max_size=12, dtype="float32"))
def test_float32_holds_every_number(instance: Instance) -> None:
    for value in numbers(instance):
        assert Fraction(float(np.float32(float(value)))) == value


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(instances(2, 4, min_width=2, max_width=5))
def test_instances_have_a_network_and_places(instance: Instance) -> None:
    assert instance.network is not None
    assert 2 <= instance.network.width <= 5
    assert 1 <= len(instance.at) <= 3
    # The constructors checked the rest; exact text comes back as it was.
    again = Instance.from_json(json.dumps(instance.to_json()), name=instance.name)
    assert again == instance


def test_nothing_is_filtered() -> None:
    drawn = 0

    @settings(max_examples=50, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(instances())
    def draw(instance: Instance) -> None:
        nonlocal drawn
        drawn += 1

    draw()
    assert drawn == 50


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_failures_shrink_to_the_simplest(seed: int, dtype: Any) -> None:
    level = NoiseLevel(mu=HALF, sigma=HALF)
    assert simplest(noise_levels(dtype=dtype), lambda _: True, seed) == level
    sample = simplest(samples(dtype=dtype), lambda _: True, seed)
    assert (sample.points, sample.noise) == ((0, 1), level)
    instance = simplest(instances(dtype=dtype), lambda _: True, seed)
    assert (instance.points, instance.noise, instance.at) == ((0, 1), level, (0,))
    assert instance.network == NetworkData((ONE,), (Fraction(0),), (ONE,))


@pytest.mark.parametrize("seed", [0, 1])
def test_failures_shrink_to_few_points_and_round_numbers(seed: int) -> None:
    four = simplest(samples(dtype="float32"), lambda sample: sample.size >= 4, seed)
    assert four.points == (0, 1, 2, 3)
    late = simplest(samples(), lambda sample: sample.noise.time is not None, seed)
    assert (late.points[0], late.size, late.noise.time) == (0, 2, 1)
    assert late.spacing.denominator * late.spacing.numerator <= 3
    uneven = simplest(
        samples(dtype="float32"),
        lambda sample: sample.points[-1] - sample.points[-2] > sample.spacing,
        seed,
    )
    assert uneven.size == 3
    assert max(abs(x.numerator) * x.denominator for x in uneven.points) <= 40


def kinks(data: NetworkData | None) -> list[Fraction]:
    assert data is not None
    return [-b / w for w, b in zip(data.inner_weights, data.biases, strict=True)]


def test_networks_shrink_to_few_neurons_with_round_kinks() -> None:
    apart = simplest(networks(), lambda data: len(set(kinks(data))) == 2)
    assert apart.width == 2
    assert sum(abs(bias) for bias in apart.biases) <= HALF
    tied = simplest(networks(), lambda data: len(set(kinks(data))) < data.width)
    assert tied.width == 2
    assert abs(kinks(tied)[0]) <= 1


def test_kinks_often_meet_each_other_and_the_noised_points() -> None:
    tied = met = 0

    @settings(max_examples=60, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(instances(min_width=4, max_width=4, dtype="float32"))
    def draw(instance: Instance) -> None:
        nonlocal tied, met
        places, mu = set(kinks(instance.network)), instance.noise.mu
        assert mu is not None
        tied += len(places) < 4
        met += any(mu * x in places for x in instance.points)

    draw()
    assert tied >= 6
    assert met >= 12


@pytest.mark.parametrize(
    "make",
    [
        lambda: samples(1, 3),
        lambda: samples(4, 3),
        lambda: samples(spacing_ratio=(0, 1)),
        lambda: samples(spacing_ratio=(2, 1)),
        lambda: samples(dtype="float16"),  # type: ignore[arg-type]
        lambda: noise_levels(spellings=()),
        lambda: noise_levels(spellings=("sigma",), dtype="float32"),
        lambda: noise_levels(spellings=("variance",)),  # type: ignore[arg-type]
        lambda: networks(min_width=0),
        lambda: instances(min_width=3, max_width=2),
    ],
)
def test_impossible_requests_are_refused_before_the_first_draw(make: Any) -> None:
    with pytest.raises(InputError):
        make()


def test_narrow_ranges_of_the_ratio() -> None:
    exact = simplest(samples(spacing_ratio=(3, 3), spellings=("mu_sigma",)), lambda _: True)
    assert exact.noise.mu * exact.spacing == 3 * exact.noise.sigma

    @settings(max_examples=30, database=None)
    @given(samples(spacing_ratio=("2.99", "3.01"), dtype="float32"))
    def narrow(sample: Instance) -> None:
        assert sample.noise.mu is not None and sample.noise.sigma is not None
        assert abs(sample.noise.mu * sample.spacing / sample.noise.sigma - 3) <= Fraction("0.01")

    narrow()


# What Hypothesis runs


def test_types_have_strategies() -> None:
    assert {type(simplest(known(kind), lambda _: True)) for kind in KINDS} == set(KINDS)
    assert strategies.of_type(int) is None
    network = simplest(known(Network), lambda _: True)
    assert [array.dtype for array in network] == [np.float64] * 3


KINDS = (Instance, NoiseLevel, NetworkData, Network)


def known(kind: Any) -> st.SearchStrategy[Any]:
    found = hook._resolve(kind)
    assert found is not None
    return found  # type: ignore[no-any-return]


AFTER_THE_HOOK = """
import sys
assert "numpy" not in sys.modules or {eager}, "numpy"
assert "torch" not in sys.modules
import hypothesis
from hypothesis import settings, strategies as st
settings.load_profile("dsm-ci")
ci = settings.default
settings.load_profile("dsm-deep")
deep = settings.default
assert (ci.derandomize, ci.deadline, ci.max_examples) == (True, None, 50)
assert (deep.deadline, deep.max_examples) == (None, 2000)
from dsmverify import Instance
from dsmverify.instance import NetworkData, NoiseLevel
from dsmverify.testing import Network
kinds = (Instance, NetworkData, NoiseLevel, Network)
seen = set()
@settings(max_examples=3, database=None, deadline=None)
@hypothesis.given(st.tuples(*map(st.from_type, kinds), st.from_type(int)))
def draw(values):
    seen.update(map(type, values))
draw()
assert seen == {{*kinds, int}}, seen
"""

WITHOUT_A_TABLE = """
import hypothesis.strategies._internal.types as types
kept, types._global_extra_lookup = types._global_extra_lookup, None
from dsmverify.testing.hook import register
register()
types._global_extra_lookup = kept
"""
"""A release of Hypothesis that has no table for the types of other packages."""


def test_importing_hypothesis_registers_profiles_and_types_but_loads_nothing(
    tmp_path: Path,
) -> None:
    """The entry point of pyproject.toml, installed as part of a package of its own."""
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, target),) = project["entry-points"]["hypothesis"].items()
    installed = tmp_path / "standin-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: standin\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[hypothesis]\n{name} = {target}\n")
    run("import hypothesis\n" + AFTER_THE_HOOK.format(eager=False), PYTHONPATH=str(tmp_path))


def test_types_are_registered_at_once_where_hypothesis_has_no_table() -> None:
    run(WITHOUT_A_TABLE + AFTER_THE_HOOK.format(eager=True), HYPOTHESIS_NO_PLUGINS="1")


def run(code: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
