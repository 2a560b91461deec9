"""The plan of the conformance suite, its runner, adapters and expected failures."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dsmverify.errors import InputError
from dsmverify.testing import adapter as adapters
from dsmverify.testing import cases, conformance, expected
from dsmverify.testing.comparison import Undecided
from dsmverify.testing.conformance import Check, Scope
from dsmverify.testing.results import UNEXPECTED_PASS, VERDICTS, Result, Results, judge
from tests.testing import plain_numpy

# ---------------------------------------------------------------- the plan


def test_the_plan_is_the_same_every_time_and_covers_every_part() -> None:
    planned = conformance.plan(plain_numpy.Right())
    ids = [check.id for check in planned]
    assert ids == [check.id for check in conformance.plan(plain_numpy.Right())]
    assert len(set(ids)) == len(ids)
    assert set(ids) >= {"score/tails-float64", "hessian/tied-kinks-float64"}
    assert all(check.id == f"{check.part}/{check.case}-{check.dtype}" for check in planned)
    counts = Counter(check.part for check in planned)
    assert set(counts) == set(adapters.PARTS)
    assert min(counts.values()) >= 12


def test_each_dtype_is_planned_and_deep_adds_cases() -> None:
    both = SimpleNamespace(score=plain_numpy.Right().score, dtype=("float32", "float64"))
    planned = conformance.plan(both)
    assert Counter(check.dtype for check in planned)["float32"] == len(planned) / 2
    deep = {check.id for check in conformance.plan(both, deep=True)}
    assert deep > {check.id for check in planned}


@pytest.mark.parametrize("noise", ["mu_sigma", "time"])
@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
def test_every_number_of_a_case_is_in_float32(case: cases.Case, noise: str) -> None:
    for number in case.numbers(noise):
        size = abs(number)
        assert size.denominator & (size.denominator - 1) == 0
        assert size.numerator < 2**24, number
        assert size == 0 or 2**-126 <= size < 2**127
    assert cases.fits(case, "float32", noise)
    assert cases.fits(case, "float64", noise)


def test_the_cases_try_what_they_say() -> None:
    named = {case.name: case for case in cases.CASES}
    ratio = {
        name: case.level.mu * case.instance("mu_sigma").spacing / case.level.sigma
        for name, case in named.items()
    }
    assert 0.1 < ratio["crowded"] < 0.13
    assert 0.9 < ratio["touching"] < 1
    assert 29 < ratio["separated"] < 31
    assert 295 < ratio["isolated"] < 305
    assert {len(case.points) for case in cases.CASES} >= {2, 3, 60}
    tied = named["tied-kinks"]
    assert tied.network is not None and tied.draws is not None
    network = tied.network
    kinks = [-b / w for w, b in zip(network.inner_weights, network.biases, strict=True)]
    assert len(set(kinks)) == 2
    drawn = [
        tied.level.mu * tied.points[i] + tied.level.sigma * z
        for i, z in zip(tied.draws.indices, tied.draws.noise, strict=True)
    ]
    assert set(kinks) & set(drawn) == {Fraction(0)}
    tails = named["tails"]
    assert (max(tails.at) - tails.level.mu * tails.points[-1]) / tails.level.sigma > 330


def test_a_narrow_dtype_leaves_cases_out_and_says_so() -> None:
    half = SimpleNamespace(gradient=plain_numpy.Right().gradient, dtype="float16")
    planned = [check.case for check in conformance.plan(half)]
    assert planned == ["twins"]
    beyond, blurred = conformance.notes(half)
    assert "cases are left out, beyond float16: separated" in beyond
    assert "offset" in beyond  # 1024.5 has 12 bits
    assert blurred == (
        "5 checks are left out, where float16 cannot tell right from wrong: gradient/plain, "
        "gradient/one-neuron, gradient/crowded, gradient/touching, gradient/tied-kinks"
    )
    tails = next(case for case in cases.CASES if case.name == "tails")
    assert cases.fits(tails, "bfloat16", "mu_sigma")
    assert conformance.notes(plain_numpy.Right()) == ()
    single = SimpleNamespace(risk=plain_numpy.Right().risk, dtype="float32")
    assert conformance.notes(single) == (
        "1 checks are left out, where float32 cannot tell right from wrong: risk/offset",
    )


def test_a_dtype_that_can_tell_nothing_has_no_plan() -> None:
    pytest.importorskip("torch")
    blind = SimpleNamespace(risk=len, arrays="torch", dtype="bfloat16")
    with pytest.raises(InputError, match="where it can tell right from wrong"):
        conformance.plan(blind)


def _blurred() -> list[Any]:
    """NumPy has no eigenvalues in float16."""
    return [
        pytest.param(case, dtype, part, id=f"{part}/{case.name}-{dtype}")
        for case in cases.CASES
        for dtype in ("float16", "float32")
        for part in case.parts()
        if not cases.tells(case, dtype, part)
        and cases.fits(case, dtype, "mu_sigma")
        and (part, dtype) != ("largest_eigenvalue", "float16")
    ]


@pytest.mark.parametrize(("case", "dtype", "part"), _blurred())
def test_a_right_implementation_is_undecided_in_what_is_left_out(
    case: cases.Case, dtype: str, part: str
) -> None:
    """What is planned passes, below; so the table lists what it must and no more."""
    adapter = adapters.describe(plain_numpy.Right())
    with pytest.raises(Undecided, match="cannot tell right from wrong"):
        conformance._compare(adapter, part, case, dtype)


# ---------------------------------------------------------------- the runner


def test_a_right_implementation_passes_every_check() -> None:
    results = conformance.run(plain_numpy.Right())
    assert [result.message for result in results.results if result.verdict != "passed"] == []
    assert results.exit_status == 0
    planned = len(conformance.plan(plain_numpy.Right()))
    assert results.summary() == (
        f"planned {planned}, run {planned}, passed {planned}, failed 0, expected failures 0, "
        "undecided 0, parts not offered 0"
    )


def test_no_mild_case_is_beyond_float16() -> None:
    """NumPy has no eigenvalues in float16; the rest is right there too."""
    parts = tuple(part for part in adapters.PARTS if part != "largest_eigenvalue")
    scope = Scope(parts=parts, dtypes=("float16",))
    results = conformance.run(plain_numpy.Right(), scope=scope)
    assert [result.message for result in results.results if result.verdict != "passed"] == []
    assert {result.id for result in results.results} == {
        "risk/twins-float16",
        "gradient/twins-float16",
    }


def test_a_right_implementation_passes_in_float32_and_told_the_time() -> None:
    results = conformance.run(plain_numpy.InTime(), scope=Scope(dtypes=("float32",)))
    assert [result.message for result in results.results if result.verdict != "passed"] == []
    assert {result.dtype for result in results.results} == {"float32"}


class _Zeros:
    """Every part of the right shape, and 0."""

    dtype = ("float32", "float64")

    def score(self, y: Any, *_: Any) -> Any:
        return 0 * y

    def risk(self, network: Any, points: Any, *_: Any) -> Any:
        return 0 * points[0]

    largest_eigenvalue = risk

    def gradient(self, network: Any, *_: Any) -> Any:
        return plain_numpy.Parameters(*(0 * part for part in network))

    def hessian(self, network: Any, *_: Any) -> Any:
        both = np.concatenate([network.outer, network.bias])
        return 0 * np.outer(both, both)

    def sgd_step(self, network: Any, *_: Any) -> Any:
        return network


def test_zeros_and_a_step_that_changes_nothing_pass_only_where_they_are_right() -> None:
    """In `exact-middles` every score is 0, or below exp(-300)."""
    results = conformance.run(_Zeros(), scope=Scope(deep=True))
    passed = {result.id for result in results.results if result.verdict != "failed"}
    assert passed == {"score/exact-middles-float32", "score/exact-middles-float64"}
    for result in results.of("failed"):
        assert [cause.partition(":")[0] for cause in result.causes] == ["only zeros"], result.id


def test_a_wrong_implementation_fails_where_it_is_wrong() -> None:
    results = conformance.run(plain_numpy.NoShift())
    verdicts = {result.case: result.verdict for result in results.results}
    assert verdicts["plain"] == "passed"
    assert verdicts["tails"] == "failed"
    assert results.exit_status == 1
    assert results.not_offered == {
        part: f"no `{part}`" for part in adapters.PARTS if part != "score"
    }
    assert "parts not offered 5 (risk, gradient," in results.summary()


def test_a_wrong_factor_is_named() -> None:
    results = conformance.run(plain_numpy.Doubled(), scope=Scope(parts=("risk",)))
    assert {result.verdict for result in results.results} == {"failed"}
    for result in results.results:
        assert result.worst is not None
        assert result.causes, result.message
    assert results.not_asked == ("score",)
    assert "score" not in results.not_offered


def test_expected_failures_are_strict() -> None:
    on_record = expected.Expected((expected.Expectation("score/*", "no shift yet"),))
    results = conformance.run(plain_numpy.NoShift(), on_record)
    found = {result.case: result for result in results.results}
    assert found["tails"].verdict == "expected"
    assert found["tails"].reason == "no shift yet"
    assert found["plain"].verdict == "failed"
    assert UNEXPECTED_PASS in found["plain"].message


def _check(run: Any, name: str = "score/one-float64") -> Check:
    return Check(name, "score", "one", "float64", "words", run)


def _raises(error: BaseException) -> Any:
    def run(*inputs: Any) -> Any:
        raise error

    return run


def test_what_a_check_may_come_to() -> None:
    assert conformance.outcome(_check(_raises(Undecided("too wide")))).verdict == "undecided"
    broken = conformance.outcome(_check(_raises(ZeroDivisionError("the kit's"))))
    assert (broken.verdict, broken.worst) == ("error", None)
    assert broken.message.startswith("the kit broke down in this check\nTraceback")
    with pytest.raises(KeyboardInterrupt):
        conformance.outcome(_check(_raises(KeyboardInterrupt())))


@pytest.mark.parametrize(
    "error",
    [ValueError("theirs"), SystemExit(0), pytest.skip.Exception("theirs"), AssertionError()],
)
def test_whatever_a_callable_raises_is_a_failure_that_shows_its_lines(error: Any) -> None:
    first = conformance.plan(SimpleNamespace(score=_raises(error)))[0]
    result = conformance.outcome(first)
    assert result.verdict == "failed"
    assert result.message.startswith("the callable raised ")
    assert type(error).__name__ in result.message
    assert "raise error" in result.message
    assert "conformance.py" not in result.message.replace("test_conformance.py", "")
    assert "asserts.py" not in result.message


def test_a_callable_with_other_arguments_is_told_so() -> None:
    result = conformance.outcome(conformance.plan(SimpleNamespace(score=lambda y: y))[0])
    assert result.message.startswith("the callable raised TypeError: ")
    assert "takes 1 positional argument but 4 were given" in result.message
    assert "\n" not in result.message


def test_undecided_is_neither_a_pass_nor_an_expected_failure() -> None:
    result = conformance.outcome(_check(_raises(Undecided("too wide"))))
    assert judge(result, "on record").verdict == "undecided"
    assert Results("t", (result,)).exit_status == 3


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["passed", "expected"], 0),
        (["passed", "undecided"], 3),
        (["undecided", "failed"], 1),
        (["passed", "lost"], 1),
        (["passed", "error"], 1),
        ([], 1),
    ],
)
def test_exit_status(verdicts: list[Any], status: int) -> None:
    rows = tuple(
        Result(f"score/{i}-float64", "score", str(i), "float64", "", verdict)
        for i, verdict in enumerate(verdicts)
    )
    results = Results("target", rows)
    assert results.exit_status == status
    counts = results.counts
    assert counts["run"] + counts["lost"] == counts["planned"] == len(verdicts)
    assert sum(counts[verdict] for verdict in VERDICTS) == len(verdicts)


# ---------------------------------------------------------------- adapters


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `own_code_*` in the current directory; each test has its own name for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    folder = tmp_path / f"own_{abs(hash(str(tmp_path)))}"
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    (folder / "modules.py").write_text(
        textwrap.dedent("""
            def score(y, points, mu, sigma): return y
            risk = None
            dtype = ["float32"]

            class Good:
                def hessain(self): ...
                def score(self): ...
                noise, step_factor, reduction = "time", 1, "sum"

            class Outer:
                class Inner(Good): ...

            class Picky:
                def __init__(self, needed): ...

            class Empty:
                def loss(self): ...

            class Text:
                score = "text"

            class Typo(Good):
                arrays = "nunpy"
        """),
        encoding="utf-8",
    )
    (folder / "broken.py").write_text("import no_such_library_at_all\n", encoding="utf-8")
    return folder


def test_a_module_an_object_and_a_class_are_adapters(package: Path) -> None:
    name = f"{package.name}.modules"
    module = adapters.load(name)
    assert (module.offered, module.dtypes) == (("score",), ("float32",))
    assert module.reasons["risk"] == "`risk` is None"
    good = adapters.load(f"{name}:Outer.Inner")
    assert (good.noise, good.step_factor, good.reduction) == ("time", "1", "sum")
    assert good.reasons["hessian"] == "no `hessian`; did you mean it by `hessain`?"
    assert good.name == f"{name}:Outer.Inner"
    assert adapters.describe(SimpleNamespace(score=len)).name == "SimpleNamespace"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("{0}.modles:Good", "there is no module"),
        ("{0}.modles:Good", "did you mean 'modules'? {0} has broken, modules"),
        ("{0}x:Good", "there is no module '{0}x'"),
        ("{0}.modules:Godo", "has no 'Godo'; did you mean 'Good'? it has Empty, Good"),
        ("{0}.modules:Outer.Iner", "{0}.modules.Outer has no 'Iner'; did you mean 'Inner'?"),
        ("{0}.broken:X", "No module named 'no_such_library_at_all'"),
        ("{0}.modules:Picky", "without arguments failed (TypeError"),
        ("{0}.modules:Empty", "has none of score, risk"),
        ("{0}.modules:Empty", "it has loss"),
        ("{0}.modules:Text", "Text.score: 'text', but it cannot be called"),
        ("{0}.modules:Typo", "Typo.arrays: 'nunpy', but it must be one of numpy"),
        ("{0}.modules:", "it must name an adapter as module:name"),
        ("{0}/modules.py", "it must name an adapter as module:name"),
    ],
)
def test_what_is_no_adapter(package: Path, target: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        adapters.load(target.format(package.name))
    assert words.format(package.name) in str(caught.value)


def test_parts_and_dtypes_that_are_not_there() -> None:
    with pytest.raises(InputError, match=r"--parts: 'hessain', but .* offers score, risk; choose"):
        Scope(parts=("hessain",)).of(plain_numpy.Doubled())
    with pytest.raises(InputError, match="did you mean 'float32'"):
        adapters.check_dtypes(["flaot32"], "--dtype")


# ---------------------------------------------------------------- expected failures


def test_expected_failures_are_read(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text('[[expected]]\ncheck = "hessian/*"\nreason = "later"\n', encoding="utf-8")
    found = expected.read(file)
    assert found.reason("hessian/plain-float64") == "later"
    assert found.reason("risk/plain-float64") is None
    found.check_used(["hessian/plain-float64", "risk/plain-float64"])
    with pytest.raises(InputError, match=r"expected\[0\].check: 'hessian/\*', but it matches no"):
        found.check_used(["risk/plain-float64"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[expected]]\ncheck = "score/*"\n', "expected[0].reason: it is missing"),
        ('[[expected]]\ncheck = "score/*"\nreason = " "\n', "it must be text that says something"),
        ('[[expected]]\nreason = "x"\n', "expected[0].check: it is missing"),
        ('[[expected]]\ncheck="a"\nreason = "x"\nstrict = false\n', "this key is unknown"),
        ("[expect]\n", "this key is unknown"),
        ("[[expected]\n", "it is no TOML"),
        ("expected = 3\n", "it must be a list of tables"),
    ],
)
def test_bad_files_of_expected_failures(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "expected.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        expected.read(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_no_file_of_expected_failures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it cannot be read"):
        expected.read(tmp_path / "none.toml")
