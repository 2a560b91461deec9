"""Learning curves from end to end: the configuration, lines, simulations, the test, the files."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsmverify.curves import learning_curve
from dsmverify.errors import InputError
from dsmverify.experiments import configurations
from dsmverify.experiments import learning_curves as experiment
from dsmverify.experiments import learning_curves_report as reports
from dsmverify.experiments.learning_curves import Comparison, Run, Summary
from dsmverify.experiments.learning_curves_settings import Panel, Size
from dsmverify.features.extrapolate import Fit
from dsmverify.features.simulate import Estimate, simulate

pytest.importorskip("matplotlib")

TINY = """
experiment = "curves"
seed = 3
noise_samples = [1, 2, inf]
psi_p = { low = 0.5, high = 8, count = 9 }

[[panels]]
name = "first"
activation = "relu"
psi_n = 2
time = 0.1
ridge = 0.01

[[panels]]
name = "no ridge"
activation = "erf"
psi_n = "3/2"
time = 0.5
ridge = "0+"

[simulation]
psi_p = [1, 6]
sizes = [
  { dimension = 4, repeats = 6 },
  { dimension = 6, repeats = 6 },
  { dimension = 8, repeats = 6 },
  { dimension = 10, repeats = 6 },
]

[phase]
activation = "relu"
time = 0.1
ridge = 0.01
noise_samples = [2, inf]
axis = { low = 0.5, high = 8, count = 5 }
"""
FILES = {
    *("curves.csv", "curves.md", "curves_simulation.csv", "curves_tests.csv"),
    *("curves.svg", "curves.pdf", "phase.svg", "phase.pdf"),
}


def document(text: str = TINY) -> configurations.Document:
    return configurations.parse(text, "tiny.toml")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, Path]:
    """The experiment without interruption, and its folder."""
    out = tmp_path_factory.mktemp("curves")
    return experiment.run(document(), out=out), out


# The configuration.


def _changed(old: str, new: str) -> str:
    assert TINY.count(old) == 1, old
    return TINY.replace(old, new)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (_changed("seed = 3", "seed = -1"), ("seed: -1", "not be negative")),
        (_changed("seed = 3", "sed = 3"), ("sed: 3", "unknown", "'seed'")),
        (_changed("[1, 2, inf]", "[]"), ("noise_samples", "empty")),
        (_changed("[1, 2, inf]", "[2, 1]"), ("noise_samples", "must rise")),
        (_changed("[1, 2, inf]", "[1, 1]"), ("noise_samples[1]", "there before")),
        (_changed("[1, 2, inf]", "[1, 2.5]"), ("noise_samples[1]: 2.5", "integer, or inf")),
        (_changed("[1, 2, inf]", "[0]"), ("noise_samples[0]: 0", "positive integer")),
        (_changed("[1, 2, inf]", f"[{10**400}]"),
         ("noise_samples[0]", "are the most", "write inf")),
        (_changed("high = 8, count = 9", 'high = "1e400", count = 9'),
         ("psi_p.high", "no normal float64")),
        (_changed("low = 0.5, high = 8, count = 9", 'low = "1e-400", high = 8, count = 9'),
         ("psi_p.low", "no normal float64")),
        (_changed("psi_n = 2\ntime = 0.1\nridge = 0.01", 'psi_n = 2\ntime = 0.1\nridge = "1e-400"'),
         ("panels[0].ridge", "no normal float64")),
        (_changed("[1, 2, inf]", "[true]"), ("noise_samples[0]: True", "positive integer")),
        (_changed("high = 8, count = 9", "high = 0.5, count = 9"), ("psi_p.high", "above low")),
        (_changed("count = 9", "count = 1"), ("psi_p.count: 1", "2 to 2001")),
        (_changed("count = 5", "count = 302"), ("phase.axis.count: 302", "2 to 301")),
        (_changed("low = 0.5, high = 8, count = 9", "low = 0, high = 8, count = 9"),
         ("psi_p.low: '0'",)),
        (_changed('name = "first"', 'name = "a,b"'), ("panels[0].name: 'a,b'", "without commas")),
        (_changed('name = "first"', 'name = "no ridge"'), ("panels[1]", "there before")),
        (_changed('"erf"', '"reluu"'), ("panels[1].activation: 'reluu'", "'relu'")),
        (_changed("psi_n = 2", "psi_n = -2"), ("panels[0].psi_n: '-2'", "positive")),
        (_changed("time = 0.5", "time = 0"), ("panels[1].time", "positive")),
        (_changed("psi_n = 2\ntime = 0.1\nridge = 0.01", "psi_n = 2\ntime = 0.1\nridge = 0"),
         ("panels[0].ridge", "positive", '"0+" is the limit')),
        (_changed("psi_n = 2\ntime = 0.1\nridge = 0.01", "psi_n = 2\ntime = 0.1\nridge = []"),
         ("panels[0].ridge", "number")),
        (_changed("psi_p = [1, 6]", "psi_p = [1, 3]"), ("simulation.psi_p[1]: '3'", "diverge")),
        (_changed("psi_p = [1, 6]", "psi_p = []"), ("simulation.psi_p", "empty")),
        (_changed("psi_p = [1, 6]", "psi_p = [1, 1]"), ("simulation.psi_p[1]", "there before")),
        (_changed("psi_p = [1, 6]", "psi_p = [1, 0.3]"), ("simulation.sizes: 4", "psi_p = 3/10")),
        (_changed("{ dimension = 6,", "{ dimension = 4,"), ("sizes[1].dimension: 4", "rise")),
        (_changed("{ dimension = 4, repeats = 6 }", "{ dimension = 4, repeats = 1 }"),
         ("sizes[0].repeats: 1", "needs two")),
        (_changed("[2, inf]", "[nan]"), ("phase.noise_samples[0]",)),
        (_changed('ridge = 0.01\nnoise', 'ridge = "0+"\nnoise'), ("phase.ridge: '0+'", "diverge")),
        ('experiment = "figure2"\n', ("experiment: 'figure2'", "`dsmverify train`")),
        ('experiment = "curves"\nseed = 1\nnoise_samples = [1]\npanels = []\n'
         "psi_p = { low = 1, high = 2, count = 2 }", ("panels", "none")),
    ],
)  # fmt: skip
def test_bad_configurations_are_refused_with_file_field_and_way_out(
    text: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        experiment.read(document(text))
    assert caught.value.file == "tiny.toml" and caught.value.way_out
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_packaged_configuration_and_the_example_are_read() -> None:
    packaged = experiment.read(configurations.load("curves"))
    example = Path(__file__).parents[2] / "examples" / "curves.toml"
    for curves in (packaged, experiment.read(configurations.load(str(example)))):
        assert curves.draws[-1] == math.inf
        assert curves.simulation is not None and curves.simulation.is_tested


# Lines.

REFERENCES = (
    ("relu", 4, 2, "0.1", "0.01", 1, 3.4345255386867304, 0.439560183244971629),
    ("relu", 4, 2, "0.1", "0.01", math.inf, 0.567760536641530235, 0.815954500852997322),
    ("tanh", 3, 3, "0.1", "0.001", 2, 5.01659504493428366, 0.38157476213143768),
)
"""Source: random-features.md, reference values to 20 digits."""


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_line_goes_through_the_reference_values(reference: tuple[Any, ...]) -> None:
    name, psi_n, psi_p, time, ridge, draws, test, train = reference
    panel = Panel("a", name, Fraction(psi_n), Fraction(time), ridge)
    line = experiment.line_of(panel, draws, np.array([1.0, psi_p]))
    # 1e-14 times a condition of about 20 beside a value of order 1.
    assert line.values["test_error"][1] == pytest.approx(test, rel=1e-12)
    assert line.values["train_error"][1] == pytest.approx(train, rel=1e-12)
    a2 = math.exp(-2 * float(Fraction(time)))
    assert line.values["new_data_loss"][1] == pytest.approx(a2 + (1 - a2) * test, rel=1e-12)
    assert (line.condition > 0).all()


def test_the_grid_has_the_peaks_and_leaves_them_out_where_they_are_infinite(
    whole: tuple[Summary, Path],
) -> None:
    first = [line for line in whole[0].lines if line.panel.name == "first"]
    assert {2.0, 4.0} <= set(first[0].psi_p) and len(first[0].psi_p) == 9  # on the grid anyway
    curves = replace(whole[0].curves, noise_samples=(1, 3))
    with_peaks = experiment.places_of(curves, curves.panels[0])
    assert {2.0, 6.0} <= set(with_peaks) and len(with_peaks) == 10
    grid = replace(curves.psi_p, low=Fraction(3, 8), high=Fraction(6), count=5)
    without = experiment.places_of(replace(curves, psi_p=grid), curves.panels[1])
    assert list(without) == pytest.approx([0.375, 0.75, 3, 6])  # and 1.5 = n/d is left out
    unridged = [line for line in whole[0].lines if line.panel.name == "no ridge"]
    assert all(np.isfinite(line.values["test_error"]).all() for line in unridged)


def test_the_diagram_has_features_along_its_first_axis(whole: tuple[Summary, Path]) -> None:
    diagram = whole[0].diagram
    assert diagram is not None and list(diagram.axis) == pytest.approx([0.5, 1, 2, 4, 8])
    for draws in (2, math.inf):
        found = learning_curve("relu", 0.5, 8, time=0.1, ridge=0.01, noise_samples=draws)
        assert diagram.values[draws]["test_error"][4, 0] == pytest.approx(found.test_error)
        assert diagram.values[draws]["test_error"][0, 4] != pytest.approx(found.test_error)


# Simulations and the test.


def test_a_run_is_the_simulation_of_its_setting(whole: tuple[Summary, Path]) -> None:
    summary, _ = whole
    assert len(summary.runs) == 2 * 3 * 2 * 4
    chosen = (summary.runs[0], summary.runs[-1])
    for run in chosen:
        found = simulate(
            run.panel.activation,
            float(run.panel.psi_n),
            float(run.psi_p),
            float(run.panel.time),
            "0+" if run.panel.name == "no ridge" else 0.01,
            run.draws,
            dimension=run.size.dimension,
            repeats=6,
            seed=run.seed,
        )
        for name, estimate in run.estimates.items():
            assert estimate.mean == pytest.approx(found.estimate(name).mean, rel=1e-12)
            assert estimate.standard_error == pytest.approx(found.estimate(name).standard_error)
    seeds = {(run.panel.name, run.psi_p, run.size.dimension): run.seed for run in summary.runs}
    assert len(set(seeds.values())) == 2 * 2 * 4


def _comparison(curve: float, fit: Fit | None) -> Comparison:
    panel = Panel("a", "relu", Fraction(1), Fraction(1), 1)
    estimates = dict.fromkeys(reports.SYMBOLS, Estimate(1.0, 0.1, 2))
    run = Run(panel, 1, Fraction(1), Size(9, 2), 0, estimates, 0.0)
    return Comparison(panel, 1, Fraction(1), "test_error", curve, run, fit)


@pytest.mark.parametrize(
    ("curve", "chi_squared", "verdict"),
    [
        (2.0, 1.0, "agrees"),
        (2.39, 1.0, "agrees"),
        (2.41, 1.0, "deviates"),
        (1.59, 1.0, "deviates"),
        (math.nan, 1.0, "deviates"),
        # A chi squared of two degrees exceeds 2 ln(1000) = 13.8 with probability 0.001.
        (2.0, 13.7, "agrees"),
        (2.0, 13.9, "no fit"),
        (3.0, 13.9, "no fit"),
    ],
)
def test_the_verdict_is_that_of_the_rule(curve: float, chi_squared: float, verdict: str) -> None:
    fit = Fit("test_error", 2.0, 0.1, 0.0, 1.0, 0.0, chi_squared, 2)
    found = _comparison(curve, fit)
    assert found.verdict == verdict
    summary = Summary(experiment.read(document()), (), (), (found,), None)
    assert summary.exit_status == (1 if verdict == "deviates" else 0)


def test_without_a_fit_nothing_is_tested(tmp_path: Path) -> None:
    assert _comparison(2.0, None).verdict == "not tested"
    cut = _changed("  { dimension = 10, repeats = 6 },\n", "")
    found = experiment.worked_out(document(cut), out=tmp_path)
    assert {one.verdict for one in found.comparisons} == {"not tested"}
    assert found.exit_status == 0
    assert "not tested" in reports.markdown(found)


def test_intercepts_are_of_the_runs_and_lines_of_their_points(whole: tuple[Summary, Path]) -> None:
    """The fit once more, by the normal equations of least squares."""
    summary, _ = whole
    # Three errors at m = 1 and 2, two at m = inf.
    assert len(summary.comparisons) == 2 * 2 * (3 + 3 + 2)
    for one in summary.comparisons[::7]:
        runs = [
            r
            for r in summary.runs
            if (r.panel, r.draws, r.psi_p) == (one.panel, one.draws, one.psi_p)
        ]
        x = np.array([1 / r.size.dimension for r in runs])
        y = np.array([r.estimates[one.quantity].mean for r in runs])
        w = np.array([r.estimates[one.quantity].standard_error for r in runs]) ** -2
        slope = (w.sum() * (w * x * y).sum() - (w * x).sum() * (w * y).sum()) / (
            w.sum() * (w * x * x).sum() - (w * x).sum() ** 2
        )
        intercept = ((w * y).sum() - slope * (w * x).sum()) / w.sum()
        assert one.fit is not None
        assert one.fit.intercept == pytest.approx(intercept, rel=1e-8)
        found = learning_curve(
            one.panel.activation,
            float(one.panel.psi_n),
            float(one.psi_p),
            time=float(one.panel.time),
            ridge="0+" if one.panel.name == "no ridge" else 0.01,
            noise_samples=one.draws,
        )
        assert one.curve == pytest.approx(getattr(found, one.quantity), rel=1e-12)
        assert one.largest.size.dimension == 10


# Files.


def test_the_files_are_the_same_again_and_after_an_interruption(
    whole: tuple[Summary, Path], tmp_path: Path
) -> None:
    summary, out = whole
    assert {file.name for file in summary.files} == FILES == set(contents(out))

    def interrupt(done: int, total: int, _: str) -> None:
        assert total == 48
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment.run(document(), out=tmp_path, progress=interrupt)
    assert len(list((tmp_path / ".work").iterdir())) == 20
    assert not contents(tmp_path)
    experiment.run(document(), out=tmp_path)
    assert contents(tmp_path) == contents(out)


def test_without_a_simulation_only_lines_are_written(tmp_path: Path) -> None:
    found = experiment.worked_out(document(), out=tmp_path, simulated=False)
    assert not list(tmp_path.iterdir())
    assert set(reports.texts(found)) == {"curves.csv", "curves.md"}
    assert found.text()[1] == "simulation: none" and found.exit_status == 0
    assert "held against" in reports.markdown(found)


def test_the_tables_hold_what_was_found(whole: tuple[Summary, Path]) -> None:
    summary, out = whole
    table = rows(out, "curves.csv")
    assert tuple(table[0]) == reports.CURVE_COLUMNS
    assert len(table) == sum(len(line.psi_p) for line in summary.lines)
    line = summary.lines[2]
    own = [row for row in table if (row["panel"], row["m"]) == ("first", "inf")]
    assert [float(row["psi_p"]) for row in own] == list(line.psi_p)
    assert [float(row["E_mem"]) for row in own] == pytest.approx(
        line.values["memorisation_error"], rel=1e-9
    )
    assert {(row["lam"], row["psi_n"]) for row in table} == {("0.01", "2"), ("0+", "1.5")}
    simulated = rows(out, "curves_simulation.csv")
    assert tuple(simulated[0]) == reports.SIMULATION_COLUMNS
    assert len(simulated) == len(summary.runs)
    last = summary.runs[-1]
    assert int(simulated[-1]["seed"]) == last.seed
    assert float(simulated[-1]["E_test_se"]) == pytest.approx(
        last.estimates["test_error"].standard_error, rel=1e-6
    )
    tests = rows(out, "curves_tests.csv")
    assert [row["verdict"] for row in tests] == [one.verdict for one in summary.comparisons]


def test_the_page_says_what_rests_on_what(whole: tuple[Summary, Path]) -> None:
    text = (whole[1] / "curves.md").read_text()
    for words in (
        "assume Gaussian equivalence",
        "They are no proof",
        "fixed before the first draw",
    ):
        assert words in text
    assert "| first | 1 to 2 |" in text


def test_ranges_are_runs_of_places() -> None:
    places = np.array([1.0, 2, 3, 4, 5, 6])
    holds = np.array([True, True, False, True, False, True])
    assert reports._ranges(places, holds) == "1 to 2; 4; 6"
    assert reports._ranges(places, ~holds) == "3; 5"
    assert reports._ranges(places, holds & False) == "nowhere"


def test_memorisation_begins_where_it_lasts(whole: tuple[Summary, Path]) -> None:
    line = whole[0].lines[0]
    holds = np.arange(len(line.psi_p)) >= 3
    holds[0] = True
    assert reports._from(line, holds) == f"{line.psi_p[3]:.3g}"
    assert reports._from(line, holds & False) == "never"
    assert reports._from(line, holds | True) == f"{line.psi_p[0]:.3g}"


# Pictures.


def test_lines_dots_and_marks_are_drawn_where_the_numbers_are(whole: tuple[Summary, Path]) -> None:
    from dsmverify.experiments import learning_curves_plots as plots

    summary, _ = whole
    figure = plots.curves(summary)
    axis = figure.axes[2]  # E_mem of the first panel
    drawn = {line.get_label(): line for line in axis.get_lines()}
    for line, label in zip(summary.lines[:3], ("m = 1", "m = 2", "m = ∞"), strict=True):
        assert list(drawn[label].get_xdata()) == list(line.psi_p)
        assert list(drawn[label].get_ydata()) == list(line.values["memorisation_error"])
    uprights = [
        line.get_xdata()[0] for line in axis.get_lines() if list(line.get_ydata()) == [0, 1]
    ]
    assert uprights == [2, 4]  # p = n and p = 2 n, where n/d = 2
    assert any(list(line.get_ydata()) == [math.exp(-0.2)] * 2 for line in axis.get_lines())
    bars = axis.containers
    assert len(bars) == 3
    runs = [run for run in summary.runs[:24] if run.draws == 1 and run.size.dimension == 10]
    (_, _, (segments,)) = bars[0]
    for run, ends in zip(runs, segments.get_segments(), strict=True):
        estimate = run.estimates["memorisation_error"]
        reach = 2 * estimate.standard_error
        assert [y for _, y in ends] == pytest.approx([estimate.mean - reach, estimate.mean + reach])
        assert {x for x, _ in ends} == {float(run.psi_p)}


def test_the_diagram_marks_both_boundaries(whole: tuple[Summary, Path]) -> None:
    from dsmverify.experiments import learning_curves_plots as plots

    assert whole[0].diagram is not None
    figure = plots.phase(whole[0].diagram)
    ratios = {
        axis.get_title(): sorted(
            line.get_ydata()[0] / line.get_xdata()[0] for line in axis.get_lines()
        )
        for axis in figure.axes[:2]
    }
    assert ratios == {"m = 2": [1, 2], "m = ∞": [1]}
