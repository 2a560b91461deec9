"""Derivations: chains of symbolic steps, shown zero by a normal form and re-checked with balls.

A module of `derivations/` starts from the paper's definitions and arrives at a formula of the
engine or at an inequality. What it proves is a list of identities and of bounds. Each identity is
decided in two independent ways:

- symbolically: the difference of both sides is brought to a normal form, a fraction of
  polynomials in its symbols, exponentials, complementary error functions and opaque functions,
  and must be literally 0 (`residual_form`; no `simplify`, no `integrate`);
- numerically: both sides are enclosed with balls at seeded random rational points and must
  overlap, with radii below 1e-20 (`recheck`). Derivatives that a module leaves unevaluated are
  then taken by power series of balls, so SymPy's differentiation is checked too.

A bound `smaller <= larger` is an identity `larger - smaller = gap` and a sign that can be read off
`gap`: products, sums and even powers of symbols declared non-negative, exponentials, and the
inequality `exp(p) >= 1 + p` (`is_evidently_nonnegative`). What a printed hypothesis grants enters
as a declared symbol: `x_j >= x_i + Delta` is `x_j = x_i + Delta + f` with `f >= 0`.

Antiderivatives are verified by differentiating them, never by integrating. SymPy is trusted for
the polynomial arithmetic of the normal form; that is what a report has to say.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dsmverify import content
from dsmverify.errors import DerivationError, DsmverifyError

if TYPE_CHECKING:
    from types import ModuleType


Expression = Any
"""A SymPy expression or relation (SymPy has no types)."""

BITS = 256
"""Working precision of the re-check."""

POINTS = 3
"""Random points at which each identity is re-checked."""

RADIUS_EXPONENT = -66
"""Balls of the re-check must have a radius below 2^-66 < 1e-20."""


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        text: what is done, in words.
        expression: the formula reached, or None for a step in words only.
        gap: of an inequality, the difference of its sides.
    """

    text: str
    expression: Expression = None
    gap: Expression = None


@dataclass(frozen=True)
class Identity:
    """Two expressions that must be equal for all values of their symbols.

    Attributes:
        text: what both sides are.
        left: one side; may hold unevaluated derivatives.
        right: the other side.
        on_engine: whether `left` is the engine's own formula, run on symbols.
    """

    text: str
    left: Expression
    right: Expression
    on_engine: bool = False


@dataclass(frozen=True)
class Bound:
    """Two expressions of which one is never the larger, for all values of their symbols.

    Attributes:
        text: what both sides are.
        smaller: the smaller side.
        larger: the larger side.
        gap: `larger - smaller`, written so that its sign is evident.
    """

    text: str
    smaller: Expression
    larger: Expression
    gap: Expression


@dataclass(frozen=True)
class Derivation:
    """A derivation and what it proves.

    Attributes:
        name: name of its module.
        title: what is derived.
        source: where the formula stands in the paper.
        proves: ids of the claims that it proves.
        proves_steps: ids of the printed proof steps that it proves.
        scope: the values of n, m, mu, sigma, ... for which it does.
        steps: the chain, in order.
        identities: everything that was shown to vanish, in order.
        bounds: every inequality that was shown, in order.
        checks: engine formulas run on symbols, one line each.
        remark: what the derivation shows about the printed text, "" for nothing.
        trusted: what the proof trusts.
    """

    name: str
    title: str
    source: str
    proves: tuple[str, ...]
    scope: str
    steps: tuple[Step, ...]
    identities: tuple[Identity, ...]
    bounds: tuple[Bound, ...] = ()
    proves_steps: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    remark: str = ""
    trusted: str = "SymPy"

    @functools.cached_property
    def residuals(self) -> tuple[Expression, ...]:
        """Normal form of `left - right` of each identity; every one must be literally 0."""
        return tuple(residual_form(item.left - item.right) for item in self.identities)


class Chain:
    """A derivation being written down, step by step."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.identities: list[Identity] = []
        self.bounds: list[Bound] = []
        self.checks: list[str] = []

    def step(self, text: str, expression: Expression = None) -> None:
        """Add a definition or an argument in words."""
        self.steps.append(Step(text, expression))

    def identity(self, text: str, left: Expression, right: Expression, show: bool = True) -> None:
        """Add an equation that has to vanish; `show=False` keeps it out of the printed chain."""
        import sympy

        left, right = sympy.sympify(left), sympy.sympify(right)
        self.identities.append(Identity(text, left, right))
        if show:
            self.steps.append(Step(text, sympy.Eq(left, right, evaluate=False)))

    def at_most(
        self, text: str, smaller: Expression, larger: Expression, gap: Expression = None
    ) -> None:
        """Add `smaller <= larger`.

        Args:
            text: what both sides are.
            smaller: one side.
            larger: the other side.
            gap: `larger - smaller` in a form whose sign is evident; without it, the difference as
                it stands.
        """
        import sympy

        smaller, larger = sympy.sympify(smaller), sympy.sympify(larger)
        gap = larger - smaller if gap is None else sympy.sympify(gap)
        self.bounds.append(Bound(text, smaller, larger, gap))
        self.steps.append(Step(text, sympy.Le(smaller, larger, evaluate=False), gap))

    def engine(self, text: str, pairs: Iterable[tuple[Expression, Expression]]) -> None:
        """Compare values of the engine's formula on symbols with the derived ones."""
        import sympy

        count = 0
        for value, derived in pairs:
            sides = sympy.sympify(value), sympy.sympify(derived)
            self.identities.append(Identity(text, *sides, on_engine=True))
            count += 1
        self.checks.append(f"{text}: {count} difference{'s' if count != 1 else ''}, all 0")

    def derivation(
        self, name: str, title: str, source: str, scope: str, **fields: Any
    ) -> Derivation:
        """The finished derivation; `name` may be a module's `__name__`."""
        return Derivation(
            name=name.rpartition(".")[2],
            title=title,
            source=source,
            proves=tuple(fields.pop("proves", ())),
            scope=scope,
            steps=tuple(self.steps),
            identities=tuple(self.identities),
            bounds=tuple(self.bounds),
            checks=tuple(self.checks),
            **fields,
        )


def names() -> list[str]:
    """Names of all derivations, sorted."""
    return content.derivation_names()


def run(name: str) -> Derivation:
    """Load one derivation, run it, and decide every identity and every bound twice.

    Args:
        name: one of `names()`.

    Raises:
        InputError: there is no such derivation, or its module fails.
        DerivationError: an identity does not vanish, the sign of a gap is not evident, or the
            re-check with balls failed.
    """
    module: ModuleType = content.derivation_module(name)
    try:
        derivation: Derivation = module.derive()
    except DsmverifyError:
        raise
    except Exception as error:
        raise content.failed(error, f"derivation {name}", f"derivations/{name}.py") from error
    verify(derivation)
    return derivation


def verify(derivation: Derivation) -> None:
    """Decide every identity and every bound of a derivation, symbolically and with balls.

    Raises:
        DerivationError: a residual is not literally 0, the sign of a gap is not evident, two balls
            of an identity do not overlap, a ball of a bound's gap lies below 0, or claims are said
            to be proved and there is nothing to decide.
    """
    proved = (*derivation.proves, *derivation.proves_steps)
    if proved and not (derivation.identities or derivation.bounds):
        reason = f"it is in words only, which prove nothing here; it lists {', '.join(proved)}"
        raise DerivationError(derivation.name, reason)
    for item, residual in zip(derivation.identities, derivation.residuals, strict=True):
        if residual != 0:
            shown = str(residual)
            shown = shown if len(shown) < 300 else shown[:300] + "..."
            raise DerivationError(derivation.name, f"{item.text}: residual {shown}, not 0")
    for number, item in enumerate(derivation.identities):
        try:
            recheck(item, seed=f"{derivation.name} {number}")
        except ValueError as error:
            raise DerivationError(derivation.name, f"{item.text}: {error}") from error
    for number, bound in enumerate(derivation.bounds):
        difference = Identity(bound.text, bound.larger - bound.smaller, bound.gap)
        if residual_form(difference.left - difference.right) != 0:
            raise DerivationError(derivation.name, f"{bound.text}: the gap is not the difference")
        if not is_evidently_nonnegative(bound.gap):
            raise DerivationError(derivation.name, f"{bound.text}: no evident sign: {bound.gap}")
        try:
            recheck(difference, seed=f"{derivation.name} bound {number}", nonnegative=True)
        except ValueError as error:
            raise DerivationError(derivation.name, f"{bound.text}: {error}") from error


# Normal form ------------------------------------------------------------------------------------


def residual_form(expression: Expression) -> Expression:
    """Normal form of an expression: literally 0 when it vanishes identically.

    The expression is written as a fraction of polynomials over the rationals. Generators are its
    symbols, complementary error functions (with `erfc(-x) = 2 - erfc(x)`), exponentials and opaque
    functions. First every exponential counts as independent; where that is not enough, exponents
    are split into monomials so that `exp(a) exp(b) = exp(a + b)` is seen. Zero means zero; another
    answer means that this form does not vanish.
    """
    import sympy

    expression = sympy.sympify(expression).doit()
    if expression.is_Rational:
        return expression
    residual = _Fractions(split=False).residual(expression)
    if residual == 0:
        return residual
    return _Fractions(split=True).residual(expression)


class _Fractions:
    """Converts an expression into an element of a field of rational functions."""

    def __init__(self, split: bool) -> None:
        self.split = split
        self.generators: dict[Expression, int] = {}
        self.radicands: set[Expression] = set()
        self.denominators: dict[Expression, int] = {}
        self.values: dict[Expression, Any] = {}
        self.field: Any = None
        self.cache: dict[Expression, Any] = {}

    def residual(self, expression: Expression) -> Expression:
        """Numerator over denominator, reduced by `sqrt(number)^2 = number`; 0 when it vanishes."""
        import sympy
        from sympy.polys.domains import QQ
        from sympy.polys.fields import field
        from sympy.polys.orderings import lex

        self._survey(expression)
        if not self.generators:
            self.generators[sympy.Symbol("unused")] = 0
        names = [f"g{index}" for index in range(len(self.generators))]
        self.field, *gens = field(names, QQ, lex)
        self.values = dict(zip(self.generators, gens, strict=True))
        fraction = self._convert(expression)
        numerator, denominator = self._reduce(fraction.numer), self._reduce(fraction.denom)
        if denominator == 0:
            raise ZeroDivisionError("the denominator of a residual vanishes identically")
        if numerator == 0:
            return sympy.Integer(0)
        back = {sympy.Symbol(name): key for name, key in zip(names, self.generators, strict=True)}
        return (numerator.as_expr() / denominator.as_expr()).xreplace(back)

    def _reduce(self, polynomial: Any) -> Any:
        """Replace squares of square roots of integers."""
        roots = [
            (index, int(key.base))
            for index, key in enumerate(self.generators)
            if key.is_Pow and key.base.is_Integer
        ]
        if not roots:
            return polynomial
        result = polynomial.ring.zero
        for monomial, coefficient in polynomial.terms():
            exponents, factor = list(monomial), coefficient
            for index, base in roots:
                factor *= base ** (exponents[index] // 2)
                exponents[index] %= 2
            result += polynomial.ring({tuple(exponents): factor})
        return result

    def _generator(self, key: Expression) -> None:
        self.generators.setdefault(key, len(self.generators))

    def _survey(self, expression: Expression) -> None:
        """Find the generators."""
        import sympy

        half = sympy.Rational(1, 2)
        exponentials: list[Expression] = []
        leaves: list[Expression] = []
        for node in sympy.postorder_traversal(expression):
            if node.is_Pow and node.exp.is_Rational and not node.exp.is_Integer:
                if node.exp.q != 2:
                    raise ValueError(f"{node}: only square roots have a normal form")
                if not (node.base.is_Symbol or node.base.is_Integer or node.base == sympy.pi):
                    raise ValueError(
                        f"{node}: only roots of symbols and numbers have a normal form"
                    )
                self.radicands.add(node.base)
                self._generator(sympy.Pow(node.base, half))
            elif isinstance(node, sympy.exp):
                exponentials.append(node)
            elif (
                node.is_Symbol or node == sympy.pi or (node.is_Function and not node.is_Number)
            ) and not isinstance(node, sympy.exp):
                leaves.append(node)
            elif node.is_Pow and not node.exp.is_number:
                _, rest = node.exp.expand().as_coeff_Add()
                self._generator(sympy.Pow(node.base, rest))
        for node in leaves:
            if isinstance(node, sympy.erfc):
                self._generator(self._signed_tail(node)[1])
            elif node not in self.radicands:
                self._generator(node)
        for node in exponentials:
            for base, coefficient in self._exponent(node):
                self.denominators[base] = math.lcm(
                    self.denominators.get(base, 1), int(coefficient.q)
                )
        for base, denominator in self.denominators.items():
            self._generator(sympy.exp(base / denominator, evaluate=False))

    def _exponent(self, node: Expression) -> list[tuple[Expression, Expression]]:
        import sympy

        if not self.split:
            return [(node.args[0], sympy.Integer(1))]
        terms = sympy.Add.make_args(sympy.expand(node.args[0]))
        split = [term.as_coeff_Mul() for term in terms]
        return [(rest, coefficient) for coefficient, rest in split]

    @staticmethod
    def _signed_tail(node: Expression) -> tuple[bool, Expression]:
        """Whether `erfc` is to be reflected, and the canonical `erfc`."""
        import sympy

        argument = sympy.expand(node.args[0])
        if argument.could_extract_minus_sign():
            return True, sympy.erfc(-argument, evaluate=False)
        return False, sympy.erfc(argument, evaluate=False)

    def _convert(self, node: Expression) -> Any:
        found = self.cache.get(node)
        if found is None:
            found = self._element(node)
            self.cache[node] = found
        return found

    def _element(self, node: Expression) -> Any:
        import sympy

        if node.is_Rational:
            return self.field.from_expr(node)
        if node.is_Add:
            return sum((self._convert(term) for term in node.args), self.field.zero)
        if node.is_Mul:
            return math.prod((self._convert(factor) for factor in node.args), start=self.field.one)
        if isinstance(node, sympy.exp):
            result = self.field.one
            for base, coefficient in self._exponent(node):
                denominator = self.denominators[base]
                generator = self.values[sympy.exp(base / denominator, evaluate=False)]
                result *= generator ** int(coefficient * denominator)
            return result
        if isinstance(node, sympy.erfc):
            reflected, canonical = self._signed_tail(node)
            return 2 - self.values[canonical] if reflected else self.values[canonical]
        if node.is_Pow:
            return self._power(node)
        if node in self.radicands:
            return self.values[sympy.sqrt(node)] ** 2
        return self.values[node]

    def _power(self, node: Expression) -> Any:
        import sympy

        base, exponent = node.args
        if exponent.is_Integer:
            return self._convert(base) ** int(exponent)
        if exponent.is_Rational:
            return self.values[sympy.sqrt(base)] ** int(2 * exponent)
        whole, rest = exponent.expand().as_coeff_Add()
        return self._convert(base) ** int(whole) * self.values[sympy.Pow(base, rest)]


# Evident signs ----------------------------------------------------------------------------------


def is_evidently_nonnegative(expression: Expression) -> bool:
    """Whether an expression is seen to be `>= 0` for all values of its symbols.

    Sufficient, and mechanical: a number (decided by its ball), a symbol declared non-negative, an
    exponential or complementary error function of a real expression, an even power of one; sums,
    products, roots and powers of such (dividing only by what is evidently positive); a sum whose
    terms are such after multiplying out; and a sum that is such once `exp(p) - 1 - p` with p real,
    or `1 - exp(-p)` with p evidently non-negative, is taken out of it, times a positive number.
    False means: not seen.
    """
    import sympy

    return _evident_sign(sympy.sympify(expression)) is not None


def _evident_sign(expression: Expression) -> int | None:
    """1 for an evidently positive expression, 0 for a non-negative one, None where unseen."""
    import sympy

    if not expression.free_symbols:
        return _number_sign(expression)
    if expression.is_Symbol:
        return 1 if expression.is_positive else 0 if expression.is_nonnegative else None
    if isinstance(expression, (sympy.exp, sympy.erfc)):
        return 1 if _is_evidently_real(expression.args[0]) else None
    if expression.is_Mul:
        signs = [_evident_sign(factor) for factor in expression.args]
        return None if None in signs else min(sign for sign in signs if sign is not None)
    if expression.is_Pow:
        return _power_sign(*expression.args)
    if expression.is_Add:
        return _sum_sign(expression)
    return None


def _number_sign(expression: Expression) -> int | None:
    from dsmverify.certify import precision

    if not _is_evidently_real(expression):
        return None
    with precision(BITS):
        value = enclose(expression, {})
        return 1 if bool(value > 0) else 0 if bool(value >= 0) else None


def _power_sign(base: Expression, exponent: Expression) -> int | None:
    sign = _evident_sign(base)
    if sign == 1:
        return 1 if _is_evidently_real(exponent) else None
    if exponent.is_Rational and exponent > 0:
        even = exponent.is_Integer and int(exponent) % 2 == 0
        return 0 if sign == 0 or (even and _is_evidently_real(base)) else None
    return None


def _sum_sign(expression: Expression) -> int | None:
    import sympy

    opened = sympy.expand(
        expression, power_base=False, power_exp=False, log=False, basic=False, func=False
    )
    for form in (expression, opened):
        number, variable = form.as_independent(*form.free_symbols, as_Add=True)
        terms = sympy.Add.make_args(variable)
        signs = [_number_sign(number), *map(_evident_sign, terms)]
        if None not in signs:
            return max(sign for sign in signs if sign is not None)
    rests = _without_exponential(expression)
    return 0 if any(_evident_sign(rest) is not None for rest in rests) else None


def _without_exponential(expression: Expression) -> Iterator[Expression]:
    """What a sum leaves when `c (exp(p) - 1 - p)`, or `c (1 - exp(-p))` with p evident, goes.

    c > 0 is rational: the coefficient of one exponential among the terms.
    """
    import sympy

    for term in expression.args:
        number, factor = term.as_coeff_Mul()
        if not isinstance(factor, sympy.exp) or not _is_evidently_real(factor.args[0]):
            continue
        power = factor.args[0]
        if number > 0:
            yield expression - term + number + number * power
        elif _evident_sign(-power) is not None:
            yield expression - term + number


def _is_evidently_real(expression: Expression) -> bool:
    """Whether an expression is real for all values of its symbols, where it is defined."""
    import sympy

    if expression.is_Rational or expression == sympy.pi:
        return True
    if expression.is_Symbol:
        return bool(expression.is_real)
    if expression.is_Pow and not expression.exp.is_Integer:
        return _evident_sign(expression.base) is not None and _is_evidently_real(expression.exp)
    kinds = (sympy.Add, sympy.Mul, sympy.Pow, sympy.exp, sympy.erfc)
    return isinstance(expression, kinds) and all(map(_is_evidently_real, expression.args))


# Re-check with balls ----------------------------------------------------------------------------


def recheck(item: Identity, seed: str, points: int = POINTS, *, nonnegative: bool = False) -> None:
    """Enclose both sides of an identity at seeded random rational points.

    Args:
        item: the identity.
        seed: of the random points.
        points: how many there are.
        nonnegative: whether both sides are to be `>= 0` as well.

    Raises:
        ValueError: the enclosures are disjoint, too wide or, where they must not be, negative at
            one of the points.
    """
    from flint import arb

    from dsmverify.certify import precision

    symbols = sorted(item.left.free_symbols | item.right.free_symbols, key=str)
    for number in range(points):
        chance = random.Random(f"{seed} {number}")
        chosen = {symbol: random_value(symbol, chance) for symbol in symbols}
        with precision(BITS):
            values = {symbol: ball(value) for symbol, value in chosen.items()}
            left, right = enclose(item.left, values), enclose(item.right, values)
            limit = arb(2) ** RADIUS_EXPONENT
            narrow = all(bool(arb(side.rad()) < limit) for side in (left, right))
            overlap = bool(left.overlaps(right))
            negative = nonnegative and any(bool(side < 0) for side in (left, right))
        if not narrow or not overlap or negative:
            fault = "a ball lies below 0" if overlap else "the balls are disjoint"
            fault = fault if narrow else "a ball is too wide"
            where = ", ".join(f"{symbol} = {value}" for symbol, value in chosen.items())
            raise ValueError(f"{fault} at {where}: {left} and {right}")


def random_value(symbol: Expression, chance: random.Random) -> Fraction:
    """A random short rational that meets the assumptions of a symbol."""
    if symbol.is_integer:
        return Fraction(chance.randint(2, 9))
    value = Fraction(chance.randint(20, 180), 60 + chance.randint(1, 40))
    return value if symbol.is_nonnegative or chance.random() < 0.5 else -value


def ball(value: Fraction | int) -> Any:
    """A rational as a ball of the current precision."""
    from flint import arb, fmpq

    fraction = Fraction(value)
    return arb(fmpq(fraction.numerator, fraction.denominator))


def enclose(expression: Expression, values: Mapping[Expression, Any]) -> Any:
    """Enclosure of an expression, by its tree; numbers enter as exact rationals.

    Args:
        expression: built of rationals, pi, symbols, sums, products, powers, exp, erfc, atan,
            factorials, derivatives, and functions that bring a method `ball(values)`.
        values: ball (or power series of balls) of each symbol.

    Raises:
        ValueError: the expression holds something else.
    """
    import sympy
    from flint import arb

    def recurse(node: Expression) -> Any:
        return enclose(node, values)

    if expression.is_Rational:
        return ball(Fraction(int(expression.p), int(expression.q)))
    if expression.is_Symbol:
        return values[expression]
    if expression == sympy.pi:
        return arb.pi()
    if expression.is_Add:
        return functools.reduce(lambda x, y: x + y, map(recurse, expression.args))
    if expression.is_Mul:
        return functools.reduce(lambda x, y: x * y, map(recurse, expression.args))
    if isinstance(expression, sympy.exp):
        return recurse(expression.args[0]).exp()
    if isinstance(expression, sympy.erfc):
        return recurse(expression.args[0]).erfc()
    if isinstance(expression, sympy.atan):
        return recurse(expression.args[0]).atan()
    if isinstance(expression, sympy.factorial):
        return (recurse(expression.args[0]) + 1).gamma()
    if expression.is_Pow:
        return _enclose_power(expression, recurse)
    if isinstance(expression, sympy.Derivative):
        return _enclose_derivative(expression, values)
    evaluate: Callable[[Mapping[Expression, Any]], Any] | None
    evaluate = getattr(expression, "ball", None)
    if evaluate is None:
        raise ValueError(f"{expression}: no enclosure is known for {type(expression).__name__}")
    return evaluate(values)


def _enclose_power(expression: Expression, recurse: Callable[[Expression], Any]) -> Any:
    base, exponent = expression.args
    value = recurse(base)
    if exponent.is_Integer:
        power = int(exponent)
        result = functools.reduce(lambda x, y: x * y, [value] * abs(power))
        return result if power > 0 else 1 / result
    if exponent.is_Rational and exponent.q == 2:
        root = value.sqrt()
        result = functools.reduce(lambda x, y: x * y, [root] * abs(int(exponent.p)))
        return result if exponent.p > 0 else 1 / result
    if exponent.is_integer:
        return value ** int(recurse(exponent).unique_fmpz())
    return (value.log() * recurse(exponent)).exp()


def _enclose_derivative(expression: Expression, values: Mapping[Expression, Any]) -> Any:
    """Derivative by a power series of balls; only the last variable is left to it."""
    from flint import arb, arb_series, ctx

    inner, *counts = expression.args
    *earlier, (variable, order) = [(count[0], int(count[1])) for count in counts]
    for other, times in earlier:
        inner = inner.diff(other, times)
    centre = values[variable]
    if isinstance(centre, arb_series):
        raise ValueError(f"{expression}: a derivative inside a derivative; write it as one")
    cap = ctx.cap
    try:
        ctx.cap = order + 1
        series = enclose(inner, {**values, variable: arb_series([centre, arb(1)])})
        coefficient = series[order] if isinstance(series, arb_series) else arb(0)
    finally:
        ctx.cap = cap
    return coefficient * math.factorial(order)


# Rendering --------------------------------------------------------------------------------------


def render_text(derivation: Derivation) -> str:
    """The chain of steps as plain text."""
    import sympy

    lines = [derivation.title, "=" * len(derivation.title), *_facts(derivation), ""]
    for number, step in enumerate(derivation.steps, start=1):
        lines.append(f"{number:3}. {step.text}")
        if step.expression is not None:
            lines.append(f"         {_plain(sympy, step.expression)}")
        if step.gap is not None:
            lines.append(f"         by {step.gap}")
    lines += ["", *_endings(derivation)]
    return "\n".join(lines) + "\n"


def render_latex(derivation: Derivation) -> str:
    r"""The chain of steps as LaTeX: a section with an `enumerate`; needs amsmath."""
    import sympy

    lines = [rf"\section*{{{_latex_text(derivation.title)}}}"]
    lines += [rf"\noindent {_latex_text(fact)}\\" for fact in _facts(derivation)]
    lines.append(r"\begin{enumerate}")
    for step in derivation.steps:
        lines.append(rf"\item {_latex_text(step.text)}")
        if step.expression is not None:
            lines.append(rf"\begin{{equation*}}{sympy.latex(step.expression)}\end{{equation*}}")
        if step.gap is not None:
            lines.append(rf"by \({sympy.latex(step.gap)}\).")
    lines.append(r"\end{enumerate}")
    lines += [rf"\noindent {_latex_text(ending)}\\" for ending in _endings(derivation)]
    return "\n".join(lines) + "\n"


def _facts(derivation: Derivation) -> list[str]:
    facts = [f"Source: {derivation.source}.", f"Scope: {derivation.scope}."]
    if derivation.proves:
        facts.append(f"Proves: {', '.join(derivation.proves)}.")
    if derivation.proves_steps:
        facts.append(f"Proves the steps: {', '.join(derivation.proves_steps)}.")
    if derivation.remark:
        facts.append(f"Remark: {derivation.remark}")
    return facts


def _endings(derivation: Derivation) -> list[str]:
    endings = [f"Engine formula on symbols: {check}." for check in derivation.checks]
    count = len(derivation.identities)
    shown = f"{count} identities reduced to 0"
    if derivation.bounds:
        shown += f" and {len(derivation.bounds)} inequalities with a gap of evident sign"
    endings.append(
        f"{shown}, each re-checked with balls at {POINTS} random rational points. "
        f"Trusted: {derivation.trusted}."
    )
    return endings


def _plain(sympy: Any, expression: Expression) -> str:
    if isinstance(expression, sympy.Eq):
        return f"{expression.lhs} = {expression.rhs}"
    return str(expression)


def _latex_text(text: str) -> str:
    for plain, escaped in (("\\", r"\textbackslash "), ("_", r"\_"), ("^", r"\^{}")):
        text = text.replace(plain, escaped)
    for plain, escaped in (("&", r"\&"), ("%", r"\%"), ("#", r"\#"), ("~", r"\(\sim\)")):
        text = text.replace(plain, escaped)
    for plain, escaped in (("<=", r"\(\le\)"), (">=", r"\(\ge\)")):
        text = text.replace(plain, escaped)
    return text.replace("<", r"\(<\)").replace(">", r"\(>\)")
