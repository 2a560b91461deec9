"""The digits from end to end on tiny networks, and their parts against brute force."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsmverify import cli
from dsmverify.errors import InputError
from dsmverify.experiments import configurations, digits, plots
from dsmverify.experiments.clouds import GenerationSettings
from dsmverify.experiments.groups import WORK

pytest.importorskip("numba")
pytest.importorskip("torch")
pytest.importorskip("matplotlib")

TINY = """
experiment = "digits"
seed = 5
points = [4]
trainings = 1
rates = ["1000", "0.1", "0.05"]
product = 2
equal_steps = 20
draws = 5
pictures = 3
model = { width = 20 }
batch = { size = 50, reduction = "mean", replacement = true }
times = { start = 0.01, end = 1, count = 10 }
generation = { seed = 1, sets = 2, count = 12, steps = 10, spacing = "signal" }
metrics = { seed = 2, repeats = 3, bandwidths = ["median"], leave_out = ["w2"] }
quick = { points = [4, 6], rates = ["0.1"], product = 2, equal_steps = 20, trainings = 2, \
batch = 20, sets = 2, count = 10, repeats = 2 }
"""

NAMES = ["digits.csv", "digits.md", "digits.svg", "digits_power.csv", "digits_ratio.svg",
         "digits_training.csv"]  # fmt: skip


def document(text: str = TINY) -> configurations.Document:
    return configurations.parse(text, "tiny.toml")


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def as_svg(figure: Any) -> dict[str, bytes]:
    """In place of `plots.vector`: that the PDF is written too, the figures' tests show."""
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="svg")
        return {"svg": buffer.getvalue()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run through the command line."""
    folder = tmp_path_factory.mktemp("digits")
    file = folder / "tiny.toml"
    file.write_text(TINY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "vector", as_svg)
        assert cli.main(["train", str(file), "--out", str(folder / "out")]) == 0
    return folder / "out"


def test_every_file_and_column(whole: Path) -> None:
    assert sorted(contents(whole)) == NAMES
    table = rows(whole / "digits.csv")
    assert list(table[0]) == [
        "points", "learning_rate", "metric", "bandwidth", "versus", "value", "low", "high",
        "page_value", "null_value", "extreme_value", "informative", "steps",
    ]  # fmt: skip
    # Three rates, one of them also after as many steps as another, and three controls; four
    # distances to two extremes each and three statistics.
    assert len(table) == (4 + 3) * (4 * 2 + 3)
    assert {row["learning_rate"] for row in table} == {"1000", "0.1", "0.05", *digits.CONTROLS}
    assert [
        (row["learning_rate"], row["steps"])
        for row in table
        if row["metric"] == "memorised"
    ] == [("1000", "1"), ("0.1", "20"), ("0.05", "40"), ("0.05", "20"),
          *((name, "") for name in digits.CONTROLS)]  # fmt: skip
    assert len(rows(whole / "digits_power.csv")) == 7
    training = rows(whole / "digits_training.csv")
    assert len(training) == 4
    assert {row["loss_zero"] for row in training} == {"64"}
    for row in training:
        if row["learning_rate"] != "1000":
            assert float(row["loss_best"]) < float(row["loss"]) < 70


def test_the_controls_are_told_apart(whole: Path) -> None:
    found = {
        row["learning_rate"]: float(row["value"])
        for row in rows(whole / "digits.csv")
        if row["metric"] == "memorised"
    }
    assert found["exact score"] == 1
    # No point of 24 within a third: real digits are at 0.9 of the second's distance.
    assert found["held-out digits"] == 0
    assert found["linear score"] < 0.5


def test_the_panel_has_a_picture_for_each_source(whole: Path) -> None:
    # A network that left the numbers is not shown; each picture is one embedded bitmap.
    shown = {
        (row["learning_rate"], row["steps"])
        for row in rows(whole / "digits.csv")
        if row["metric"] == "memorised" and row["value"]
    }
    assert (whole / "digits.svg").read_text(encoding="utf-8").count("<image") == len(shown)


def test_short_runs_are_the_beginnings_of_long_ones(whole: Path) -> None:
    """The same seeds: 20 steps of rate 0.05 start as its 40 do, so the first curvature is one."""
    table = rows(whole / "digits_training.csv")
    assert len({row["curvature_start"] for row in table}) == 1
    losses = {row["steps"]: float(row["loss"]) for row in table if row["learning_rate"] == "0.05"}
    assert losses["40"] < losses["20"]


def test_a_second_run_goes_on_and_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "vector", lambda figure: {})
    digits.run(document(), out=tmp_path, quick=True, threads=1)
    first = contents(tmp_path)
    assert all(name.startswith("quick_digits") for name in first)
    training = rows(tmp_path / "quick_digits_training.csv")
    each = [(row["points"], row["training"]) for row in training]
    assert each == [("4", "1"), ("4", "2"), ("6", "1"), ("6", "2")]
    # Four networks, each with its own start, sample and end.
    for column in ("curvature_start", "curvature_end", "loss"):
        assert len({row[column] for row in training}) == 4
    (networks,) = (tmp_path / WORK).glob("digits-*.npz")
    before = networks.stat().st_mtime_ns
    # What was measured is lost, and measured again by two threads on the networks kept.
    (measured,) = (tmp_path / WORK).glob("digits-*.json")
    measured.unlink()
    digits.run(document(), out=tmp_path, quick=True, threads=2)
    assert contents(tmp_path) == first
    assert networks.stat().st_mtime_ns == before


def test_nearest_training_images_by_brute_force() -> None:
    draw = np.random.default_rng(1)
    x, points = draw.normal(size=(30, 64)), draw.normal(size=(7, 64))
    found = digits.match(x, points)
    for k in range(30):
        each = sorted((math.dist(x[k], points[i]), i) for i in range(7))
        assert found.index[k] == each[0][1]
        # Roundings of sums of 64 squares in float64.
        assert found.ratio[k] == pytest.approx(each[0][0] / each[1][0], rel=1e-9)
    spacing = digits.spacings(points)
    for i in range(7):
        others = [math.dist(points[i], points[j]) for j in range(7) if j != i]
        assert spacing[i] == pytest.approx(min(others), rel=1e-9)


def test_the_spacing_at_which_the_exact_score_memorises() -> None:
    """Points around one of two images: mostly memorised above the spacing, mostly not below."""
    mu, sigma = math.exp(-0.01), math.sqrt(1 - math.exp(-0.02))
    noise = np.random.default_rng(2).normal(size=(2000, 64))
    for factor, low, high in ((1.2, 0.9, 1.0), (1 / 1.2, 0.0, 0.1)):
        pair = np.zeros((2, 64))
        needed = digits.spacing_needed(pair, 0.01)[0]
        pair[1, 0] = factor * needed
        # abs(z)^2 is 64 give or take 18 %; spacings off by 20 % are off by 44 % in the square.
        made = mu * pair[0] + sigma * noise
        assert low <= np.mean(digits.match(made, pair).ratio < 1 / 3) <= high


def test_equal_images_are_left_out_by_name() -> None:
    pixels = np.random.default_rng(3).integers(0, 17, size=(6, 4)).astype(float)
    pixels[4] = pixels[1]
    found = digits.choose(pixels, 3, seed=1)
    assert [sorted(pair) for pair in found.skipped] == [[1, 4]]
    every = [*found.numbers, *found.others]
    assert sorted([*every, found.skipped[0][0]]) == list(range(6))
    assert len(found.numbers) == 3
    assert len(np.unique(pixels[every], axis=0)) == 5
    with pytest.raises(
        InputError, match=r"points: 6, but there are 5 different images \(image . =="
    ):
        digits.choose(pixels, 6, seed=1)
    assert (digits.choose(pixels, 3, seed=1).numbers == found.numbers).all()


def test_the_digits_as_coordinates() -> None:
    images = digits.Images.digits(digits.Scaling())
    assert images.coordinates.shape == (1797, 64)
    # The divisor is printed to four digits.
    assert (images.coordinates**2).mean() == pytest.approx(1, rel=3e-4)
    assert np.abs(images.coordinates.mean(axis=0)).max() < 1e-12
    grey = digits.Images.digits(digits.Scaling("middle grey", 4))
    assert (grey.coordinates.min(), grey.coordinates.max()) == (-2, 2)
    assert grey.coordinates[0, 2] == (grey.pixels[0, 2] - 8) / 4
    for one in (images, grey):
        np.testing.assert_allclose(one.shown(one.coordinates[:5]), one.pixels[:5], atol=1e-12)


def test_held_out_images_are_other_ones_with_the_noise_of_the_last_time() -> None:
    images = digits.Images.digits(digits.Scaling())
    choice = digits.choose(images.pixels, 200, seed=9)
    generation = GenerationSettings(seed=1, sets=1, count=400)
    x = digits.held_out(images, choice, generation, seed=4)
    mu, variance = math.exp(-0.01), 1 - math.exp(-0.02)
    found = digits.match(x, images.coordinates)
    assert not set(found.index.tolist()) & set(choice.numbers.tolist())
    assert len(set(found.index.tolist())) == 400
    noise = x - mu * images.coordinates[found.index]
    # 400 x 64 squares: relative standard error sqrt(2/25600) = 0.9 %.
    assert noise.var() == pytest.approx(variance, rel=0.04)


def test_a_mosaic_shows_pairs() -> None:
    from dsmverify.experiments.digits_plots import mosaic

    images = digits.Images.digits(digits.Scaling())
    above, below = images.coordinates[:3], images.coordinates[3:6]
    found = mosaic(above, below, images)
    assert found.shape == (17, 26)
    np.testing.assert_allclose(found[:8, 9:17], images.pixels[1].reshape(8, 8), atol=1e-12)
    np.testing.assert_allclose(found[9:, 18:], images.pixels[5].reshape(8, 8), atol=1e-12)
    assert np.isnan(found[8]).all()
    assert np.isnan(found[:, 8]).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count = 12", "count = 1794", "generation.count: 1794, but .* 1793 are left"),
        ("points = [4]", "points = [4, 4]", "points: .* each is given once"),
        ("points = [4]", "points = [1]", "points: 1, but it must be at least 2"),
        ('rates = ["1000"', 'rates = ["0"', "rates: 0, but it must be positive"),
        ("product = 2\n", "product = 0\n", "product: 0, but it must be positive"),
        ("width = 20", "width = 20, dimension = 3", "model.dimension: 3"),
        ("sets = 2, count = 12", "sets = 2, count = 12, end = 2", "generation.start"),
        ("seed = 5", "seed = 5\nscaling = { divisor = 0 }", "scaling.divisor"),
        ("seed = 5", 'seed = 5\nscaling = { centre = "mean" }', "scaling.centre"),
    ],
)
def test_bad_configurations(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        digits.run(document(TINY.replace(old, new, 1)), out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_packaged_configuration() -> None:
    read = configurations.load("digits")
    settings = configurations.build(digits.Digits, read.table, read.source)
    # 1000 over the rate; the two rates that make more than 20 000 steps, a second time.
    assert [steps for _, steps in settings.runs()] == [
        500, 2000, 10_000, 20_000, 50_000, 100_000, 20_000, 20_000,
    ]  # fmt: skip
    quick = settings.quick_version()
    assert [steps for _, steps in quick.runs()] == [100, 400, 2000, 4000, 10_000, 4000]
    assert quick.batch.size == 250
    assert replace(quick, quick=settings.quick).generation.count == 200
