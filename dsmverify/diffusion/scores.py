"""What a score is, and four of them: of a sample, of a Gaussian, of a network, and the user's own.

| letter | here | meaning |
|---|---|---|
| s(t, y) | `Score` | score of the law at time t, or an approximation of it |
| mu, sigma | | signal factor e^-t and noise level sqrt(1 - e^-2t) at the time |
| s* | `EmpiricalScore` | (mu E[X given Y = y] - y) / sigma^2, X uniform on the training points |
| m, C | `GaussianScore` | mean and covariance of a Gaussian |
| V, c | | orthonormal directions `[d, r]` and variances along them, C = V diag(c) V^T |
| r_theta | `NetworkScore` | noise prediction of a trained network, s_theta = -r_theta / sigma |

A score takes places `[k, d]` and one time, and gives float64 `[k, d]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify.ensembles import philox
from dsmverify.ensembles.arguments import real, reals, whole
from dsmverify.ensembles.conditioned import noise_prediction
from dsmverify.ensembles.memory import require_memory
from dsmverify.ensembles.posterior import empirical_score
from dsmverify.ensembles.settings import MAX_SEED, Model, Networks, as_points
from dsmverify.ensembles.times import noise_deviation, signal_factor
from dsmverify.errors import InputError, show

Floats = NDArray[np.float64]

ASYMMETRY = 1e-12
"""Part of its largest entry by which a covariance may differ from its transpose, and an eigenvalue
lie below 0: rounding of sums over some thousand samples."""


class Score(Protocol):
    """A score at any positive time."""

    @property
    def dimension(self) -> int:
        """Dimension, d."""
        ...

    def __call__(self, y: Floats, time: float) -> Floats:
        """Values at places `[k, d]`, of the same shape."""
        ...


class EmpiricalScore:
    """The exact score s* of finitely many noised points.

    Args:
        points: `[n, d]`, or `[n]` for d = 1; finite, at least one. Order and ties are free: a tie
            is a point of twice the weight.

    Result: approximate; the error is stated in `dsmverify.ensembles.posterior`.

    Source: eqs. 6 and 9, pp. 4 and 7.

    Raises:
        InputError: no points, or one that is not finite; when called, places of another shape, a
            place that is not finite, a time that is not positive.
    """

    def __init__(self, points: ArrayLike) -> None:
        self.points = as_points("points", points)

    @property
    def dimension(self) -> int:
        """Dimension, d."""
        return int(self.points.shape[1])

    def __call__(self, y: Floats, time: float) -> Floats:
        """`s*(t, y)`. `[k, d]`."""
        mu, sigma = _noise(time)
        return empirical_score(self.points, _places(y, self.dimension), mu, sigma)


class GaussianScore:
    """The linear score of a noised Gaussian, and the law itself.

        s(t, y) = -(mu^2 C + sigma^2 I)^-1 (y - mu m)

    C is taken apart once, so that each time costs two products with V, which is thin where C has
    a low rank: 10 points in d = 1000 cost as much as 10 directions.

    Args:
        mean: m, `[d]`.
        covariance: C, `[d, d]`, symmetric without negative eigenvalues; it may be singular.

    Result: approximate, error about 1e-15 (abs(y) + mu abs(m)) / sigma^2.

    Raises:
        InputError: a shape, a value or a symmetry is wrong; when called, places of another shape, a
            place that is not finite, a time that is not positive.
    """

    def __init__(self, mean: ArrayLike, covariance: ArrayLike) -> None:
        centre = np.array(reals("mean", mean))
        matrix = reals("covariance", covariance)
        if centre.ndim != 1 or not centre.size or matrix.shape != (centre.size, centre.size):
            raise InputError(
                "covariance",
                f"shape {matrix.shape} beside a mean of shape {centre.shape}",
                "they belong together",
                "give a mean [d] and a covariance [d, d], d >= 1",
            )
        if not (np.isfinite(centre).all() and np.isfinite(matrix).all()):
            raise InputError(
                "mean, covariance",
                "a NaN or infinity",
                "a Gaussian has finite moments",
                "remove it",
            )
        allowed = ASYMMETRY * float(np.abs(matrix).max())
        apart = float(np.abs(matrix - matrix.T).max())
        if apart > allowed:
            raise InputError(
                "covariance",
                f"entries differ by {apart:.3g} from their transpose's",
                "a covariance is symmetric",
                "give (C + C.T) / 2 if that is what is meant",
            )
        variances, directions = np.linalg.eigh((matrix + matrix.T) / 2)
        if variances[0] < -allowed * centre.size:
            raise InputError(
                "covariance",
                f"an eigenvalue of {variances[0]:.3g}",
                "a covariance has no negative eigenvalues",
                "give a positive semidefinite matrix",
            )
        self._keep(centre, np.maximum(variances, 0), directions)

    @classmethod
    def fitted(cls, points: ArrayLike, *, unbiased: bool = False) -> Self:
        """The Gaussian with the mean and the covariance of a sample.

        From the singular values of the centred sample: no `[d, d]` array is made.

        Args:
            points: `[n, d]`, or `[n]` for d = 1; n >= 2.
            unbiased: divide by n - 1 in place of n.

        Raises:
            InputError: fewer than two points, one that is not finite, or no memory for them.
        """
        sample = as_points("points", points)
        n, d = sample.shape
        if n < 2:
            raise InputError(
                "points", f"{n} point", "a covariance needs at least two", "give more points"
            )
        require_memory(f"the Gaussian fitted to {n} points in d = {d}", 8 * 4 * n * d)
        centre = sample.mean(axis=0)
        _, spread, directions = np.linalg.svd(sample - centre, full_matrices=False)
        self = cls.__new__(cls)
        self._keep(centre, spread**2 / (n - 1 if unbiased else n), directions.T)
        return self

    def _keep(self, mean: Floats, variances: Floats, directions: Floats) -> None:
        """Keep m `[d]`, c `[r]` and V `[d, r]`."""
        self.mean, self.variances = mean, variances
        self.directions = np.ascontiguousarray(directions)

    @property
    def dimension(self) -> int:
        """Dimension, d."""
        return int(self.mean.size)

    def __call__(self, y: Floats, time: float) -> Floats:
        """`s(t, y)`. `[k, d]`."""
        mu, sigma = _noise(time)
        apart = _places(y, self.dimension) - mu * self.mean
        along = apart @ self.directions
        scaled = along / (mu**2 * self.variances + sigma**2)
        if len(self.variances) < self.dimension:
            # Across V there is noise only.
            across = apart - along @ self.directions.T
            result: Floats = -(scaled @ self.directions.T) - across / sigma**2
        else:
            result = -(scaled @ self.directions.T)
        return result

    def sample(self, count: int, seed: int, time: float = 0.0) -> Floats:
        """Independent draws from N(mu m, mu^2 C + sigma^2 I). `[count, d]`.

        Exact up to the 32 bits of the uniforms: `mu (m + V sqrt(c) G) + sigma H`, G and H of
        `philox.Stream.EVALUATION`, steps 0 and 1.

        Args:
            count: number of draws.
            seed: 0 <= seed < 2^64.
            time: 0 for the Gaussian itself, above 0 for the noised one.

        Raises:
            InputError: `count` or `seed` is out of range, the time is negative or not finite, or
                the draws do not fit into memory.
        """
        count = whole("count", count, 1)
        seed = whole("seed", seed, 0, MAX_SEED)
        time = real("time", time, least=0)
        d, rank = self.directions.shape
        # Box-Muller's words take seven times the place of the numbers; and the draws so far.
        require_memory(
            f"{count} draws in d = {d}",
            8 * 12 * count * d,
            way_out="give a smaller count or dimension",
        )

        def normals(step: int, width: int) -> Floats:
            drawn = philox.normals(seed, philox.Stream.EVALUATION, step, count * width)
            return drawn.reshape(count, width)

        mu = float(signal_factor(time))
        factor = np.sqrt(self.variances) * self.directions
        found: Floats = mu * (self.mean + normals(0, rank) @ factor.T)
        if time > 0:
            found += float(noise_deviation(time)) * normals(1, d)
        return found


class NetworkScore:
    """The score of a trained network that predicts the noise, `-r_theta(t, y) / sigma(t)`.

    Args:
        model: the model that the parameters belong to.
        networks: parameters, with the time as the first input; not copied.
        e: number of the network.

    Result: approximate, products in float64 whatever the precision of the parameters.

    Source: section 7, and appendix D, p. 37.

    Raises:
        InputError: there is no such network, it has no input for the time, or it diverged; when
            called, places of another shape, a place that is not finite, a time that is not
            positive.
    """

    def __init__(self, model: Model, networks: Networks, e: int) -> None:
        whole("e", e, 0, networks.count)
        inputs = networks.inner.shape[2]
        if inputs != model.dimension + 1:
            raise InputError(
                "networks",
                f"{inputs} inputs",
                f"a noise prediction in d = {model.dimension} takes the time and d coordinates",
                "give networks of a conditioned ensemble",
            )
        if networks.diverged[e] >= 0:
            raise InputError(
                f"networks[{e}]",
                f"diverged at step {int(networks.diverged[e])}",
                "it has no score",
                "train with a smaller learning rate",
            )
        self.model, self.networks, self.e = model, networks, int(e)

    @property
    def dimension(self) -> int:
        """Dimension, d."""
        return self.model.dimension

    def __call__(self, y: Floats, time: float) -> Floats:
        """`s_theta(t, y)`. `[k, d]`."""
        _, sigma = _noise(time)
        places = _places(y, self.dimension)
        found = noise_prediction(self.model, self.networks, self.e, places, time)
        found /= -sigma
        return found


def checked(function: Callable[[Floats, float], Any], dimension: int) -> Score:
    """A score from the user's function, whose every result is checked.

    Args:
        function: takes places, float64 `[k, d]`, its own to change, and a time; returns a NumPy
            array of the same shape, without a mask. float32 is taken exactly and longdouble
            rounded; the 11 bits of float16 are too few for a score.
        dimension: d.

    Raises:
        InputError: the function is none, or the dimension is no positive integer; when called, the
            result is no NumPy array, has a mask, another shape or type, or a NaN or infinity.
    """
    if not callable(function):
        raise InputError(
            "function",
            show(function),
            "a score is called with places and a time",
            "give a function (y, time) -> array",
        )
    return _Checked(function, whole("dimension", dimension, 1))


def as_score(given: Any) -> Score:
    """What was given as a score, with its every result checked.

    Args:
        given: is called with places and a time, and has a dimension.

    Raises:
        InputError: it has no dimension or cannot be called; when called, as `checked`.
    """
    if isinstance(given, _Checked):
        return given
    if not (callable(given) and hasattr(given, "dimension")):
        raise InputError(
            "score",
            show(given),
            "a score is called with places and a time, and has a dimension",
            "wrap a function: `checked(function, dimension)`",
        )
    return checked(given, given.dimension)


class _Checked:
    """The user's function with its checks."""

    def __init__(self, function: Callable[[Floats, float], Any], dimension: int) -> None:
        self.function, self._dimension = function, dimension

    @property
    def dimension(self) -> int:
        """Dimension, d."""
        return self._dimension

    def __call__(self, y: Floats, time: float) -> Floats:
        """The function's values. `[k, d]`."""
        places = _places(y, self.dimension)
        # A copy, so that a function that works in place does not move the points.
        found = self.function(places.copy(), time)
        name = f"score at time {time:.6g}"
        if not isinstance(found, np.ndarray):
            raise InputError(
                name,
                f"an object of type {type(found).__module__}.{type(found).__qualname__}",
                "a score takes and gives NumPy arrays",
                "convert the result: `.detach().cpu().numpy()` for torch, `np.asarray` for a list",
            )
        if isinstance(found, np.ma.MaskedArray):
            raise InputError(
                name,
                "a masked array",
                "a score has a value at every place",
                "fill what is masked: `.filled(value)`",
            )
        if found.shape != places.shape:
            raise InputError(
                name,
                f"shape {found.shape}",
                f"for places of shape {places.shape} it must be the same",
                "return one row for each place, the score's d coordinates in it",
            )
        if found.dtype.kind != "f" or found.itemsize < 4:
            raise InputError(
                name,
                f"type {found.dtype}",
                "its values must be real floating-point numbers of 32 bits or more",
                "return float64 or float32: `.real` of complex numbers, `.astype(float)` of others",
            )
        with np.errstate(over="ignore"):  # a longdouble beyond float64 becomes an infinity
            values = found.astype(np.float64)
        _check_finite(values, name, "look at the function at", places)
        return values


def _noise(time: float) -> tuple[float, float]:
    """Mu and sigma at a positive time."""
    time = real("time", time, above=0, way_out="give t > 0: there is no score at time 0")
    return float(signal_factor(time)), float(noise_deviation(time))


def _places(y: Any, dimension: int) -> Floats:
    """Places as float64, checked. `[k, d]`."""
    places = reals("y", y)
    if places.ndim != 2 or places.shape[1] != dimension:
        raise InputError(
            "y",
            f"shape {places.shape}",
            f"the score has dimension {dimension}",
            f"give an array of shape [k, {dimension}]",
        )
    _check_finite(places, "y", "generation may have left the numbers: look at", places)
    return places


def _check_finite(values: Floats, name: str, way_out: str, places: Floats) -> None:
    """Refuse a NaN or an infinity, naming the first row that has one."""
    finite = np.isfinite(values)
    if finite.all():
        return
    row = int(np.argmin(finite.all(axis=1)))
    bad = values[row][~finite[row]][0]
    raise InputError(
        name,
        f"{bad} in row {row}",
        "every value must be finite",
        f"{way_out} y[{row}] = {show(places[row].tolist())}",
    )
