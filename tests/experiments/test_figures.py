"""Figures 1 and 2 from end to end on tiny networks, and the digitised page against s*."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from dsmverify import evidence
from dsmverify.ensembles import measures
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.errors import InputError
from dsmverify.experiments import configurations, figure1, figure2, page
from dsmverify.experiments.groups import WORK, gaussian_points, noise_level, seed_of
from dsmverify.experiments.silence import flat_share, flat_sides
from dsmverify.instance import Batch

pytest.importorskip("numba")
pytest.importorskip("matplotlib")

ONE = """
experiment = "figure1"
seed = 5
runs = 5
option_runs = 3
times = ["0.2", "0.05"]
rates = [{ rate = "0.5", steps = 60 }, { rate = "0.1", steps = 90 }]
model = { width = 20 }
batch = { size = 8, reduction = "mean", replacement = true }
rule = { level = 0.05 }
grid = { low = -2, high = 2, count = 5 }
options = [{ name = "frozen", model = { train_inner = false } }, { name = "cut", steps = 70 }]
quick = { runs = 2, option_runs = 2, steps = 70, options = ["frozen"] }
"""

TWO = """
experiment = "figure2"
seed = 5
simulations = 4
points = 6
dimensions = [1, 2]
times = ["0.2", "0.05"]
rates = [{ rate = "0.1", steps = 60 }, { rate = "0.05", steps = 90 }]
model = { width = 20 }
batch = { size = 8, reduction = "mean", replacement = true }
rule = { seed = 1, resamples = 2000, least_runs = 4 }
evaluation = { seed = 1, draws = 40, draws_in_all = 60 }
options = [
  { name = "frozen", model = { train_inner = false } },
  { name = "averaged", dimensions = [2], mean_over_coordinates = true, simulations = 2 },
]
quick = { options = [], runs = [{ dimension = 1, simulations = 2, steps = 70 }] }
"""


def document(text: str) -> configurations.Document:
    return configurations.parse(text, "tiny.toml")


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.fixture(scope="module")
def whole_one(tmp_path_factory: pytest.TempPathFactory) -> tuple[figure1.Summary, Path, list[Any]]:
    """Figure 1 without interruption, its folder, and what progress was told."""
    out, told = tmp_path_factory.mktemp("one"), []
    found = figure1.run(
        document(ONE), out=out, threads=1, progress=lambda a, b, _: told.append((a, b))
    )
    return found, out, told


@pytest.fixture(scope="module")
def whole_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[figure2.Summary, Path]:
    """Figure 2 without interruption, and its folder."""
    out = tmp_path_factory.mktemp("two")
    return figure2.run(document(TWO), out=out, threads=1), out


@pytest.mark.parametrize("panel", ["left", "right"])
def test_the_pages_best_score_is_ours(panel: page.Panel) -> None:
    """The curve s* has mu and sigma from the time, and not their printed roundings."""
    curve = page.curves(panel)[page.S_STAR]
    sample = page.training_points()
    mu, sigma = noise_level(page.PANELS[panel])

    def error(points: np.ndarray) -> np.ndarray:
        return measures.score(Problem(points, mu, sigma), curve.y)[:, 0] - curve.score

    # Points are given to four digits: each may be off by 5e-5, times what s* does with it.
    step = 1e-6
    moved = [sample.best + step * unit for unit in np.eye(len(sample.best))]
    slopes = np.array([(error(x) - error(sample.best)) / step for x in moved])
    allowed = 5e-5 * np.abs(slopes).sum(axis=0) + 1e-5
    assert (np.abs(error(sample.best)) <= allowed).all()
    # With the points free within that rounding s* meets every vertex to float32's precision: half
    # a unit of 2^-24 of a score up to 33, and reading errors of 1e-6 in y times a slope up to 10.
    fitted = optimize.least_squares(error, sample.best, max_nfev=25)
    assert np.abs(fitted.fun).max() < 2e-5
    rounded = {"left": (0.81, 0.57), "right": (0.95, 0.31)}[panel]
    off = measures.score(Problem(sample.best, *rounded), curve.y)[:, 0] - curve.score
    assert np.abs(off).max() > 0.1


def test_the_page_as_numbers() -> None:
    sample = page.training_points()
    assert len(sample.best) == 20
    assert (sample.low <= sample.best).all() and (sample.best <= sample.high).all()
    assert len(set(sample.best)) == 19
    values = page.excess_risks()
    assert len(values) == 8
    assert values[Fraction(1, 20), Fraction(1, 2)].value == pytest.approx(2.0312607)
    assert all(v.low < v.value < v.high for v in values.values())
    for panel in page.PANELS:
        for rate in (Fraction(1, 2), Fraction(1, 10), Fraction(1, 20)):
            assert (np.diff(page.curves(panel)[page.curve_name(rate)].y) > 0).all()


def test_figure1_end_to_end(whole_one: tuple[figure1.Summary, Path, list[Any]]) -> None:
    found, out, told = whole_one
    # Two panels of (5 + 3) runs of 60 + 90 steps, and 3 runs of 60 + 70.
    total = 2 * (8 * 150 + 3 * 130)
    assert told[-1] == (total, total)
    table = rows(out / "fig1.csv")
    assert tuple(table[0]) == ("panel", "curve", "y", "score")
    for panel in ("left", "right"):
        best = [r for r in table if (r["panel"], r["curve"]) == (panel, "s_star")]
        assert [float(r["y"]) for r in best] == [-2, -1, 0, 1, 2]
        mu, sigma = noise_level(page.PANELS[panel])
        problem = Problem(page.training_points().best, mu, sigma)
        expected = measures.score(problem, [-2, -1, 0, 1, 2])[:, 0]
        assert [float(r["score"]) for r in best] == pytest.approx(expected, abs=1e-6)
        names = {r["curve"] for r in table if r["panel"] == panel}
        assert {"eta_0.5", "eta_0.5 median", "eta_0.1 low", "page eta_0.05", "page s_star"} <= names
    points = rows(out / "fig1_points.csv")
    assert tuple(points[0]) == figure1.POINT_COLUMNS
    assert len(points) == 2 * 2 * 3
    base = [p for p in found.points if p.option == "base"]
    for p in base:
        assert p.printed is not None and p.printed.low < p.printed.value < p.printed.high
        assert p.p == evidence.rank_p_value(p.printed.low, p.printed.high, p.values)
    adjusted = evidence.holm([p.p for p in base])
    assert [p.adjusted for p in base] == adjusted.tolist()
    # Five runs cannot reject anything, and the report says so.
    assert {p.verdict for p in base} == {"compatible"}
    assert "cannot tell" in found.notes[0]
    cut = [p for p in found.points if p.option == "cut"]
    assert [(p.steps, p.is_whole) for p in cut] == [(60, True), (70, False)] * 2
    assert {p.verdict for p in cut if not p.is_whole} == {"not measured"}
    assert any("wrote" in line for line in found.lines())
    assert all(file.is_file() for file in found.files)


def test_printed_curves_have_their_tolerance() -> None:
    """The excess risk of a printed line, by plain quadrature, lies inside its interval."""
    settings = configurations.build(figure1.Figure1, document(ONE).table, "tiny.toml")
    printed = figure1._printed(settings, {str(name): time for name, time in page.PANELS.items()})
    sample = page.training_points().best
    for (panel, rate), value in printed.items():
        mu, sigma = noise_level(page.PANELS[panel])  # type: ignore[index]
        line = page.curves(panel)[page.curve_name(rate)]  # type: ignore[arg-type]
        y = np.linspace(-5, 5, 20_001)
        density = np.exp(-((y[:, None] - mu * sample) ** 2) / (2 * sigma**2)).mean(axis=1)
        density /= math.sqrt(2 * math.pi) * sigma
        apart = (
            np.interp(y, line.y, line.score) - measures.score(Problem(sample, mu, sigma), y)[:, 0]
        )
        # Trapezoids of width 5e-4 against scales of 0.05: 1e-5 relative; nothing beyond 5.
        expected = float((density * apart**2).sum() * (y[1] - y[0]))
        assert value.value == pytest.approx(expected, rel=1e-4)
        root = math.sqrt(value.value)
        assert math.sqrt(value.high) >= root + page.VERTEX_TOLERANCE - 1e-12
        assert math.sqrt(value.low) <= max(root - page.VERTEX_TOLERANCE, 0) + 1e-12


def test_figure2_end_to_end(whole_two: tuple[figure2.Summary, Path]) -> None:
    found, out = whole_two
    table = rows(out / "fig2.csv")
    assert ",".join(table[0]) == (
        "dimension,time,learning_rate,option,simulations,mean,median,low,high,"
        "page_value,page_low,page_high,verdict"
    )
    options = {(r["dimension"], r["option"]) for r in table}
    assert options == {
        ("1", "base"),
        ("1", "base; median over simulations"),
        ("1", "base; the same 40 draws per point"),
        ("1", "base; 40 separate draws per point"),
        ("1", "base; 60 separate draws in all"),
        ("1", "frozen"),
        ("2", "base"),
        ("2", "base; mean over coordinates"),
        ("2", "averaged"),
        ("2", "averaged; mean over coordinates"),
    }
    for r in table:
        assert (r["page_value"] == "") == (r["dimension"] == "2")
        assert (r["verdict"] == "no page value") == (r["dimension"] == "2")
        assert r["simulations"] == ("2" if r["option"].startswith("averaged") else "4")
        of = "median" if "median" in r["option"] else "mean"
        assert float(r["low"]) <= float(r[of]) <= float(r["high"])
    at = {(p.dimension, p.time, p.rate, p.name): p for p in found.points}
    key = (2, Fraction(1, 5), Fraction(1, 10))
    total, coordinate = at[*key, "base"], at[*key, "base; mean over coordinates"]
    assert coordinate.summary.mean == pytest.approx(total.summary.mean / 2)
    assert 0 < coordinate.error == pytest.approx(total.error / 2)
    plain = at[1, Fraction(1, 5), Fraction(1, 10), "base"]
    median = at[1, Fraction(1, 5), Fraction(1, 10), "base; median over simulations"]
    assert median.values.tolist() == plain.values.tolist()
    assert (plain.value, median.value) == (plain.values.mean(), np.median(plain.values))
    assert plain.printed is not None
    assert median.comparison.ratio == pytest.approx(median.value / plain.printed.value)
    # One family: 2 times, 2 rates, and six rows each with a page's value.
    compared = [p for p in found.points if not math.isnan(p.comparison.p)]
    assert len(compared) == 24
    adjusted = evidence.holm([p.comparison.p for p in compared])
    assert [p.comparison.adjusted for p in compared] == adjusted.tolist()
    assert "24 comparisons" in found.notes[0] and "5 options" in found.notes[0]
    report = (out / "fig2.md").read_text(encoding="utf-8")
    assert "| base; median over simulations | 0.2 | 0.1 |" in report


def test_mean_and_median_against_the_page(whole_two: tuple[figure2.Summary, Path]) -> None:
    """Planted: one point where the mean is the page's value, three where the median is."""
    found, _ = whole_two
    base = [p for p in found.points if p.is_base and p.dimension == 1]
    planted = []
    for k, p in enumerate(base):
        assert p.printed is not None
        mean, median = (1.0, math.e) if k == 0 else (math.exp(-2), 1.0)
        value = p.printed.value
        summary = replace(p.summary, mean=mean * value, median=median * value)
        planted.append(replace(p, summary=summary))
    (note,) = figure2._mean_or_median(planted)
    first = f"t {float(base[0].time):g} rate {float(base[0].rate):g}"
    # Root mean squares of (0, -2, -2, -2) and (1, 0, 0, 0).
    assert f"of 4 points nearer to the page's value is the mean at 1 ({first}), root" in note
    assert "log(ours/page) 1.73; the median at 3" in note
    assert "log(ours/page) 0.5; diverged runs left out" in note
    assert figure2._mean_or_median([p for p in found.points if p.dimension == 2]) == []


def test_too_few_survivors_are_not_compared() -> None:
    settings = configurations.build(figure2.Figure2, document(TWO).table, "tiny.toml")
    job = figure2._jobs(settings, "tiny.toml", quick=False)[0]
    excess = np.array([1.0, 2.0, math.inf, 3.0, 0.5, 0.6, 0.7, 0.8])
    points = figure2._points(job, {"excess": excess, "flat": np.zeros(8)}, settings)
    judged = figure2._judge(points, settings.rule)
    (kept,) = (p for p in judged if p.survivors)
    assert (kept.comparison.answer, kept.comparison.reason) == (
        "not measured",
        "3 runs, fewer than 4",
    )
    (note,) = (n for n in figure2._notes(judged, settings) if n.startswith("Not compared"))
    assert "fewer than 4 runs: base; diverged runs left out at t = 0.2, rate 0.1" in note
    assert "not measured (3 runs, fewer than 4)" in figure2._one_cells(kept)


def test_packaged_options_name_what_an_epoch_is() -> None:
    """Twenty distinct points of twenty: each step sees every point once."""
    name = "figures/1"
    settings = configurations.build(figure1.Figure1, configurations.load(name).table, name)
    (option,) = (o for o in settings.options if o.name == "batch of 20 distinct points")
    model, batch = option.applied(settings.model, settings.batch, name)
    assert (model, batch) == (settings.model, Batch(20, "mean", False))
    assert option.dimensions == (1,)


def test_figure2_measures_what_it_trains(whole_two: tuple[figure2.Summary, Path]) -> None:
    """One value again, from its seeds, by the library's own pieces."""
    from dsmverify.ensembles.training import train

    found, _ = whole_two
    time, rate = Fraction(1, 20), Fraction(1, 20)
    for d, option, eta in ((1, "base", 0.05), (2, "averaged", 0.025)):
        points = gaussian_points(seed_of(5, "figure2", "data", d, time, 1), 6, d)
        ensemble = Ensemble.of(
            Model(width=20, dimension=d),
            Batch(8, "mean", True),
            [Problem(points, *noise_level(time))],
            [eta],
            [seed_of(5, "figure2", "training", d, time, rate, 1)],
            [90],
        )
        networks = train(ensemble, threads=1)
        (row,) = (
            p
            for p in found.points
            if (p.dimension, p.time, p.rate, p.name) == (d, time, rate, option)
        )
        if d == 1:
            assert row.values[1] == measures.excess_risks(ensemble, networks)[0]
        else:
            from dsmverify.ensembles.dimensions import estimate_excess_risks

            again = estimate_excess_risks(ensemble, networks, seed=1, draws=40)
            # The dense path rounds in float32 by how it groups networks.
            assert row.values[1] == pytest.approx(again.mean[0], rel=1e-3)


def test_data_are_fresh_for_each_simulation_and_shared_by_rates() -> None:
    settings = configurations.build(figure2.Figure2, document(TWO).table, "tiny.toml")
    jobs = figure2._jobs(settings, "tiny.toml", quick=False)
    by_name = {(j.dimension, j.time, j.option): j.group.ensemble for j in jobs}
    first = by_name[1, Fraction(1, 5), "base"]
    other = by_name[1, Fraction(1, 20), "base"]
    frozen = by_name[1, Fraction(1, 5), "frozen"]
    samples = [p.points.tobytes() for p in first.problems]
    assert samples[:4] == samples[4:]
    assert len(set(samples)) == 4
    assert not set(samples) & {p.points.tobytes() for p in other.problems}
    assert samples == [p.points.tobytes() for p in frozen.problems]
    assert len(set(first.seeds.tolist()) | set(other.seeds.tolist())) == 16
    assert first.seeds.tolist() == frozen.seeds.tolist()
    averaged = by_name[2, Fraction(1, 5), "averaged"].learning_rates
    assert averaged.tolist() == pytest.approx([0.05, 0.05, 0.025, 0.025])


@pytest.mark.parametrize(
    ("text", "module", "stem"), [(ONE, figure1, "fig1"), (TWO, figure2, "fig2")]
)
def test_resuming_gives_the_same_bytes(
    text: str,
    module: Any,
    stem: str,
    tmp_path: Path,
    whole_one: tuple[figure1.Summary, Path, list[Any]],
    whole_two: tuple[figure2.Summary, Path],
) -> None:
    run = module.run
    expected = contents((whole_one if module is figure1 else whole_two)[1])
    assert f"{stem}.csv" in expected and f"{stem}.svg" in expected and f"{stem}.pdf" in expected

    class Stop(Exception):
        pass

    def stop(made: int, total: int, _: str) -> None:
        if made > total // 2:
            raise Stop

    part = tmp_path / "part"
    with pytest.raises(Stop):
        run(document(text), out=part, threads=1, progress=stop)
    assert list((part / WORK).iterdir())
    assert not contents(part)
    run(document(text), out=part, threads=2)
    assert contents(part) == expected
    # Again, now from measurements alone.
    for file in (part / WORK).glob("*.npz"):
        file.unlink()
    run(document(text), out=part, threads=1)
    assert contents(part) == expected


@pytest.mark.parametrize(
    ("text", "module", "stem"), [(ONE, figure1, "fig1"), (TWO, figure2, "fig2")]
)
def test_quick_runs_have_files_of_their_own(
    text: str, module: Any, stem: str, tmp_path: Path
) -> None:
    found = module.run(document(text), out=tmp_path, quick=True, threads=1)
    assert found.is_quick
    assert all(name.startswith(f"quick_{stem}") for name in contents(tmp_path))
    cut = [p for p in found.points if not p.is_whole]
    assert cut and all("70 steps" in p.label for p in cut)
    verdicts = {p.comparison.answer if stem == "fig2" else p.verdict for p in cut}
    assert verdicts == {"not measured"}


def test_measurements_of_another_configuration_are_refused(tmp_path: Path) -> None:
    quick = replace(document(TWO))
    figure2.run(quick, out=tmp_path, quick=True, threads=1)
    files = sorted((tmp_path / WORK).glob("*.json"))
    assert len(files) == 2
    # One group's numbers under another group's name.
    files[0].write_bytes(files[1].read_bytes())
    with pytest.raises(InputError, match="another configuration"):
        figure2.run(quick, out=tmp_path, quick=True, threads=1)
    files[0].write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        figure2.run(quick, out=tmp_path, quick=True, threads=1)


def test_a_changed_configuration_starts_anew(tmp_path: Path) -> None:
    figure2.run(document(TWO), out=tmp_path, quick=True, threads=1)
    before = {f.name for f in (tmp_path / WORK).iterdir()}
    first = (tmp_path / "quick_fig2.csv").read_bytes()
    changed = document(TWO.replace("seed = 5", "seed = 6"))
    figure2.run(changed, out=tmp_path, quick=True, threads=1)
    after = {f.name for f in (tmp_path / WORK).iterdir()}
    assert len(after) == 2 * len(before)
    assert (tmp_path / "quick_fig2.csv").read_bytes() != first


def test_diverged_runs_have_a_row_without_them() -> None:
    settings = configurations.build(figure2.Figure2, document(TWO).table, "tiny.toml")
    job = figure2._jobs(settings, "tiny.toml", quick=False)[0]
    excess = np.array([1.0, 2.0, math.inf, 3.0, 0.5, 0.5, 0.5, 0.5])
    measured = {"excess": excess, "flat": np.zeros(8)}
    found = figure2._points(job, measured, settings)
    first, survivors, second = (p for p in found if not p.detail)
    # A median is finite while most runs are, and needs no such row.
    medians = [p for p in found if p.detail]
    assert [(p.statistic, p.survivors, p.value) for p in medians] == [
        ("median", False, 2.5),
        ("median", False, 0.5),
    ]
    assert math.isinf(first.summary.mean) and first.summary.diverged == 1
    assert survivors.survivors and survivors.summary.mean == 2
    assert survivors.label == "base; diverged runs left out"
    assert second.summary.mean == 0.5 and not second.survivors


def test_flat_sides_by_hand() -> None:
    # Means at -1 and 1 with sigma = 0.5: the sides are [-2, -1] and [1, 2].
    problem = Problem(np.array([-1.0, 1.0]), 1.0, 0.5)
    ensemble = Ensemble.of(
        Model(width=2), Batch(1, "mean", True), [problem] * 3, [0.1] * 3, [1, 2, 3], [0] * 3
    )
    inner = np.array([[1.0, -1.0], [1.0, -1.0], [1.0, -1.0]])[:, :, None]
    # Kinks: active right of 1.5 and left of -2.5; right of 2.5 and left of -1.5; as the first.
    bias = np.array([[-1.5, -2.5], [-2.5, -1.5], [-1.5, -2.5]])
    networks = Networks(
        np.ones((3, 2, 1)), bias, inner, np.zeros((3, 1)), np.array([-1, -1, 7], dtype=np.int64)
    )
    assert flat_sides(ensemble, networks).tolist() == [
        [True, False],
        [False, True],
        [False, False],
    ]


def test_flat_share_leaves_diverged_runs_out() -> None:
    values = np.array([1.0, 2.0, math.inf, math.inf])
    assert flat_share(np.array([1.0, 0.0, 0.0, 0.0]), values) == 0.5
    assert math.isnan(flat_share(np.zeros(2), values[2:]))


@pytest.mark.parametrize(
    ("text", "change", "words"),
    [
        (ONE, ("runs = 5", "runs = 0"), "runs: 0"),
        (ONE, ('["frozen"]', '["frosen"]'), "quick.options: 'frosen'"),
        (ONE, ("level = 0.05", "level = 5"), "rule.level: 5.0"),
        (ONE, ("count = 5", "count = 1"), "grid"),
        (ONE, ("width = 20", "width = 20, dimension = 2"), "model.dimension: 2"),
        (ONE, ('"frozen", model', '"cut", model'), "two options"),
        (
            ONE,
            ('{ name = "cut", ', '{ name = "cut", simulations = 2, '),
            "options[cut].simulations: 2",
        ),
        (TWO, ("simulations = 4", "simulations = 0"), "simulations: 0"),
        (TWO, ("width = 20", "widht = 20"), "model.widht: 20"),
        (TWO, ("dimensions = [1, 2]", "dimensions = []"), "dimensions"),
        (TWO, ('rate = "0.1"', 'rate = "0"'), "rates.rate: 0"),
        (TWO, ("size = 8", "size = 0"), "batch.size"),
        (TWO, ("steps = 60", "steps = -1"), "rates.steps: -1"),
        (TWO, ("draws = 40", "draws = 1"), "evaluation.draws: 1"),
        (TWO, ("draws_in_all = 60", "draws_in_all = 0"), "evaluation.draws_in_all: 0"),
        (TWO, ("evaluation = { seed = 1", "evaluation = { seed = -1"), "evaluation.seed: -1"),
        (TWO, ("simulations = 2, steps = 70", "simulations = 0, steps = 70"), "quick.runs.simu"),
        (TWO, ("simulations = 2, steps = 70", "simulations = 2, steps = -1"), "quick.runs.steps"),
        (TWO, ("runs = [{ dimension = 1", "runs = [{ dimension = 3"), "quick.runs.dimension: 3"),
    ],
)
def test_bad_configurations(text: str, change: tuple[str, str], words: str, tmp_path: Path) -> None:
    run = figure1.run if text is ONE else figure2.run
    assert change[0] in text
    with pytest.raises(InputError) as caught:
        run(document(text.replace(*change, 1)), out=tmp_path)
    assert words in str(caught.value)
    assert "tiny.toml" in str(caught.value)
    assert not (tmp_path / WORK).exists()


def test_hidden_measurements_are_exact_texts(tmp_path: Path) -> None:
    figure2.run(document(TWO), out=tmp_path, quick=True, threads=1)
    file = sorted((tmp_path / WORK).glob("*.json"))[0]
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert all(float.fromhex(x).hex() == x for x in stored["measured"]["excess"])
