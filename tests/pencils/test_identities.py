from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from dsmverify.errors import InputError
from dsmverify.pencils import identities
from dsmverify.pencils import random_features as features

SHAPES = [
    # p, d (split by eigenvalue), n, m: p below, at and above d, n and n m.
    (3, (2,), 4, math.inf),
    (2, (3,), 2, math.inf),
    (4, (2,), 1, math.inf),
    (3, (2,), 4, 1),
    (5, (3,), 2, 1),
    (2, (2,), 2, 1),
    (2, (3,), 2, 4),
    (5, (1,), 1, 4),
    (2, (1,), 1, 9),
    (3, (1, 2), 2, math.inf),
    (3, (2, 1), 2, 4),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_identity_holds_exactly(shape: Any) -> None:
    rows, dimensions, samples, copies = shape
    answers = identities.decide(rows, dimensions, samples, copies, seed=5)
    assert len(answers) == 7
    assert all(answers.values()), answers


@pytest.mark.parametrize("copies", [1, 4, math.inf])
@pytest.mark.parametrize("place", ["u", "w^", "w"])
def test_a_changed_pencil_breaks_them(
    copies: Any, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 added to `L0` at one block is seen."""
    true = features.pencil

    def planted(*arguments: Any, **options: Any) -> Any:
        return true(*arguments, **options).shifted({(place, place): 1})

    monkeypatch.setattr(identities, "pencil", planted)
    answers = identities.decide(3, (2,), 2, copies, seed=1)
    assert not answers["resolvent"]
    assert not answers["minimum"]


@pytest.mark.parametrize("name", ["O1", "P1", "P2", "X", "Z1", "Z2", "Wd"])
@pytest.mark.parametrize("number", [0, 1])
def test_each_coefficient_of_a_gaussian_matters(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the coefficient of one Gaussian at one of its places, for m = 4."""
    true = features.pencil

    def planted(*arguments: Any, **options: Any) -> Any:
        pencil = true(*arguments, **options)
        gaussians = []
        for gaussian in pencil.gaussians:
            places = dict(gaussian.places)
            if gaussian.name == name:
                place = list(places)[min(number, len(places) - 1)]
                places[place] = 2 * places[place]
            gaussians.append(dataclasses.replace(gaussian, places=places))
        return dataclasses.replace(pencil, gaussians=tuple(gaussians))

    monkeypatch.setattr(identities, "pencil", planted)
    assert not all(identities.decide(3, (2,), 2, 4, seed=1).values())


def test_a_wrong_sign_in_the_errors_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    true = features.errors

    def planted(own: Any, least: Any, aligned: Any, changes: Any) -> Any:
        return true(own, least, -aligned, changes)

    monkeypatch.setattr(identities, "errors", planted)
    answers = identities.decide(3, (2,), 2, 4, seed=1)
    assert not answers["test error"] and not answers["memorisation error"]
    assert answers["training error"]


@pytest.mark.parametrize("copies", [2, 0, -1, 8])
def test_copies_must_be_a_square(copies: int) -> None:
    with pytest.raises(InputError, match=r"copies of an instance: .*needs a square; give 1, 4, 9"):
        identities.decide(2, (2,), 2, copies, seed=0)


@pytest.mark.parametrize("sizes", [(0, (2,), 2), (2, (0,), 2), (2, (2,), 0), (2, (), 2)])
def test_sizes_are_positive(sizes: Any) -> None:
    rows, dimensions, samples = sizes
    with pytest.raises(InputError, match="every size is at least 1"):
        identities.decide(rows, dimensions, samples, 1, seed=0)
