"""Configurations: names and paths, TOML errors, strict reading into dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest

from dsmverify.ensembles.settings import Model
from dsmverify.errors import InputError
from dsmverify.experiments import configurations, figure1, figure2
from dsmverify.experiments.groups import Option
from dsmverify.instance import Batch


@dataclass(frozen=True)
class Inner:
    rate: Fraction
    steps: int = 7


@dataclass(frozen=True)
class Outer:
    seed: int
    rates: tuple[Inner, ...]
    times: tuple[float, ...] = ()
    kind: Literal["mean", "sum"] = "mean"
    name: str = "x"
    loud: bool = False
    cap: int | None = None
    free: dict[str, Any] = field(default_factory=dict)


def build(text: str) -> Outer:
    document = configurations.parse('experiment = "figure2"\n' + text, "mine.toml")
    return configurations.build(Outer, document.table, document.source)


def message(text: str) -> str:
    with pytest.raises(InputError) as caught:
        build(text)
    assert caught.value.file == "mine.toml"
    return str(caught.value)


def test_reads_every_kind_of_field() -> None:
    found = build(
        'seed = 3\ntimes = [0.5, 1, "1/4"]\nkind = "sum"\nloud = true\ncap = 9\n'
        'free = { a = 1 }\n[[rates]]\nrate = "1/3"\n[[rates]]\nrate = 0.1\nsteps = 2\n'
    )
    assert found == Outer(
        seed=3,
        rates=(Inner(Fraction(1, 3)), Inner(Fraction(1, 10), 2)),
        times=(0.5, 1.0, 0.25),
        kind="sum",
        loud=True,
        cap=9,
        free={"a": 1},
    )


def test_a_decimal_is_exact() -> None:
    # The double next to 0.1 is not one tenth: a Fraction field has what was written.
    assert build("seed = 1\nrates = [{ rate = 0.1 }]").rates[0].rate == Fraction(1, 10)
    assert build("seed = 1\nrates = [{ rate = 1_0.5 }]").rates[0].rate == Fraction(21, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 1\nrates = []\nsed = 2", ("sed: 2", "unknown", "'seed'")),
        ("seed = 1\nrates = [{ rate = 1, step = 2 }]", ("rates[0].step", "'steps'")),
        ("rates = []", ("seed", "missing")),
        ("seed = 1\nrates = [{ steps = 1 }]", ("rates[0].rate", "missing")),
        ("seed = 1.0\nrates = []", ("seed: 1.0", "integer")),
        ("seed = true\nrates = []", ("seed: True", "integer")),
        ("seed = 1\nrates = 3", ("rates: 3", "list")),
        ("seed = 1\nrates = [4]", ("rates[0]: 4", "table")),
        ('seed = 1\nrates = [{ rate = "a" }]', ("rates[0].rate: 'a'", "number")),
        ("seed = 1\nrates = [{ rate = true }]", ("rates[0].rate", "number")),
        ("seed = 1\nrates = [{ rate = nan }]", ("rates[0].rate", "finite")),
        ('seed = 1\nrates = []\nkind = "meam"', ("kind: 'meam'", "did you mean 'mean'")),
        ("seed = 1\nrates = []\nloud = 1", ("loud: 1", "yes or no")),
        ("seed = 1\nrates = []\nname = 1", ("name: 1", "text")),
        ("seed = 1\nrates = []\nfree = 1", ("free: 1", "table")),
    ],
)
def test_errors_name_the_key(text: str, words: tuple[str, ...]) -> None:
    found = message(text)
    assert found.startswith("mine.toml: ")
    for word in words:
        assert word in found


def test_what_a_dataclass_refuses_gets_the_file() -> None:
    with pytest.raises(InputError) as caught:
        configurations.build(Model, {"width": 0}, "mine.toml", "model")
    assert str(caught.value).startswith("mine.toml: model.width: 0")


def test_toml_errors_have_the_line() -> None:
    with pytest.raises(InputError) as caught:
        configurations.parse('experiment = "figure1"\nseed = = 2\n', "mine.toml")
    assert caught.value.line == 2
    assert "seed = = 2" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 1", "it is missing"),
        ('experiment = "figur2"', "did you mean 'figure2'"),
        ("experiment = 2", "no such experiment"),
    ],
)
def test_unknown_experiments(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        configurations.parse(text, "mine.toml")


def test_names_and_paths(tmp_path: Path) -> None:
    assert {"figures/1", "figures/2"} <= set(configurations.packaged())
    document = configurations.load("figures/1")
    assert (document.kind, document.source) == ("figure1", "figures/1")
    file = tmp_path / "mine.toml"
    file.write_text('experiment = "theorem"\nx = 1\n', encoding="utf-8")
    own = configurations.load(str(file))
    assert (own.kind, dict(own.table), own.source) == ("theorem", {"x": 1}, str(file))
    with pytest.raises(InputError) as caught:
        configurations.load("figure/1")
    assert "'figures/1'" in str(caught.value)
    assert all(name in str(caught.value) for name in configurations.packaged())
    file.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="UTF-8"):
        configurations.load(str(file))


def test_digest_is_of_values_only() -> None:
    one = configurations.parse('experiment = "figure1"\na = 1\nb = 0.10', "one")
    two = configurations.parse('# words\nb = 0.1\na   = 1\nexperiment = "figure1"', "two")
    other = configurations.parse('experiment = "figure1"\na = 1\nb = 0.2', "one")
    assert one.digest == two.digest != other.digest


def test_packaged_figures_are_the_described_experiment() -> None:
    first = configurations.load("figures/1")
    second = configurations.load("figures/2")
    one = configurations.build(figure1.Figure1, first.table, first.source)
    two = configurations.build(figure2.Figure2, second.table, second.source)
    # Appendix D: rates 0.5, 0.1, 0.05 (and 0.01), 5 000 to 200 000 steps, batch 50, width 1000.
    steps = {Fraction(1, 2): 5000, Fraction(1, 10): 25_000, Fraction(1, 20): 50_000}
    assert {r.rate: r.steps for r in one.rates} == steps
    assert {r.rate: r.steps for r in two.rates} == steps | {Fraction(1, 100): 200_000}
    for found in (one, two):
        assert found.times == (Fraction(1, 5), Fraction(1, 20))
        assert (found.model, found.batch) == (Model(), Batch(50, "mean", True))
        for option in found.options:
            option.applied(found.model, found.batch, "packaged")
    assert (two.simulations, two.points, two.dimensions) == (30, 20, (1, 10))


def test_options_change_what_they_say() -> None:
    option = Option("frozen", model={"train_inner": False}, batch={"reduction": "sum"}, steps=5)
    model, batch = option.applied(Model(width=9), Batch(4, "mean", True), "mine.toml")
    assert (model, batch) == (Model(width=9, train_inner=False), Batch(4, "sum", True))
    assert (option.capped(9), option.capped(3)) == (5, 3)
    with pytest.raises(InputError, match=r"options\[odd\]\.model\.widht.*'width'"):
        Option("odd", model={"widht": 3}).applied(Model(), Batch(), "mine.toml")
    with pytest.raises(InputError, match=r"options\.name"):
        Option("base")
    assert (option.rate_divisor(10), Option("a", mean_over_coordinates=True).rate_divisor(10)) == (
        1,
        10,
    )
