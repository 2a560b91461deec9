"""Critical rates and powers recovered from curves whose answer is planted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from dsmverify.errors import InputError
from dsmverify.experiments.scaling import (
    Curve,
    collapse,
    crossings,
    exponents,
    fit,
    log_crossings,
    median_levels,
    resampled_logs,
)

RATES = np.array([2.0**k for k in range(-4, 8)])
LEVEL = 0.1


def power_law(
    critical: float, rates: np.ndarray, spread: Sequence[float] = (1.0, 1.0, 1.0)
) -> np.ndarray:
    """Levels `0.1 (rate/critical)^2`: log-log interpolation is exact. `[rates, seeds]`."""
    return LEVEL * (rates[:, None] / (critical * np.asarray(spread))) ** 2


def planted(
    law: dict[str, float], factors: Sequence[dict[str, float]], jitter: float, seed: int
) -> list[Curve]:
    """Curves of two families, intercepts 3 and 12, whose critical rates follow a power law."""
    rng = np.random.default_rng(seed)
    found = []
    for family, intercept in (("a", 3.0), ("b", 12.0)):
        for one in factors:
            critical = intercept * math.prod(one[name] ** p for name, p in law.items())
            # The grid is no multiple of the critical rate.
            rates = RATES * 1.3 * critical / intercept
            spread = (10 ** (jitter * rng.standard_normal(5))).tolist()
            levels = power_law(critical, rates, spread)
            label = f"{family} {one}"
            found.append(Curve(label, family, one, rates, levels, LEVEL))
    return found


SIGMAS = [{"sigma": s, "n": 4.0, "Delta": 0.5, "d": 1.0} for s in (0.3, 0.4, 0.5, 0.6, 0.7)]
ALL = [
    *SIGMAS,
    *({"sigma": 0.5, "n": n, "Delta": 0.5, "d": 1.0} for n in (2.0, 8.0, 16.0)),
    *({"sigma": 0.5, "n": 4.0, "Delta": x, "d": 1.0} for x in (0.1, 0.2, 1.0)),
    *({"sigma": 0.5, "n": 4.0, "Delta": 0.5, "d": d} for d in (2.0, 5.0, 10.0)),
]


class TestCrossing:
    @pytest.mark.parametrize("critical", [0.07, 0.5, 3.0, 100.0])
    def test_between_rates_of_the_grid(self, critical: float) -> None:
        levels = power_law(critical, RATES)[:, 0]
        assert 10 ** log_crossings(RATES, levels, LEVEL) == pytest.approx(critical, rel=1e-12)

    def test_censored_sides(self) -> None:
        assert log_crossings(RATES, np.full(12, 0.09), LEVEL) == math.inf
        assert log_crossings(RATES, np.full(12, 0.11), LEVEL) == -math.inf
        assert log_crossings(RATES, np.full(12, math.inf), LEVEL) == -math.inf

    def test_the_last_rate_below_counts(self) -> None:
        levels = np.array([0.01, 0.5, 0.01, 0.5])
        found = 10 ** log_crossings(np.array([1.0, 2.0, 4.0, 8.0]), levels, LEVEL)
        part = math.log(10) / math.log(50)
        assert found == pytest.approx(4 * 2**part)

    @pytest.mark.parametrize(
        "pair", [(0.0, 1.0), (-1e-17, 1.0), (0.01, math.inf), (0.01, math.nan)]
    )
    def test_levels_without_logarithm_give_the_geometric_mean(
        self, pair: tuple[float, float]
    ) -> None:
        found = 10 ** log_crossings(np.array([1.0, 4.0]), np.array(pair), LEVEL)
        assert found == pytest.approx(2.0)

    def test_a_level_at_the_threshold_is_not_above(self) -> None:
        found = 10 ** log_crossings(np.array([1.0, 4.0]), np.array([LEVEL, 1.0]), LEVEL)
        assert found == pytest.approx(1.0)

    def test_one_rate_is_never_enough(self) -> None:
        assert log_crossings(np.array([1.0]), np.array([0.01]), LEVEL) == math.inf
        assert log_crossings(np.array([1.0]), np.array([1.0]), LEVEL) == -math.inf

    def test_medians_of_diverged_runs(self) -> None:
        inf = math.inf
        levels = np.array([[1.0, inf, inf], [1.0, 2.0, inf], [math.nan, math.nan, 1.0]])
        assert median_levels(levels).tolist() == [inf, 2.0, inf]
        assert median_levels(np.array([[1.0, 2.0, inf, inf]])).tolist() == [inf]
        assert median_levels(np.array([[1.0, 3.0, 4.0, inf]])).tolist() == [3.5]

    def test_status_and_reentries(self) -> None:
        rates = np.array([1.0, 2.0, 4.0, 8.0])
        rows = {
            "found": [0.01, 0.5, 0.01, 0.5],
            "never": [0.01, 0.5, 0.5, 0.05],
            "always": [0.2, 0.5, 0.5, 0.5],
        }
        curves = [
            Curve(name, "f", {}, rates, np.array(row)[:, None].repeat(3, 1), LEVEL)
            for name, row in rows.items()
        ]
        found = crossings(curves, 20, 1)
        assert [c.status for c in found] == list(rows)
        assert [c.rate is None for c in found] == [False, True, True]
        assert found[0].reentries == 1
        assert (found[1].low, found[1].high) == (math.inf, math.inf)
        assert (found[2].low, found[2].high) == (0.0, 0.0)

    def test_interval_holds_the_middle_seeds(self) -> None:
        spread = (0.5, 0.8, 1.0, 1.25, 2.0)
        curve = Curve("c", "f", {}, RATES, power_law(3.0, RATES, spread), LEVEL)
        (found,) = crossings([curve], 500, 1)
        assert found.rate == pytest.approx(3.0)
        # A bootstrap median of five is beyond the second or fourth value in 5.8% of the draws.
        assert 1.49 <= found.low <= 2.4 and 3.75 <= found.high <= 6.01

    def test_drawing_is_fixed_by_its_seed(self) -> None:
        spread = (0.5, 0.8, 1.0, 1.25, 2.0)
        curves = [
            Curve(f"{c}", "f", {}, RATES, power_law(c, RATES, spread), LEVEL) for c in (1.0, 3.0)
        ]
        assert crossings(curves, 30, 1) == crossings(curves, 30, 1)
        assert crossings(curves, 30, 1) != crossings(curves, 30, 2)


class TestResampling:
    """Curves of one label are of the same runs."""

    def test_curves_of_one_label_get_the_same_seeds(self) -> None:
        one, other, _ = planted({"sigma": 4.0}, SIGMAS, 0.15, 3)[:3]
        again = replace(one, family="b", threshold=LEVEL)
        drawn = resampled_logs([one, other, again], 50, 1)
        assert np.array_equal(drawn[:, 0], drawn[:, 2])
        # Same levels under another label: other runs.
        drawn = resampled_logs([one, other, replace(one, label="x")], 50, 1)
        assert not np.array_equal(drawn[:, 0], drawn[:, 2])

    def test_a_setting_in_two_families_narrows_no_interval(self) -> None:
        curves = [c for c in planted({"sigma": 4.0}, SIGMAS, 0.15, 3) if c.family == "a"]
        copies = [replace(curve, family="copy") for curve in curves]
        once = fit(curves, ("sigma",), 100, 1).power("sigma")
        twice = fit(curves + copies, ("sigma",), 100, 1).power("sigma")
        assert once is not None and twice is not None
        assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
        apart = [replace(curve, label=f"other {curve.label}") for curve in copies]
        narrow = fit(curves + apart, ("sigma",), 100, 1).power("sigma")
        assert narrow is not None
        # Twice the runs: by sqrt 2, known to 1/sqrt(100) or so.
        assert narrow.high - narrow.low < 0.9 * (once.high - once.low)

    def test_one_label_has_one_number_of_seeds(self) -> None:
        one = planted({"sigma": 4.0}, SIGMAS, 0.15, 3)[0]
        with pytest.raises(InputError, match="same runs"):
            resampled_logs([one, replace(one, levels=one.levels[:, :3])], 5, 1)


class TestPowers:
    def test_planted_powers_without_noise(self) -> None:
        law = {"sigma": 4.0, "n": -2.0, "Delta": -1.0, "d": -0.5}
        found = fit(planted(law, ALL, 0.0, 0), tuple(law), 20, 1)
        assert found.used == 2 * len(ALL)
        assert found.residual < 1e-10
        for power in found.powers:
            assert power.estimate == pytest.approx(law[power.name], abs=1e-9)
            assert power.high - power.low < 1e-9
        assert {p.name for p in found.powers} == set(law)

    def test_factors_that_do_not_vary_have_no_power(self) -> None:
        found = fit(planted({"sigma": 4.0}, SIGMAS, 0.0, 0), ("sigma", "n", "d"), 5, 1)
        assert [p.name for p in found.powers] == ["sigma"]

    def test_collinear_factors_have_no_power(self) -> None:
        factors = [{"n": n, "Delta": 1 / n, "d": 1.0} for n in (2.0, 4.0, 8.0)]
        found = fit(planted({"n": 1.0}, factors, 0.0, 0), ("n", "Delta"), 5, 1)
        assert found.powers == ()

    def test_families_have_their_own_intercepts(self) -> None:
        # One family at small sigma and low, one at large sigma and high: without intercepts of
        # their own the power would be steeper.
        curves = [
            c
            for c in planted({"sigma": 2.0}, SIGMAS, 0.0, 0)
            if (c.family == "a") == (c.factors["sigma"] < 0.5)
        ]
        power = fit(curves, ("sigma",), 5, 1).power("sigma")
        assert power is not None and power.estimate == pytest.approx(2.0)

    def test_censored_curves_are_counted_and_left_out(self) -> None:
        curves = planted({"sigma": 4.0}, SIGMAS, 0.0, 0)
        one = curves[0]
        for level in (0.01, 1.0):
            curves.append(
                Curve("x", one.family, one.factors, one.rates, np.full((12, 5), level), LEVEL)
            )
        found = fit(curves, ("sigma",), 5, 1)
        assert (found.used, found.never, found.always) == (10, 1, 1)
        power = found.power("sigma")
        assert power is not None and power.estimate == pytest.approx(4.0)

    def test_nothing_to_fit(self) -> None:
        one = planted({"sigma": 4.0}, SIGMAS[:1], 0.0, 0)[0]
        never = Curve("x", "a", one.factors, one.rates, np.full((12, 5), 0.01), LEVEL)
        found = fit([never], ("sigma",), 5, 1)
        assert found.powers == () and found.never == 1

    def test_error_is_what_the_seeds_would_leave(self) -> None:
        """Median of five normals of deviation 0.15: 0.15 x 0.536; the bootstrap's is near it."""
        fits = [fit(planted({"sigma": 4.0}, ALL, 0.15, s), ("sigma",), 100, 1) for s in range(4)]
        assert all(one.freedom == 2 * len(ALL) - 3 for one in fits)
        # 28 curves each, whose bootstrap variances scatter by about their own size: 10%.
        assert np.mean([one.error for one in fits]) == pytest.approx(0.0804, rel=0.25)

    def test_a_law_is_no_misfit_and_another_one_is(self) -> None:
        law = planted({"sigma": 4.0}, ALL, 0.15, 1)
        assert not fit(law, ("sigma",), 100, 1).is_misfit
        other = planted({"sigma": 4.0, "n": -2.0}, ALL, 0.15, 1)
        assert fit(other, ("sigma",), 100, 1).is_misfit
        assert not fit(other, ("sigma", "n"), 100, 1).is_misfit
        # Two curves of one family have no residual, whatever they are.
        pair = fit([c for c in other if c.family == "a"][:2], ("sigma",), 100, 1)
        assert pair.freedom == 0 and not pair.is_misfit

    def test_coverage_of_the_intervals(self) -> None:
        """Of 40 planted laws the intervals cover nearly all, and are not much too wide.

        At a true coverage of 0.95, 33 or fewer of 40 have probability 0.001.
        """
        estimates, widths, covered = [], [], 0
        for seed in range(40):
            power = fit(planted({"sigma": 4.0}, SIGMAS, 0.15, seed), ("sigma",), 100, 7).power(
                "sigma"
            )
            assert power is not None
            estimates.append(power.estimate)
            widths.append((power.high - power.low) / 3.92)
            covered += power.contains(4.0)
        assert covered >= 34
        # Each deviation is known to about 1/sqrt(80) = 11%; the bootstrap is a little wide.
        assert 0.75 < np.mean(widths) / np.std(estimates) < 1.5

    def test_exponents_of_given_values(self) -> None:
        curves = planted({"sigma": 4.0}, SIGMAS, 0.0, 0)
        values = np.array([3 * math.log10(c.factors["sigma"]) for c in curves])
        values[2] = math.nan
        powers, residual = exponents(curves, values, ("sigma",))
        assert powers["sigma"] == pytest.approx(3.0)
        assert residual < 1e-12


class TestCollapse:
    def test_the_right_scale_collapses(self) -> None:
        curves = [c for c in planted({"sigma": 4.0}, SIGMAS, 0.0, 0) if c.family == "a"]
        right = collapse(curves, [c.factors["sigma"] ** 4 for c in curves], 20, 1)
        assert right.spread < 1e-12
        assert right.centre == pytest.approx(3.0)
        wrong = collapse(curves, [c.factors["sigma"] ** 2 for c in curves], 20, 1)
        expected = np.std([2 * math.log10(c.factors["sigma"]) for c in curves], ddof=1)
        assert wrong.spread == pytest.approx(expected)

    def test_interval_and_censoring(self) -> None:
        curves = planted({"sigma": 4.0}, SIGMAS, 0.15, 3)
        curves.append(Curve("x", "a", {}, RATES, np.full((12, 5), 0.01), LEVEL))
        found = collapse(curves, [1.0] * len(curves), 100, 1)
        assert found.used == 10
        assert found.low < found.spread < found.high

    def test_interval_is_about_the_estimate(self) -> None:
        """Under a perfect scale all spread is chance, which the bootstrap doubles if let.

        A spread of m = 10 rates of error e has squares about e^2; resamples without the correction
        2 e^2, and then the estimate is below the interval's middle by 30 per cent.
        """
        ratios = []
        for seed in range(6):
            curves = [*planted({"sigma": 4.0}, SIGMAS, 0.2, seed)]
            scales = [c.factors["sigma"] ** 4 * (3 if c.family == "a" else 12) for c in curves]
            found = collapse(curves, scales, 200, 1)
            assert found.low <= found.spread <= found.high
            ratios.append((found.low + found.high) / 2 / found.spread)
        assert 0.8 < np.mean(ratios) < 1.15

    def test_fewer_than_two_curves_have_no_spread(self) -> None:
        curves = planted({"sigma": 4.0}, SIGMAS[:1], 0.0, 0)[:1]
        found = collapse(curves, [1.0], 20, 1)
        assert math.isnan(found.spread) and found.used == 1

    @pytest.mark.parametrize("scales", [[1.0], [1.0, 0.0], [1.0, math.nan]])
    def test_scales_are_positive(self, scales: list[float]) -> None:
        curves = planted({"sigma": 4.0}, SIGMAS[:1], 0.0, 0)
        with pytest.raises(InputError, match="scales"):
            collapse(curves, scales, 5, 1)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"rates": RATES[::-1]}, "rates"),
        ({"rates": RATES[:-1]}, "levels"),
        ({"levels": np.ones(12)}, "levels"),
        ({"threshold": 0.0}, "threshold"),
        ({"factors": {"n": -1.0}}, "n"),
    ],
)
def test_bad_curves(change: dict[str, object], word: str) -> None:
    given: dict[str, object] = {
        "label": "c",
        "family": "f",
        "factors": {},
        "rates": RATES,
        "levels": np.ones((12, 2)),
        "threshold": LEVEL,
    }
    with pytest.raises(InputError) as caught:
        Curve(**(given | change))  # type: ignore[arg-type]
    assert caught.value.argument == word
