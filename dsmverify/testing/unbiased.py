"""`assert_unbiased`: a mini-batch or Monte-Carlo estimator has the right mean.

The test and what it assumes are in `dsmverify.testing.sequential`. Here are the expected values,
the scale on which a bias counts, and what a failure says.

| letter | here | meaning |
|---|---|---|
| n | | training points |
| m | | neurons |
| B | `batch_size` | points in one batch |
| K | `kurtosis` | bound assumed on the kurtosis of a draw |

**Kurtosis.** The square of a normal variable has 15; where one point of n carries everything, n
times as much; a mean over B independent terms divides the excess over 3 by B. So K is
`3 + (max(100, 15 n) - 3)/B` unless it is given. Components whose standard deviation is small beside
`detect` times their scale need no bound at all. A neuron that is on in fewer draws than 1 in K may
break the bound; for the risk and the gradient that is computed first (`dsmverify.testing.rarity`).
Elsewhere draws that contradict the bound decide nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dsmverify.errors import InputError, show
from dsmverify.exact import ExactInput, lower_decimal, parse_exact, upper_decimal
from dsmverify.formulas.risk import PAPER_PARAMETERS, Parameter
from dsmverify.instance import Instance, Reduction
from dsmverify.testing.arrays import format_of, require_callable, to_numpy
from dsmverify.testing.comparison import Cause, ConformanceError, ResultError, Undecided
from dsmverify.testing.rarity import rarest
from dsmverify.testing.sequential import BLOCKS, Design, MeanTest, pilot

__tracebackhide__ = True  # a failure shows the line of the test, not those of the kit

Floats = NDArray[np.float64]

ROWS: Final = 4096
"""Most draws asked for in one call of a batched estimator: its temporaries are a batch wide."""

LEAST_KURTOSIS: Final = 100
"""K for single draws at least."""

SQUARED_NORMAL: Final = 15
"""Kurtosis of the square of a standard normal variable."""

SIZES: Final = (1e-50, 1e50)
"""Scales; within them nothing that is squared and divided here overflows."""

DETECTABLE: Final = (1e-6, 1e6)
"""Values of `detect`, for the same reason."""

LARGEST: Final = 1e90
"""Draws, for the same reason."""

_CHANGES: Final = 50
"""Two batches with so many changes from draw to draw are not equal by chance (below 2^-50)."""

_UNKNOWN: Final = Fraction(10) ** 400
_STANDARD_ERRORS: Final = 5


@dataclass(frozen=True)
class Component:
    """One component of an estimator beside its expected value.

    Attributes:
        label: its name: `risk`, `bias[2]`, `[0]`.
        estimate: mean of the draws of the test.
        lower: lower confidence limit of the mean, all components at once.
        upper: upper one.
        expected_lower: double below the expected value.
        expected_upper: double above it.
        scale: what a bias of it is measured by.
        reach: bias, in units of `scale`, that the whole test finds with the power stated.
        passed: whether the expected value was not rejected.
    """

    label: str
    estimate: float
    lower: float
    upper: float
    expected_lower: float
    expected_upper: float
    scale: float
    reach: float
    passed: bool


@dataclass(frozen=True)
class Estimation:
    """What a test of an estimator found.

    Attributes:
        quantity: `risk`, `gradient` or `value`.
        components: every component.
        worst: the one with the most evidence against it.
        draws: draws used, those of the pilot included.
        planned: draws of a test that does not stop early.
        seed: of the generator that was handed to the estimator.
        false_alarm: bound on the probability that a right estimator is rejected.
        detect: bias that has to be found, in units of each component's scale.
        power: probability with which it would have been found.
        kurtosis: K.
        causes: known factors that explain a failure, the nearest first.
        notes: what else the reader must know.
        passed: whether no component was rejected and a bias of `detect` would have been found.
    """

    quantity: str
    components: tuple[Component, ...]
    worst: Component
    draws: int
    planned: int
    seed: int
    false_alarm: float
    detect: float
    power: float
    kurtosis: float
    causes: tuple[Cause, ...]
    notes: tuple[str, ...]
    passed: bool

    def __str__(self) -> str:
        """The worst component, the error rates, and the likely cause."""
        worst, count = self.worst, len(self.components)
        rejected = sum(not component.passed for component in self.components)
        verdict = "biased" if rejected else "no bias found" if self.passed else "undecided"
        lines = [
            f"{self.quantity} (estimator): {verdict}, {rejected} of {count} components rejected",
            f"  worst        {worst.label}",
            f"  expected     [{worst.expected_lower:.9g}, {worst.expected_upper:.9g}]",
            f"  estimate     {worst.estimate:.6g}, mean in [{worst.lower:.6g}, {worst.upper:.6g}]",
            f"  draws        {self.draws} of {self.planned}, seed {self.seed}",
            f"  guarantee    false alarms <= {self.false_alarm:g}; a bias of {worst.reach:.3g} x "
            f"{worst.scale:.4g} is found with probability {self.power:g}",
            f"  assumed      independent draws, kurtosis <= {self.kurtosis:.4g}",
        ]
        lines += [f"  likely cause {cause.name}: {cause.words}" for cause in self.causes]
        if rejected and not self.causes:
            lines.append("  likely cause none of the known factors gives this mean")
        lines += [f"  note         {note}" for note in self.notes]
        return "\n".join(lines)


class BiasError(ConformanceError):
    """An estimator's mean is not what it should be.

    Args:
        estimation: the test that rejected it.
    """

    def __init__(self, estimation: Estimation) -> None:
        super().__init__(str(estimation))
        self.estimation = estimation

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled with its test."""
        return type(self), (self.estimation,)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Known factors that explain the mean."""
        return self.estimation.causes


def assert_unbiased(
    draw: Callable[..., Any],
    expected: Any,
    sample: Any = None,
    network: Any = None,
    *,
    mu: ExactInput | None = None,
    sigma: ExactInput | None = None,
    time: ExactInput | None = None,
    parameters: Sequence[Parameter] = PAPER_PARAMETERS,
    reduction: Reduction = "mean",
    batch_size: int = 1,
    batched: bool = False,
    dtype: str = "float64",
    scale: ArrayLike | None = None,
    kurtosis: float | None = None,
    seed: int = 0,
    false_alarm: float = 1e-6,
    detect: float = 0.05,
    power: float = 0.999,
    budget: int = 1_000_000,
) -> Estimation:
    """Test that the mean of a stochastic estimator is what it should be.

    The estimator is called with one NumPy generator, seeded once; whatever is random in it must
    come from there, and each call must be independent of those before (no epochs).

    Args:
        draw: `draw(rng)` gives one estimate: a scalar, an array `[k]`, or a `Network` of arrays
            `[m]`. With `batched`, `draw(rng, count)` gives `count` of them, along a leading axis.
        expected: `"risk"` or `"gradient"` of the sample and network, certified here; or the
            expected value: numbers (text is exact), balls, `{"lower", "upper"}` as `evaluate` gives
            them, or a sequence `[k]` of such.
        sample: an `Instance`, or points `[n]` with mu and sigma, sigma, or time.
        network: a `Network`, mapping or torch module, where the instance has none.
        mu: signal factor, with sigma.
        sigma: noise level; alone it means `mu = sqrt(1 - sigma^2)`.
        time: diffusion time.
        parameters: what the gradient runs over, in the order of the estimate.
        reduction: `"sum"` where the estimator sums over its batch: the expected risk or gradient is
            then `batch_size` times the certified one.
        batch_size: B.
        batched: whether `draw` takes a count.
        dtype: the sample and the network are rounded to it, as those inside the estimator are.
        scale: `[k]` or one number, what a bias is measured by. By default the largest expected
            component in absolute value; in a gradient, the largest of its group of parameters.
        kurtosis: K of one draw; see the module.
        seed: of the generator.
        false_alarm: bound on the probability that a right estimator is rejected.
        detect: a bias of `detect * scale` in some component must be found,
        power: with at least this probability.
        budget: most draws.

    Returns:
        The test, passed.

    Raises:
        BiasError: the expected value is rejected (a `ConformanceError`).
        ResultError: NaN, infinity or beyond 1e90, or another shape.
        Undecided: the budget does not reach `power`, the draws (or a neuron that is rarely on)
            contradict what is assumed, batches repeat, or the expected value is not known sharply
            enough.
        InputError: an argument out of range, or an expected value of 0 without a scale.
    """
    require_callable("draw", draw)
    _check(false_alarm, detect, power, budget, batch_size)
    known = {*get_args(Reduction), *get_args(Parameter)}
    if not {reduction, *parameters} <= known:
        raise InputError(
            "reduction, parameters",
            f"{show(reduction)}, {show(parameters)}",
            "reductions are mean and sum, groups of parameters outer, bias and inner",
            "choose among them",
        )
    case = _case(sample, network, (mu, sigma, time), dtype)
    reference = _expected(
        expected, case, tuple(parameters), batch_size if reduction == "sum" else 1
    )
    width = reference.upper - reference.lower
    scales = _scales(reference, scale)
    apart = detect * scales - width
    if (apart < detect * scales / 2).any():
        worst = int(np.argmax(width / scales))
        raise Undecided(
            f"{reference.quantity} (estimator): undecided: the expected value of "
            f"{reference.labels[worst]} is only known to lie in "
            f"[{reference.lower[worst]}, {reference.upper[worst]}], "
            f"wider than half of detect * scale = {detect * scales[worst]:g}"
        )
    if kurtosis is not None and not 1 <= kurtosis < math.inf:
        raise InputError(
            "kurtosis",
            show(kurtosis),
            "it must be finite, and no law has one below 1",
            "give 15 for a square, say",
        )
    if kurtosis is None:
        size = case.size if case is not None else 1
        kurtosis = 3 + (max(LEAST_KURTOSIS, SQUARED_NORMAL * size) - 3) / batch_size
    design = Design(len(scales), false_alarm, power, kurtosis)
    _refuse_rare(reference, case, parameters, batch_size, reduction, design.quiet(apart), kurtosis)
    rng = np.random.default_rng(seed)
    source = _Source(draw, rng, reference, parameters, batched)

    spent = 2 * design.pairs
    if spent + BLOCKS > budget:
        raise Undecided(
            f"{reference.quantity} (estimator): undecided: the pilot alone takes {spent} draws and "
            f"the test {BLOCKS} at least, but the budget is {budget}; raise budget, or give a "
            f"smaller kurtosis than {kurtosis:.4g} if you know one"
        )
    before = _state(rng)
    first = source.take(spent)
    seen = pilot(design, first, apart)
    needed = design.needed_block(float((seen.variance / apart**2).max()))
    wanted = max(design.least_block, needed)
    block = min(wanted, (budget - spent) // BLOCKS)
    test = MeanTest(design, reference.lower, reference.upper, seen.variance, block)
    totals = _Totals(first)
    done = 0
    rejected = False
    while done < BLOCKS and not rejected:
        count = min(max(1, ROWS // block), BLOCKS - done)
        draws = source.take(count * block)
        totals.add(draws)
        rejected = test.add(draws.reshape(count, block, -1).mean(axis=1))
        done += count

    lower, upper = test.interval()
    estimate = test.estimate()
    found = test.evidence >= test.threshold
    components = tuple(
        Component(
            label,
            float(estimate[j]),
            float(lower[j]),
            float(upper[j]),
            float(reference.lower[j]),
            float(reference.upper[j]),
            float(scales[j]),
            float((test.reach[j] + width[j]) / scales[j]),
            not found[j],
        )
        for j, label in enumerate(reference.labels)
    )
    notes: tuple[str, ...] = ()
    constant = (first == first[0]).all(axis=0)
    if constant.all():
        notes = ("every draw of the pilot is the same: nothing here is random",)
    elif _state(rng) == before:
        notes = ("nothing was drawn from rng: the seed does not decide what the estimator gives",)
    is_loud = bool((seen.kurtosis > 2 * kurtosis).any())
    is_wild = bool((totals.variance > 2 * seen.variance).any())
    # Values that the pilot missed altogether. A number that never changes is none of them.
    missed = found & constant & totals.varies
    is_unseen = rejected and bool((missed == found).all())
    is_known = bool(np.isfinite(test.reach).all() and np.isfinite(test.evidence).all())
    is_doubtful = is_loud or is_wild or is_unseen or not is_known
    estimation = Estimation(
        reference.quantity,
        components,
        components[int(np.argmax(test.evidence))],
        spent + done * block,
        spent + BLOCKS * block,
        seed,
        false_alarm,
        detect,
        power,
        kurtosis,
        _causes(reference, totals, case, batch_size) if rejected else (),
        notes,
        not rejected and block == wanted and not is_doubtful,
    )
    if is_loud:
        worst = int(np.argmax(seen.kurtosis))
        raise Undecided(
            f"{estimation}\n  undecided    the draws of {reference.labels[worst]} have kurtosis "
            f"{seen.kurtosis[worst]:.4g}, beyond what is assumed: give kurtosis=, or larger batches"
        )
    if is_wild or is_unseen:
        worst = int(np.argmax(missed if is_unseen else totals.variance / seen.variance))
        raise Undecided(
            f"{estimation}\n  undecided    {reference.labels[worst]} has rare values that the "
            "pilot did not see, beyond the kurtosis assumed: give kurtosis=, or larger batches"
        )
    if not is_known:
        raise Undecided(f"{estimation}\n  undecided    the numbers are beyond the range of float64")
    if rejected:
        raise BiasError(estimation)
    if block < wanted:
        raise Undecided(
            f"{estimation}\n  undecided    a bias of {detect:g} x scale needs "
            f"{spent + BLOCKS * wanted} draws, but the budget is {budget}: raise budget or detect, "
            "give larger batches, or a larger scale"
        )
    return estimation


@dataclass(frozen=True)
class _Reference:
    """Expected values: an enclosure by doubles `[k]`, names, and groups that share a scale."""

    quantity: str
    labels: tuple[str, ...]
    lower: Floats
    upper: Floats
    groups: tuple[slice, ...]


def _check(false_alarm: float, detect: float, power: float, budget: int, batch_size: int) -> None:
    for name, value in (("false_alarm", false_alarm), ("power", power)):
        if not 0 < value < 1:
            raise InputError(
                name, show(value), "it must lie strictly between 0 and 1", "give a probability"
            )
    if 1 - power <= false_alarm / 2:
        raise InputError(
            "power",
            show(power),
            "misses may not be rarer than half of the false alarms",
            "give a power below 1 - false_alarm/2",
        )
    low, high = DETECTABLE
    if not low <= detect <= high:
        raise InputError(
            "detect",
            show(detect),
            f"it must be positive, from {low:g} to {high:g}",
            "give 0.05, say",
        )
    for name, count in (("budget", budget), ("batch_size", batch_size)):
        if type(count) is not int or count < 1:
            raise InputError(name, show(count), "it must be a positive integer", "give 1 or more")


def _case(
    sample: Any,
    network: Any,
    level: tuple[ExactInput | None, ExactInput | None, ExactInput | None],
    dtype: str,
) -> Instance | None:
    """The sample with its network, rounded to the dtype."""
    if sample is None:
        return None
    mu, sigma, time = level
    if not isinstance(sample, Instance):
        sample = Instance.from_numpy(sample, mu=mu, sigma=sigma, time=time)
    elif level != (None, None, None):
        raise InputError(
            "mu, sigma, time",
            "",
            "the instance already has its noise level",
            "leave them out, or give points in place of an instance",
        )
    if network is not None:
        from dsmverify.testing.asserts import network_data

        sample = replace(sample, network=network_data(network))
    from dsmverify.testing.reference import rounded

    return rounded(sample, format_of(dtype))


def _expected(
    expected: Any, case: Instance | None, parameters: tuple[Parameter, ...], factor: int
) -> _Reference:
    if isinstance(expected, str) and expected in {"risk", "gradient"}:
        if case is None or case.network is None:
            raise InputError(
                "sample",
                "",
                f"the expected {expected} needs a sample and a network",
                "give both, or the expected value itself",
            )
        return _certified(expected, case, case.network.width, parameters, factor)
    if _is_sequence(expected) and not np.size(np.asarray(expected, dtype=object)):
        raise InputError(
            "expected", show(expected), "it is empty", "give one value for each number of a draw"
        )
    values = np.ravel(np.asarray(expected, dtype=object)) if _is_sequence(expected) else [expected]
    bounds = [_bounds(value, index) for index, value in enumerate(values)]
    labels = tuple(f"[{j}]" for j in range(len(bounds))) if _is_sequence(expected) else ("value",)
    lower, upper = (np.array(side) for side in zip(*bounds, strict=True))
    return _Reference("value", labels, lower, upper, (slice(0, len(bounds)),))


def _is_sequence(expected: Any) -> bool:
    return isinstance(expected, list | tuple) or getattr(expected, "ndim", 0) > 0


def _bounds(value: Any, index: int) -> tuple[float, float]:
    """Doubles around a number, a ball or an enclosure in decimals."""
    if isinstance(value, Mapping):
        if not {"lower", "upper"} <= set(value):
            raise InputError(
                f"expected[{index}]",
                show(dict(value)),
                "an enclosure has the keys lower and upper",
                "give both, or a number",
            )
        low, high = (parse_exact(value[key], field=f"expected.{key}") for key in ("lower", "upper"))
        if low > high:
            raise InputError(
                f"expected[{index}]",
                f"lower = {show(value['lower'])}, upper = {show(value['upper'])}",
                "the lower end may not be above the upper one",
                "swap them if they are in the wrong order",
            )
    elif hasattr(value, "mid") and hasattr(value, "rad"):
        low, high = _ends(value)
    else:
        low = high = parse_exact(value, field=f"expected[{index}]")
    return _below(low), -_below(-high)


def _ends(ball: Any) -> tuple[Fraction, Fraction]:
    """Decimal ends of a ball, as fractions; far apart where it is not finite."""
    if not ball.is_finite():
        return -_UNKNOWN, _UNKNOWN
    return Fraction(lower_decimal(ball, 30)), Fraction(upper_decimal(ball, 30))


def _below(value: Fraction) -> float:
    """Largest double that is not above a number, or its neighbour."""
    try:
        nearest = float(value)
    except OverflowError:
        raise InputError(
            "expected", show(value), "it is beyond the range of float64", "rescale the estimator"
        ) from None
    return nearest if Fraction(nearest) <= value else float(np.nextafter(nearest, -np.inf))


def _certified(
    quantity: str, case: Instance, width: int, parameters: tuple[Parameter, ...], factor: int
) -> _Reference:
    """The risk or its gradient, at a precision that shows ten digits of its largest component."""
    from dsmverify.testing import reference

    def values() -> list[tuple[Fraction, Fraction]]:
        if quantity == "risk":
            return [_ends(reference.risk(case))]
        return [_ends(value) for value in reference.gradient(case, parameters)]

    def are_sharp(ends: list[tuple[Fraction, Fraction]]) -> bool:
        largest = max(max(abs(low), abs(high)) for low, high in ends)
        return all(high - low <= largest / 10**10 for low, high in ends)

    ends = reference.enclose(values, are_sharp, quantity, reference.BUDGET)
    labels: tuple[str, ...] = ("risk",)
    groups: tuple[slice, ...] = (slice(0, 1),)
    if quantity == "gradient":
        labels = tuple(f"{name}[{j}]" for name in parameters for j in range(width))
        groups = tuple(slice(g * width, (g + 1) * width) for g in range(len(parameters)))
    lower = np.array([_below(factor * low) for low, _ in ends])
    upper = np.array([-_below(-factor * high) for _, high in ends])
    return _Reference(quantity, labels, lower, upper, groups)


def _scales(reference: _Reference, scale: ArrayLike | None) -> Floats:
    """What a bias of each component is measured by. `[k]`."""
    count = len(reference.labels)
    if scale is not None:
        given = np.asarray(scale, dtype=np.float64)
        if given.shape not in {(), (count,)} or not (np.isfinite(given) & (given > 0)).all():
            raise InputError(
                "scale",
                show(scale),
                f"it must be one positive number or {count} of them",
                "give the size that a bias is to be measured by",
            )
        return _in_range("scale", np.full(count, given) if given.shape == () else given)
    size = np.maximum(np.abs(reference.lower), np.abs(reference.upper))
    if not size.any():
        raise InputError(
            "expected",
            "0",
            "a bias has no relative size where the expected value is exactly 0",
            "give scale=, the size that a bias is to be measured by",
        )
    scales = np.empty(count)
    for group in reference.groups:
        # A group without any gradient is measured by the others.
        scales[group] = size[group].max() or size.max()
    return _in_range("expected", scales)


def _in_range(argument: str, scales: Floats) -> Floats:
    low, high = SIZES
    for size in scales[(scales < low) | (scales > high)]:
        raise InputError(
            argument,
            show(float(size)),
            f"a bias is measured by scales from {low:g} to {high:g}",
            "rescale the estimator, or give another scale=",
        )
    return scales


def _refuse_rare(
    reference: _Reference,
    case: Instance | None,
    parameters: Sequence[Parameter],
    batch_size: int,
    reduction: Reduction,
    quiet: Floats,
    kurtosis: float,
) -> None:
    """Raise where a neuron is on too rarely for the kurtosis assumed."""
    if case is None or reference.quantity == "value":
        return
    factor = batch_size if reduction == "sum" else 1
    groups = parameters if reference.quantity == "gradient" else None
    found = rarest(case, groups, batch_size, kurtosis, quiet / factor**2)
    if found is None:
        return
    raise Undecided(
        f"{reference.quantity} (estimator): undecided: neuron {found.neuron} is active in about "
        f"one of {max(1.0, 1 / (found.chance * batch_size)):.3g} draws, and gives "
        f"{reference.labels[found.component]} a kurtosis of {found.kurtosis:.3g} at least, beyond "
        f"the {kurtosis:.4g} assumed: a pilot cannot see it; raise kurtosis= (and budget), leave "
        "the group of parameters out, or use another network"
    )


def _state(rng: np.random.Generator) -> str:
    """What changes when a generator is used, or children are spawned from it."""
    generator = rng.bit_generator
    return f"{generator.state} {getattr(generator.seed_seq, 'n_children_spawned', 0)}"


class _Source:
    """The estimator: its draws as rows of numbers, checked."""

    def __init__(
        self,
        draw: Callable[..., Any],
        rng: np.random.Generator,
        reference: _Reference,
        parameters: Sequence[Parameter],
        batched: bool,
    ) -> None:
        self._draw, self._rng, self._batched = draw, rng, batched
        self._labels, self._parameters = reference.labels, parameters
        self._quantity = reference.quantity
        self._made = 0
        self._batches: dict[int, Floats] = {}

    def take(self, count: int) -> Floats:
        """So many draws. `[count, k]`.

        Raises:
            ResultError: another shape, or a number that is not finite.
            Undecided: a batch that has come before.
        """
        rows = np.empty((count, len(self._labels)))
        for start, size in self._calls(count):
            if self._batched:
                value = self._flat(self._draw(self._rng, size))
                shape: tuple[int, ...] = (size, len(self._labels))
            else:
                value = self._flat(self._draw(self._rng))
                shape = (len(self._labels),)
            if value.shape != shape and not (shape[-1] == 1 and value.shape == shape[:-1]):
                raise ResultError(
                    f"estimator: got an array of shape {list(value.shape)}, expected "
                    f"{list(shape)}: {', '.join(self._labels[:6])}"
                    f"{', ...' if len(self._labels) > 6 else ''}"
                )
            rows[start : start + size] = value.reshape(size, -1)
            self._refuse_nan(rows[start : start + size])
            self._refuse_repeated(rows[start : start + size])
            self._made += size
        return rows

    def _calls(self, count: int) -> Iterator[tuple[int, int]]:
        step = ROWS if self._batched else 1
        for start in range(0, count, step):
            yield start, min(step, count - start)

    def _flat(self, value: Any) -> Floats:
        if hasattr(value, "outer") and hasattr(value, "bias"):
            parts = [_numbers(getattr(value, name)) for name in self._parameters]
            return np.concatenate(parts, axis=-1)
        return _numbers(value)

    def _refuse_nan(self, rows: Floats) -> None:
        bad = ~(np.abs(rows) <= LARGEST)
        if not bad.any():
            return
        row, column = np.argwhere(bad)[0]
        value = rows[row, column]
        words = f"beyond {LARGEST:g}" if np.isfinite(value) else "such an estimator has no mean"
        raise ResultError(
            f"estimator: {self._labels[column]} is {value} in draw {self._made + row + 1}: {words}"
        )

    def _refuse_repeated(self, rows: Floats) -> None:
        """A batch that comes twice: the same seed inside the estimator, or stored draws."""
        earlier = self._batches.setdefault(len(rows), rows)
        if not self._batched or earlier is rows or not np.array_equal(earlier, rows):
            return
        if (rows[1:] != rows[:-1]).any(axis=1).sum() >= _CHANGES:
            raise Undecided(
                f"{self._quantity} (estimator): undecided: a call for {len(rows)} draws gave the "
                "same numbers as an earlier one: the estimator does not draw from rng"
            )


def _numbers(value: Any) -> Floats:
    """A draw as float64, whatever its kind of array."""
    try:
        host = value if isinstance(value, np.ndarray) else to_numpy(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ResultError(f"estimator: got {show(value)}, expected real numbers") from error
    if host.dtype.kind not in "fiub":
        raise ResultError(f"estimator: got {show(value)}, expected real numbers")
    return np.asarray(host, dtype=np.float64)


class _Totals:
    """Mean and spread of all draws, the pilot's included; for causes and doubts."""

    def __init__(self, draws: Floats) -> None:
        self._origin = draws.mean(axis=0)
        self._count, self._sum, self._squares = 0, 0 * self._origin, 0 * self._origin
        self._first = draws[0]
        self.varies = np.zeros(len(self._first), dtype=bool)
        """`[k]`, whether some draw differs from the first."""
        self.add(draws)

    def add(self, draws: Floats) -> None:
        apart = draws - self._origin
        self.varies |= (draws != self._first).any(axis=0)
        self._count += len(draws)
        self._sum = self._sum + apart.sum(axis=0)
        self._squares = self._squares + (apart**2).sum(axis=0)

    @property
    def mean(self) -> Floats:
        """Mean of all draws."""
        mean: Floats = self._origin + self._sum / self._count
        return mean

    @property
    def variance(self) -> Floats:
        """Variance of one draw."""
        variance = self._squares / self._count - (self._sum / self._count) ** 2
        positive: Floats = np.maximum(variance, 0)
        return positive

    @property
    def error(self) -> Floats:
        """Standard error of the mean."""
        error: Floats = np.sqrt(self.variance / self._count)
        return error


def _causes(
    reference: _Reference, totals: _Totals, case: Instance | None, batch_size: int
) -> tuple[Cause, ...]:
    """Factors that explain every component, within five standard errors, nearest first.

    A factor may be that of one group of parameters alone.
    """
    sizes = {"factor 2": ("2", 2), "batch size": ("|B|", batch_size)}
    if case is not None:
        sizes["factor n"] = ("n", case.size)
    if case is not None and case.network is not None:
        sizes["factor m"] = ("m", case.network.width)
    factors = [("sign", "-1", Fraction(-1))]
    for name, (letter, size) in sizes.items():
        factors += [(name, letter, Fraction(size)), (name, f"1/{letter}", Fraction(1, size))]
    if case is not None:
        share = Fraction(case.size, batch_size)
        factors += [("batch size", "n/|B|", share), ("batch size", "|B|/n", 1 / share)]
    middle = (reference.lower + reference.upper) / 2
    allowed = _STANDARD_ERRORS * totals.error + 1e-6 * np.abs(totals.mean)
    blocks = [("", slice(0, len(middle)))]
    if len(reference.groups) > 1:
        blocks += [
            (f" in the group {reference.labels[group.start].partition('[')[0]}", group)
            for group in reference.groups
        ]
    found = []
    for where, block in blocks:
        for name, label, factor in factors:
            predicted = middle.copy()
            predicted[block] *= float(factor)
            off = np.abs(totals.mean - predicted)
            if factor != 1 and (off <= allowed).all():
                number = "" if label == str(factor) else f" = {factor}"
                words = f"the mean is {label}{number} times what it should be{where}"
                found.append((float(off.max()), Cause(name, words)))
    return tuple(cause for _, cause in sorted(found, key=lambda each: each[0]))
