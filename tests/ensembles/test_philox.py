"""The noise: published vectors, the definition by hand, torch's words, and what chance owes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from dsmverify.ensembles import philox, philox_torch
from dsmverify.ensembles.philox import Stream

# counter, key, answer of Random123's `kat_vectors` for philox4x32-10.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip

LARGEST = math.sqrt(66 * math.log(2))
"""The least uniform is half of 2^-32: the largest radius is sqrt(-2 ln 2^-33)."""

ROUNDING = 64 * np.finfo(np.float64).eps * LARGEST
"""Of a normal in two libraries. The angle, at most 2 pi, is rounded thrice (10 eps absolute in the
cosine); log, root, cosine and product err by at most 4 eps each."""

CHANCE = 1e-6
"""Level of every statistical test here, fixed with seeds and sizes before the first draw."""


def _hex(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_published_vectors(counter: str, key: str, answer: str) -> None:
    block, low, high, stream = _hex(counter)
    key_low, key_high = _hex(key)
    seed, step = key_low + (key_high << 32), low + (high << 32)
    found = philox.words(seed, stream, np.uint64(step), block)
    assert [int(word) for word in found] == _hex(answer)
    signed = torch.from_numpy(np.array([seed, step], dtype=np.uint64).view(np.int64))
    in_torch = philox_torch.words(signed[0], stream, signed[1], torch.tensor(block))
    assert [int(word) for word in in_torch] == _hex(answer)


def test_torch_words_are_numpy_words() -> None:
    draw = np.random.default_rng(1)
    seed = draw.integers(0, 2**64, size=300, dtype=np.uint64)
    step = draw.integers(0, 2**63, size=300, dtype=np.uint64)
    block = draw.integers(0, 2**32, size=300, dtype=np.uint64)
    for stream in Stream:
        ours = philox.words(seed, stream, step, block)
        theirs = philox_torch.words(
            philox_torch.seed_tensor(seed),
            stream,
            *(torch.from_numpy(part.view(np.int64)) for part in (step, block)),
        )
        for left, right in zip(ours, theirs, strict=True):
            assert np.array_equal(left, right.numpy().view(np.uint64))


SHAPES = [(1, 1, 1), (50, 1, 20), (7, 1, 9), (5, 3, 8), (50, 10, 60), (3, 2, 3)]
STEPS = (0, 1, 199_999, 2**31, 2**32 + 3, 2**40)
SEEDS = np.array([0, 1, 12345, 2**32, 2**63, 2**64 - 1], dtype=np.uint64)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize(("size", "dimension", "points"), SHAPES)
def test_torch_draws_are_numpy_draws(
    size: int, dimension: int, points: int, replacement: bool
) -> None:
    if not replacement:
        size = min(size, points)
    chosen, noise = philox_torch.training_draws(
        philox_torch.seed_tensor(SEEDS),
        torch.tensor(STEPS)[:, None],
        size,
        dimension,
        torch.tensor(points),
        most_points=points,
        replacement=replacement,
    )
    assert noise.dtype == torch.float64
    for i, step in enumerate(STEPS):
        ours, our_noise = philox.training_draws(
            SEEDS, step, size, dimension, points, replacement=replacement
        )
        assert np.array_equal(chosen[i].numpy(), ours)
        assert np.abs(noise[i].numpy() - our_noise).max() <= ROUNDING


@pytest.mark.parametrize("replacement", [True, False])
def test_padded_samples_of_different_size(replacement: bool) -> None:
    sizes = [4, 9, 6, 4, 5, 7]
    chosen, _ = philox_torch.training_draws(
        philox_torch.seed_tensor(SEEDS),
        torch.tensor(11),
        4,
        1,
        torch.tensor(sizes),
        most_points=12,
        replacement=replacement,
    )
    for e, points in enumerate(sizes):
        ours, _ = philox.training_draws(SEEDS[e], 11, 4, 1, points, replacement=replacement)
        assert np.array_equal(chosen[e].numpy(), ours)


def test_draws_depend_on_seed_and_step_alone() -> None:
    """Bytes are those of a step drawn by itself, whatever else is drawn with it."""
    arguments = (5, 3, torch.tensor(8))
    seeds = philox_torch.seed_tensor(SEEDS)
    _, together = philox_torch.training_draws(
        seeds, torch.arange(70)[:, None], *arguments, most_points=8, replacement=True
    )
    for step in (0, 1, 33, 69):
        for e in range(len(SEEDS)):
            _, alone = philox_torch.training_draws(
                seeds[e], torch.tensor(step), *arguments, most_points=8, replacement=True
            )
            assert torch.equal(alone, together[step, e])
            _, ours = philox.training_draws(SEEDS[e], step, 5, 3, 8, replacement=True)
            _, many = philox.training_draws(
                SEEDS[e], np.arange(70), 5, 3, 8, replacement=True
            )  # fmt: skip
            assert np.array_equal(many[step], ours)


def _blocks(seed: int, stream: int, step: int, block: int) -> list[int]:
    """Philox4x32-10 in Python's integers."""
    c = [block, step % 2**32, step >> 32, stream]
    k = [seed % 2**32, seed >> 32]
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k[0], q % 2**32, (p >> 32) ^ c[3] ^ k[1], p % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize(("size", "dimension", "points"), [(7, 3, 9), (8, 1, 8), (1, 1, 1)])
def test_draws_by_hand(size: int, dimension: int, points: int, replacement: bool) -> None:
    """Normal q is half of the pair of block q // 2; index j comes from w2 or w3 of block j // 2."""
    seed, step = 2**40 + 17, 2**33 + 5
    chosen, noise = philox.training_draws(
        seed, step, size, dimension, points, replacement=replacement
    )
    deck = list(range(points))
    for j in range(size):
        word = _blocks(seed, Stream.TRAINING, step, j // 2)[2 + j % 2]
        if replacement:
            assert chosen[j] == word * points // 2**32
        else:
            other = j + word * (points - j) // 2**32
            deck[j], deck[other] = deck[other], deck[j]
            assert chosen[j] == deck[j]
        for c in range(dimension):
            q = j * dimension + c
            first, second, _, _ = _blocks(seed, Stream.TRAINING, step, q // 2)
            radius = math.sqrt(-2 * math.log((first + 0.5) / 2**32))
            half = math.sin if q % 2 else math.cos
            expected = radius * half(2 * math.pi * (second + 0.5) / 2**32)
            assert abs(noise[j, c] - expected) <= ROUNDING


def test_streams_seeds_and_steps_are_apart() -> None:
    seeds = np.array([0, 1, 2**32], dtype=np.uint64)[:, None, None, None]
    step = np.array([0, 1, 2**32], dtype=np.uint64)[:, None, None]
    block = np.array([0, 1, 2])[:, None]
    found = {
        word.tobytes()
        for stream in Stream
        for word in np.stack(philox.words(seeds, stream, step, block), -1).reshape(-1, 4)
    }
    assert len(found) == 27 * len(Stream)


def test_normals_are_normal() -> None:
    seeds = np.arange(400, dtype=np.uint64)
    sample = philox.normals(seeds, Stream.EVALUATION, 3, 501)
    assert sample.shape == (400, 501)
    assert stats.kstest(sample.ravel(), "norm").pvalue > CHANCE
    # Sums over seeds and over places: unit normals again, if the draws are independent.
    for axis in (0, 1):
        sums = sample.sum(axis=axis) / math.sqrt(sample.shape[axis])
        assert stats.kstest(sums, "norm").pvalue > CHANCE
        squares = (sample**2).sum(axis=axis)
        assert stats.kstest(squares, "chi2", args=(sample.shape[axis],)).pvalue > CHANCE
    # The halves of a pair, neighbouring pairs and neighbouring seeds.
    pairs = [(sample[:, :-1], sample[:, 1:]), (sample[:, :-2], sample[:, 2:])]
    pairs += [(sample[:-1], sample[1:]), (sample[:-1] ** 2 - 1, sample[1:] ** 2 - 1)]
    reach = stats.norm.isf(CHANCE / 2)
    for left, right in pairs:
        product = (left * right).ravel()
        assert abs(product.mean()) <= reach * product.std() / math.sqrt(product.size)
    assert np.abs(sample).max() <= LARGEST


def test_points_are_uniform_with_replacement() -> None:
    """Each place on its own, and two places together."""
    points = 7
    chosen, _ = philox.training_draws(
        5, np.arange(20_000, dtype=np.uint64), 4, 1, points, replacement=True
    )
    for place in range(4):
        assert stats.chisquare(np.bincount(chosen[:, place], minlength=points)).pvalue > CHANCE
        both = chosen[:, place] * points + chosen[:, (place + 1) % 4]
        assert stats.chisquare(np.bincount(both, minlength=points**2)).pvalue > CHANCE


def test_points_without_replacement_are_a_permutations_beginning() -> None:
    points, size = 6, 4
    steps = np.arange(20_000, dtype=np.uint64)
    chosen, _ = philox.training_draws(9, steps, size, 1, points, replacement=False)
    assert all(len(set(row)) == size for row in chosen.tolist())
    for place in range(size):
        assert stats.chisquare(np.bincount(chosen[:, place], minlength=points)).pvalue > CHANCE
    # All 360 ordered beginnings are equally likely.
    code = (chosen * points ** np.arange(size)).sum(axis=1)
    _, counts = np.unique(code, return_counts=True)
    assert len(counts) == 360
    assert stats.chisquare(counts).pvalue > CHANCE
    whole, _ = philox.training_draws(9, steps[:100], points, 1, points, replacement=False)
    assert np.array_equal(np.sort(whole, axis=1), np.tile(np.arange(points), (100, 1)))
    # A shorter batch is the beginning of a longer one.
    assert np.array_equal(whole[:, :size], chosen[:100])
