"""The experiment on critical rates: its parts against independent values, and a tiny run of it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from dsmverify.ensembles import measures, translation
from dsmverify.ensembles.settings import Problem
from dsmverify.errors import InputError
from dsmverify.experiments import critical, critical_plots, critical_tables
from dsmverify.experiments.configurations import Document, build, load, parse
from dsmverify.experiments.critical import Critical, Points, Setting

TINY = """
experiment = "critical"
seed = 1
seeds = 2
sigma = 0.5
width = 12
time = 2
minimum_steps = 30
rates = ["1/2", 4, 4000]
draws = 20
resamples = 10
resampling_seed = 1

[batch]
size = 10
reduction = "mean"
replacement = true

[[rules]]
name = "main"
level = 0.1
unit = "noise"

[[rules]]
name = "other"
level = 0.5
unit = "zero"

[[series]]
name = "sigma; pair"
factor = "sigma"
levels = [0.5, 0.7]
sample = { shape = "equispaced", size = 2, spacing = 2 }
parametrisations = ["experiments", "theory"]

[[series]]
name = "d; normal"
factor = "d"
levels = [1, 2]
sample = { shape = "normal", size = 3, seed = 1 }
parametrisations = ["experiments", "frozen"]

[[series]]
name = "width; pair"
factor = "width"
levels = [6]
sample = { shape = "equispaced", size = 2, spacing = 2 }

[quick]
seeds = 1
time = 1
rates = [1, 4]
levels = 1
dimension = 1
"""


def tiny() -> Document:
    return parse(TINY, "tiny.toml")


def tiny_configuration() -> Critical:
    document = tiny()
    return build(Critical, document.table, document.source)


def files(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(out.iterdir()) if file.is_file()}


@pytest.fixture(scope="module", autouse=True)
def few_samples() -> Iterator[None]:
    """Two samples stand for the page's; the quadratures of thirty take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(critical_tables, "SLOPE_SAMPLES", 2)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("numba")
    pytest.importorskip("matplotlib")
    out = tmp_path_factory.mktemp("whole")
    critical.run(tiny(), out=out, threads=1)
    return out


def scales_of(problem: Problem) -> dict[str, float]:
    """Scales of a problem, as a result has them."""
    sigma = Fraction(problem.sigma).limit_denominator(100)
    setting = Setting("experiments", Points("normal", 2), problem.dimension, sigma, 4, Fraction(1))
    nothing = np.empty((0, 0))
    return critical.Result(setting, problem, nothing, np.empty(0, int), (), {}).scales


class TestConfiguration:
    def test_packaged(self) -> None:
        document = load("critical")
        found = build(Critical, document.table, document.source)
        for series in found.series:
            assert len(series.levels) >= 4
        assert {s.factor for s in found.series} >= set(critical.FACTORS)
        assert found.seeds == 5
        sigmas = {s.sigma for s in critical.jobs_of(found)}
        assert (min(sigmas), max(sigmas)) == (Fraction(3, 10), Fraction(7, 10))
        assert {s.dimension for s in critical.jobs_of(found)} == {1, 2, 5, 10}

    def test_packaged_rule_can_be_met(self) -> None:
        """The score 0 is above the first rule's level at every setting in d = 1."""
        document = load("critical")
        found = build(Critical, document.table, document.source)
        for setting in critical.jobs_of(found):
            if setting.dimension == 1:
                problem = setting.problem(found.seed)
                zero = measures.zero_risk(problem) - measures.optimal_risk(problem)
                assert zero > float(found.rules[0].level) / problem.sigma**2

    def test_quick_is_smaller(self) -> None:
        found = tiny_configuration().reduced()
        assert found.seeds == 1 and found.time == 1 and len(found.rates) == 2
        assert [len(s.levels) for s in found.series] == [1, 1, 1]
        assert {s.dimension for s in critical.jobs_of(found)} == {1}

    @pytest.mark.parametrize(
        ("old", "new", "word"),
        [
            ('rates = ["1/2", 4, 4000]', "rates = [4, 1]", "rates"),
            ("level = 0.1", "level = 1.5", "rules.level"),
            ("size = 2, spacing = 2", "size = 1, spacing = 2", "sample.size"),
            ("size = 2, spacing = 2", "size = 2, spacing = 0", "sample.spacing"),
            ('factor = "d"', 'factor = "dim"', "factor"),
            ("levels = [1, 2]", "levels = [1, 1.5]", "series.levels"),
            ("levels = [0.5, 0.7]", "levels = []", "series.levels"),
            ('name = "d; normal"', 'name = "d, normal"', "series.name"),
            ("seeds = 2", "seeds = 0", "seeds"),
            ("sigma = 0.5", "sigma = 1.5", "sigma lies between"),
            ("levels = [0.5, 0.7]", "levels = [0.5, 1]", "sigma lies between"),
            ("time = 2", "time = -300", "time"),
            ('name = "d; normal"', 'name = "sigma; pair"', "two series"),
            ('name = "other"', 'name = "main"', "two rules"),
            ('name = "d; normal"', 'name = "all"', "pooled"),
            ("seeds = 1\n", "seeds = 0\n", r"quick\.seeds"),
            ("time = 1\n", "time = 0\n", r"quick\.time"),
            ("levels = 1\n", "levels = 0\n", r"quick\.levels"),
            ("dimension = 1\n", "dimension = 0\n", r"quick\.dimension"),
            ("rates = [1, 4]", "rates = [4, 1]", r"quick\.rates"),
            ("draws = 20", "draws = 1", "draws"),
            ("resampling_seed = 1", "resampling_seeds = 1", "resampling_seed"),
            ('["experiments", "frozen"]', '["theory"]', "series.parametrisations"),
        ],
    )
    def test_bad_input(self, old: str, new: str, word: str) -> None:
        assert old in TINY
        document = parse(TINY.replace(old, new, 1), "tiny.toml")
        with pytest.raises(InputError, match=word):
            build(Critical, document.table, document.source)

    def test_quick_keeps_a_series(self) -> None:
        """A series without a level of small dimension is left out, unless none is left."""
        found = tiny_configuration()
        only = replace(found.series[1], levels=(Fraction(2),))
        assert len(replace(found, series=(found.series[0], only)).reduced().series) == 1
        with pytest.raises(InputError, match=r"quick\.dimension"):
            replace(found, series=(only,))

    @pytest.mark.parametrize(("size", "spacing"), [(5, "1/10"), (8, "2/3")])
    def test_clusters_are_two(self, size: int, spacing: str) -> None:
        with pytest.raises(InputError, match="clusters"):
            Points("clusters", size, Fraction(spacing), Fraction(2))


class TestSettings:
    def test_equispaced(self) -> None:
        points = Points("equispaced", 4, Fraction(1, 2)).coordinates(0, 3)
        assert points[:, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]
        assert not points[:, 1:].any()

    def test_clusters(self) -> None:
        row = Points("clusters", 6, Fraction(1, 10), Fraction(3)).coordinates(0, 1)[:, 0]
        assert row == pytest.approx([-1.6, -1.5, -1.4, 1.4, 1.5, 1.6])

    def test_normal_points_depend_on_seed_and_dimension(self) -> None:
        points = Points("normal", 500, seed=1)
        one = points.coordinates(3, 2)
        assert np.array_equal(one, points.coordinates(3, 2))
        assert not np.array_equal(one, points.coordinates(4, 2))
        assert not np.array_equal(one, replace(points, seed=2).coordinates(3, 2))
        # Means of 1000 normals: within four standard deviations of 1/sqrt(1000).
        assert abs(one.mean()) < 0.13 and abs(one.std() - 1) < 0.1

    def test_factors_change_what_they_name(self) -> None:
        found = tiny_configuration()
        series = replace(
            found.series[0],
            sample=Points("clusters", 4, Fraction(1, 10)),
            parametrisations=("experiments",),
        )
        changes: dict[critical.Factor, Fraction] = {
            "sigma": Fraction(3, 10),
            "n": Fraction(8),
            "Delta": Fraction(1, 50),
            "d": Fraction(5),
            "width": Fraction(7),
            "time": Fraction(9),
        }
        for factor, level in changes.items():
            (one,) = critical.settings_of(found, replace(series, factor=factor, levels=(level,)))
            now = {
                "sigma": one.sigma,
                "n": one.points.size,
                "Delta": one.points.spacing,
                "d": one.dimension,
                "width": one.width,
                "time": one.time,
            }
            before = {"sigma": Fraction(1, 2), "n": 4, "Delta": Fraction(1, 10), "d": 1}
            before |= {"width": 12, "time": 2}
            assert now == before | {factor: level}

    def test_rates_and_steps_are_exact(self) -> None:
        found = tiny_configuration()
        setting = critical.settings_of(found, found.series[0])[0]
        rates, steps = critical.rates_and_steps(found, setting)
        assert rates == [1 / 32, 1 / 4, 250.0]
        assert steps == [64, 30, 30]

    def test_runs_have_seeds_of_their_own(self) -> None:
        found = tiny_configuration()
        jobs = critical.jobs_of(found)
        seeds = [seed for job in jobs for seed in critical.seeds_of(found, job)]
        assert len(set(seeds)) == len(seeds) == 2 * len(jobs)

    def test_mu_and_sigma_lie_on_the_circle(self) -> None:
        setting = critical.jobs_of(tiny_configuration())[1]
        problem = setting.problem(1)
        assert problem.mu**2 + problem.sigma**2 == pytest.approx(1.0, abs=1e-15)


class TestScales:
    def test_slope_by_quadrature(self) -> None:
        """E[s*'(Y)^2] with s*' the second derivative of the log density, by differences."""
        problem = Problem(np.array([-0.8, 0.1, 1.0]), 0.9, 0.4)
        means = problem.mu * problem.points[:, 0]

        def density(y: float) -> float:
            return float(stats.norm.pdf(y, means, problem.sigma).mean())

        def integrand(y: float) -> float:
            h = 1e-3
            logs = [math.log(density(y + k * h)) for k in (-1, 0, 1)]
            return density(y) * ((logs[0] - 2 * logs[1] + logs[2]) / h**2) ** 2

        value, _ = integrate.quad(integrand, -3.5, 3.5, limit=200, epsrel=1e-9)
        # Differences: h^2/12 times a fourth derivative of order sigma^-4 relative to sigma^-2.
        assert scales_of(problem)["slope"] == pytest.approx(1 / value, rel=1e-5)

    def test_pair_in_more_dimensions(self) -> None:
        """Across the pair s* is linear: 1/sigma^4 for each of the other axes, by Monte Carlo."""
        pair = Problem(np.array([-0.5, 0.5]), 0.9, 0.4)
        space = Problem(np.array([[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]]), 0.9, 0.4)
        expected = 1 / (1 / scales_of(pair)["slope"] + 2 / 0.4**4)
        # 2000 draws of a variable whose relative deviation is below 1, in one of three terms.
        assert scales_of(space)["slope"] == pytest.approx(expected, rel=0.03)

    def test_other_scales(self) -> None:
        scales = scales_of(Problem(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.5]]), 0.8, 0.5))
        assert scales["theorem"] == pytest.approx(0.25 / (9 * 1.5))
        assert scales["translation"] == 0.0625
        assert scales["translation_by_dimension"] == 0.03125

    def test_least_distance(self) -> None:
        points = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.5]])
        assert critical.least_distance(points) == 1.5


class TestStart:
    """How near to the level the smallest rate is already, and what is then left out."""

    @staticmethod
    def ended(starts: dict[str, float]) -> tuple[Critical, dict[Setting, critical.Result]]:
        """Two settings; at rates 1/2, 4, 4000 levels start, 2 x level, 3 x level; dead at the last.

        Args:
            starts: first level by sigma, in units of the main rule's.
        """
        found = tiny_configuration()
        series = replace(found.series[0], parametrisations=("theory",))
        found = replace(found, series=(series,))
        ended = {}
        for setting in critical.jobs_of(found):
            group = critical.group_of(found, setting)
            threshold = 0.1 / float(setting.sigma) ** 2
            names = [f"{what}_{s}" for what in ("dead", "excess") for s in critical.SIDES]
            data = {name: np.zeros((3, 2)) for name in (*names, "sharpness")}
            excess = np.array([starts[str(float(setting.sigma))], 2.0, 3.0])[:, None] * threshold
            data["excess"] = excess.repeat(2, 1)
            data["risk"] = data["excess"] + 0.01
            data["zero_excess"] = np.full((3, 2), 9 * threshold)
            data["square"] = np.ones((3, 2))
            data["dead_left"][2] = 1
            ended[setting] = critical.Result(
                setting,
                group.ensemble.problems[0],
                np.array(critical.rates_and_steps(found, setting)[0]),
                np.ones(3, dtype=int),
                (1, 2),
                data,
            )
        return found, ended

    def test_start_is_in_units_of_the_level(self) -> None:
        found, ended = self.ended({"0.5": 0.2, "0.7": 0.5})
        low, high = ended.values()
        assert low.start(found.rules[0]) == pytest.approx(0.2)
        assert high.start(found.rules[0]) == pytest.approx(0.5)
        assert low.starts_low(found.rules[0]) and not high.starts_low(found.rules[0])
        # The other level is half of nine times the main one.
        assert high.start(found.rules[1]) == pytest.approx(0.5 / 4.5)

    def test_fits_without_high_starts_are_post_hoc(self) -> None:
        found, ended = self.ended({"0.5": 0.2, "0.7": 0.5})
        fits = critical_tables.all_fits(found, ended)
        used = {(one.rule, one.series): one.fit.used for one in fits}
        assert used["main", "all"] == 2 and used["main", "all, post hoc"] == 1
        assert ("other", "all, post hoc") not in used
        _, low = self.ended({"0.5": 0.2, "0.7": 0.3})
        assert not [one for one in critical_tables.all_fits(found, low) if "post hoc" in one.series]
        labels = [label for label, _, _ in critical_tables.all_collapses(found, ended)]
        assert "theory, d = 1, post hoc" in labels

    def test_risk_of_high_starts_is_not_the_rates(self) -> None:
        found, ended = self.ended({"0.5": 0.2, "0.7": 0.2})
        (words,) = critical_tables.mechanism_words(found, ended)
        # Levels 2 and 3, two seeds and two settings each; the last ones dead: 3/(2 + 3).
        assert "of 8 runs above" in words and "50% have a dead end" in words
        assert "carry 60%" in words and "left out" not in words
        found, ended = self.ended({"0.5": 0.2, "0.7": 1.5})
        (words,) = critical_tables.mechanism_words(found, ended)
        assert "of 4 runs above the level (6 more in 1 settings that do not start low" in words
        found, ended = self.ended({"0.5": 1.5, "0.7": 1.5})
        (words,) = critical_tables.mechanism_words(found, ended)
        assert "of 0 runs above the level (12 more" in words and words.endswith(" 0 diverged.")

    def test_floors_use_the_runs_own_inner_weights(self) -> None:
        """Rate sigma^4 x 4: risks 0.0953/sigma^2 and 1/4 are forced at w = 1, nothing at w = 4."""
        found, ended = self.ended({"0.5": 0.2, "0.7": 0.2})
        result = ended[critical.jobs_of(found)[0]]
        result.data["risk"][1] = 0.2 / 0.25
        assert critical_tables._below(result, 1).tolist() == [0, 2, 2, 2]
        result.data["square"][1] = 4
        assert critical_tables._below(result, 1).tolist() == [0, 0, 0, 0]
        result.data["risk"][1] = 0.05 / 0.25
        result.data["square"][1] = 1
        assert critical_tables._below(result, 1).tolist() == [2, 2, 2, 2]


class TestPage:
    def test_forced_risks_beside_runs(self, whole: Path) -> None:
        lines = (whole / "critical.md").read_text().splitlines()
        (head,) = [i for i, line in enumerate(lines) if line.startswith("| d | sigma | rate |")]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[head + 2 :]]
        names = [cell.strip() for cell in lines[head].split("|")[1:-1]]
        rows = [row for row in rows if len(row) == len(names)]
        assert len(rows) == len(translation.page_table()) == 16
        first = dict(zip(names, rows[0], strict=True))
        # d = 1, sigma^2 = 1 - e^-0.4, rate 0.5: 4.6 sigma^4; (1 - sqrt(1/4.6))^2 is forced.
        assert (first["rate d/sigma^4"], first["forced, stable"]) == ("4.6", "0.28")
        assert first["rate / thm08's threshold"] != ""
        # In ten dimensions points are far apart for the smaller sigma: there R_n(s*) is 0.04 of
        # 105, and what is forced of R_n is nearly what is forced of the excess risk.
        last = dict(zip(names, rows[12], strict=True))
        assert last["rate"] == "0.5"
        assert float(last["forced excess, stable"]) == pytest.approx(
            float(last["forced, stable"]), rel=0.06
        )
        # The rate 0.01 is below the one of s*: nothing is forced.
        assert float(rows[3][names.index("forced excess, stable")]) == 0
        # The tiny run has the rates 1/2, 4, 4000 times sigma^4 at sigma = 0.5 only: 4 is near.
        assert first["runs, trained"].endswith("(sigma=0.5)")
        assert first["runs, w = 1"].endswith("(sigma=0.5)")
        # 0.92 sigma^4 is a factor 1.84 from 1/2.
        assert rows[1][names.index("runs, trained")] == ""
        assert rows[-1][names.index("rate / thm08's threshold")] == ""


class TestMeasured:
    @staticmethod
    def setting(dimension: int) -> Setting:
        return Setting(
            "experiments", Points("normal", 3), dimension, Fraction(1, 2), 12, Fraction(1)
        )

    def test_one_dimension(self) -> None:
        found = tiny_configuration()
        group = critical.group_of(found, self.setting(1))
        networks = group.ensemble.start()
        networks.diverged[0] = 7
        networks.outer[1] = 0
        values = group.measure(group.ensemble, networks)
        assert values["risk"][0] == values["excess"][0] == math.inf
        assert np.isnan(values["dead_left"][0])
        assert values["excess"][1] == pytest.approx(values["zero_excess"][1])
        assert [values[f"dead_{side}"][1] for side in critical.SIDES] == [1, 1, 1]
        parts = np.sum([values[f"excess_{side}"] for side in critical.SIDES], axis=0)
        assert parts[1:] == pytest.approx(values["excess"][1:], rel=1e-9)
        inner = networks.inner[2].astype(float)
        assert values["square"][2] == pytest.approx((inner**2).mean())

    def test_dead_ends_are_told_apart(self) -> None:
        """Neurons active on the far right only: the left end and the inside are dead."""
        found = tiny_configuration()
        setting = self.setting(1)
        group = critical.group_of(found, setting)
        networks = group.ensemble.start()
        problem = group.ensemble.problems[0]
        high = problem.mu * problem.points.max() + problem.sigma
        networks.inner[:] = 1
        networks.outer[:] = 1
        networks.bias[:] = -high
        values = group.measure(group.ensemble, networks)
        assert [values[f"dead_{side}"][0] for side in critical.SIDES] == [1, 1, 0]
        data = {name: value.reshape(3, 2) for name, value in values.items()}
        result = critical.Result(setting, problem, np.ones(3), np.ones(3, dtype=int), (1, 2), data)
        assert critical_tables.dead_side(result, 0, 0) == "left"

    def test_two_dimensions(self) -> None:
        found = replace(tiny_configuration(), draws=4000)
        group = critical.group_of(found, self.setting(2))
        networks = group.ensemble.start()
        networks.outer[:] = 0
        networks.diverged[0] = 7
        values = group.measure(group.ensemble, networks)
        assert values["risk"][0] == math.inf
        # Both sides of the zero score's risk d/sigma^2 = 8, five standard errors.
        assert abs(values["risk"][1] - 8) < 5 * values["error"][1] + 0.5
        assert np.isnan(values["dead_left"]).all()
        gram = networks.inner[1].T @ networks.inner[1] / 12
        assert values["square"][1] == pytest.approx(np.linalg.eigvalsh(gram)[0])


class TestRun:
    def test_columns_and_rows(self, whole: Path) -> None:
        with (whole / "critical_rate.csv").open() as stream:
            assert stream.readline().strip() == (
                "sample,dimension,sigma,learning_rate,seed,risk,excess_risk,dead_side"
            )
            stream.seek(0)
            rows = list(csv.DictReader(stream))
        jobs = critical.jobs_of(tiny_configuration())
        assert len(rows) == len(jobs) * 3 * 2
        keys = [
            (r["sample"], r["dimension"], r["sigma"], r["learning_rate"], r["seed"]) for r in rows
        ]
        assert len(set(keys)) == len(keys)
        for row in rows:
            finite = math.isfinite(float(row["risk"]))
            known = ("none", "left", "right", "both")
            expected = known if finite and row["dimension"] == "1" else ("",)
            assert row["dead_side"] in expected
            assert finite == math.isfinite(float(row["excess_risk"]))

    def test_a_huge_rate_is_above_every_level(self, whole: Path) -> None:
        with (whole / "critical_rate.csv").open() as stream:
            rows = [r for r in csv.DictReader(stream) if r["sigma"] == "0.5"]
        large = [float(r["excess_risk"]) for r in rows if float(r["learning_rate"]) == 250]
        assert large and min(large) > 0.1 / 0.25

    def test_details(self, whole: Path) -> None:
        with (whole / "critical_runs.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        assert tuple(rows[0]) == critical_tables.RUN_COLUMNS
        for row in rows:
            if row["diverged"] == "0" and row["dimension"] == "1":
                shares = [float(row[f"share_{side}"]) for side in critical.SIDES]
                # Four digits are written.
                assert sum(shares) == pytest.approx(1, abs=1e-3)
                edge = float(row["width"]) * float(row["learning_rate"]) * float(row["sharpness"])
                assert float(row["sharpness_over_edge"]) == pytest.approx(edge / 2, rel=1e-4)
            if row["parametrisation"] == "theory" and row["diverged"] == "0":
                assert float(row["mean_squared_inner_weight"]) == 1
        # Frozen inner weights are those of the seed, at every rate; trained ones move.
        for kind, moves in (("frozen", False), ("experiments", True)):
            weights = {
                (r["seed"], r["learning_rate"]): r["mean_squared_inner_weight"]
                for r in rows
                if r["parametrisation"] == kind and r["diverged"] == "0"
            }
            seeds = {seed for seed, _ in weights}
            assert (len(set(weights.values())) > len(seeds)) == moves

    def test_report(self, whole: Path) -> None:
        text = (whole / "critical.md").read_text()
        for heading in ("Conclusion", "Critical rates", "Powers", "Which scale", "dead sides"):
            assert heading in text
        assert "thm08" in text and "shift4" in text

    def test_interrupted_runs_end_in_the_same_bytes(self, whole: Path, tmp_path: Path) -> None:
        class Stopped(Exception):
            pass

        names: list[str] = []

        def stop(made: int, total: int, name: str) -> None:
            names.append(name)
            if len(set(names)) > 3:
                raise Stopped

        with pytest.raises(Stopped):
            critical.run(tiny(), out=tmp_path, threads=2, progress=stop)
        assert files(tmp_path) == {}
        kept = {file.name: file.stat().st_mtime_ns for file in (tmp_path / ".work").glob("*.json")}
        assert kept
        summary = critical.run(tiny(), out=tmp_path, threads=2)
        assert files(tmp_path) == files(whole)
        assert {name: (tmp_path / ".work" / name).stat().st_mtime_ns for name in kept} == kept
        assert [file.name for file in summary.files if file.suffix == ".csv"] == [
            "critical_rate.csv",
            "critical_runs.csv",
        ]
        assert summary.exit_status == 0 and summary.lines()

    def test_quick_has_names_of_its_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("numba")
        monkeypatch.setattr(critical_plots, "draw", lambda *_: {"critical.svg": b"drawn"})
        critical.run(tiny(), out=tmp_path, quick=True, threads=1)
        assert sorted(files(tmp_path)) == sorted(
            f"quick_{name}"
            for name in (
                "critical.md",
                "critical.svg",
                "critical_rate.csv",
                "critical_runs.csv",
            )
        )
        assert "**quick**" in (tmp_path / "quick_critical.md").read_text()

    def test_work_is_counted_before_it_is_done(self) -> None:
        found = tiny_configuration()
        jobs = critical.jobs_of(found)
        groups = [critical.group_of(found, job) for job in jobs]
        told: list[tuple[int, int, str]] = []

        class Stopped(Exception):
            pass

        def stop(made: int, total: int, text: str) -> None:
            told.append((made, total, text))
            raise Stopped

        with pytest.raises(Stopped):
            critical.run(tiny(), out=Path("unused"), threads=1, progress=stop)
        made, total, text = told[0]
        assert made == 0
        assert total == sum(int(group.ensemble.steps.sum()) for group in groups)
        assert text.startswith(f"{len(jobs)} settings, {6 * len(jobs)} runs")


def test_marks_of_the_picture_are_the_answers() -> None:
    assert set(critical_plots.PANELS) == set(critical_plots.MARKS)
    assert set(critical_plots.PANELS) < set(critical_tables.SCALES)
    assert critical_plots.MARKS["theorem"] == (2.0**12,)


def test_a_length_that_rounding_left_below_zero_counts_as_zero() -> None:
    """The least eigenvalue of a second-moment matrix: no floor fails on its rounding error."""
    assert critical_tables._length(-1e-18) == 0.0
    assert critical_tables._length(0.5) == 0.5
    assert math.isnan(critical_tables._length(math.nan))
