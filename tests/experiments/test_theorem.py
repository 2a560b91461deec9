"""Theorem 8 held against minima and runs: a regime, a small bound, and lies that are caught."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from dsmverify import catalogue
from dsmverify.claims import Inequality
from dsmverify.ensembles.minima_search import Found, search_minima
from dsmverify.ensembles.settings import Ensemble, Model, Problem
from dsmverify.errors import InputError
from dsmverify.experiments import (
    configurations,
    largest_bound,
    parts,
    running,
    theorem,
    theorem_records,
)
from dsmverify.experiments.theorem_records import Record, about_networks, judge, recorded_verdicts
from dsmverify.experiments.theorem_report import Summary, markdown
from dsmverify.experiments.theorem_settings import Theorem
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel

SPACING, MU, SIGMA = 2000, Fraction(97, 100), Fraction(1, 5)
THRESHOLD = 4096 * SIGMA**2 / (MU * 16 * SPACING)


@pytest.fixture(scope="module")
def minimum() -> Found:
    """The flattest minimum of one neuron on four points, widely spaced."""
    points = tuple(Fraction(SPACING * place) for place in range(4))
    instance = Instance("wide", points, NoiseLevel(sigma=SIGMA, mu=MU))
    found = search_minima(instance, 1, seeds=[], random_starts=0).found
    return min(found, key=lambda one: one.lambda_max)


def held(one: Found, factor: Fraction, ids: tuple[str, ...]) -> Record:
    """The minimum at a multiple of the threshold."""
    instance = replace(
        one.instance, learning_rate=factor * THRESHOLD, batch=Batch(50, "mean", True)
    )
    return judge(
        instance,
        part="regime",
        sample="wide",
        network="proved minimum",
        did="no run",
        claims=catalogue.select(ids),
        verdicts=recorded_verdicts(),
    )


def test_inside_the_regime_the_theorem_passes(minimum: Found) -> None:
    """Every hypothesis certified TRUE, the bound far below the excess risk."""
    record = held(minimum, Fraction(101, 100), ("thm08@mean", "thm08.r1@mean"))
    truths = {c.statement: c.truth for c in record.conditions}
    sums = truths.pop("theta* is linearly stable (sum)")
    assert set(truths.values()) == {"TRUE"}
    assert len(truths) == 10
    assert sums == "FALSE"
    assert record.outcome_mean.startswith("pass")
    assert not record.is_bound_visible
    # One neuron that follows the score exactly on one side of one of four points: 1 - 1/8.
    assert float(record.relative_excess) == pytest.approx(0.875, abs=1e-4)
    assert [answer.answer for answer in record.answers] == ["TRUE", "TRUE"]


@pytest.mark.parametrize(
    ("factor", "statement"),
    [
        (Fraction(99, 100), "eta > 2^12 sigma^2/(mu n^2 Delta)"),
        (Fraction(100), "theta* is linearly stable (mean)"),
    ],
)
def test_outside_it_is_not_applicable(minimum: Found, factor: Fraction, statement: str) -> None:
    """Below the threshold, or too fast for the minimum: the record names what fails."""
    record = held(minimum, factor, ("thm08@mean",))
    truths = {c.statement: c.truth for c in record.conditions}
    assert truths[statement] == "FALSE"
    assert record.outcome_mean.startswith("not applicable")


def test_the_sharpness_is_that_of_the_minimum(minimum: Found) -> None:
    """M eta lambda_max, and 2/(m lambda_max)."""
    record = held(minimum, Fraction(1), ())
    assert float(record.sharpness) == pytest.approx(float(THRESHOLD) * minimum.lambda_max, rel=1e-3)
    assert float(record.rate_of_equality) == pytest.approx(2 / minimum.lambda_max, rel=1e-3)


def summary_of(record: Record) -> Summary:
    """A summary of one record."""
    return Summary((largest_bound.ceiling(3),), (), (record,), (), (), ())


def test_a_planted_false_claim_fails_the_run(minimum: Found) -> None:
    """The conclusion of a proved claim turned round: exit status 1, and it is said."""
    claim = next(c for c in catalogue.claims() if c.id == "thm08.r2@mean")
    conclusion = claim.conclusion
    assert isinstance(conclusion, Inequality)
    planted = replace(claim, conclusion=replace(conclusion, relation="<", nonnegative_left=False))
    instance = replace(minimum.instance, learning_rate=2 * THRESHOLD, batch=Batch(50, "mean", True))
    told: dict[str, Any] = {
        "part": "regime",
        "sample": "wide",
        "network": "proved minimum",
        "did": "no run",
    }
    verdicts = recorded_verdicts()
    record = judge(instance, **told, claims=[planted], verdicts=verdicts)
    summary = summary_of(record)
    assert summary.exit_status == 1
    assert any("EVIDENCE AGAINST thm08.r2@mean" in line for line in summary.lines())
    honest = summary_of(judge(instance, **told, claims=[claim], verdicts=verdicts))
    assert honest.exit_status == 0
    # The same FALSE of a claim recorded as REFUTED is expected, of one that HOLDS a counterexample.
    for verdict, found in (("REFUTED", 0), ("HOLDS", 1)):
        other = summary_of(judge(instance, **told, claims=[planted], verdicts={claim.id: verdict}))
        assert other.exit_status == 0
        assert len(other.refutations) == found


def test_a_network_that_is_no_minimum_is_not_applicable(minimum: Found) -> None:
    """Its gradient is given instead."""
    data = minimum.instance.network
    assert data is not None
    moved = replace(data, outer_weights=(data.outer_weights[0] * 2,))
    record = held(
        replace(minimum, instance=replace(minimum.instance, network=moved)),
        Fraction(2),
        ("thm08@mean",),
    )
    assert "no minimum" in record.outcome_mean
    assert float(record.gradient) > 1e-3
    assert record.stable_mean == "undecided: no critical point"


def test_claims_are_those_about_networks_and_minima() -> None:
    """Printed, repaired and own ones; no proof steps."""
    ids = {claim.id for claim in about_networks()}
    named = {"prop06a", "prop06b@mean", "prop07", "prop10", "thm08@sum", "shift1", "shift7"}
    assert named | {"eq08@mean", "thm08.r2@mean", "prop07.r2"} <= ids
    assert not {"prop06.a", "thm08.d@sum", "thm01", "prop02a"} & ids


def test_a_wide_enclosure_is_shown_by_its_ends() -> None:
    """Its middle would pretend to digits, even to a sign."""
    from flint import arb

    assert theorem_records.short(arb(-1e-7, 1e-3)) == "-0.00101 to 0.00100"
    assert theorem_records.short(arb(2) / 3) == "0.6667"
    assert theorem_records.short(arb.nan()) == ""


# The largest bound -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_the_ceiling_is_above_and_nearly_attained(size: int) -> None:
    """The example lies in the regime and comes within a tenth of the ceiling."""
    one = largest_bound.ceiling(size)
    assert 0.9 < float(one.attained) / float(one.relative) <= 1
    assert 0.9 < float(one.attained_absolute) / float(one.absolute) <= 1


def test_the_ceiling_by_another_computation() -> None:
    """B sigma^2 at the example of n = 3, from the printed formula in mpmath; by hand 3e-45."""
    one = largest_bound.ceiling(3)
    with mp.workdps(30):
        x = [mpf(p.numerator) / p.denominator for p in one.example.points]
        noise = one.example.noise
        assert noise.sigma is not None and noise.mu is not None
        sigma, mu = (mpf(v.numerator) / v.denominator for v in (noise.sigma, noise.mu))
        gap, reach = x[1] - x[0], x[2] - x[0]
        constant = 8 * mu**2 * reach**3 * (mu**2 * reach + 4 / gap)
        bound = (
            mp.pi
            * 3**5
            * (mu * gap) ** 3
            / (2**36 * mp.exp(mpf(1) / 2) * (constant / sigma**6) ** 4 * sigma**4)
        )
        assert float(one.attained) == pytest.approx(float(bound * sigma**2), rel=1e-5)
    assert 2.9e-45 < float(one.attained) < float(one.relative) < 3.1e-45


def test_no_sample_beats_the_ceiling() -> None:
    """A grid of spacings and noise levels inside the regime, for n = 3 and 4."""
    with mp.workdps(20):
        for size in (3, 4):
            top = mpf(largest_bound.ceiling(size).relative)
            tried = 0
            for spacing in (mpf(10) ** (mpf(k) / 10) for k in range(0, 40)):
                for sigma in (mpf(1) / size * mpf(9) / 10**p for p in (mpf(1), mpf(2))):
                    reach = (size - 1) * spacing
                    c = max(1, 8 * reach**3 * (reach + 2 * (size - 1) / spacing))
                    a = c / sigma**6
                    limit = mp.pi * size**5 / (2**38 * mp.exp(0.5) * reach**2 * a**4)
                    if mp.exp(-(spacing**2) / (32 * sigma**2)) > limit:
                        continue
                    if sigma > spacing * mpf(size) ** 2.5 / 1024 or sigma > spacing / 8:
                        continue
                    tried += 1
                    bound = mp.pi * size**5 * spacing**3 / (2**36 * mp.exp(0.5) * a**4 * sigma**4)
                    assert bound * sigma**2 <= top
            assert tried > 10


def test_ceilings_fall_from_four_on() -> None:
    """So that three sizes decide."""
    tops = [float(largest_bound.ceiling(size).absolute) for size in (4, 5, 6, 9)]
    assert tops == sorted(tops, reverse=True)
    assert max(float(one.relative) for one in largest_bound.ceilings()) < 3.1e-45


def test_outside_the_regime_there_is_no_bound() -> None:
    """An example whose noise level is too large is refused."""
    one = largest_bound.ceiling(3)
    assert one.example.noise.sigma is not None
    noise = NoiseLevel(sigma=one.example.noise.sigma * Fraction(101, 100), mu=one.example.noise.mu)
    with pytest.raises(InputError, match="sigma_"):
        largest_bound.bound_over_yardstick(replace(one.example, noise=noise))
    with pytest.raises(InputError, match="at least 2"):
        largest_bound.ceiling(1)


# The experiment ----------------------------------------------------------------------------------

SMALL = """
experiment = "theorem"
seed = 1
random_starts = 0
sgd_starts = 1
sgd_steps = 200
wide_width = 6
polish_budget = 30
products = 2
[batch]
size = 50
reduction = "mean"
replacement = true
[[regime]]
name = "r"
count = 4
spacing = 2000
mu = 0.97
sigma = 0.2
widths = [1]
factors = [1.01]
[regime_runs]
width = 2
steps = 50
factors = [1.01]
seeds = 1
[stable_minima]
samples = 0
widths = [1]
starts = 0
[[minima]]
name = "s"
points = [0, 1]
mu = 0.81
sigma = 0.57
widths = [1]
factors = [0.98]
[[wide]]
name = "w"
mu = 0.81
sigma = 0.57
rate = 0.1
steps = 100
inner = "gaussian"
[quick]
small_width = 1
wide_width = 4
random_starts = 0
samples = 1
wide_runs = 1
steps = 20
polish_budget = 10
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, Path]:
    """A tiny configuration, run."""
    out = tmp_path_factory.mktemp("theorem")
    document = configurations.parse(SMALL, "small.toml")
    return theorem.run(document, out=out, threads=1), out


def test_the_report_lists_every_claim_at_every_network(small: tuple[Summary, Path]) -> None:
    """JSON, CSV and Markdown agree on records and claims."""
    summary, out = small
    assert summary.exit_status == 0
    sections = {record.part for record in summary.records}
    assert sections == {"eq. 8", "regime", "regime run", "minima", "minima run", "runs"}
    document = json.loads((out / "theorem.json").read_text())
    assert len(document["records"]) == len(summary.records)
    with (out / "theorem.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(record.answers) for record in summary.records)
    ids = {claim.id for claim in about_networks()}
    assert {row["claim"] for row in rows} == ids
    text = (out / "theorem.md").read_text()
    assert text == markdown(summary)
    assert "**Quick**" in markdown(summary, quick=True) and "**Quick**" not in text
    assert text.count("\n### ") == len(summary.records)


def test_runs_say_what_they_did(small: tuple[Summary, Path]) -> None:
    """A run that starts at the minimum that fits exactly stays there; ends are not minima."""
    summary, _ = small
    stayed = next(one for one in summary.regime_runs if one.start.startswith("at the proved"))
    assert float(stayed.relative_risk) == pytest.approx(0.875, abs=1e-3)
    assert stayed.outcome.startswith("pass")
    ends = [one for one in summary.records if one.part == "runs"]
    assert len(ends) == 2
    for end in ends:
        assert "rewritten" in end.notes[-1] and "not of this run's" in end.notes[-1]
        assert end.notes[0].startswith("the page has 20 training points, of which 19 are distinct")
        assert end.size == 19
        assert "sides without a kink: " in end.did and "silent: " in end.did
    assert all(end.outcome_mean.startswith("not applicable") for end in ends)
    assert "EVIDENCE" not in "".join(summary.lines())


@pytest.mark.slow
def test_the_same_bytes_again(small: tuple[Summary, Path], tmp_path: Path) -> None:
    """Another folder, the same report."""
    _, out = small
    document = configurations.parse(SMALL, "small.toml")
    theorem.run(document, out=tmp_path, threads=2)
    for name in ("theorem.json", "theorem.csv", "theorem.md"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


def test_rewriting_keeps_the_function() -> None:
    """Inner weights +-1, outer weights times |w1|: the same score, exactly."""
    problem = np.array([0.0, 1.0])
    ensemble = Ensemble.of(
        Model(width=5, bias_deviation=1.0), Batch(2), [Problem(problem, 0.9, 0.3)], [0.1], [1], [0]
    )
    networks = ensemble.start()
    data = theorem._data(networks)
    assert {abs(w) for w in data.inner_weights} == {1}
    y = 0.375
    value = Fraction(0)
    for w, b, v in zip(data.inner_weights, data.biases, data.outer_weights, strict=True):
        value += v * max(w * Fraction(y) + b, Fraction(0))
    expected = networks.scores(ensemble.model, [y])[0, 0, 0]
    assert float(value / 5) == pytest.approx(expected, rel=1e-13)


def test_eq08_is_broken_at_stable_minima_in_each_reading(small: tuple[Summary, Path]) -> None:
    """Certified, with the minimum's own record; known, so no news for the summary."""
    summary, out = small
    assert {(one.reading, one.answer) for one in summary.stable} == {
        ("mean", "FALSE"),
        ("sum", "FALSE"),
    }
    for one in summary.stable:
        assert one.stability.startswith("TRUE")
        assert float(one.ratio) > 1
        instance = Instance.from_json(one.instance)
        assert instance.learning_rate == Fraction(one.rate)
    records = [one for one in summary.records if one.part == "eq. 8"]
    assert len(records) == len(summary.stable)
    answers = {(a.claim, a.recorded, a.answer) for one in records for a in one.answers}
    assert {("eq08@mean", "REFUTED", "FALSE"), ("eq08@sum", "REFUTED", "FALSE")} <= answers
    assert not any("eq08" in line for line in summary.lines() if "counterexample" in line)
    assert "## Eq. 8 at linearly stable minima" in (out / "theorem.md").read_text()


def test_the_report_says_why_a_claim_was_not_applicable(small: tuple[Summary, Path]) -> None:
    """By the first hypothesis that fails, counted; the counts add up."""
    summary, out = small
    lines = (out / "theorem.md").read_text().splitlines()
    counts = Counter(
        answer.claim
        for one in summary.records
        for answer in one.answers
        if answer.answer == "NOT_APPLICABLE"
    )
    assert len(counts) > 10
    for claim, count in counts.items():
        (line,) = (line for line in lines if line.startswith(f"| {claim} | "))
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        reasons = [part.partition(" ")[::2] for part in cells[6].split("; ")]
        assert sum(int(number) for number, _ in reasons) == int(cells[5]) == count
        said = {a.said for one in summary.records for a in one.answers if a.claim == claim}
        assert all(any(text.startswith(why) for text in said) for _, why in reasons)
        assert len({why for _, why in reasons}) == len(reasons)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sgd_steps", "sgd_step", "sgd_step: "),
        ("count = 4", "count = 1", r"regime\[0\]\.count: 1, but .* at least 2 points"),
        ("spacing = 2000", "spacing = 0", r"regime\[0\]\.spacing: 0"),
        ("points = [0, 1]", "points = [0]", r"minima\[0\]\.points"),
        ("points = [0, 1]", "points = [1, 0]", r"minima\[0\]\."),
        ("sigma = 0.2", "sigma = 1.5", r"regime\[0\]\.sigma: 1\.5"),
        ("widths = [1]\nfactors = [0.98]", "widths = [0, 13]\nfactors = [1]", r"\[0\]\.widths"),
        ("widths = [1]\nfactors = [0.98]", "widths = []\nfactors = [1]", r"minima\[0\]\.widths"),
        ("factors = [0.98]", "factors = [-1]", r"minima\[0\]\.factors\[0\]: -1"),
        ("steps = 50\nfactors = [1.01]", "steps = 50\nfactors = []", r"regime_runs\.factors"),
        ("steps = 50", "steps = -1", r"regime_runs\.steps: -1"),
        ("rate = 0.1", "rate = -0.1", r"wide\[0\]\.rate: -0\.1"),
        ("sigma = 0.57\nrate", "sigma = 2\nrate", r"wide\[0\]\.sigma: 2"),
        ('inner = "gaussian"', 'inner = "sings"', r"wide\[0\]\.inner: 'sings'.*'signs'"),
        ("polish_budget = 30", "polish_budget = 0", "polish_budget: 0"),
        ("polish_budget = 10", "polish_budget = 0", r"quick\.polish_budget: 0"),
        ("samples = 0", "samples = -1", r"stable_minima\.samples: -1"),
        ("products = 2", "products = -2", "products: -2"),
        ("replacement = true", "replacement = false", "batch.size: 50"),
    ],
)
def test_bad_configurations_are_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    """Before anything is computed, with the file and the key."""
    assert old in SMALL
    document = configurations.parse(SMALL.replace(old, new, 1), "small.toml")
    with pytest.raises(InputError, match=f"small\\.toml: .*{words}"):
        theorem.run(document, out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_goes_on(
    small: tuple[Summary, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished parts are not computed again, the end has the same bytes, a change only its own."""
    _, out = small
    document = configurations.parse(SMALL, "small.toml")
    work = tmp_path / ".work"

    def stop(done: int, total: int, name: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        theorem.run(document, out=tmp_path, threads=1, progress=stop)
    kept = {file.name for file in work.glob("*.json")}
    # Eq. 8 and the minima of one width; the third task, the constants of a sample, is not kept.
    assert len(kept) == 2
    assert not (tmp_path / "theorem.json").exists()
    for file in (out / ".work").iterdir():
        if file.name not in kept and file.suffix == ".json":
            (work / file.name).write_bytes(file.read_bytes())
    # All parts are there: none is computed.
    monkeypatch.setattr(theorem, "judge", None)
    monkeypatch.setattr(theorem, "search_minima", None)
    theorem.run(document, out=tmp_path, threads=1)
    for name in ("theorem.json", "theorem.csv", "theorem.md"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()
    # Another rate of the wide run: a new part, not a refusal; the others stay.
    before = {file.name: file.read_bytes() for file in work.iterdir()}
    monkeypatch.undo()
    changed = configurations.parse(SMALL.replace("rate = 0.1", "rate = 0.2"), "small.toml")
    theorem.run(changed, out=tmp_path, threads=1)
    after = {file.name: file.read_bytes() for file in work.iterdir()}
    assert before.items() <= after.items()
    assert sorted(Path(name).suffix for name in after.keys() - before.keys()) == [
        ".json", ".json", ".npz",
    ]  # fmt: skip


def test_every_kind_of_experiment_says_what_its_progress_counts() -> None:
    """Parts of the theorem and of curves have no pace; everything else counts network steps."""
    assert running.UNITS.keys() == running.MODULES.keys() | {"curves"}  # which do not train
    assert [kind for kind, unit in running.UNITS.items() if unit is None] == ["theorem", "curves"]


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    """JSON has no NaN: also in parts, which come back as they were written."""
    assert json.loads(parts.json_text({"a": [float("nan"), 0.1]})) == {"a": [None, 0.1]}
    kept = parts.Parts(tmp_path, "x", None)
    first = kept.result(["key", Fraction(1, 3)], lambda: {"a": (float("inf"), 0.1)})
    assert first == {"a": [None, 0.1]}
    assert kept.result(["key", Fraction(1, 3)], lambda: {"a": 0}) == first
    assert kept.result(["key", Fraction(2, 3)], lambda: {"a": 0}) == {"a": 0}
    (file, *_) = tmp_path.iterdir()
    file.write_text(file.read_text()[:-5])
    with pytest.raises(InputError, match=r"cannot be read.*delete it"):
        for number in (1, 2):
            kept.result(["key", Fraction(number, 3)], lambda: {"a": 0})


def test_rounding_is_no_growth(minimum: Found) -> None:
    """A dead neuron has exactly 1 in the spectrum; above the margin moments grow."""
    data = minimum.instance.network
    assert data is not None
    assert data.inner_weights[0] != 0
    dead = NetworkData(
        (*data.inner_weights, Fraction(1)),
        (*data.biases, Fraction(-(10**6))),
        (*(2 * w for w in data.outer_weights), Fraction(1)),
    )
    for factor, says in ((Fraction(101, 100), "are not seen to grow"), (Fraction(100), "grow:")):
        held = replace(
            minimum.instance,
            network=dead,
            learning_rate=factor * THRESHOLD / 2,
            batch=Batch(50, "mean", True),
        )
        (said,) = theorem._second_moments(held, 4)
        assert f"linearised SGD {says}" in said


def test_the_packaged_configuration_is_read() -> None:
    """At least three samples inside the regime, every condition on sigma certified."""
    document = configurations.load("theorem")
    settings = configurations.build(Theorem, document.table, document.source)
    assert len(settings.regime) >= 3
    for one in settings.regime:
        rate = one.factors[0] * theorem._threshold(one.instance)
        found = theorem._regime_sample(replace(one.instance, learning_rate=rate))
        assert {condition.truth for condition in found.conditions} == {"TRUE"}
    quick = settings.shortened()
    assert quick.wide_width < settings.wide_width
    assert theorem_records.VISIBLE == "1e-12"
