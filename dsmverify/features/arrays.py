"""The two libraries that a simulation runs in: NumPy with SciPy, and torch on any device.

Both are float64, and every array has the repeats as its first axis. What the libraries spell alike
(`exp`, `einsum`, `linalg.eigh`, `linalg.svd`, `linalg.qr`) is used through `module`; the rest has a
method here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from dsmverify.errors import InputError, MissingExtraError, show

Floats = NDArray[np.float64]


class Functions(Protocol):
    """What an activation must offer: itself on arrays of either library."""

    def __hash__(self) -> int:
        """A quadrature that settled is kept for it."""
        ...

    @property
    def float64(self) -> Callable[[Any], Any]:
        """The activation on NumPy arrays."""
        ...

    @property
    def torch(self) -> Callable[[Any], Any]:
        """The activation on torch tensors."""
        ...


class Arrays(Protocol):
    """A library of arrays. `b` is the axis of repeats."""

    @property
    def name(self) -> str:
        """`numpy` or `torch`."""
        ...

    @property
    def module(self) -> Any:
        """The library itself, for what both spell alike."""
        ...

    def array(self, values: Floats) -> Any:
        """The library's float64 array of NumPy's."""
        ...

    def numpy(self, values: Any) -> Floats:
        """NumPy's array of the library's."""
        ...

    def activate(self, activation: Functions, values: Any) -> Any:
        """The activation, entry by entry."""
        ...

    def normal_cdf(self, values: Any) -> Any:
        """`Phi(v)`, entry by entry; relative error about 1e-15, also in the left tail."""
        ...

    def erf(self, values: Any) -> Any:
        """The error function, entry by entry."""
        ...

    def ridge_solve(self, matrix: Any, ridge: float, right: Any) -> tuple[Any, Any]:
        """`(M + ridge)^-1 R` by Cholesky, `[b, k, c]`, and `tr (M + ridge)^-1`, `[b]`.

        Approximate, relative error about 1e-16 times the condition number of `M + ridge`.

        Args:
            matrix: `M`, symmetric, `[b, k, k]`.
            ridge: what is added on the diagonal.
            right: `R`, `[b, k, c]`.
        """
        ...


@dataclass(frozen=True)
class NumpyArrays:
    """NumPy and SciPy."""

    name: str = "numpy"
    module: Any = np

    def array(self, values: Floats) -> Any:
        """The array itself."""
        return np.asarray(values, dtype=np.float64)

    def numpy(self, values: Any) -> Floats:
        """The array itself."""
        return np.asarray(values, dtype=np.float64)

    def activate(self, activation: Functions, values: Any) -> Any:
        """The activation, entry by entry."""
        return activation.float64(values)

    def normal_cdf(self, values: Any) -> Any:
        """`Phi(v)`, entry by entry."""
        return special.ndtr(values)

    def erf(self, values: Any) -> Any:
        """The error function, entry by entry."""
        return special.erf(values)

    def ridge_solve(self, matrix: Any, ridge: float, right: Any) -> tuple[Any, Any]:
        """See `Arrays.ridge_solve`."""
        solution = np.empty_like(right)
        trace = np.empty(len(matrix))
        for b in range(len(matrix)):
            shifted = matrix[b] + ridge * np.eye(matrix.shape[-1])
            factor = linalg.cholesky(shifted, lower=True, overwrite_a=True, check_finite=False)
            solution[b] = linalg.cho_solve((factor, True), right[b], check_finite=False)
            inverse, _ = linalg.lapack.dtrtri(factor, lower=1)
            trace[b] = np.sum(np.tril(inverse) ** 2)
        return solution, trace


@dataclass(frozen=True)
class TorchArrays:
    """Torch, on one device."""

    module: Any
    device: Any
    name: str = "torch"

    def array(self, values: Floats) -> Any:
        """A float64 tensor on the device."""
        contiguous = np.ascontiguousarray(values, dtype=np.float64)
        return self.module.as_tensor(contiguous, dtype=self.module.float64, device=self.device)

    def numpy(self, values: Any) -> Floats:
        """A NumPy array, on the host."""
        return np.asarray(values.detach().cpu().numpy(), dtype=np.float64)

    def activate(self, activation: Functions, values: Any) -> Any:
        """The activation, entry by entry."""
        return activation.torch(values)

    def normal_cdf(self, values: Any) -> Any:
        """`Phi(v)`, entry by entry: half of `erfc`, which keeps the left tail."""
        return self.module.special.erfc(-values / 2**0.5) / 2

    def erf(self, values: Any) -> Any:
        """The error function, entry by entry."""
        return self.module.special.erf(values)

    def ridge_solve(self, matrix: Any, ridge: float, right: Any) -> tuple[Any, Any]:
        """See `Arrays.ridge_solve`."""
        torch = self.module
        eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
        factor = torch.linalg.cholesky(matrix + ridge * eye)
        inverse = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
        return torch.cholesky_solve(right, factor), (inverse**2).sum((-2, -1))


def arrays_named(backend: str, device: str = "cpu") -> Arrays:
    """The library by its name.

    Args:
        backend: `numpy` or `torch`.
        device: device of torch, `cpu` or `cuda` say; NumPy has `cpu` only.

    Raises:
        InputError: no such library or device.
        MissingExtraError: torch is not installed.
    """
    if backend == "numpy":
        if device != "cpu":
            raise InputError(
                "device", show(device), "NumPy runs on cpu only", "use backend='torch'"
            )
        return NumpyArrays()
    if backend != "torch":
        raise InputError(
            "backend", show(backend), "it must be 'numpy' or 'torch'", "give one of the two"
        )
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "torch", "backend='torch'") from error
    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            "device", show(device), "torch cannot use it here", "give device='cpu'"
        ) from error
    return TorchArrays(torch, torch.device(device))
