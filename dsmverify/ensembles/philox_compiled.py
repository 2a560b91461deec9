"""Draws, compiled: `philox.training_draws` for many steps of one run, `philox.normals` for many.

Words and point numbers equal those of `philox`; normals agree to rounding (log, cosine and sine
come from the C library here). A draw does not depend on which others are made in the same call.

Also `compiled`, the way every kernel of this package is compiled. A compiled function is cached on
disk under the time stamp of its own file only, so a cached kernel must never call a compiled
function of another file: kernels receive draws as arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from dsmverify.ensembles.philox import MASK, MULTIPLIERS, ROUNDS, WEYL, Stream
from dsmverify.errors import MissingExtraError

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_M0, _M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
_W0, _W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
_MASK, _HALF = np.uint64(MASK), np.uint64(32)
_ROUNDS = ROUNDS
_TIMES = np.uint64(Stream.TIMES)


@overload
def compiled(function: Kernel) -> Kernel: ...
@overload
def compiled(*, fused: bool = ..., reordered: bool = ...) -> Callable[[Kernel], Kernel]: ...
def compiled(
    function: Kernel | None = None, *, fused: bool = False, reordered: bool = False
) -> Kernel | Callable[[Kernel], Kernel]:
    """Compile a kernel with numba, without the interpreter's lock, cached on disk.

    Loops without a reduction vectorise in strict IEEE arithmetic, so a result depends neither on an
    element's place in a vector nor on the vectors' width. The options permit one thing each;
    neither permits to assume that there is no NaN or infinity.

    Args:
        function: the kernel.
        fused: allow `a * b + c` with one rounding.
        reordered: allow sums in another order, which vectorises them.

    Raises:
        MissingExtraError: numba is not installed.
    """
    if function is None:
        return lambda kernel: _compile(kernel, fused=fused, reordered=reordered)
    return _compile(function, fused=fused, reordered=reordered)


def _compile(function: Kernel, *, fused: bool, reordered: bool) -> Kernel:
    try:
        from numba import njit
    except ImportError as error:
        raise MissingExtraError("train", "numba", "training on the CPU") from error
    freedom = {flag for flag, on in (("contract", fused), ("reassoc", reordered)) if on} or False

    def compile_once(cache: bool) -> Any:
        return njit(cache=cache, nogil=True, error_model="numpy", fastmath=freedom)(function)

    try:
        return cast(Kernel, compile_once(cache=True))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast(Kernel, compile_once(cache=False))


def steps_at_once(size: int, dimension: int) -> int:
    """How many steps to draw for in one call: about 8000 normals, within a core's own cache."""
    return max(1, 8192 // (size * dimension))


@compiled
def _words(
    seed: np.uint64, stream: np.uint64, step: np.uint64, block: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    k0, k1 = seed & _MASK, seed >> _HALF
    c0, c1, c2, c3 = block, step & _MASK, step >> _HALF, stream
    for _ in range(_ROUNDS):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (
            (p1 >> _HALF) ^ c1 ^ k0,
            p1 & _MASK,
            (p0 >> _HALF) ^ c3 ^ k1,
            p0 & _MASK,
        )
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return c0, c1, c2, c3


@compiled
def fill_words(
    seed: np.uint64, stream: np.uint64, step: np.uint64, out: NDArray[np.uint64]
) -> None:
    """The words of blocks 0, 1, ... of one step, as `philox.words`; exact.

    Args:
        seed: run seed.
        stream: what for.
        step: step number.
        out: `[blocks, 4]`, filled.
    """
    for q in range(out.shape[0]):
        out[q, 0], out[q, 1], out[q, 2], out[q, 3] = _words(seed, stream, step, np.uint64(q))


@compiled
def fill_normals(
    seed: np.uint64,
    stream: np.uint64,
    steps: NDArray[np.uint64],
    out: NDArray[np.float64],
) -> None:
    """The normals of several steps, as `philox.normals`; approximate, relative error a few 1e-16.

    Args:
        seed: run seed.
        stream: what for.
        steps: `[k]`, step numbers.
        out: `[k, count]`, filled.
    """
    count = out.shape[1]
    scale = 2.0**-32
    for k in range(steps.shape[0]):
        for q in range((count + 1) // 2):
            w0, w1, _, _ = _words(seed, stream, steps[k], np.uint64(q))
            radius = np.sqrt(-2.0 * np.log((np.float64(w0) + 0.5) * scale))
            angle = (2.0 * np.pi) * ((np.float64(w1) + 0.5) * scale)
            out[k, 2 * q] = radius * np.cos(angle)
            if 2 * q + 1 < count:
                out[k, 2 * q + 1] = radius * np.sin(angle)


@compiled
def fill_draws(
    seed: np.uint64,
    first: int,
    points: int,
    replacement: bool,
    picks: NDArray[np.int64],
    noise: NDArray[np.float64],
) -> None:
    """The draws of steps first, first + 1, ... of one run, as `philox.training_draws`.

    Args:
        seed: run seed.
        first: first step.
        points: training points, n.
        replacement: whether points are drawn with replacement.
        picks: `[steps, B]`, filled with point numbers; exact.
        noise: `[steps, B d]`, filled with normals; approximate, relative error a few 1e-16.
    """
    steps, size = picks.shape
    count = noise.shape[1]
    scale = 2.0**-32
    deck = np.empty(points, dtype=np.int64)
    for s in range(steps):
        step = np.uint64(first + s)
        for q in range((count + 1) // 2):
            w0, w1, w2, w3 = _words(seed, np.uint64(0), step, np.uint64(q))
            radius = np.sqrt(-2.0 * np.log((np.float64(w0) + 0.5) * scale))
            angle = (2.0 * np.pi) * ((np.float64(w1) + 0.5) * scale)
            noise[s, 2 * q] = radius * np.cos(angle)
            if 2 * q + 1 < count:
                noise[s, 2 * q + 1] = radius * np.sin(angle)
            for half in range(2):
                j = 2 * q + half
                if j < size:
                    word = w2 if half == 0 else w3
                    left = points if replacement else points - j
                    picks[s, j] = np.int64((word * np.uint64(left)) >> _HALF)
        if not replacement:
            for i in range(points):
                deck[i] = i
            for j in range(size):
                other = j + picks[s, j]
                chosen = deck[other]
                deck[other] = deck[j]
                deck[j] = chosen
                picks[s, j] = chosen


@compiled
def fill_times(
    seed: np.uint64, first: int, cuts: NDArray[np.int64], drawn: NDArray[np.int64]
) -> None:
    """The times of steps first, first + 1, ... of one run, exactly `philox.times`.

    Args:
        seed: run seed.
        first: first step.
        cuts: `philox.thresholds`.
        drawn: `[steps, B]`, filled with numbers of times.
    """
    steps, size = drawn.shape
    for s in range(steps):
        for q in range((size + 3) // 4):
            found = _words(seed, _TIMES, np.uint64(first + s), np.uint64(q))
            for j in range(4 * q, min(4 * q + 4, size)):
                word = np.int64(found[j - 4 * q])
                low, high = 0, len(cuts)  # cuts[low - 1] <= word < cuts[high]
                while low < high:
                    middle = (low + high) // 2
                    if cuts[middle] <= word:
                        low = middle + 1
                    else:
                        high = middle
                drawn[s, j] = low
