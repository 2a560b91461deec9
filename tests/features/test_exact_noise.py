"""Moments of features over noise: double integrals, closed kernels, and sampling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dsmverify.features import exact_noise
from dsmverify.features.arrays import NumpyArrays, arrays_named
from dsmverify.features.exact_noise import NoiseMoments, noise_moments
from dsmverify.features.expansions import expansion
from dsmverify.features.model import Draws
from tests.features.plain import PLAIN, Numbers, setting, standard_error

CORRELATION = np.array([[1.0, 0.45, -0.3], [0.45, 1.0, 0.2], [-0.3, 0.2, 1.0]])
SCALE = np.array([0.5, 0.8, 1.1])
LEGENDRE = np.polynomial.legendre.leggauss(40)
EQUIVALENT = Numbers(mean=0.4, linear=0.25, shared=0.05, fresh=0.03)
SHIFT = np.array([[0.4, -1.0, 0.0], [-0.2, 0.3, 1.7]])


def moments(name: str, shift: Any = SHIFT, backend: str = "numpy") -> NoiseMoments:
    arrays = arrays_named(backend)
    found = expansion(name, PLAIN[name], (), 1.2, 60, arrays)
    return noise_moments(
        arrays,
        found,
        arrays.array(shift[None]),
        arrays.array(SCALE[None]),
        arrays.array(CORRELATION[None]),
    )


def rule(breaks: tuple[float, ...]) -> tuple[Any, Any]:
    """Nodes and weights of the standard normal: 40 Legendre nodes in each of 12 pieces or more."""
    nodes, weights = LEGENDRE
    edges = np.unique(np.clip([*np.linspace(-9, 9, 13), *breaks], -9, 9))
    half = np.diff(edges)[:, None] / 2
    places = ((edges[:-1] + edges[1:])[:, None] / 2 + half * nodes).ravel()
    return places, (half * weights).ravel() * np.exp(-(places**2) / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("name", ["relu", "tanh", "erf"])
def test_entries_are_double_integrals(name: str) -> None:
    plain, found = PLAIN[name], moments(name)
    for k, l in ((0, 1), (2, 0)):
        c = CORRELATION[k, l]
        other = math.sqrt(1 - c * c)
        total, first = 0.0, 0.0
        for row in SHIFT:
            places, weights = rule(tuple((kink - row[k]) / SCALE[k] for kink in plain.kinks))
            values = weights * plain.float64(row[k] + SCALE[k] * places)
            first += values @ places
            for g, value in zip(places, values, strict=True):
                mean = row[l] + SCALE[l] * c * g
                kinks = tuple((kink - mean) / (SCALE[l] * other) for kink in plain.kinks)
                inner, sizes = rule(kinks)
                total += value * (sizes @ plain.float64(mean + SCALE[l] * other * inner))
        # Both sides have 13 digits; beyond 9 there is 1e-18 of the mass.
        assert found.second[0, k, l] == pytest.approx(total / 2, abs=3e-13)
        assert found.first[0, k] == pytest.approx(first / 2, abs=3e-13)
    assert found.bound[0] < 1e-12


def kernel(name: str, r: float, q: float, c: float) -> float:
    """`E rho(r g) rho(q g')` for standard normals of correlation c."""
    angle = math.acos(c)
    match name:
        case "relu":
            return r * q * (math.sin(angle) + (math.pi - angle) * c) / (2 * math.pi)
        case "abs":
            return r * q * 2 / math.pi * (math.sin(angle) + (math.pi / 2 - angle) * c)
        case "erf":
            z = 2 * r * q * c / math.sqrt((1 + 2 * r * r) * (1 + 2 * q * q))
            return 2 / math.pi * math.asin(z)
        case "sin":
            return math.exp(-(r * r + q * q) / 2) * math.sinh(r * q * c)
        case _:
            return r * q * c


@pytest.mark.parametrize("name", ["relu", "abs", "erf", "sin", "linear"])
def test_without_a_mean_the_entries_are_the_closed_kernels(name: str) -> None:
    found = moments(name, np.zeros((1, 3)))
    wanted = [
        [kernel(name, SCALE[k], SCALE[l], CORRELATION[k, l]) for l in range(3)] for k in range(3)
    ]
    assert np.allclose(found.second[0], wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("terms", [2, 4, 7])
@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_the_bound_holds_what_is_left_out(
    name: str, terms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = moments(name).second[0]
    monkeypatch.setattr(exact_noise, "MOST_TERMS", terms)
    cut = moments(name)
    missed = float(np.linalg.norm(cut.second[0] - exact))
    assert cut.terms == terms
    # A bound that is honest and not idle: the largest correlation dominates both.
    assert missed <= cut.bound[0] <= 100 * missed


def test_a_series_that_ends_leaves_out_what_rounding_may_hide() -> None:
    # Two terms hold all of a linear feature; its mean square is known to 1e-14 all the same.
    found = moments("linear")
    squares = (SHIFT**2).mean(0) + SCALE**2
    off = CORRELATION - np.eye(3)
    wanted = 1e-14 * float(np.sqrt(squares @ off**4 @ squares))
    assert found.terms == 2
    assert found.bound[0] == pytest.approx(wanted, rel=0.1, abs=0)


def test_chunks_of_rows_and_neighbours_in_a_batch_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = moments("relu")
    monkeypatch.setattr(exact_noise, "CHUNK_ENTRIES", 1)
    parts = moments("relu")
    assert np.allclose(parts.second, whole.second, rtol=0, atol=1e-14)
    assert np.allclose(parts.first, whole.first, rtol=0, atol=1e-15)
    monkeypatch.undo()
    arrays = NumpyArrays()
    found = expansion("relu", PLAIN["relu"], (), 1.2, 60, arrays)
    # Beside a repeat whose series is much longer.
    slow = np.where(np.eye(3) == 1, 1.0, 0.8)
    both = noise_moments(
        arrays,
        found,
        np.stack((SHIFT, SHIFT)),
        np.stack((SCALE, SCALE)),
        np.stack((CORRELATION, slow)),
    )
    assert both.terms > whole.terms
    assert (both.second[0] == whole.second[0]).all()
    assert both.bound[0] == whole.bound[0]


def test_numpy_and_torch_agree() -> None:
    ours, theirs = moments("tanh"), moments("tanh", backend="torch")
    assert np.allclose(ours.second, theirs.second.numpy(), rtol=0, atol=1e-14)


def test_moments_of_the_equivalent_over_fresh_data_are_those_of_sampled_features() -> None:
    # 40 000 fresh points; 5 standard errors for each of 25 + 20 numbers, seed fixed beforehand.
    spread = np.array([0.5, 0.7, 1.2, 1.6])
    of = setting("relu", d=4, n=3, p=5, m=1, equivalent=EQUIVALENT, eigenvalues=spread)
    draws = Draws(of, 12, [0], NumpyArrays())
    found = draws.test_moments
    generator = np.random.default_rng(13)
    a, h = math.exp(-of.time), 1 - math.exp(-2 * of.time)
    y = generator.standard_normal((40_000, 4)) * np.sqrt(a * a * spread + h)
    own = generator.standard_normal((40_000, 5)) * math.sqrt(0.05 + 0.03)
    phi = 0.4 + 0.5 * y @ draws.weights[0].T + own
    score = y / (a * a * spread + h)
    for k in range(5):
        for l in range(5):
            seen = phi[:, k] * phi[:, l]
            assert abs(seen.mean() - found.second[0, k, l]) < 5 * standard_error(seen)
        for c in range(4):
            seen = phi[:, k] * score[:, c]
            assert abs(seen.mean() - found.cross[0, k, c]) < 5 * standard_error(seen)


@pytest.mark.parametrize("name", ["relu", "tanh", "equivalent"])
def test_many_copies_sample_the_expectation(name: str) -> None:
    # 4000 copies of each of 3 points; 5 standard errors for each of 5 * 5 + 5 * 4 numbers: by
    # chance one of 45 fails at 3e-5. Sizes and seed fixed beforehand.
    copies = 4000
    numbers = EQUIVALENT if name == "equivalent" else None
    of = setting("relu" if numbers else name, d=4, n=3, p=5, m=copies, equivalent=numbers)
    draws = Draws(of, 11, [0], NumpyArrays())
    phi, z = (np.concatenate(parts, 1)[0] for parts in zip(*draws.rows(1000), strict=True))
    exact = draws.noise_moments
    # Row j n + i: copies of one point, averaged over points first.
    phi, z = phi.reshape(copies, 3, 5), z.reshape(copies, 3, 4)
    for k in range(5):
        for l in range(5):
            seen = (phi[:, :, k] * phi[:, :, l]).mean(1)
            assert abs(seen.mean() - exact.second[0, k, l]) < 5 * standard_error(seen)
        for c in range(4):
            seen = (phi[:, :, k] * z[:, :, c]).mean(1)
            assert abs(seen.mean() - exact.cross[0, k, c]) < 5 * standard_error(seen)
