"""The conformance suite: a plan of checks of an adapter, and a result for every one of them.

A check calls one part of an adapter in one case and one dtype, and comes to a verdict
(`dsmverify.testing.results`).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dsmverify.errors import InputError, nearest, show
from dsmverify.testing import cases
from dsmverify.testing.adapter import Adapter, describe
from dsmverify.testing.expected import Expected
from dsmverify.testing.results import Result, Results, Verdict, Worst, judge

if TYPE_CHECKING:
    from dsmverify.testing.comparison import Comparison


@dataclass(frozen=True)
class Check:
    """One check of the plan.

    Args:
        id: `part/case-dtype`, unique.
        part: callable that is tried.
        case: case that it is tried in.
        dtype: dtype of what goes in.
        words: what the case tries.
        run: does it; raises an AssertionError where the check does not pass.
    """

    id: str
    part: str
    case: str
    dtype: str
    words: str
    run: Callable[[], Comparison]

    def result(self, verdict: Verdict, message: str = "") -> Result:
        """A result of this check, in which nothing was compared."""
        return Result(self.id, self.part, self.case, self.dtype, self.words, verdict, message)


@dataclass(frozen=True)
class Scope:
    """What of a target is to be tried.

    Args:
        parts: parts to try; None takes every part that is offered.
        dtypes: dtypes to try; None takes those of the adapter.
        deep: with the long cases.
    """

    parts: tuple[str, ...] | None = None
    dtypes: tuple[str, ...] | None = None
    deep: bool = False

    def of(self, adapter: object) -> Adapter:
        """The adapter, with what is left of it.

        Raises:
            InputError: it is no adapter, or a part is asked for that it does not offer.
        """
        found = describe(adapter)
        if self.dtypes is not None:
            found = replace(found, dtypes=self.dtypes)
        if self.parts is None:
            return found
        for part in self.parts:
            if part not in found.functions:
                close = nearest(part, found.offered)
                hint = f"did you mean {close!r}? " if close is not None else ""
                words = f"{found.name} offers {', '.join(found.offered)}"
                raise InputError("--parts", show(part), words, f"{hint}choose among them")
        kept = {part: found.functions[part] for part in found.offered if part in self.parts}
        return replace(found, functions=kept)

    def leaves_out(self, adapter: object) -> tuple[str, ...]:
        """Parts that an adapter offers and that are not to be tried."""
        offered = describe(adapter).offered
        return tuple(part for part in offered if self.parts and part not in self.parts)


def plan(adapter: object, *, deep: bool = False) -> tuple[Check, ...]:
    """Every check of an adapter, the same for the same adapter, in the order they are run.

    Args:
        adapter: a module, an object or an `Adapter`.
        deep: with the long cases.

    Raises:
        InputError: it is no adapter, or its arrays cannot be made here.
    """
    from dsmverify.testing.arrays import Arrays

    found = describe(adapter)
    checks: list[Check] = []
    for dtype in found.dtypes:
        Arrays.of(found.arrays, dtype, found.device)  # a library that is missing fails here, once
    for part in found.offered:
        for dtype in found.dtypes:
            for case in cases.CASES:
                wanted = part in case.parts() and (deep or not case.deep)
                fits = wanted and cases.fits(case, dtype, found.noise)
                if fits and cases.tells(case, dtype, part):
                    run = partial(_compare, found, part, case, dtype)
                    name = f"{part}/{case.name}-{dtype}"
                    checks.append(Check(name, part, case.name, dtype, case.words, run))
    if not checks:
        raise InputError(
            "dtype",
            ", ".join(found.dtypes),
            "there is no case that it holds exactly and where it can tell right from wrong",
            "choose a wider dtype",
        )
    return tuple(checks)


def notes(adapter: object, *, deep: bool = False) -> tuple[str, ...]:
    """What the plan leaves out, in words."""
    found = describe(adapter)
    lines = []
    for dtype in found.dtypes:
        tried = [case for case in cases.CASES if deep or not case.deep]
        out = [case.name for case in tried if not cases.fits(case, dtype, found.noise)]
        if out:
            lines.append(f"{len(out)} cases are left out, beyond {dtype}: {', '.join(out)}")
        blurred = [
            f"{part}/{case.name}"
            for part in found.offered
            for case in tried
            if part in case.parts()
            and cases.fits(case, dtype, found.noise)
            and not cases.tells(case, dtype, part)
        ]
        if blurred:
            lines.append(
                f"{len(blurred)} checks are left out, where {dtype} cannot tell right from wrong: "
                f"{', '.join(blurred)}"
            )
    return tuple(lines)


def run(
    adapter: object,
    expected: Expected | None = None,
    *,
    scope: Scope | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Results:
    """Run the suite in this process.

    Args:
        adapter: a module, an object or an `Adapter`.
        expected: failures on record.
        scope: what of it is to be tried.
        progress: called after each check.

    Raises:
        InputError: it is no adapter, or an expected failure matches no check.
    """
    scope = Scope() if scope is None else scope
    chosen = scope.of(adapter)
    expected = Expected() if expected is None else expected
    expected.check_used(every_id(adapter, scope))
    planned = plan(chosen, deep=scope.deep)
    results = []
    for index, check in enumerate(planned):
        result = outcome(check)
        results.append(judge(result, expected.reason(check.id)))
        if progress is not None:
            progress(index + 1, len(planned), check.id)
    return Results(
        chosen.name,
        tuple(results),
        chosen.reasons,
        chosen.settings(),
        notes(chosen, deep=scope.deep),
        scope.leaves_out(adapter),
    )


def every_id(adapter: object, scope: Scope) -> tuple[str, ...]:
    """Ids of all checks of an adapter, of every part and depth: what may be expected to fail."""
    whole = replace(scope, parts=None).of(adapter)
    return tuple(check.id for check in plan(whole, deep=True))


def outcome(check: Check) -> Result:
    """Do one check; whatever the callable does becomes a result.

    Only an interrupt from the keyboard goes through.
    """
    from dsmverify.testing.comparison import ConformanceError, Undecided

    try:
        comparison = check.run()
    except ConformanceError as error:
        found = error.comparison
        result = check.result("failed", str(error))
        return result if found is None else replace(result, **_compared(found))
    except Undecided as error:
        return check.result("undecided", str(error))
    except _CallableError as error:
        return check.result("failed", _explained(error.__cause__, error.frames()))
    except Exception as error:  # whatever it is, the other checks go on
        text = "".join(traceback.format_exception(error)).rstrip()
        return check.result("error", f"the kit broke down in this check\n{text}")
    if comparison.passed:
        return replace(check.result("passed"), **_compared(comparison))
    return replace(check.result("failed", str(comparison)), **_compared(comparison))


def _compare(adapter: Adapter, part: str, case: cases.Case, dtype: str) -> Comparison:
    from dsmverify.testing import asserts

    function = _guarded(adapter.functions[part])
    instance = case.instance(adapter.noise)
    options: dict[str, Any] = {
        "arrays": adapter.arrays,
        "dtype": dtype,
        "noise": adapter.noise,
        "device": adapter.device,
    }
    if part == "score":
        return asserts.assert_score(function, instance, at=case.at, **options)
    if part == "risk":
        return asserts.assert_risk(function, instance, **options)
    if part == "gradient":
        return asserts.assert_gradient(function, instance, parameters=adapter.parameters, **options)
    if part == "hessian":
        return asserts.assert_hessian(function, instance, parameters=adapter.parameters, **options)
    if part == "largest_eigenvalue":
        return asserts.assert_largest_eigenvalue(
            function, instance, parameters=adapter.parameters, **options
        )
    assert part == "sgd_step" and case.draws is not None  # Case.parts
    return asserts.assert_sgd_step(
        function,
        instance,
        learning_rate=case.draws.learning_rate,
        indices=case.draws.indices,
        noise_draws=case.draws.noise,
        reduction=adapter.reduction,
        step_factor=adapter.step_factor,
        parameters=adapter.parameters,
        **options,
    )


def _compared(comparison: Comparison) -> dict[str, Any]:
    """What a result says about a comparison."""
    entry = comparison.worst
    worst = Worst(
        entry.where,
        entry.lower,
        entry.upper,
        repr(float(entry.got)),
        f"{entry.ulps:.3g}",
        f"{entry.tolerance:.3g}",
    )
    causes = tuple(f"{cause.name}: {cause.words}" for cause in comparison.causes)
    return {"worst": worst, "causes": causes}


class _CallableError(Exception):
    """Carries what a callable of the adapter raised through the kit."""

    def frames(self) -> list[traceback.FrameSummary]:
        """Where it was raised, without the kit's own lines; the innermost last."""
        cause = self.__cause__
        found = traceback.extract_tb(cause.__traceback__) if cause is not None else []
        return [frame for frame in found if frame.filename != __file__]


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The callable; what it raises is told from what the kit raises.

    SystemExit and what pytest raises to skip a test count as failures; an interrupt goes through.
    """

    def call(*inputs: Any) -> Any:
        try:
            return function(*inputs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise _CallableError from error

    return call


def _explained(error: BaseException | None, frames: list[traceback.FrameSummary]) -> str:
    text = "".join(traceback.format_exception_only(error)).rstrip()
    place = "".join(traceback.format_list(frames)).rstrip()
    return f"the callable raised {text}\n{place}" if place else f"the callable raised {text}"
