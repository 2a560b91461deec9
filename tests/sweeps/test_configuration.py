"""Sweep files: what they may say, and how they are refused: file, line, key, way out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dsmverify.errors import InputError
from dsmverify.sweeps import configuration
from dsmverify.sweeps.configuration import Sweep

CHECK = """name = "mine"

[[check]]
claims = ["thm08", ["prop02a", "prop02b"]]
sigma = [0.1, "1/5"]
learning_rates = [0.01]

[[check.samples]]
points = [0, 0.1, 1]

[[check.samples]]
family = "normal"
size = [3, 4]
seed = [0, 1]
"""

TRAIN = """
[[train]]
rates = [0.01, "1/3"]
duration = 10
runs = 3
sigma = [0.1]
[[train.samples]]
points = [0, 1]
"""


def read(text: str, folder: Path = Path()) -> Sweep:
    return configuration.parse(text, "mine.toml", folder=folder)


def refused(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read(text)
    assert caught.value.file == "mine.toml"
    assert caught.value.way_out
    return caught.value


def test_reads_a_grid() -> None:
    sweep = read(CHECK + TRAIN)
    (check,) = sweep.checks
    assert check.claims == (("thm08@mean", "thm08@sum"), ("prop02a", "prop02b"))
    assert [s.name for s in check.samples] == [
        "sample 1",
        "normal n=3 seed=0",
        "normal n=3 seed=1",
        "normal n=4 seed=0",
        "normal n=4 seed=1",
    ]
    # A decimal is exact: not the double next to it.
    assert check.samples[0].data.document == {"x": ["0", "0.1", "1"]}
    assert check.noise == ({"sigma": "0.1"}, {"sigma": "0.2"})
    (train,) = sweep.trains
    assert train.rates == (Fraction(1, 100), Fraction(1, 3))
    assert train.runs_per_cell == 3


def test_noise_levels_come_in_the_order_sigma_time_noise() -> None:
    text = CHECK.replace(
        "sigma = [", "noise = [{ mu = 0.8, sigma = 0.6 }]\ntime = [0.3]\nsigma = ["
    )
    (check,) = read(text).checks
    assert check.noise == (
        {"sigma": "0.1"},
        {"sigma": "0.2"},
        {"time": "0.3"},
        {"mu": "0.8", "sigma": "0.6"},
    )


def test_files_are_found_beside_the_sweep_file(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x\n3\n1\n1\n")
    (tmp_path / "list.json").write_text(
        '[{"x": ["0", "1"], "sigma": "0.5"}, {"x": [1, 2], "time": "1/3", "learning_rate": "0.1"}]'
    )
    sweep = tmp_path / "sweep.toml"
    sweep.write_text(
        '[[check]]\nclaims = ["thm08"]\nsigma = [0.25]\n[[check.samples]]\nfile = "points.csv"\n'
        'drop_ties = true\n[[check.samples]]\nfile = "list.json"\n'
    )
    (check,) = configuration.load(sweep).checks
    points, first, second = check.samples
    assert points.data.document == {"x": ["1", "3"]}
    assert points.noise is None
    # An instance file is a list of cells of its own: each keeps its noise level.
    assert first.noise == {"sigma": "0.5"}
    assert second.noise == {"time": "1/3"}
    assert (first.learning_rate, second.learning_rate) == (None, "0.1")


def test_a_bad_data_file_is_named_with_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("x\n3\nabc\n")
    text = '[[check]]\nclaims = ["thm08"]\nsigma = [0.1]\n[[check.samples]]\nfile = "points.csv"\n'
    with pytest.raises(InputError) as caught:
        read(text, tmp_path)
    assert caught.value.file == str(tmp_path / "points.csv")
    assert "line 3" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "argument", "says"),
    [
        ("sigma = [", "sigmaa = [", 5, "check[0].sigmaa", "did you mean 'sigma'"),
        ("seed = [0, 1]", "seeds = [0]", 14, "check[0].samples[1].seeds", "unknown"),
        ('claims = ["thm08",', 'claims = ["thm99",', 4, "check[0].claims[0]", "no claim"),
        ('["prop02a", "prop02b"]', "[]", 4, "check[0].claims[1]", "empty"),
        ('["prop02a", "prop02b"]', '"thm08@sum"', 4, "check[0].claims[1]", "another entry"),
        ('["prop02a", "prop02b"]', "7", 4, "check[0].claims[1]", "a claim or a list"),
        ("[0.1,", "[1.5,", 5, "check[0].sigma[0]", "between 0 and 1"),
        ("[0.1,", '["a",', 5, "check[0].sigma[0]", "a number"),
        ("[0.01]", "[0]", 6, "check[0].learning_rates[0]", "positive"),
        ("[0, 0.1, 1]", "[0, 0.1, 0.1]", 9, "check[0].samples[0].points", "0.1"),
        ("[0, 0.1, 1]", "[0]", 9, "check[0].samples[0].points", "2"),
        ("points = [0, 0.1, 1]", "drop_ties = true", 8, "check[0].samples[0]", "where the points"),
        ("points = [", 'family = "normal"\npoints = [', 9, "check[0].samples[0].family", "one"),
        ("points = [", "spacing = 1\npoints = [", 9, "check[0].samples[0].spacing", "no use"),
        ("size = [3, 4]", "size = [1]", 13, "check[0].samples[1].size", "two points"),
        ("size = [3, 4]", "size = 3", 13, "check[0].samples[1].size", "a list"),
        ("size = [3, 4]\n", "", 11, "check[0].samples[1].size", "missing"),
        ("seed = [0, 1]", "seed = [-1]", 14, "check[0].samples[1].seed", "at least 0"),
        ("seed = [0, 1]", "seed = [1, 1]", 11, "check[0].samples", "this name"),
        ('"normal"', '"clusters"\nspacing = 1\ndistance = 1', 15, "check[0].samples[1].size", "do"),
        ('sigma = [0.1, "1/5"]\n', "", 3, "check[0]", "no noise level"),
        ("rates = [0.01, ", "rates = [0, ", 17, "train[0].rates[0]", "positive"),
        ("runs = 3", "runs = 0", 19, "train[0].runs", "at least 1"),
        ("duration = 10", "duration = 10\nsteps = [3]", 19, "train[0].steps", "either"),
        ("duration = 10\n", "", 16, "train[0]", "either"),
        ("duration = 10", "duration = 1e30", 18, "train[0].duration", "at most 1000000000000"),
        ("duration = 10", "steps = [1, 9999999999999]", 18, "train[0].steps", "at most 10000000"),
        ("runs = 3", "runs = 3\nbatch = { size = 9 }", 20, "train[0].batch.size", "sample 1"),
        (
            "runs = 3",
            'runs = 3\nparametrisations = ["x"]',
            20,
            "train[0].parametrisations",
            "one of",
        ),
        ("[[train.samples]]", "[train.samples]", 21, "train[0].samples", "[[train.samples]]"),
        ('name = "mine"', "name = 3", 1, "name", "text"),
        ('name = "mine"', "nome = 3", 1, "nome", "did you mean 'name'"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, line: int, argument: str, says: str) -> None:
    text = (CHECK + TRAIN).replace(old, new, 1)
    assert text != CHECK + TRAIN
    if old == '"normal"':  # clusters have no seed
        text = text.replace("seed = [0, 1]\n", "")
    error = refused(text)
    assert error.argument.startswith(argument)
    assert error.line == line
    assert says in str(error)


def test_a_syntax_error_has_its_line() -> None:
    error = refused(CHECK.replace("[0.01]", "[0.01"))
    assert (error.argument, error.line) == ("TOML", 8)


def test_an_empty_file_is_refused() -> None:
    assert "[[check]]" in str(refused('name = "nothing"\n'))


def test_a_missing_file_lists_the_packaged_experiments() -> None:
    with pytest.raises(InputError, match=r"no such file.*critical.*figures/2"):
        configuration.load("not/there.toml")


def test_a_packaged_experiment_is_a_sweep() -> None:
    sweep = configuration.load("critical", quick=True)
    assert [one.kind for one in sweep.experiments] == ["critical"]
    again = read('[[experiments]]\nconfiguration = "critical"\nquick = true\n')
    assert again.experiments == sweep.experiments


def test_an_experiment_that_is_not_made_of_groups_is_refused() -> None:
    text = '[[experiments]]\nconfiguration = "theorem"\n'
    with pytest.raises(InputError, match="does not run as a sweep; give one of critical, figure2"):
        read(text)


def test_the_example_is_a_sweep() -> None:
    sweep = configuration.load(Path(__file__).parents[2] / "examples" / "sweep-quick.toml")
    assert sweep.checks
    assert sweep.trains
