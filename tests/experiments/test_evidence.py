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
    # degrees of freedom; it is compared with a quantile of 29, reached in 4.5 % of all cases. Four
    # deviations.
    expected = 2 * stats.t.sf(stats.t.isf(0.025, SIZE - 1), 2 * SIZE - 2)
    assert expected == pytest.approx(0.0455, abs=5e-4)
    spread = 4 * math.sqrt(expected * (1 - expected) / count)
    assert abs(np.mean(np.array(p_values) <= 0.05) - expected) < spread + 0.005
    # And p-values are spread evenly but for the widening by c = 1.04, which moves p by at most
    # 2 max_x (Phi(x) - Phi(x/c)) < 0.02: mean 1/2 with deviation sqrt(1/12/300).
    assert abs(np.mean(p_values) - 0.5) < 4 * math.sqrt(1 / 12 / count) + 0.02


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
    # are widened by sqrt(2/1), and by Student's quantile of one degree of freedom, the Cauchy
    # law's tan(pi (1/2 - a)), over the normal one. The page's value has no error here.
    exact = PageValue(100.0, 100.0, 100.0)
    two = Measurement("x", np.array([99.0, 101.0]), exact)
    rule = replace(RULE, least_runs=2)
    (found,) = evidence.compare([two], rule)
    assert found.p == 1
    factor = math.sqrt(2) * math.tan(math.pi * (0.5 - 0.025)) / rule.quantile
    assert found.within == pytest.approx(100 / (100 - factor))


@pytest.mark.parametrize("size", [1, 80])
def test_tails_are_students(size: int) -> None:
    """p at a gap that is the level's own, against the law it stands for."""
    ours = normal_runs(1, 21)[0]
    deviation = ours.std(ddof=1) / math.sqrt(SIZE)
    tail = 0.05 / size / 2
    # At 80 the normal quantile is 3.42, beyond which Student's tail is three times as heavy.
    if size == 80:
        assert 2 * stats.t.sf(stats.norm.isf(tail), SIZE - 1) == pytest.approx(6 * tail, rel=0.01)
    assert evidence.widening(SIZE, tail) == pytest.approx(
        stats.t.isf(tail, SIZE - 1) / stats.norm.isf(tail)
    )
    # Half way to Student's critical value, where resamples are many: p is the normal tail there.
    gap = stats.t.isf(tail, SIZE - 1) * deviation / 2
    value = float(ours.mean() - gap)
    exact = Measurement("x", ours, PageValue(value, value, value))
    rule = replace(RULE, resamples=4000)
    found = evidence.compare([exact] * size, rule)[0]
    expected = 2 * stats.norm.sf(stats.norm.isf(tail) / 2)
    # Four deviations of a share of 4000, doubled; a mean of 30 has a kurtosis of -2/30 at most,
    # with 0.01 in the tail's probability for it.
    spread = 8 * math.sqrt(expected / 2 / 4000)
    assert abs(found.p - expected) < spread + 0.01
    # The page's error is widened by its own runs: none of ours varies here.
    page = PageValue(gap, gap - rule.quantile * deviation, gap + rule.quantile * deviation)
    same = Measurement("x", np.zeros(SIZE), page)
    rule = replace(rule, page_simulations=5)
    found = evidence.compare([same] * size, rule)[0]
    expected = 2 * stats.norm.sf(gap / deviation * stats.norm.isf(tail) / stats.t.isf(tail, 4))
    assert abs(found.p - expected) < 8 * math.sqrt(expected / 2 / 4000)


@pytest.mark.parametrize("count", [1, 9])
def test_too_few_runs_are_not_compared(count: int) -> None:
    """One run has no deviation: a test of it would reject every other value."""
    few = Measurement("few", np.full(count, 1.5), PageValue(1.0, 0.9, 1.1))
    enough = Measurement("enough", normal_runs(1, 22, 5.0)[0], PageValue(5.0, 4.64, 5.36))
    found, other = evidence.compare([few, enough], RULE)
    assert (found.answer, found.ratio, found.apart) == ("not measured", 1.5, 1.0)
    assert math.isnan(found.p) and math.isnan(found.adjusted)
    assert found.reason == f"{count} run{'s' if count > 1 else ''}, fewer than 10"
    # It keeps its place in the family.
    assert other.adjusted == min(1.0, 2 * other.p)
    assert other.reason == ""


def test_a_measurement_may_have_a_statistic_of_its_own() -> None:
    values = np.append(np.full(29, 2.0), 602.0)
    page = PageValue(2.0, 1.9, 2.1)
    mean, median = evidence.compare(
        [Measurement("a", values, page), Measurement("b", values, page, "median")], RULE
    )
    assert (mean.ratio, median.ratio) == (11.0, 1.0)
    assert median.answer == "agrees"


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
    (alone,) = evidence.compare([brink], RULE)
    among = evidence.compare([brink, null, null], RULE)[0]
    assert alone.answer == "differs"
    assert among.answer != "differs"
    # Holm's factor, and wider tails.
    assert among.adjusted == pytest.approx(3 * among.p)
    assert among.p >= alone.p


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
    # Of the mean alone: the median of the few is finite, and the page's.
    one = np.array([1.0] * 29 + [math.inf])
    (median,) = evidence.compare([Measurement("1", one, PageValue(1.0, 0.9, 1.1), "median")], RULE)
    assert (median.answer, median.ratio, few.ratio) == ("agrees", 1.0, math.inf)
    # An infinite one is compared by the number of divergent runs: 14 of the page's at most.
    most = np.array([1.0] * 2 + [math.inf] * 28)
    (worse,) = evidence.compare([Measurement("28", most, page, "median")], RULE)
    assert worse.p == evidence.divergence_p_value(28, 30, 30, 14)
    assert worse.answer == "differs"


@pytest.mark.parametrize(("k", "n", "more", "j"), [(2, 3, 3, 0), (2, 3, 5, 0), (2, 4, 3, 1)])
def test_divergence_counts_all_ways(k: int, n: int, more: int, j: int) -> None:
    """Ways to choose k + j of n + N runs with k or more among the first n."""
    ways = list(itertools.combinations(range(n + more), k + j))
    share = sum(sum(run < n for run in way) >= k for way in ways) / len(ways)
    assert evidence.divergence_p_value(k, n, more, j) == pytest.approx(min(1.0, 2 * share))
    assert evidence.divergence_p_value(0, n, more) == 1


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
        ({"page_simulations": 1}, "rule.page_simulations"),
        ({"least_runs": 1}, "rule.least_runs"),
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
