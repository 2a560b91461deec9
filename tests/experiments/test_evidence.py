"""The bootstrap, Holm's correction, ranks, and answers to planted right and wrong values."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dsmverify import evidence
from dsmverify.errors import InputError
from dsmverify.evidence import Measurement, PageValue, Rule

RULE = Rule(seed=11, resamples=1000)
SIZE = 30


def normal_runs(count: int, seed: int, mean: float = 0.0) -> np.ndarray:
    return mean + np.random.Generator(np.random.PCG64(seed)).standard_normal((count, SIZE))


def test_band_covers_as_often_as_predicted() -> None:
    # Half-width z sqrt((n-1)/n) s/sqrt(n), s unbiased: a Student variable of n - 1 degrees of
    # freedom is below z sqrt((n-1)/n) in size with probability 0.936 for n = 30.
    predicted = 1 - 2 * stats.t.sf(RULE.quantile * math.sqrt((SIZE - 1) / SIZE), SIZE - 1)
    assert predicted == pytest.approx(0.936, abs=5e-4)
    runs = normal_runs(1000, seed=1)
    bands = [evidence.summarise(row, RULE) for row in runs]
    covered = np.mean([b.low <= 0 <= b.high for b in bands])
    # Four binomial standard deviations, and 0.005 for quantiles of 1000 resamples.
    assert abs(covered - predicted) < 4 * math.sqrt(0.936 * 0.064 / 1000) + 0.005


def test_summary_is_of_the_runs() -> None:
    found = evidence.summarise(np.array([1.0, 2.0, 9.0]), RULE)
    assert (found.mean, found.median, found.simulations, found.diverged) == (4.0, 2.0, 3, 0)
    assert 1 <= found.low < 4 < found.high <= 9
    # By hand: of the 27 resamples of three values the least mean is 1, with probability 1/27 above
    # the tail of 2.5 %, and the largest is 9.
    assert (found.low, found.high) == (1.0, 9.0)


def test_band_of_the_median_is_of_the_median() -> None:
    values = np.array([0.0] * 29 + [1e9])
    assert evidence.summarise(values, replace(RULE, statistic="median")).high == 0.0
    assert evidence.summarise(values, RULE).high > 1e7


def pages(seed: int, count: int, mean: float = 5.0) -> list[PageValue]:
    """Values and bands of other runs of the same law, by the formula of a normal mean."""
    found = []
    for row in normal_runs(count, seed, mean):
        half = RULE.quantile * row.std(ddof=1) / math.sqrt(SIZE)
        found.append(PageValue(row.mean(), row.mean() - half, row.mean() + half))
    return found


def test_equal_laws_are_rejected_as_often_as_stated() -> None:
    count = 300
    p_values = [
        evidence.compare([Measurement("x", ours, page)], RULE)[0].p
        for ours, page in zip(normal_runs(count, 3, 5.0), pages(4, count), strict=True)
    ]
    # The difference of two such means over its estimated deviation is nearly Student with 58
    # degrees of freedom; taken for normal it is beyond z in 5.5 % of all cases. Four deviations.
    expected = 2 * stats.t.sf(RULE.quantile, 2 * SIZE - 2)
    spread = 4 * math.sqrt(expected * (1 - expected) / count)
    assert abs(np.mean(np.array(p_values) <= 0.05) - expected) < spread + 0.005
    # And p-values are spread evenly: their mean is 1/2, with deviation sqrt(1/12/300).
    assert abs(np.mean(p_values) - 0.5) < 4 * math.sqrt(1 / 12 / count)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_planted_wrong_value_differs(direction: int) -> None:
    ours = normal_runs(1, 5, 5.0)[0]
    right = PageValue(5.0, 4.64, 5.36)
    wrong = PageValue(5.0 + 1.5 * direction, 4.64 + 1.5 * direction, 5.36 + 1.5 * direction)
    good, bad = evidence.compare(
        [Measurement("right", ours, right), Measurement("wrong", ours, wrong)], RULE
    )
    assert good.answer == "agrees"
    assert good.apart == 1
    assert bad.answer == "differs"
    # 5/6.5 and 5/3.5: the factor shown lies between 1 and the true one.
    truth = 6.5 / 5 if direction > 0 else 5 / 3.5
    assert 1 < bad.apart < truth < bad.within
    assert bad.ratio == pytest.approx(ours.mean() / wrong.value)


def test_not_rejecting_is_not_agreeing() -> None:
    # The page's band is so wide that nothing is rejected and no factor is shown.
    ours = normal_runs(1, 6, 5.0)[0]
    (found,) = evidence.compare([Measurement("wide", ours, PageValue(5.0, -9.0, 19.0))], RULE)
    assert (found.answer, found.within, found.apart) == ("compatible", math.inf, 1.0)


def test_agreement_needs_the_stated_factor() -> None:
    ours = normal_runs(1, 7, 5.0)[0]
    one = Measurement("x", ours, PageValue(5.0, 4.64, 5.36))
    (loose,) = evidence.compare([one], RULE)
    assert 1 < loose.within < 1.5
    (strict,) = evidence.compare([one], replace(RULE, agreement=1 + (loose.within - 1) / 2))
    assert (loose.answer, strict.answer) == ("agrees", "compatible")


def test_two_runs_by_hand() -> None:
    # Resampled means of 5 and 7 are 5, 6, 7 with probabilities 1/4, 1/2, 1/4; deviations from 6
    # are widened by sqrt(2/1). The page's value has no error here.
    exact = PageValue(6.0, 6.0, 6.0)
    (found,) = evidence.compare([Measurement("x", np.array([5.0, 7.0]), exact)], RULE)
    assert found.p == 1
    assert found.within == pytest.approx(6 / (6 - math.sqrt(2)))


def test_nothing_to_compare() -> None:
    runs = normal_runs(1, 8)[0]
    page = PageValue(1.0, 0.0, 2.0)
    found = evidence.compare([Measurement("a", runs, None), Measurement("b", runs[:0], page)], RULE)
    assert [one.answer for one in found] == ["no page value", "not measured"]
    assert all(math.isnan(one.p) for one in found)


def test_the_family_counts() -> None:
    """One comparison on the brink is significant alone and not among many."""
    ours = normal_runs(1, 9, 5.0)[0]
    width = 0.36
    value = next(
        v
        for v in np.arange(ours.mean(), 8, 0.01)
        if evidence.compare([Measurement("x", ours, PageValue(v, v - width, v + width))], RULE)[0].p
        < 0.03
    )
    brink = Measurement("brink", ours, PageValue(value, value - width, value + width))
    null = Measurement(
        "null", ours, PageValue(ours.mean(), ours.mean() - width, ours.mean() + width)
    )
    assert evidence.compare([brink], RULE)[0].answer == "differs"
    assert evidence.compare([brink, null, null], RULE)[0].answer != "differs"
    assert evidence.compare([brink, null, null], RULE)[0].adjusted == pytest.approx(
        3 * evidence.compare([brink], RULE)[0].p
    )


def test_too_few_resamples_for_the_family() -> None:
    one = Measurement("x", normal_runs(1, 10)[0], PageValue(0.0, -1.0, 1.0))
    with pytest.raises(InputError, match="need at least 80"):
        evidence.compare([one, one], replace(RULE, resamples=79))


def test_diverged_runs() -> None:
    values = np.array([1.0] * 20 + [math.inf] * 10)
    found = evidence.summarise(values, RULE)
    assert (found.mean, found.median, found.diverged) == (math.inf, 1.0, 10)
    page = PageValue(1.0, 0.5, 1.5)
    (few,) = evidence.compare([Measurement("1", np.array([1.0] * 29 + [math.inf]), page)], RULE)
    (many,) = evidence.compare([Measurement("10", values, page)], RULE)
    assert (few.answer, many.answer) == ("compatible", "differs")
    # All ways to put 10 divergent runs among 60, counted in a small case: 2 of 6 runs.
    ours = sum(set(pair) <= {0, 1, 2} for pair in itertools.combinations(range(6), 2))
    assert evidence.divergence_p_value(2, 3) == pytest.approx(2 * ours / 15)
    assert evidence.divergence_p_value(0, 3) == 1


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06 and, made monotone, 0.06.
    found = evidence.holm([0.04, 0.01, 0.03, 0.02])
    assert found == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert evidence.holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert evidence.holm([]).tolist() == []


def test_rank_p_values_by_hand() -> None:
    draws = np.arange(1.0, 20.0)
    assert evidence.rank_p_value(0.0, 0.0, draws) == pytest.approx(2 / 20)
    assert evidence.rank_p_value(99.0, 99.0, draws) == pytest.approx(2 / 20)
    assert evidence.rank_p_value(2.5, 2.5, draws) == pytest.approx(2 * 3 / 20)
    assert evidence.rank_p_value(10.0, 10.0, draws) == 1
    # An interval has the p-value of its least extreme point.
    assert evidence.rank_p_value(0.0, 2.5, draws) == pytest.approx(2 * 3 / 20)
    assert evidence.rank_p_value(17.5, 99.0, draws) == pytest.approx(2 * 3 / 20)
    assert evidence.rank_p_value(0.0, 99.0, draws) == 1
    # Diverged runs are above everything.
    assert evidence.rank_p_value(25.0, 25.0, np.append(draws, math.inf)) > 2 / 21


def test_fisher_by_hand() -> None:
    # The tail of a chi-square of four degrees of freedom: q (1 - log q) at the product q.
    q = 0.2 * 0.03
    assert evidence.combined_p_value([0.2, 0.03]) == pytest.approx(q * (1 - math.log(q)))
    assert evidence.combined_p_value([0.2]) == pytest.approx(0.2)
    assert evidence.combined_p_value([]) == 1


def test_resampling_is_a_function_of_the_seed() -> None:
    runs = normal_runs(1, 12)[0]
    assert evidence.summarise(runs, RULE) == evidence.summarise(runs, RULE)
    assert evidence.summarise(runs, RULE) != evidence.summarise(runs, replace(RULE, seed=12))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"level": 0.0}, "rule.level"),
        ({"confidence": 1.0}, "rule.confidence"),
        ({"resamples": 0}, "rule.resamples"),
        ({"agreement": 1.0}, "rule.agreement"),
        ({"seed": -1}, "rule.seed"),
        ({"statistic": "mode"}, "rule.statistic"),
    ],
)
def test_a_rule_out_of_range(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(RULE, **change)  # type: ignore[arg-type]


def test_bad_values() -> None:
    with pytest.raises(InputError, match="NaN"):
        evidence.summarise(np.array([1.0, math.nan]), RULE)
    with pytest.raises(InputError, match="no runs"):
        evidence.summarise(np.array([]), RULE)
    with pytest.raises(InputError, match="upside down"):
        evidence.compare([Measurement("x", np.ones(3), PageValue(1.0, 2.0, 0.0))], RULE)
