"""Exact numbers to arrays of every kind, and results back."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmverify.errors import InputError
from dsmverify.testing import Network, ResultError
from dsmverify.testing.arrays import FORMATS, Arrays, format_of

HEAVY = ("torch", "sympy", "scipy", "jax", "hypothesis", "pytest", "matplotlib", "flint")


def test_importing_the_kit_imports_nothing_heavy() -> None:
    code = "import sys, dsmverify.testing; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "dsmverify.testing" in loaded
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)


def test_importing_an_assert_imports_neither_torch_nor_sympy_nor_scipy() -> None:
    code = "import sys; from dsmverify.testing import assert_score; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {name.partition(".")[0] for name in loaded} & {"torch", "sympy", "scipy", "jax"}


doubles = st.floats(allow_nan=False, allow_infinity=False)


@given(doubles)
@pytest.mark.parametrize("name", ["float16", "float32"])
def test_rounding_is_the_one_of_numpy(name: str, value: float) -> None:
    with np.errstate(over="ignore", under="ignore"):
        expected = np.dtype(name).type(value)
    form = FORMATS[name]
    got = form.round(Fraction(value))
    if np.isinf(expected):
        assert abs(got) > form.largest
    else:
        assert got == Fraction(float(expected))
        assert form.holds(got)


@given(doubles)
def test_rounding_to_bfloat16_is_the_one_of_torch(value: float) -> None:
    torch = pytest.importorskip("torch")
    # From a float32, so that torch rounds once.
    with np.errstate(over="ignore", under="ignore"):
        start = np.float32(value)
    if np.isinf(start):
        return
    expected = float(torch.tensor(float(start), dtype=torch.float32).to(torch.bfloat16))
    form = FORMATS["bfloat16"]
    got = form.round(Fraction(float(start)))
    assert got == Fraction(expected) if np.isfinite(expected) else abs(got) > form.largest


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_formats_have_the_constants_of_numpy(name: str) -> None:
    facts, form = np.finfo(name), FORMATS[name]
    assert form.unit * 2 == Fraction(float(facts.eps))
    assert form.smallest == Fraction(float(facts.tiny))
    assert form.largest == Fraction(float(facts.max))
    for value in (1.0, 0.75, 1000.0):
        spacing = np.spacing(np.dtype(name).type(value))
        assert form.spacing(Fraction(value)) == Fraction(float(spacing))


NUMBERS = [Fraction(1, 3).limit_denominator(2**10), Fraction(-5, 4), Fraction(0)]


def _kinds() -> list[Any]:
    kinds = [("numpy", "float16"), ("numpy", "float32"), ("numpy", "float64")]
    kinds += [("torch", name) for name in FORMATS]
    kinds += [("jax", name) for name in ("float16", "bfloat16", "float32")]
    return kinds


@pytest.mark.parametrize(("library", "dtype"), _kinds())
def test_numbers_of_the_dtype_come_back_as_they_went(library: str, dtype: str) -> None:
    pytest.importorskip(library)
    kind = Arrays.of(library, dtype)
    values = [kind.format.round(value) for value in NUMBERS]
    array = kind.array(values)
    assert type(array).__module__.partition(".")[0].removesuffix("lib") == library
    assert str(array.dtype).endswith(dtype)
    numbers, notes = kind.back(array, (3,), "score")
    assert [Fraction(float(x)) for x in numbers] == values
    assert notes == ()


def test_a_prototype_gives_library_and_dtype() -> None:
    torch = pytest.importorskip("torch")
    kind = Arrays.of(torch.zeros(1, dtype=torch.float32))
    assert (kind.library, kind.format.name) == ("torch", "float32")
    assert str(kind.device) == "cpu"
    assert Arrays.of(np.zeros(1, dtype=np.float16)).format.name == "float16"


def test_dtypes_of_every_library_are_recognised() -> None:
    torch = pytest.importorskip("torch")
    for dtype in ("float32", np.float32, np.dtype("float32"), torch.float32):
        assert format_of(dtype).name == "float32"


def test_tensors_that_need_gradients_are_read() -> None:
    torch = pytest.importorskip("torch")
    kind = Arrays.of("torch")
    value = torch.ones(2, dtype=torch.float64, requires_grad=True) * 3
    assert kind.back(value, (2,), "score")[0].tolist() == [3.0, 3.0]


class OnlyDlpack:
    """An array that offers nothing but DLPack."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()


def test_arrays_of_other_libraries_are_read_by_dlpack() -> None:
    kind = Arrays.of("numpy")
    assert kind.back(OnlyDlpack(np.arange(3.0)), (3,), "score")[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", [2.5, np.float64(2.5), np.array(2.5), np.array([2.5])])
def test_one_number_may_come_in_any_wrapping(value: Any) -> None:
    number, _ = Arrays.of("numpy").back(value, (), "risk")
    assert number.shape == () and float(number) == 2.5


def test_a_wider_result_is_judged_at_the_dtype_and_said() -> None:
    _, notes = Arrays.of("numpy", "float32").back(np.zeros(2), (2,), "score")
    assert notes == ("score came back in float64; it is judged at float32",)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "returned nothing"),
        (np.zeros(3), "its shape is [3]"),
        (np.zeros((2, 1)), "its shape is [2, 1]"),
        (np.zeros(2, dtype=np.float32), "float32 is narrower than the float64"),
        (np.zeros(2, dtype=int), "dtype int64 is not one of"),
        (np.zeros(2, dtype=complex), "complex numbers are no result"),
        ("words", "is not one of"),
        (object(), "is not one of"),
        (np.ma.array([1.0, 2.0], mask=True), "some of its entries are masked"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), "some of its entries are masked"),
    ],
)
def test_what_is_no_result_says_what_came_and_what_was_expected(value: Any, words: str) -> None:
    with pytest.raises(ResultError) as caught:
        Arrays.of("numpy").back(value, (2,), "score")
    text = str(caught.value)
    assert words in text
    assert "expected a real numpy array of shape [2] and dtype float64" in text
    assert caught.value.comparison is None and caught.value.causes == ()


def test_a_masked_array_without_masked_entries_is_an_array() -> None:
    got, _ = Arrays.of("numpy").back(np.ma.array([1.0, 2.0], mask=[False, False]), (2,), "score")
    assert type(got) is np.ndarray and got.tolist() == [1, 2]


def test_an_integer_beyond_every_float_is_no_result() -> None:
    with pytest.raises(ResultError, match="beyond the range of float64"):
        Arrays.of("numpy").back(10**400, (), "risk")


def test_a_wrong_result_is_described_with_shape_dtype_and_device() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(ResultError, match=r"torch.Tensor \(shape \[3\], dtype .*, device cpu\)"):
        Arrays.of("torch").back(torch.zeros(3, dtype=torch.float64), (2,), "score")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"arrays": "nunpy"}, "did you mean 'numpy'"),
        ({"arrays": object()}, "it must be an array or one of"),
        ({"dtype": "float23"}, "did you mean 'float32'"),
        ({"dtype": int}, "it must be one of float16"),
        ({"dtype": "bfloat16"}, "NumPy has no such dtype"),
        ({"arrays": "jax", "dtype": "float64"}, "jax_enable_x64"),
    ],
)
def test_bad_kinds_of_arrays_are_refused_with_a_way_out(
    arguments: dict[str, Any], words: str
) -> None:
    if arguments.get("arrays") == "jax":
        jax = pytest.importorskip("jax")
        if jax.config.jax_enable_x64:
            pytest.skip("64 bits are switched on")
    with pytest.raises(InputError) as caught:
        Arrays.of(**arguments)
    assert words in str(caught.value)


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(InputError, match="pip install cupy"):
        Arrays.of("cupy")


def test_a_network_is_three_arrays() -> None:
    network = Arrays.of("numpy", "float32").network([Fraction(1)], [Fraction(2)], [Fraction(3)])
    assert isinstance(network, Network)
    assert [float(part[0]) for part in network] == [1, 2, 3]
    assert network.outer.dtype == np.float32


def test_indices_are_integers_of_the_kind() -> None:
    assert Arrays.of("numpy").integers([0, 2]).dtype.kind == "i"
    torch = pytest.importorskip("torch")
    index = Arrays.of("torch").integers([0, 2])
    assert torch.arange(3)[index].tolist() == [0, 2]
