"""Certified values at the exact inputs, against definitions written with mpmath and fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from dsmverify import Instance
from dsmverify.errors import InputError
from dsmverify.instance import NetworkData, NoiseLevel
from dsmverify.systems import balls
from dsmverify.testing import Undecided, reference
from dsmverify.testing.arrays import FORMATS
from dsmverify.testing.reference import Step

F = Fraction
FLOAT64, FLOAT32 = FORMATS["float64"], FORMATS["float32"]
BITS = 256

INSTANCE = Instance.from_numpy(
    [-1.0, 0.25, 2.0],
    mu=0.75,
    sigma=0.5,
    network={
        "inner_weights": [1.0, -0.5],
        "biases": [0.25, 0.5],
        "outer_weights": [1.5, -2.0],
    },
)


def _score(points: Any, y: Any, mu: Any, sigma: Any) -> list[Any]:
    """Softmax of squared distances, term by term."""
    weights = [
        mp.exp(-mp.fsum((a - mu * b) ** 2 for a, b in zip(y, x, strict=True)) / (2 * sigma**2))
        for x in points
    ]
    total = mp.fsum(weights)
    return [
        (mu * mp.fsum(w * x[c] for w, x in zip(weights, points, strict=True)) / total - y[c])
        / sigma**2
        for c in range(len(y))
    ]


def _contains(ball: Any, value: Any) -> bool:
    """Whether a ball holds a value that mpmath knows to 40 digits."""
    middle = mpf(int(ball.mid().man_exp()[0])) * mpf(2) ** int(ball.mid().man_exp()[1])
    return bool(abs(middle - value) <= mpf(float(ball.rad())) + mpf(10) ** -40 * (1 + abs(value)))


@pytest.mark.parametrize(
    ("points", "at"),
    [
        ([[F(-1)], [F(1, 4)], [F(2)]], [[F(0)], [F(-30)], [F(7, 16)]]),
        ([[F(0), F(1)], [F(1), F(1)], [F(3), F(-2)]], [[F(1), F(0)], [F(40), F(9)]]),
        ([[F(1, 2), F(3), F(-1)], [F(5, 2), F(0), F(0)]], [[F(1), F(2), F(3)]]),
    ],
)
@pytest.mark.parametrize("time", [None, F(3, 8)])
def test_scores_in_any_dimension_are_those_of_the_definition(
    points: Any, at: Any, time: Fraction | None
) -> None:
    noise = NoiseLevel(time=time) if time is not None else NoiseLevel(mu=F(3, 4), sigma=F(1, 2))
    spelling: Any = "mu_sigma" if time is None else "time"
    cloud = reference.cloud(points, at, noise, FLOAT64, spelling)
    with reference.precision(BITS):
        value = reference.score(cloud)
    with mp.workdps(60):
        mu, sigma = mpf(3) / 4, mpf(1) / 2
        if time is not None:
            t = mpf(time.numerator) / time.denominator
            mu, sigma = mp.exp(-t), mp.sqrt(1 - mp.exp(-2 * t))
        exact = [[mpf(c.numerator) / c.denominator for c in row] for row in points]
        for k, place in enumerate(at):
            y = [mpf(c.numerator) / c.denominator for c in place]
            for c, expected in enumerate(_score(exact, y, mu, sigma)):
                assert _contains(value[k, c], expected)
                assert float(value[k, c].rad()) < 1e-60 * (1 + abs(float(expected)))


def _residual_mean(instance: Instance, factor: Any) -> Any:
    """(1/n) sum_i of the integral of (s + Z/sigma)^power factor, by quadrature between kinks."""
    data = instance.network
    assert data is not None and instance.noise.mu is not None and instance.noise.sigma is not None
    m = data.width
    mu, sigma = (
        mpf(x.numerator) / x.denominator for x in (instance.noise.mu, instance.noise.sigma)
    )
    inner, bias, outer = (
        [mpf(x.numerator) / x.denominator for x in group]
        for group in (data.inner_weights, data.biases, data.outer_weights)
    )
    total = mpf(0)
    for x in instance.points:
        centre = mu * x.numerator / x.denominator

        def integrand(z: Any, centre: Any = centre) -> Any:
            y = centre + sigma * z
            before = [a * y + b for a, b in zip(inner, bias, strict=True)]
            value = sum(w * max(h, 0) for w, h in zip(outer, before, strict=True)) / m
            density = mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)
            return factor(value + z / sigma, y, before, outer) * density

        cuts = sorted((-b / a - centre) / sigma for a, b in zip(inner, bias, strict=True))
        total += mp.quad(integrand, [-20, *[c for c in cuts if -20 < c < 20], 20])
    return total / len(instance.points)


def test_risk_and_gradient_are_integrals_of_their_definitions() -> None:
    with reference.precision(BITS):
        risk, gradient = reference.risk(INSTANCE), reference.gradient(INSTANCE)
    with mp.workdps(30):
        tolerance = mpf(10) ** -25
        expected = [_residual_mean(INSTANCE, lambda f, y, h, w: f * f)]
        for l in range(2):
            expected.append(_residual_mean(INSTANCE, lambda f, y, h, w, l=l: f * max(h[l], 0)))
        for l in range(2):
            expected.append(_residual_mean(INSTANCE, lambda f, y, h, w, l=l: f * w[l] * (h[l] > 0)))
        for l in range(2):
            expected.append(
                _residual_mean(INSTANCE, lambda f, y, h, w, l=l: f * w[l] * y * (h[l] > 0))
            )
        for ball, value in zip([risk, *gradient], expected, strict=True):
            middle = mpf(ball.mid().str(40, radius=False))
            # 2/m with m = 2 is 1: gradients are the means themselves.
            assert abs(middle - value) < tolerance


def test_the_hessian_is_the_derivative_of_the_gradient() -> None:
    groups: Any = ("outer", "bias", "inner")
    data = INSTANCE.network
    assert data is not None
    with reference.precision(1024):
        hessian = reference.hessian(INSTANCE, groups)
        step = F(1, 2**120)
        names = {"outer": "outer_weights", "bias": "biases", "inner": "inner_weights"}
        for row, (group, l) in enumerate(product(groups, range(2))):
            sides = []
            for sign in (1, -1):
                values = list(getattr(data, names[group]))
                values[l] += sign * step
                moved = NetworkData(
                    **{name: getattr(data, name) for name in names.values()}
                    | {names[group]: tuple(values)}
                )
                sides.append(reference.gradient(replace(INSTANCE, network=moved), groups))
            slope = (sides[0] - sides[1]) / (2 * reference.grid([[step]])[0, 0])
            for column in range(6):
                # A central difference is off by third derivatives times 2^-241.
                assert abs(float((slope[column] - hessian[row, column]).mid())) < 1e-60


def _plain_step(instance: Instance, step: Step, at_zero: Fraction) -> list[Fraction]:
    """SGD as a loop over draws in fractions."""
    data, noise = instance.network, instance.noise
    assert data is not None and noise.mu is not None and noise.sigma is not None
    m = data.width
    push = {name: [F(0)] * m for name in ("outer", "bias", "inner")}
    for index, z in zip(step.indices, step.draws, strict=True):
        y = noise.mu * instance.points[index] + noise.sigma * z
        before = [a * y + b for a, b in zip(data.inner_weights, data.biases, strict=True)]
        s = sum((w * max(h, F(0)) for w, h in zip(data.outer_weights, before, strict=True)), F(0))
        residual = s / m + z / noise.sigma
        for l, h in enumerate(before):
            on = F(h > 0) if h != 0 else at_zero
            push["outer"][l] += 2 * residual * max(h, F(0)) / m
            push["bias"][l] += 2 * residual * data.outer_weights[l] * on / m
            push["inner"][l] += 2 * residual * data.outer_weights[l] * on * y / m
    start = {"outer": data.outer_weights, "bias": data.biases, "inner": data.inner_weights}
    scale = step.learning_rate * (m if step.step_factor == "m" else 1)
    if step.reduction == "mean":
        scale /= len(step.draws)
    return [start[name][l] - scale * push[name][l] for name in step.parameters for l in range(m)]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("step_factor", ["m", "1"])
@pytest.mark.parametrize("at_zero", [F(0), F(1), F(1, 2)])
def test_a_step_is_the_loop_over_its_draws(
    reduction: Any, step_factor: Any, at_zero: Fraction
) -> None:
    # The second draw puts y at -1/4, the kink of the first neuron, exactly.
    step = Step(
        F(1, 8), (2, 1, 0), (F(1, 2), F(-7, 8), F(3)), reduction, step_factor,
        ("outer", "bias", "inner"),
    )  # fmt: skip
    expected = _plain_step(INSTANCE, step, at_zero)
    with reference.precision(BITS):
        value = reference.sgd_step(INSTANCE, step, at_zero=at_zero)
        for ball, fraction in zip(value, expected, strict=True):
            assert abs(ball - reference.grid([[fraction]])[0, 0]) < 1e-70
    assert _plain_step(INSTANCE, step, F(0)) != _plain_step(INSTANCE, step, F(1))


def test_a_step_at_a_time_whose_activity_is_uncertain_is_undecided() -> None:
    """The bias is mu to 53 bits, so that `mu x + b` at x = -1 is about 1e-17."""
    instance = replace(INSTANCE, points=(F(-1), F(1)), noise=NoiseLevel(time=F(1)))
    with reference.precision(64):
        mu = float(instance.noise.values(balls.SYSTEM)[0].mid())
    data = instance.network
    assert data is not None
    near = replace(data, biases=(F(mu), F(1, 2)))
    step = Step(F(1, 8), (0,), (F(0),))
    with reference.precision(32), pytest.raises(Undecided, match="may be 0 or not"):
        reference.sgd_step(replace(instance, network=near), step)
    with reference.precision(256):
        reference.sgd_step(replace(instance, network=near), step)


def test_the_sample_is_rounded_to_the_dtype() -> None:
    instance = Instance.from_numpy(
        ["0.1", "0.3"],
        sigma="0.3",
        network={"inner_weights": ["0.7"], "biases": ["1/3"], "outer_weights": ["-1e3"]},
        at=["0.2"],
        learning_rate="0.1",
    )
    made = reference.rounded(instance, FLOAT32)

    def single(value: float) -> Fraction:
        return F(float(np.float32(value)))

    assert made.points == (single(0.1), single(0.3))
    assert made.noise == NoiseLevel(mu=single((1 - 0.3**2) ** 0.5), sigma=single(0.3))
    assert made.network is not None
    assert made.network.biases == (single(1 / 3),) and made.network.inner_weights == (single(0.7),)
    assert (made.at, made.learning_rate) == ((single(0.2),), single(0.1))


def test_mu_stays_below_one() -> None:
    made = reference.rounded_noise(NoiseLevel(sigma=F(1, 10**6)), FLOAT32, "mu_sigma")
    assert made.mu == 1 - F(1, 2**24)


def test_a_time_gives_mu_and_sigma_and_the_other_way_round() -> None:
    level = reference.rounded_noise(NoiseLevel(time=F(1, 2)), FLOAT64, "mu_sigma")
    with mp.workdps(40):
        assert level.mu == F(float(mp.exp(mpf(-0.5))))
        assert level.sigma == F(float(mp.sqrt(1 - mp.exp(mpf(-1)))))
        back = reference.rounded_noise(NoiseLevel(sigma=F(3, 5)), FLOAT64, "time")
        assert back.time == F(float(-mp.log(1 - mpf(9) / 25) / 2))
    assert reference.rounded_noise(NoiseLevel(mu=F(4, 5), sigma=F(3, 5)), FLOAT64, "time") == back
    kept = reference.rounded_noise(NoiseLevel(time=F(1, 10)), FLOAT64, "time")
    assert kept == NoiseLevel(time=F(0.1))


@pytest.mark.parametrize(
    ("change", "spelling", "words"),
    [
        ({"points": (F(1), 1 + F(1, 2**30))}, "mu_sigma", "points must differ after rounding"),
        ({"points": (F(1), F(10) ** 39)}, "mu_sigma", "float32 ends at"),
        ({"noise": NoiseLevel(mu=F(1, 2), sigma=F(1, 10**20))}, "mu_sigma", "without underflow"),
        ({"noise": NoiseLevel(mu=F(1, 2), sigma=F(1, 10**50))}, "mu_sigma", "it is 0 in float32"),
        ({"noise": NoiseLevel(mu=F(1, 2), sigma=F(1, 2))}, "time", "no time has this mu"),
        ({}, "sigma", "'mu_sigma' or 'time'"),
    ],
)
def test_samples_that_the_dtype_cannot_hold_are_refused(
    change: dict[str, Any], spelling: Any, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        reference.rounded(replace(INSTANCE, **change), FLOAT32, spelling)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("points", "at", "words"),
    [
        ([], [0], "at least one row"),
        ([[1, 2], [3]], [[0, 0]], "the same length"),
        ([[1, 2]], [[0]], "the same dimension"),
        ("words", [0], "an array or a list"),
        ([None], [0], "it must be a number"),
    ],
)
def test_clouds_that_are_no_tables_are_refused(points: Any, at: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        reference.cloud(points, at, NoiseLevel(sigma=F(1, 2)), FLOAT64)
    assert words in str(caught.value)


def test_precision_rises_until_the_enclosure_is_narrow() -> None:
    tried: list[int] = []

    def compute() -> int:
        from flint import ctx

        tried.append(int(ctx.prec))
        return tried[-1]

    assert reference.enclose(compute, lambda bits: bits >= 500, "score", 8192) == 512
    assert tried == [128, 256, 512]
    with pytest.raises(Undecided, match="far below the dtype's rounding with 256 bits"):
        reference.enclose(compute, lambda _: False, "score", 256)
    assert tried[-1] == 256
