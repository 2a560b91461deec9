"""The bundled battery: named instances, by construction and seeded, on which every claim is tried.

Coverage notes. r is the spacing ratio mu Delta / sigma.

| family | count | what it is for |
|---|---|---|
| `sample-*` | 10 | small samples to which generated networks are added; r from 0.01 to 100 |
| `real-*` | 4 | data sets of scikit-learn with ties, merged: irregular gaps, outliers |
| `random-*` | 12 | seeded Gaussian networks, n = 2 to 50, all kinds of sample and batch |
| `fitted-*` | 13 | networks close to s*: nine with r >= 8, four of these with n >= 10; four below |
| `ends-*` | 5 | accurate networks with few kinks at r from 50 to 2000; a mean on a midpoint |
| `shape-*` | 12 | coinciding kinks, dead neurons, 1, 50 and 200 neurons, general inner weights |
| `minimum-*` | 9 | linearly stable minima: overlapping clusters, one of small risk |
| `step-*` | 2 | one instance each for a step that no other instance applies to |
| `large-rate-*` | 11 | minima that are linearly stable at a rate above the threshold of thm08 |

| claims | instances made for them |
|---|---|
| prop02, cor03, thm04, prop09, lem12, steps of these | samples of every family with r >= 2 |
| `unbiased` | `random-*`, `real-*`, `shape-*`: batches of 1, some, all points; sum, mean |
| `hess15`, `prop06a`, `prop10`, `excess` | every network with inner weights +-1 |
| `prop07` | `fitted-*` with r >= 8: there R_n <= 1/(16 n sigma^2) |
| `eq08`, `prop06b` | `minimum-*`, `large-rate-*`; `thm08.d`: `minimum-pair-small-risk` |
| `thm08` | `large-rate-*` |
| `prop06.g` | `step-steep`: f(tau) = 6 A sigma, so that D holds [-sigma, sigma] |
| `shift4` | `step-flat`: a flat network, its Hessian far below 2/(m eta) at eta >= 2 sigma^4 |
| `lem13`, `lem14a`, `lem14b` | `sample-*` but one, the first of `random-*`, `shape-*` |
| `thm04.f` | three of `sample-*`: t = 1/100, 1/10, 1/5 |

All bounds on outer weights are `C_n/sigma^6` but where that is too small for the network.

**The arithmetic of `large-rate-*`.** Let the points be at least Delta apart, with r so large that
`exp(-r^2/8)` is nothing. The network with a right-active neuron of kink `mu x_n` and outer weight
`-m/sigma^2` (and for m = 2 its mirror image at `mu x_1`) reproduces the score of the last (first)
point on the active half line. There `f = s_theta(Y) + (Y - mu x_n)/sigma^2 = 0`, so the gradient
vanishes and so does every term of the Hessian with f. With `z ~ N(0, 1)`, a draw of the last point
with z > 0 has `g = grad s_theta = (sigma z/m, -1/sigma^2)` in (outer weight, bias), and

    hess Rhat_j = 2 g g^T,   hess R_n = (2/n) E[g g^T 1(z > 0)],
    trace hess R_n = sigma^2/(n m^2) + 1/(n sigma^4),
    det hess R_n = (4/n^2) (1/4 - 1/(2 pi)) / (m sigma)^2 > 0.

With a = m eta, `E (I - a H)^2 < I` means `a E[g g^T |g|^2] < E[g g^T]`: `H^2 = 4 |g|^2 g g^T`. As
`|g|^2 = 1/sigma^4 + sigma^2 z^2/m^2`, this holds for a a little below `sigma^4`: eta below about
`sigma^4/m`. The threshold is `2^12 sigma^2/(mu n^2 Delta)`. Some eta lies between the two if
`Delta > 2^12 m/(mu n^2 sigma^2)`, and `sigma <= sigma_0` is then `sigma <= 1/n`:

- `sigma_1 = mu Delta/8 > 1`;
- `sigma_2 = 1`, as its inequality reads `mu^2 Delta^2/(32 sigma^2) >= 38 ln 2 + 1/2 + 2 ln L
  + 4 ln C_n - 24 ln sigma - ln(pi n^5 mu)` with `L = x_n - x_1`: at sigma = 1 more than 10^6 on the
  left against a few hundred on the right, and as sigma falls the left side grows faster;
- `sigma_3 = 1/n`;
- `sigma_4 = mu n^(5/2) Delta/2^10 > 1`.

| instance | n | m | mu | sigma | 1/n | Delta | threshold | eta | largest stable eta |
|---|---|---|---|---|---|---|---|---|---|
| `pair-one` | 2 | 1 | 0.9 | 0.49 | 0.5 | 1e4 | 2.73e-2 | 4e-2 | 5.49e-2 |
| `pair-brink` | 2 | 1 | 0.9 | 0.4999 | 0.5 | 1e4 | 2.84e-2 | 3e-2 | 5.91e-2 |
| `pair-two` | 2 | 2 | 0.9 | 0.45 | 0.5 | 1e5 | 2.30e-3 | 1e-2 | 2.04e-2 |
| `pair-batch` | 2 | 1 | 0.9 | 0.3 | 0.5 | 1e5 | 1.02e-3 | 5e-3 | 8.08e-3 (batch of 1) |
| `pair-time` | 2 | 1 | 0.951 | 0.308 | 0.5 | 1e6 | 1.02e-4 | 4e-3 | 9.03e-3 |
| `triple-one` | 3 | 1 | 0.96 | 0.28 | 0.333 | 2e4 | 1.86e-3 | 4e-3 | 6.14e-3 |
| `triple-uneven` | 3 | 2 | 0.96 | 0.28 | 0.333 | 1e6 | 3.72e-5 | 1e-3 | 3.07e-3 |
| `four-two` | 4 | 2 | 0.95 | 0.2 | 0.25 | 1e5 | 1.08e-4 | 5e-4 | 8.00e-4 |
| `four-brink` | 4 | 1 | 0.9 | 0.24 | 0.25 | 1e4 | 1.6384e-3 | 1.64e-3 | 3.32e-3 |
| `five-shifted` | 5 | 2 | 0.97 | 0.18 | 0.2 | 1e6 | 5.47e-6 | 2e-4 | 5.25e-4 |
| `ten-two` | 10 | 2 | 0.99 | 0.09 | 0.1 | 1e5 | 3.35e-6 | 1e-5 | 3.28e-5 |

The rates of `minimum-*` are at most half of the largest eta with `2 E[H] - m eta E[H^2] > 0`, H the
pointwise Hessian of one draw: sufficient for linear stability whatever f is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from dsmverify.families import (
    edge_start,
    fitted_network,
    network_of,
    polished,
    random_network,
    structured_network,
)
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel

Points = tuple[Fraction, ...]


def battery() -> list[Instance]:
    """The bundled instances, in a fixed order, equal at every call.

    Names are unique and start with the family's name of the module's table.
    """
    return [
        *_samples(),
        *_real(),
        *_random(),
        *_fitted(),
        *_ends(),
        *_shapes(),
        *_minima(),
        *_large_rates(),
        *_single_steps(),
    ]


def equispaced(size: int, gap: str | Fraction, start: str = "0") -> Points:
    """Points `start, start + gap, ...`."""
    return tuple(Fraction(start) + k * Fraction(gap) for k in range(size))


def normal(size: int, seed: int) -> Points:
    """Sorted standard normal draws of 3 decimals, moved apart by 1/1000 each: none are equal."""
    draws = sorted(_generator(seed).standard_normal(size))
    return tuple(Fraction(round(1000 * float(d)) + k, 1000) for k, d in enumerate(draws))


def uniform(size: int, seed: int, length: int = 1) -> Points:
    """Points with the gaps of uniform draws on about `[0, length]`, kept off 0."""
    gaps = _generator(seed).standard_exponential(size)
    unit = Fraction(length, 1000 * size)
    return tuple(itertools.accumulate((1 + round(1000 * float(g))) * unit for g in gaps))


def clustered(clusters: int, each: int, *, inside: str, between: str, start: str = "0") -> Points:
    """Equispaced clusters of equispaced points."""
    return tuple(
        Fraction(start) + c * Fraction(between) + k * Fraction(inside)
        for c in range(clusters)
        for k in range(each)
    )


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _points(text: str) -> Points:
    return tuple(Fraction(word) for word in text.split())


def _noise(sigma: str | None = None, mu: str | None = None, time: str | None = None) -> NoiseLevel:
    return NoiseLevel(*(None if v is None else Fraction(v) for v in (sigma, mu, time)))


def _function(
    power: int, a: str, f: str, beta: str, gamma: str, delta: str, time: str | None = None
) -> Mapping[str, Any]:
    """Parameters of lem13 (`k`, `A`), of lem14 (`f` by ascending coefficients, and the rest).

    A `time` is the `t` of thm04.f.
    """
    values = {"A": a, "beta": beta, "gamma": gamma, "delta": delta}
    if time is not None:
        values["t"] = time
    return {"k": power, "f": list(_points(f)), **{k: Fraction(v) for k, v in values.items()}}


def _samples() -> list[Instance]:
    """Samples without a network."""

    def sample(name: str, points: Points, noise: NoiseLevel, rate: str, **more: Any) -> Instance:
        return Instance("sample-" + name, points, noise, learning_rate=Fraction(rate), **more)

    return [
        sample(
            "pair-touching",
            _points("0 0.00625"),
            _noise("0.5", "0.8"),
            "0.1",
            parameters=_function(1, "1", "0.3 -0.5", "2", "1", "2"),
        ),
        sample(
            "pair-unit",
            _points("-0.5 0.5"),
            _noise(time="0.35"),
            "0.05",
            parameters=_function(2, "1/2", "-1 -1 0 1/4", "5/2", "5/4", "3"),
        ),
        sample(
            "pair-wide",
            _points("1 4.1"),
            _noise("0.3"),
            "0.002",
            parameters=_function(3, "7/3", "0 -2 0 0.1", "100/9", "9", "1.5"),
        ),
        sample(
            "triple-just-separated",
            _points("0 1.5001 3.4"),
            _noise("0.6", "0.8"),
            "0.01",
            parameters=_function(4, "0.01", "0 -0.9 0.1", "25/9", "1.6", "2"),
        ),
        sample(
            "triple-time",
            _points("-7 0 7"),
            _noise(time="0.05"),
            "0.001",
            parameters=_function(5, "12.5", "2 -0.5 0 -0.125", "10.5", "2", "1.2"),
        ),
        sample(
            "triple-outlier",
            _points("0 0.7 60"),
            _noise("0.35"),
            "0.002",
            parameters=_function(6, "3", "0.001 1", "8", "1/1000", "1.5"),
        ),
        sample(
            "four-normal",
            normal(4, 41),
            _noise("0.25"),
            "0.0005",
            parameters=_function(2, "3", "-2 0 1", "2", "1", "0.4", "0.01"),
        ),
        sample(
            "four-clusters",
            _points("0 0.1 5 5.2"),
            _noise(time="0.02"),
            "0.0005",
            parameters=_function(1, "9", "0.5 -1 1.5", "3", "2.5", "0.4", "0.1"),
        ),
        sample(
            "five-uniform",
            uniform(5, 51),
            _noise("0.1", "0.9"),
            "0.00001",
            parameters=_function(8, "0.75", "0 1 -0.5", "10", "1", "1", "0.2"),
        ),
        sample("five-far-apart", equispaced(5, "20", "-40"), _noise("0.19", "0.95"), "0.0001"),
    ]


def _real() -> list[Instance]:
    """Real data with ties, as scikit-learn ships them."""
    from sklearn.datasets import load_iris, load_linnerud

    iris, linnerud = load_iris(), load_linnerud()
    petal = iris.feature_names.index("petal length (cm)")
    exercise = linnerud.feature_names.index("Chins")
    pulse = linnerud.target_names.index("Pulse")
    columns = (
        (
            "iris-setosa-petal-length",
            iris.data[iris.target == 0, petal],
            _noise("0.02"),
            5,
            1,
            "sum",
        ),
        (
            "iris-virginica-petal-length",
            iris.data[iris.target == 2, petal],
            _noise(time="0.001"),
            6,
            20,
            "mean",
        ),
        ("linnerud-chins", linnerud.data[:, exercise], _noise("0.2"), 8, 2, "sum"),
        ("linnerud-pulse", linnerud.target[:, pulse], _noise("0.4"), 7, 3, "mean"),
    )
    instances = []
    for name, column, noise, width, size, reduction in columns:
        # A datum is the shortest decimal that reads as its double, which is what the source prints.
        values = [Fraction(repr(float(v))) for v in column]
        points = tuple(sorted(set(values)))
        merged = len(values) - len(points)
        instance = Instance(
            "real-" + name,
            points,
            noise,
            learning_rate=Fraction(1, 1000),
            batch=Batch(min(size, len(points)), reduction),  # type: ignore[arg-type]
            merged=merged,
            notes=(f"{merged} of {len(values)} points were ties and were merged",),
        )
        network = random_network(instance, width=width, seed=width)
        instances.append(replace(instance, network=network))
    return instances


def _random() -> list[Instance]:
    """Samples with seeded Gaussian networks and batches."""
    rows: Sequence[tuple[str, Points, NoiseLevel, int, Batch | None, Mapping[str, Any]]] = (
        (
            "pair",
            _points("0 1"),
            _noise("0.5"),
            3,
            Batch(1),
            _function(1, "4", "0.1 -1 0 0 0 1", "4", "1.5", "1.5"),
        ),
        (
            "triple",
            _points("-1 0 2"),
            _noise("0.4", "0.9"),
            4,
            Batch(3),
            _function(2, "100", "0 0 0 1", "6.25", "0.5", "1.4"),
        ),
        (
            "four-mean",
            equispaced(4, "0.8"),
            _noise(time="0.1"),
            6,
            Batch(4, "mean"),
            _function(7, "1/3", "1 -3 0.2", "5.5", "4", "1.6"),
        ),
        (
            "five-pairs",
            equispaced(5, "1.2", "-3"),
            _noise("0.3"),
            8,
            Batch(2, "mean"),
            _function(3, "2", "0 -0.25", "11", "0.2501", "0.6"),
        ),
        (
            "five-shifted",
            equispaced(5, "0.5", "1000000"),
            _noise(time="0.03"),
            6,
            Batch(1, "mean"),
            {},
        ),
        (
            "nine-normal",
            normal(9, 91),
            _noise("0.2"),
            10,
            Batch(2, "sum", replacement=True),
            _function(10, "0.5", "-2 0 1", "25", "1.5", "0.7"),
        ),
        ("nine-touching", equispaced(9, "0.05"), _noise("0.4", "0.8"), 6, Batch(9, "mean"), {}),
        (
            "ten-clusters",
            clustered(2, 5, inside="0.3", between="6"),
            _noise("0.25"),
            8,
            Batch(2),
            {},
        ),
        (
            "eleven-outlier",
            (*equispaced(10, "0.4"), Fraction(1000)),
            _noise("0.04"),
            8,
            Batch(3, "mean", replacement=True),
            {},
        ),
        ("twenty-uniform", uniform(20, 201, 20), _noise("0.15"), 12, Batch(1), {}),
        ("thirty-normal", normal(30, 301), _noise(time="0.01"), 6, Batch(5, "mean"), {}),
        ("fifty-equispaced", equispaced(50, "1", "-25"), _noise("0.12"), 4, Batch(50, "mean"), {}),
    )
    instances = []
    for name, points, noise, width, batch, parameters in rows:
        instance = Instance(
            "random-" + name,
            points,
            noise,
            learning_rate=Fraction(1, 500),
            batch=batch,
            parameters=parameters,
        )
        network = random_network(instance, width=width, seed=7)
        instances.append(replace(instance, network=network))
    return instances


def _fitted() -> list[Instance]:
    """Samples with networks close to the empirical score."""
    rows: Sequence[tuple[str, Points, NoiseLevel, int | None]] = (
        ("pair-eight", _points("0 2.53"), _noise("0.3"), None),
        ("pair-ten", _points("-3 3.1"), _noise("0.5", "0.9"), 4),
        ("triple-nine", _points("0 1 2.1"), _noise("0.11", "0.99"), 4),
        ("triple-ten-thousand", _points("0 10000 21000"), _noise("0.9", "0.9001"), 2),
        ("four-thousand", equispaced(4, "101", "-150"), _noise("0.1", "0.999"), 2),
        ("five-time", equispaced(5, "3"), _noise(time="0.04"), 2),
        ("ten-nine", equispaced(10, "2", "-9"), _noise("0.2"), 2),
        ("eleven-uneven", _points("0 1 2.5 3.5 5 6.1 7.2 9 10.5 12 13"), _noise("0.1"), 2),
        ("twenty-ten", equispaced(20, "1"), _noise("0.099"), 2),
        ("pair-quarter", _points("0 0.15"), _noise("0.5"), None),
        ("triple-two", _points("0 1 2"), _noise("0.45", "0.9"), None),
        ("four-three", _points("0 1 2 3.4"), _noise("0.3", "0.9"), 2),
        ("nine-five", equispaced(9, "1"), _noise("0.19"), 2),
    )
    instances = []
    for name, points, noise, per_gap in rows:
        instance = Instance(
            "fitted-" + name, points, noise, learning_rate=Fraction(1, 1000), batch=Batch(1)
        )
        network = fitted_network(instance, per_gap=per_gap)
        instances.append(replace(instance, network=network))
    return instances


def _ends() -> list[Instance]:
    """Two points, and an accurate network whose kinks lie two noise levels inside the ends.

    Left of `p = 2 sigma` and right of `q = mu - 2 sigma` the network has the slope -1/sigma^2 of
    the score of the nearest point; in between it rises straight, so most of its kinks' mass sits
    where pi is of the order of sigma. The two neurons at the middle cancel into a straight line.
    The last sample has its first point on its first midpoint, `x_1 = m_1`.
    """
    found = []
    mu = Fraction(4, 5)
    for ratio in (50, 400, 1000, 2000):
        sigma = mu / ratio
        low, high, middle = 2 * sigma, mu - 2 * sigma, mu / 2
        rise = (4 / sigma) / (high - low)
        steep = 1 / sigma**2 + rise
        network = NetworkData(
            inner_weights=(Fraction(-1), Fraction(1), Fraction(1), Fraction(-1)),
            biases=(low, -high, -middle, middle),
            outer_weights=(4 * steep, -4 * steep, 4 * rise, -4 * rise),
        )
        found.append(
            Instance(
                f"ends-pair-{ratio}",
                (Fraction(0), Fraction(1)),
                NoiseLevel(sigma=sigma, mu=mu),
                network=network,
                learning_rate=sigma**4,
            )
        )
    on_midpoint = NoiseLevel(sigma=Fraction(1, 5), mu=Fraction(1, 2))
    return [*found, Instance("ends-on-midpoint", (Fraction(1), Fraction(3)), on_midpoint)]


def _shapes() -> list[Instance]:
    """Networks of unusual shape."""
    one, zero = Fraction(1), Fraction(0)

    def given(instance: Instance, signs: str, kinks: str, outer: str) -> NetworkData:
        return network_of(instance, _points(signs), _points(kinks), _points(outer))

    def dead(instance: Instance) -> NetworkData:
        """Dead neurons of both kinds among live ones: weight 0, and kinks far outside the data."""
        return given(instance, "1 -1 1 -1 1 1", "0.2 0.9 0.5 -40 60 -50", "3 -4 0 2 -1 0")

    def merged_kinks(instance: Instance) -> NetworkData:
        """Three kinks at 1/2 that partly cancel, two at 1 that cancel."""
        return given(instance, "1 1 -1 1 -1 1", "0.5 0.5 0.5 1 1 0.1", "4 -1 2 3 -3 -5")

    base = {
        "coinciding": Instance(
            "",
            _points("0 0.9 2"),
            _noise("0.3", "0.9"),
            batch=Batch(1),
            parameters=_function(1, "0.001", "5 -7 0 2", "11", "7.5", "1.2"),
        ),
        "coinciding-on-means": Instance(
            "",
            _points("0 1 2 3.5"),
            _noise("0.6"),
            batch=Batch(4, "mean"),
            parameters=_function(2, "1e6", "0 -0.125 0 0 0 -0.001", "2.75", "0.75", "2"),
        ),
        "dead": Instance(
            "",
            _points("0 0.5 1"),
            _noise("0.2"),
            batch=Batch(2, "mean"),
            parameters=_function(3, "3/7", "0.5 -20", "25", "20.5", "0.8"),
        ),
        "one-right": Instance("", _points("-1 1"), _noise(time="0.25"), batch=Batch(1)),
        "one-left": Instance("", equispaced(5, "0.3"), _noise("0.35"), batch=Batch(2)),
        "one-dead": Instance("", _points("0 2 3"), _noise("0.45", "0.85"), batch=Batch(1)),
        "structured": Instance("", _points("0 1 3 4"), _noise("0.28"), batch=Batch(1)),
        "fifty-neurons": Instance("", uniform(4, 401, 3), _noise("0.3"), batch=Batch(1, "mean")),
        "two-hundred-neurons": Instance("", _points("0 1 2.5"), _noise("0.4"), batch=Batch(1)),
        "general-few": Instance("", _points("-1 0 1"), _noise("0.5"), batch=Batch(3, "mean")),
        "general-many": Instance("", normal(5, 55), _noise("0.3", "0.7"), batch=Batch(2)),
        "general-shifted": Instance(
            "", equispaced(4, "2", "100"), _noise(time="0.15"), batch=Batch(1)
        ),
    }
    networks = {
        "coinciding": merged_kinks(base["coinciding"]),
        "coinciding-on-means": given(
            base["coinciding-on-means"], "1 -1 -1 1 1 -1", "0 0 0.8 0.8 1.6 2.8", "-7 2 4 -5 1 6"
        ),
        "dead": dead(base["dead"]),
        "one-right": network_of(base["one-right"], [one], [Fraction("0.4")], [Fraction("-2.5")]),
        "one-left": network_of(base["one-left"], [-one], [Fraction("0.7")], [Fraction("8")]),
        "one-dead": network_of(base["one-dead"], [one], [Fraction("1.5")], [zero]),
        "structured": structured_network(base["structured"]),
        "fifty-neurons": random_network(base["fifty-neurons"], width=50, seed=50),
        "two-hundred-neurons": random_network(base["two-hundred-neurons"], width=200, seed=200),
        "general-few": random_network(base["general-few"], width=3, seed=3, general=True),
        "general-many": random_network(base["general-many"], width=15, seed=15, general=True),
        "general-shifted": random_network(base["general-shifted"], width=5, seed=5, general=True),
    }
    return [
        replace(
            instance,
            name="shape-" + name,
            network=networks[name],
            learning_rate=Fraction(1, 200),
        )
        for name, instance in base.items()
    ]


def _minimum(
    instance: Instance, start: tuple[Sequence[int], Sequence[Any], Sequence[Any]]
) -> Instance:
    """The instance at the strict local minimum near a start.

    Raises:
        ArithmeticError: there is none.
    """
    network = polished(instance, *start)
    if network is None:
        raise ArithmeticError(
            f"{instance.name}: no strict local minimum near the start {start}; give another start"
        )
    return replace(instance, network=network)


def _minima() -> list[Instance]:
    """Strict local minima with overlapping clusters, each near a start found by search."""
    separate, overlapping = _noise("0.6"), _noise("0.7", "0.8")
    five = _points("0 1 2.2 3.1 4.3")
    rows: Sequence[tuple[str, Points, NoiseLevel, str, Batch, str, str, str]] = (
        ("pair-ends", _points("-1 1"), separate, "0.02", Batch(1),
         "-1 1", "-0.771 0.773", "5.38 -5.40"),
        ("pair-three", _points("-1 1"), separate, "0.0009", Batch(1, "mean"),
         "-1 1 1", "-0.7711 0.5224 -0.0681", "8.0743 -10.6928 2.9206"),
        ("pair-four", _points("-1 1"), separate, "0.001", Batch(1),
         "1 -1 -1 1", "0.404 -0.404 0.9091 -0.9091", "-13.8809 13.8809 -3.0685 3.0685"),
        ("overlap-two", _points("0 1"), overlapping, "0.04", Batch(1),
         "1 -1", "0.4541 0.3459", "-3.2518 3.2518"),
        ("overlap-three", _points("0 1"), overlapping, "0.01", Batch(1),
         "1 -1 -1", "0.4541 -0.546 0.3892", "-4.8777 1.1337 4.3979"),
        ("triple-time", _points("-3 0 4"), _noise(time="0.2"), "0.00005", Batch(1),
         "1 -1 1", "1.6077 -2.4561 1.9204", "39.1609 9.0985 -48.2117"),
        ("five-two", five, _noise("0.5", "0.8"), "0.01", Batch(1),
         "1 -1", "3.2864 0.2416", "-6.641 6.0922"),
        ("five-three", five, _noise("0.5", "0.8"), "0.004", Batch(1),
         "1 -1 1", "1.9006 0.2416 3.4462", "-0.7722 9.1383 -9.8924"),
        ("pair-small-risk", _points("-1 1"), _noise("0.125", "0.5"), "0.00000001", Batch(1),
         "-1 -1 1 1", "-0.02195754 0.05227829 -0.05227829 0.02195754",
         "1904.2427 -1648.277 1648.277 -1904.2427"),
    )  # fmt: skip
    return [
        _minimum(
            Instance("minimum-" + name, points, noise, learning_rate=Fraction(rate), batch=batch),
            ([int(s) for s in signs.split()], _points(kinks), _points(outer)),
        )
        for name, points, noise, rate, batch, signs, kinks, outer in rows
    ]


def _large_rates() -> list[Instance]:
    """Minima at the ends of very widely spaced samples, stable at large learning rates."""
    rows: Sequence[tuple[str, Points, NoiseLevel, int, str, Batch]] = (
        ("pair-one", equispaced(2, "1e4"), _noise("0.49", "0.9"), 1, "0.04", Batch(1)),
        ("pair-brink", equispaced(2, "1e4"), _noise("0.4999", "0.9"), 1, "0.03", Batch(1)),
        ("pair-two", equispaced(2, "1e5"), _noise("0.45", "0.9"), 2, "0.01", Batch(1)),
        ("pair-batch", equispaced(2, "1e5"), _noise("0.3", "0.9"), 1, "0.005", Batch(2, "mean")),
        ("pair-time", equispaced(2, "1e6"), _noise(time="0.05"), 1, "0.004", Batch(1)),
        ("triple-one", equispaced(3, "2e4"), _noise("0.28"), 1, "0.004", Batch(1)),
        ("triple-uneven", _points("0 1e6 2.5e6"), _noise("0.28"), 2, "0.001", Batch(1)),
        ("four-two", equispaced(4, "1e5", "-2e5"), _noise("0.2", "0.95"), 2, "0.0005", Batch(1)),
        ("four-brink", equispaced(4, "1e4"), _noise("0.24", "0.9"), 1, "0.00164", Batch(1)),
        (
            "five-shifted",
            equispaced(5, "1e6", "1e6"),
            _noise("0.18", "0.97"),
            2,
            "0.0002",
            Batch(1),
        ),
        ("ten-two", equispaced(10, "1e5"), _noise("0.09", "0.99"), 2, "0.00001", Batch(1)),
    )
    instances = []
    for name, points, noise, width, rate, batch in rows:
        instance = Instance(
            "large-rate-" + name, points, noise, learning_rate=Fraction(rate), batch=batch
        )
        instances.append(_minimum(instance, edge_start(instance, width=width)))
    return instances


def _single_steps() -> list[Instance]:
    """Instances for steps that no other instance applies to."""
    one, zero = Fraction(1), Fraction(0)
    pair = Instance("step-steep", _points("0 1"), _noise("0.5", "0.8"), batch=Batch(1))
    # Left of tau_2 = 12 sigma the second neuron gives f(0) = A (12 sigma)/2 = 6 A sigma.
    steep = network_of(pair, [one, -one], [zero, Fraction(6)], [zero, Fraction(1000)])
    flat = replace(pair, name="step-flat", learning_rate=Fraction(1, 4))
    return [
        replace(pair, network=replace(steep, bound=Fraction(1000))),
        replace(flat, network=network_of(flat, [one], [zero], [Fraction(1, 100)])),
    ]
