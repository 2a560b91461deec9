"""Hypothesis strategies for samples, noise levels and networks: valid by construction.

| letter | here | meaning |
|---|---|---|
| x | `points` | training points, ascending |
| mu, sigma | | noise level |
| Delta | `spacing` | smallest gap between points |
| tau | `kink` | -b/w1, where a neuron switches |

Nothing is drawn and thrown away. The noise level comes first, then the spacing within
`spacing_ratio` times `sigma/mu`, then gaps as multiples of the spacing, and points are their sums.
Kinks lie on a coarse grid over the noised line, or a few half sigmas from a noised point, so that
they meet each other and the points now and then. Failures shrink to two points, one neuron and
small round numbers.

All numbers are `Fraction`. With `dtype` they are dyadic, and the dtype has each of them exactly:
significands stay below 24 bits, exponents far within range. Without it thirds and tenths, noise
levels with irrational mu and times come in too.

Installed with the package are the profiles `dsm-ci` and `dsm-deep`, and `st.from_type` for
`Instance`, `NoiseLevel`, `NetworkData` and `dsmverify.testing.Network`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, Literal, get_args

from hypothesis import strategies as st

from dsmverify.errors import InputError, show
from dsmverify.exact import ExactInput, parse_exact
from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.testing.arrays import Arrays, Network

Spelling = Literal["mu_sigma", "sigma", "time"]
"""How a noise level is given; `sigma` alone means `mu = sqrt(1 - sigma^2)`."""

Dtype = Literal["float32", "float64"]

SPACING_RATIO: Final = (0.1, 100.0)
"""Default range of `mu Delta/sigma`: from one blurred cloud to points that never meet."""

_QUARTERS: Final = 4
_LARGEST_SIZE: Final = 10_000
_KINK_BITS: Final = 20
"""Significant bits of a kink; times an inner weight of two bits they stay below 24."""

_ROUND_OFF: Final = Fraction(1, 2**40)
"""Relative margin where mu or sigma is only known as a float."""


def _fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(part) for part in text.split())


_MU: Final = _fractions("1/2 3/4 1/4 7/8 1/8 15/16 5/8 3/8 63/64 1023/1024")
_SIGMA: Final = _fractions("1/2 1/4 3/4 1/8 3/8 7/8 1/16 5/8 15/16 3/32 1/64 1/256 1023/1024")
_TIMES: Final = _fractions("1 1/2 2 1/4 3 1/8 3/8 1/64 1/1024")
_INNER: Final = _fractions("1 -1 2 -2 1/2 -1/2 3/2 -3/2")
_MANTISSAS: Final = _fractions("1 3/2 5/4 7/4")

_MORE_MU: Final = _fractions("4/5 1/3 9/10")
_MORE_SIGMA: Final = _fractions("3/5 1/3 1/10 1/100")
_MORE_TIMES: Final = _fractions("1/10 1/3 1/100")
_MORE_INNER: Final = _fractions("1/3 -7/5")
_MORE_MANTISSAS: Final = _fractions("4/3 6/5")
"""What no binary format has."""


def noise_levels(
    *, spellings: Sequence[Spelling] | None = None, dtype: Dtype | None = None
) -> st.SearchStrategy[NoiseLevel]:
    """Noise levels; the simplest is `mu = sigma = 1/2`.

    Args:
        spellings: forms to draw; by default `mu_sigma` alone with a dtype, and all three without.
        dtype: every number given is exactly representable in it. None: no restriction.

    Raises:
        InputError: another spelling or dtype, or `sigma` alone with a dtype, which no mu fits.
    """
    _check_dtype(dtype)
    if spellings is None:
        spellings = ("mu_sigma",) if dtype else get_args(Spelling)
    if not spellings or not set(spellings) <= set(get_args(Spelling)):
        raise InputError(
            "spellings",
            show(spellings),
            f"each must be one of {', '.join(get_args(Spelling))}",
            "name one at least",
        )
    if dtype and "sigma" in spellings:
        raise InputError(
            "spellings",
            show(spellings),
            f"sqrt(1 - sigma^2) is no {dtype} as a rule",
            "give 'mu_sigma' or 'time', or no dtype",
        )
    mus = st.sampled_from(_MU if dtype else _MU + _MORE_MU)
    sigmas = st.sampled_from(_SIGMA if dtype else _SIGMA + _MORE_SIGMA)
    times = st.sampled_from(_TIMES if dtype else _TIMES + _MORE_TIMES)
    forms: dict[str, st.SearchStrategy[NoiseLevel]] = {
        "mu_sigma": st.builds(NoiseLevel, mu=mus, sigma=sigmas),
        "sigma": st.builds(NoiseLevel, sigma=sigmas, mu=st.none(), time=st.none()),
        "time": st.builds(NoiseLevel, time=times, mu=st.none(), sigma=st.none()),
    }
    return st.one_of([forms[spelling] for spelling in spellings])


def samples(
    min_size: int = 2,
    max_size: int = 8,
    *,
    spacing_ratio: tuple[ExactInput, ExactInput] = SPACING_RATIO,
    spellings: Sequence[Spelling] | None = None,
    dtype: Dtype | None = None,
) -> st.SearchStrategy[Instance]:
    """Samples with their noise level, without a network; the simplest is `0, 1`.

    Args:
        min_size: fewest points, 2 or more.
        max_size: most points.
        spacing_ratio: range of `mu Delta/sigma`, ends included.
        spellings: as in `noise_levels`.
        dtype: as in `noise_levels`.

    Raises:
        InputError: an empty or impossible range, or as in `noise_levels`.
    """
    if not 2 <= min_size <= max_size <= _LARGEST_SIZE:
        raise InputError(
            "min_size, max_size",
            f"{min_size}, {max_size}",
            f"they must satisfy 2 <= min_size <= max_size <= {_LARGEST_SIZE}",
            "give two sizes in this order",
        )
    low, high = (parse_exact(value, field="spacing_ratio") for value in spacing_ratio)
    if not 0 < low <= high:
        raise InputError(
            "spacing_ratio",
            show(spacing_ratio),
            "it must be a range of positive numbers",
            "give (0.1, 100), say",
        )
    levels = noise_levels(spellings=spellings, dtype=dtype)
    return _samples(levels, (min_size, max_size), (low, high), dtype)


def networks(
    sample: Instance | None = None,
    *,
    min_width: int = 1,
    max_width: int = 8,
    dtype: Dtype | None = None,
) -> st.SearchStrategy[NetworkData]:
    """Two-layer networks with kinks around the noised points of a sample; tied ones often.

    Args:
        sample: where the kinks go; by default the points 0 and 1 at `mu = sigma = 1/2`.
        min_width: fewest neurons.
        max_width: most neurons.
        dtype: as in `noise_levels`.

    Raises:
        InputError: an empty range, or another dtype.
    """
    _check_dtype(dtype)
    _check_width(min_width, max_width)
    return _networks(_DEFAULT if sample is None else sample, (min_width, max_width), dtype)


def instances(
    min_size: int = 2,
    max_size: int = 8,
    *,
    min_width: int = 1,
    max_width: int = 8,
    spacing_ratio: tuple[ExactInput, ExactInput] = SPACING_RATIO,
    spellings: Sequence[Spelling] | None = None,
    dtype: Dtype | None = None,
) -> st.SearchStrategy[Instance]:
    """Samples with a network and one to three places `at`; arguments as in `samples`, `networks`.

    Raises:
        InputError: as in `samples` and `networks`.
    """
    _check_width(min_width, max_width)
    drawn = samples(
        min_size, max_size, spacing_ratio=spacing_ratio, spellings=spellings, dtype=dtype
    )
    return _instances(drawn, (min_width, max_width), dtype)


def of_type(thing: Any) -> st.SearchStrategy[Any] | None:
    """Strategy for one of the package's types; None for any other."""
    known: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {
        Instance: instances,
        NoiseLevel: noise_levels,
        NetworkData: networks,
        Network: _arrays,
    }
    make = known.get(thing) if isinstance(thing, type) else None
    return make() if make is not None else None


_DEFAULT: Final = Instance(
    "drawn",
    (Fraction(0), Fraction(1)),
    NoiseLevel(mu=Fraction(1, 2), sigma=Fraction(1, 2)),
)


def _arrays() -> st.SearchStrategy[Network]:
    """Networks as NumPy arrays of float64."""
    kind = Arrays.of("numpy", "float64")
    return networks(dtype="float64").map(
        lambda data: kind.network(data.inner_weights, data.biases, data.outer_weights)
    )


@st.composite
def _samples(
    draw: st.DrawFn,
    levels: st.SearchStrategy[NoiseLevel],
    sizes: tuple[int, int],
    ratios: tuple[Fraction, Fraction],
    dtype: Dtype | None,
) -> Instance:
    level = draw(levels)
    spacing = draw(st.sampled_from(_spacings(level, ratios, dtype)))
    # In quarters of the spacing: mostly short gaps, now and then one between clusters.
    wider = st.one_of(st.integers(0, 8), st.sampled_from((16, 32, 64)))
    extra = draw(st.lists(wider, min_size=sizes[0] - 1, max_size=sizes[1] - 1))
    gaps = [_QUARTERS + each - min(extra) for each in extra]
    first = draw(st.integers(-16, 16))
    points = tuple(spacing * Fraction(k, _QUARTERS) for k in accumulate([first, *gaps]))
    return Instance("drawn", points, level)


@st.composite
def _networks(
    draw: st.DrawFn, sample: Instance, widths: tuple[int, int], dtype: Dtype | None
) -> NetworkData:
    inner = st.sampled_from(_INNER if dtype else _INNER + _MORE_INNER)
    outer = st.sampled_from(_OUTER)
    neurons = draw(
        st.lists(st.tuples(inner, _places(sample), outer), min_size=widths[0], max_size=widths[1])
    )
    return NetworkData(
        tuple(weight for weight, _, _ in neurons),
        tuple(-weight * kink for weight, kink, _ in neurons),
        tuple(weight for _, _, weight in neurons),
    )


@st.composite
def _instances(
    draw: st.DrawFn,
    drawn: st.SearchStrategy[Instance],
    widths: tuple[int, int],
    dtype: Dtype | None,
) -> Instance:
    sample = draw(drawn)
    network = draw(_networks(sample, widths, dtype))
    at = draw(st.lists(_places(sample), min_size=1, max_size=3))
    return replace(sample, network=network, at=tuple(at))


def _places(sample: Instance) -> st.SearchStrategy[Fraction]:
    """Places on the noised line: on a grid over all of it, or near one noised point."""
    mu, sigma = _approximate(sample.noise)
    low, high = mu * sample.points[0], mu * sample.points[-1]
    coarse, fine = _power_of_two((high - low) / 8), _power_of_two(sigma / 2)
    start = round(low / coarse)
    steps = math.ceil((high - low) / coarse) + 4
    # The ends first: a failure there keeps its place while points in between are dropped.
    first, *others, last = (_shortened(mu * x) for x in sample.points)
    over = st.integers(-4, steps).map(lambda k: coarse * (start + k))
    near = st.tuples(st.sampled_from([first, last, *others]), st.integers(-6, 6)).map(
        lambda place: place[0] + fine * place[1]
    )
    return st.one_of(over, near).map(_shortened)


@lru_cache(maxsize=1024)
def _spacings(
    level: NoiseLevel, ratios: tuple[Fraction, Fraction], dtype: Dtype | None
) -> tuple[Fraction, ...]:
    """Round numbers for the smallest gap, the simplest first; not empty.

    Raises:
        InputError: the range holds no number of a few bits.
    """
    mu, sigma = _approximate(level)
    margin = 0 if level.mu is not None else _ROUND_OFF
    low = ratios[0] * sigma / mu * (1 + margin)
    high = ratios[1] * sigma / mu * (1 - margin)
    mantissas = _MANTISSAS if dtype else _MANTISSAS + _MORE_MANTISSAS
    found = _within(low, high, mantissas)
    bits = 3
    while not found and bits <= 8:
        # A narrow range: more bits of the significand.
        found = _within(low, high, [1 + Fraction(k, 2**bits) for k in range(2**bits)])
        bits += 1
    if not found and not dtype and low <= high:
        found = [low]
    if not found:
        raise InputError(
            "spacing_ratio",
            f"({float(ratios[0]):g}, {float(ratios[1]):g})",
            f"no spacing of 9 bits has this ratio at mu = {float(mu):g}, sigma = {float(sigma):g}",
            "widen the range by a hundredth, or give no dtype",
        )
    return tuple(sorted(found, key=_size))


def _within(low: Fraction, high: Fraction, mantissas: Iterable[Fraction]) -> list[Fraction]:
    """Mantissas times powers of two in a closed range."""
    found = []
    power = _power_of_two(low)
    while power <= high:
        found += [power * mantissa for mantissa in mantissas if low <= power * mantissa <= high]
        power *= 2
    return found


def _size(value: Fraction) -> tuple[int, bool]:
    """Sorts numbers by how round they are: 1, 2, 1/2, 3, 3/2, ..."""
    return value.numerator**2 + value.denominator**2, value < 1


_OUTER: Final = (
    *sorted(
        (sign * Fraction(k, 4) for k in range(1, 17) for sign in (1, -1)),
        key=lambda weight: (_size(abs(weight)), weight < 0),
    ),
    Fraction(0),
)
"""Outer weights; 0 for a neuron that is dead."""


def _approximate(level: NoiseLevel) -> tuple[Fraction, Fraction]:
    """Mu and sigma, exact where they are rational, else as floats."""
    if level.time is not None:
        time = float(level.time)
        return Fraction(math.exp(-time)), Fraction(math.sqrt(-math.expm1(-2 * time)))
    assert level.sigma is not None  # a noise level has one of the three spellings
    if level.rational_mu is not None:
        return level.rational_mu, level.sigma
    return Fraction(math.sqrt(float(1 - level.sigma**2))), level.sigma


def _power_of_two(value: Fraction) -> Fraction:
    """Largest power of two that does not exceed a positive number."""
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    power = Fraction(2) ** guess
    return Fraction(power if power <= value else power / 2)


def _shortened(value: Fraction) -> Fraction:
    """Nearest number of `_KINK_BITS` significant bits."""
    if value == 0:
        return value
    step = _power_of_two(abs(value)) / 2 ** (_KINK_BITS - 1)
    rounded: Fraction = step * round(value / step)
    return rounded


def _check_dtype(dtype: Dtype | None) -> None:
    if dtype is not None and dtype not in get_args(Dtype):
        raise InputError(
            "dtype",
            show(dtype),
            f"it must be one of {', '.join(get_args(Dtype))}",
            "choose one, or leave it out for any rational numbers",
        )


def _check_width(min_width: int, max_width: int) -> None:
    if not 1 <= min_width <= max_width:
        raise InputError(
            "min_width, max_width",
            f"{min_width}, {max_width}",
            "they must satisfy 1 <= min_width <= max_width",
            "give two widths in this order",
        )
