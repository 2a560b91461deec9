"""The table of cases of the conformance suite: exact, the same in every run.

| letter | here | meaning |
|---|---|---|
| x | `points` | training points |
| mu, sigma, t | `mu`, `sigma`, `time` | noise level, once as a pair and once as a time near it |
| w1, b, w2 | `inner`, `bias`, `outer` | network; its kinks lie at -b/w1 |
| y | `at` | where the score is compared |

Every number is a dyadic rational that float32 represents, so that nothing is lost on the way in.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from dsmverify.instance import Instance, NetworkData, NoiseLevel
from dsmverify.testing.arrays import FORMATS

Numbers = tuple[Fraction, ...]


@dataclass(frozen=True)
class Level:
    """A noise level in both spellings; `mu` and `sigma` are near those of `time`, not equal."""

    time: Fraction
    mu: Fraction
    sigma: Fraction


@dataclass(frozen=True)
class Draws:
    """One step of SGD: what was drawn for it, and its learning rate."""

    indices: tuple[int, ...]
    noise: Numbers
    learning_rate: Fraction


@dataclass(frozen=True)
class Case:
    """One case: a sample, where the score is compared, a network and a step.

    Args:
        name: part of the ids of its checks.
        words: what it tries.
        points: `[n]`.
        level: noise level.
        at: `[k]`.
        network: None where only the score is compared.
        draws: for `sgd_step`; None leaves it out.
        mild: within the range of float16, squares and all; other cases are beyond it.
        deep: only on request.
    """

    name: str
    words: str
    points: Numbers
    level: Level
    at: Numbers
    network: NetworkData | None = None
    draws: Draws | None = None
    mild: bool = False
    deep: bool = False

    def parts(self) -> tuple[str, ...]:
        """Parts of an adapter that this case tries."""
        if self.network is None:
            return ("score",)
        step = () if self.draws is None else ("sgd_step",)
        return ("score", "risk", "gradient", "hessian", "largest_eigenvalue", *step)

    def instance(self, noise: str) -> Instance:
        """The exact instance, the noise level spelled as the adapter wants it."""
        level = self.level
        spelled = (
            NoiseLevel(time=level.time)
            if noise == "time"
            else NoiseLevel(mu=level.mu, sigma=level.sigma)
        )
        return Instance(self.name, self.points, spelled, network=self.network, at=self.at)

    def numbers(self, noise: str) -> Numbers:
        """Every number that goes in, for one spelling of the noise level."""
        level = self.level
        found = (*self.points, *self.at)
        found += (level.time,) if noise == "time" else (level.mu, level.sigma)
        if self.network is not None:
            network = self.network
            found += (*network.inner_weights, *network.biases, *network.outer_weights)
        if self.draws is not None:
            found += (*self.draws.noise, self.draws.learning_rate)
        return found


def fits(case: Case, dtype: str, noise: str) -> bool:
    """Whether a dtype has every number of a case, exactly and as a normal number, and its range."""
    form = FORMATS[dtype]
    return (case.mild or form.highest > FORMATS["float16"].highest) and all(
        value == 0 or (form.holds(value) and abs(value) >= form.smallest)
        for value in case.numbers(noise)
    )


def tells(case: Case, dtype: str, part: str) -> bool:
    """Whether a dtype can tell right from wrong there."""
    return dtype not in BLIND and part not in BLURRED.get((case.name, dtype), "").split()


def _f(text: str) -> Numbers:
    return tuple(Fraction(part) for part in text.split())


def _level(time: str, mu: str, sigma: str) -> Level:
    return Level(Fraction(time), Fraction(mu), Fraction(sigma))


def _net(inner: str, bias: str, outer: str) -> NetworkData:
    return NetworkData(_f(inner), _f(bias), _f(outer))


def _draws(indices: str, noise: str, learning_rate: str) -> Draws:
    return Draws(tuple(int(i) for i in indices.split()), _f(noise), Fraction(learning_rate))


def _spread(count: int, first: int) -> Numbers:
    """Points with gaps that grow from 1/8 to 2, in steps of 1/32."""
    return tuple(Fraction(i * i + 7 * i, 64) + first for i in range(count))


def _zigzag(width: int, first: int, reach: int) -> NetworkData:
    """A network with kinks all over `[first, first + reach]`, of both directions."""
    inner = tuple(Fraction((-1) ** (k * k // 3) * (2 + k % 3), 2) for k in range(width))
    kinks = tuple(first + Fraction(reach * (8 * k + 5 * (k % 2)), 8 * width) for k in range(width))
    kinks = tuple(Fraction(round(kink * 64), 64) for kink in kinks)
    outer = tuple(Fraction((7 * k) % 11 - 5, 4) or Fraction(1, 2) for k in range(width))
    return NetworkData(inner, tuple(-w * k for w, k in zip(inner, kinks, strict=True)), outer)


_HUGE = _level("6", "163/65536", "262143/262144")
_LATE = _level("2", "35/256", "127/128")
_MIDDLE = _level("1/8", "113/128", "15/32")
_EARLY = _level("1/64", "63/64", "45/256")
_FIRST = _level("1/1024", "1023/1024", "181/4096")
_TINY = _level("1/1048576", "1048575/1048576", "181/131072")
_MINUTE = _level("1/1073741824", "16777215/16777216", "181/4194304")

EVERY_PART: Final = "score risk gradient hessian largest_eigenvalue sgd_step"

BLIND: Final = frozenset({"bfloat16"})
"""Dtypes that can tell nothing: the tolerance is at least `C u S`, C is above 32 and S at least the
value, and 32 u is 1/8 already."""

CASES: Final = (
    Case(
        "plain",
        "three points, five neurons, a batch of four",
        _f("-1 1/4 3/2"),
        _MIDDLE,
        _f("-2 -1 -1/4 0 1/2 9/8 3"),
        _net("1 -1 1 -1 1", "3/4 1/2 -1/8 1 -1", "2 -3 5/2 -1 7/2"),
        _draws("0 2 1 2", "1/2 -5/4 1/8 2", "1/16"),
        mild=True,
    ),
    Case(
        "one-neuron",
        "two points, one neuron, a batch of one",
        _f("-1 1"),
        _MIDDLE,
        _f("-3/2 -1/2 0 1/8 2"),
        _net("1", "1/2", "-3/2"),
        _draws("1", "-3/4", "1/4"),
        mild=True,
    ),
    Case(
        "crowded",
        "spacing 0.1 sigma: the posterior sees every point",
        _f("0 1/16 1/8 1/4 5/16"),
        _MIDDLE,
        _f("-1 0 1/8 1/4 2"),
        _net("-1 1", "1/8 -1/4", "3 -2"),
        _draws("4 0 0", "-1 1/4 3/2", "1/8"),
        mild=True,
    ),
    Case(
        "touching",
        "spacing sigma: neighbours overlap",
        _f("-1 -1/2 0 3/4"),
        _MIDDLE,
        _f("-3/2 -3/4 -3/8 1/4 2"),
        _net("1 -1 -1", "1/2 1/4 -1/2", "-4 3 5"),
        _draws("0 1 2 3 3", "1/2 -1/2 1 -3/2 1/4", "1/32"),
        mild=True,
    ),
    Case(
        "separated",
        "spacing 30 sigma; a kink on the noised mean of a point, others within sigma of one",
        _f("-8 -5/2 3 10"),
        _EARLY,
        _f("-8 -21/4 -5/2 0 13/2 12"),
        _net("1 -1 1 -1", "63/8 -5/2 -3 10", "8 -6 -10 4"),
        _draws("1 3", "3/4 -1/2", "1/64"),
    ),
    Case(
        "isolated",
        "spacing 300 sigma: one point at a time",
        _f("-53/4 0 27/2"),
        _FIRST,
        _f("-53/4 -13/2 1/32 27/4 14"),
        _net("1 1 -1 -1", "53/4 0 1/32 27/2", "20 -30 10 15"),
        _draws("2 0 1", "1/2 -1 5/4", "1/1024"),
    ),
    Case(
        "sixty-points",
        "sixty points with growing gaps",
        _spread(60, -16),
        _MIDDLE,
        _f("-20 -14 -12 0 5 20 45"),
        _net("1 -1 1 -1 1", "12 -4 0 8 -20", "1 -2 3/2 -1/2 1"),
        _draws("59 0 17 30 30 41", "1/4 -1 1/2 2 -1/8 -3/4", "1/64"),
    ),
    Case(
        "tied-kinks",
        "kinks of several neurons at one place; a draw that falls on two of them",
        _f("-1 0 1"),
        _MIDDLE,
        _f("-1/2 0 1/2"),
        _net("1 -1 2 -1", "0 0 -1 1/2", "2 3 -4 5"),
        _draws("1 0 2", "0 1/2 -1", "1/16"),
        mild=True,
    ),
    Case(
        "twins",
        "two neurons that are the same, and a third with outer weight 0",
        _f("-1 1/2 2"),
        _LATE,
        _f("-4 -1 0 1 6"),
        _net("1 1 -2", "1/4 1/4 1", "3/2 3/2 0"),
        _draws("0 1 2 0", "1 -1 1/2 -1/4", "1/4"),
        mild=True,
    ),
    Case(
        "tails",
        "y up to 340 sigma from the points; neurons that are active only far out, or always",
        _f("-1 0 2"),
        _MIDDLE,
        _f("-160 -40 -8 8 40 160"),
        _net("1 -1 1 -1", "-3 -4 4 8", "6 -5 -1 2"),
        _draws("2 0", "7/2 -4", "1/16"),
    ),
    Case(
        "tiny-sigma",
        "sigma near 1/1000, time near 1e-6",
        _f("-1 1/8 1"),
        _TINY,
        _f("-2 -1 1/8 65/512 9/16 1"),
        _net("1 -1 1", "-1/8 129/1024 1", "400 -300 200"),
        _draws("1 0 1", "1/2 -3/4 2", "1/1048576"),
    ),
    Case(
        "huge-sigma",
        "sigma next to 1: the sample is all but forgotten",
        _f("-4 1 6"),
        _HUGE,
        _f("-4 -1 0 2 7"),
        _net("1 -1 1", "0 1/2 -1", "-1 2 -3/2"),
        _draws("0 2 1 1", "3/2 -1/2 -2 1/8", "1/4"),
    ),
    Case(
        "offset",
        "a sample 2000 sigma from 0",
        _f("1024 2049/2 1026"),
        _MIDDLE,
        _f("902 904 1809/2 906"),
        _net("1 -1 1", "-904 1809/2 -905", "2 -3 4"),
        _draws("0 2", "-1/2 3/4", "1/1048576"),
    ),
    Case(
        "steep",
        "inner weights far from 1 and large outer weights",
        _f("-2 -1 1 5/2"),
        _MIDDLE,
        _f("-3 -3/2 0 7/4"),
        _net("4 -1/4 3/2 -8", "3 1/8 -1 6", "-16 12 1/4 -20"),
        _draws("3 1 0", "-1 1/2 3/2", "1/256"),
    ),
    Case(
        "far-tails",
        "y up to 2e6 sigma from the points",
        _f("-1 0 2"),
        _MIDDLE,
        _f("-1048576 -4096 4096 1048576"),
    ),
    Case(
        "exact-middles",
        "y halfway between two noised points, where the posterior mean turns over",
        _f("-4 -2 2 4"),
        _EARLY,
        _f("-189/64 0 189/64"),
    ),
    Case(
        "wide",
        "24 neurons, twelve points",
        _spread(12, -2),
        _MIDDLE,
        _f("-3 -1 0 1 2"),
        _zigzag(24, -3, 6),
        _draws("0 5 11 3", "1/2 -1 1/4 -3/2", "1/32"),
        deep=True,
    ),
    Case(
        "sixty-points-wide",
        "sixty points, sixteen neurons",
        _spread(60, -16),
        _MIDDLE,
        _f("-20 -14 -12 0 5 20 45"),
        _zigzag(16, -16, 48),
        _draws("59 0 17 30 30 41", "1/4 -1 1/2 2 -1/8 -3/4", "1/64"),
        deep=True,
    ),
    Case(
        "far-offset",
        "a sample 120000 sigma from 0",
        _f("65536 131073/2 65538"),
        _MIDDLE,
        _f("57856 115713/2 57858"),
        _net("1 -1", "-57856 115713/2", "2 -3"),
        deep=True,
    ),
    Case(
        "minute-sigma",
        "sigma near 4e-5, time near 1e-9",
        _f("-1 1/8 1"),
        _MINUTE,
        _f("-1 1/8 8193/65536 9/16"),
        _net("1 -1", "-1/8 8193/65536", "4096 -8192"),
        deep=True,
    ),
)
"""Every case, quick ones first."""

BLURRED: Final = {
    ("plain", "float16"): EVERY_PART,
    ("one-neuron", "float16"): EVERY_PART,
    ("crowded", "float16"): EVERY_PART,
    ("touching", "float16"): EVERY_PART,
    ("tied-kinks", "float16"): EVERY_PART,
    ("twins", "float16"): "score hessian largest_eigenvalue sgd_step",
    ("tiny-sigma", "float32"): "largest_eigenvalue sgd_step",
    ("offset", "float32"): "risk gradient hessian largest_eigenvalue sgd_step",
    ("far-offset", "float32"): EVERY_PART,
    ("minute-sigma", "float32"): "score gradient hessian largest_eigenvalue",
}
"""Parts that a dtype cannot tell from wrong ones in a case, by case and dtype: the tolerance is too
large a part of the largest value there (`asserts.untold`), in one of the spellings of the noise
level or of the step, with two or three groups of parameters. Such checks could only fail or be
undecided, so they are not planned."""
