"""Accepted forms of input are read exactly."""

from __future__ import annotations

import json
import math
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmverify.data import MAX_POINTS, read_instances, read_network
from dsmverify.errors import (
    DerivationError,
    InputError,
    MissingExtraError,
    NotCompletedError,
    OutputError,
    PrecisionError,
    UnknownClaimError,
)
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel

TENTH = Fraction(1, 10)


@pytest.mark.parametrize(
    ("content", "options", "points"),
    [
        (b"0.1\n0.2\n", {}, ["0.1", "0.2"]),
        (b"x\n0.1\n0.2", {}, ["0.1", "0.2"]),
        (b"\xef\xbb\xbfx\r\n0.1\r\n0.2\r\n", {}, ["0.1", "0.2"]),
        (b"x\r0.1\r0.2\r", {}, ["0.1", "0.2"]),
        (b'"x"\n"0.1"\n" 0.2 "\n\n  \n', {}, ["0.1", "0.2"]),
        (b"name,x\nanne,0.1\nbob,0.2\n", {}, ["0.1", "0.2"]),
        (b'"last, first",x\n"b, a",1e-3\n"d, c",1/3\n', {}, ["1/1000", "1/3"]),
        (b"a,b\n0.1,1\n0.2,2\n", {"column": "b"}, ["1", "2"]),
        (b"a,b\n0.1,1\n0.2,2\n", {"column": "1"}, ["0.1", "0.2"]),
        (b"a,b\n0.1,1\n0.2,2\n", {"column": 2}, ["1", "2"]),
        (b"0.1,1\n0.2,2\n", {"column": "2"}, ["1", "2"]),
        (b"2,name\n0.1,1\n0.2,2\n", {"column": "2"}, ["0.1", "0.2"]),
        (b",x\ns,-.5\nt,+5.\n", {}, ["-1/2", "5"]),
        (b"id,2020\n1,0.1\n2,0.2\n", {"column": "2020"}, ["0.1", "0.2"]),
        (b"x\n1e-5000\n1e5000\n", {}, ["1e-5000", "1e5000"]),
    ],
)
def test_csv_is_read_exactly(
    content: bytes, options: dict[str, Any], points: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "sample.csv"
    file.write_bytes(content)
    (instance,) = read_instances([file], sigma="0.1", **options)
    assert isinstance(instance, Instance)
    assert instance.points == tuple(Fraction(point) for point in points)
    assert instance.name == "sample"
    assert instance.noise == NoiseLevel(sigma=TENTH)
    assert instance.notes == ()


def test_unsorted_is_sorted_and_said_once(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_text("x\n3\n1\n2\n1.0\n")
    (instance,) = read_instances([file], time="0.5", learning_rate="0.1", drop_ties=True)
    assert isinstance(instance, Instance)
    assert instance.points == tuple(map(Fraction, (1, 2, 3)))
    assert instance.merged == 1
    assert instance.notes == ("points were sorted", "1 tied points were dropped")
    assert instance.learning_rate == TENTH


def test_largest_sample_and_many_ties(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_text("\n".join(str(i % MAX_POINTS) for i in range(3 * MAX_POINTS)))
    (instance,) = read_instances([file], sigma="0.1", drop_ties=True)
    assert isinstance(instance, Instance)
    assert (instance.size, instance.merged) == (MAX_POINTS, 2 * MAX_POINTS)


def exact_value(number: Any) -> Fraction:
    if isinstance(number, np.integer):
        return Fraction(int(number))
    return Fraction(*number.as_integer_ratio())


@pytest.mark.parametrize("kind", ["f8", "f4", "f2", "i4", "u1", ">f8", "g"])
def test_npy_is_read_exactly(kind: str, tmp_path: Path) -> None:
    array = np.array([3, 1, 2]).astype(kind)
    if array.dtype.kind == "f":
        array = array / array.dtype.type(10)
    np.save(tmp_path / "sample.npy", array)
    (instance,) = read_instances([tmp_path / "sample.npy"], sigma="0.1")
    assert isinstance(instance, Instance)
    assert instance.points == tuple(sorted(map(exact_value, array)))


def test_json_number_is_a_double_and_text_is_exact() -> None:
    instance = Instance.from_json(
        '{"x": [0.1, "0.1", 9007199254740993], "mu": "4/5", "sigma": 0.1,'
        ' "parameters": {"k": 3, "A": "0.1", "f": [0.1, "0.1"]}}'
    )
    assert instance.points == (TENTH, Fraction(0.1), Fraction(9007199254740993))
    assert instance.noise == NoiseLevel(sigma=Fraction(0.1), mu=Fraction(4, 5))
    assert instance.parameters == {"k": 3, "A": TENTH, "f": (Fraction(0.1), TENTH)}


def test_json_list_takes_options(tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    file.write_text('[{"x": [0, 1], "time": 1}, {"x": [0, 2], "sigma": "1e-300"}]')
    np.savez(tmp_path / "n.npz", inner_weights=[2.0], biases=[0.1], outer_weights=[3], bound=4)
    first, second = read_instances([file], learning_rate="0.1", network=tmp_path / "n.npz")
    assert isinstance(first, Instance) and isinstance(second, Instance)
    assert (first.name, second.name) == ("two#1", "two#2")
    assert first.network == NetworkData(
        (Fraction(2),), (Fraction(0.1),), (Fraction(3),), Fraction(4)
    )
    assert second.learning_rate == TENTH
    assert second.noise.sigma == Fraction(1, 10**300)


def test_names_differ(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("s.csv", "a/s.csv", "t.csv"):
        (tmp_path / name).write_text("1\n2\n")
    files = [tmp_path / name for name in ("s.csv", "a/s.csv", "t.csv", "s.csv")]
    names = [instance.name for instance in read_instances(files, sigma="0.1")]
    assert names[2] == "t"
    assert len(set(names)) == 4


def test_nothing_given() -> None:
    assert read_instances([]) == []
    with pytest.raises(InputError, match="--sigma: there are no data"):
        read_instances([], sigma="0.1")


def test_rational_mu() -> None:
    assert NoiseLevel(sigma=Fraction(3, 5)).rational_mu == Fraction(4, 5)
    assert NoiseLevel(sigma=TENTH).rational_mu is None
    assert NoiseLevel(time=TENTH).rational_mu is None


class Doubles:
    """The part of a number system that a noise level uses."""

    def constant(self, value: Fraction) -> float:
        return float(value)

    def exp(self, x: float) -> float:
        return math.exp(x)

    def expm1(self, x: float) -> float:
        return math.expm1(x)

    def root(self, x: float, degree: int) -> float:
        return float(x ** (1 / degree))


@pytest.mark.parametrize(
    ("noise", "mu", "sigma"),
    [
        (NoiseLevel(sigma=Fraction(3, 5)), 0.8, 0.6),
        (NoiseLevel(sigma=Fraction(1, 2)), math.sqrt(3) / 2, 0.5),
        (NoiseLevel(sigma=1 - Fraction(1, 10**30)), math.sqrt(2) * 1e-15, 1),
        (NoiseLevel(sigma=TENTH, mu=Fraction(1, 3)), 1 / 3, 0.1),
        (NoiseLevel(time=Fraction(1, 10**30)), 1, math.sqrt(2) * 1e-15),
        (NoiseLevel(time=Fraction(1)), math.exp(-1), math.sqrt(1 - math.exp(-2))),
        (NoiseLevel(sigma=Fraction(1, 10**300)), 1, 1e-300),
    ],
)
def test_noise_values_do_not_cancel(noise: NoiseLevel, mu: float, sigma: float) -> None:
    system: Any = Doubles()
    # At most six roundings of 2^-53 each.
    assert noise.values(system) == pytest.approx((mu, sigma), rel=6 * 2**-53, abs=0)


def module() -> Any:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(
        torch.nn.Linear(1, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1, bias=False)
    )
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0], [-0.5], [0.1]]))
        net[0].bias.copy_(torch.tensor([0.1, 0.2, 0.3]))
        net[2].weight.copy_(torch.tensor([[1.5, -2.5, 0.7]]))
    return net


@pytest.mark.parametrize("factor", [None, "sum", "mean"])
def test_torch_module_keeps_its_function(factor: Any) -> None:
    net = module()
    import torch

    x = [Fraction(0.25), Fraction(1)]
    instance = Instance.from_torch(net, x, sigma="0.1", output_factor=factor)
    network = instance.network
    assert network is not None
    for y in (-1.5, 0.25, 2.0):
        layers = zip(network.inner_weights, network.biases, network.outer_weights, strict=True)
        exact = sum(c * max(Fraction(0), a * Fraction(y) + b) for a, b, c in layers) / 3
        printed = float(net(torch.tensor([[y]])).detach())
        if factor == "mean":
            printed /= 3
        # float32: three products and sums of size below 10, each rounded to 2^-24
        assert abs(float(exact) - printed) < 1e-5


def test_state_dict_and_fields(tmp_path: Path) -> None:
    net = module()
    import torch

    torch.save(net.state_dict(), tmp_path / "n.pt")
    read = read_network(tmp_path / "n.pt")
    assert read == Instance.from_torch(net, [0, 1], sigma="0.1").network
    assert read.outer_weights[0] == Fraction(9, 2)

    class Fields:
        inner_weights = torch.tensor([1.0, -1.0])
        biases = torch.tensor([0.5, 0.25])
        outer_weights = torch.tensor([1.0, 2.0])

    fields = Instance.from_torch(Fields(), torch.tensor([0.0, 1.0]), sigma="0.1").network
    assert fields == NetworkData((Fraction(1), Fraction(-1)), (Fraction(1, 2), Fraction(1, 4)),
                                 (Fraction(1), Fraction(2)))  # fmt: skip
    torch.save({k: getattr(Fields, k) for k in ("inner_weights", "biases", "outer_weights")},
               tmp_path / "f.pt")  # fmt: skip
    assert read_network(tmp_path / "f.pt") == fields
    torch.save(net, tmp_path / "module.pt")
    with pytest.raises(InputError, match=r"state_dict\(\)"):
        read_network(tmp_path / "module.pt")


def test_other_modules_are_refused() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    others = {
        "a Linear": nn.Linear(1, 1),
        "a Sequential of Linear, Tanh, Linear": nn.Sequential(
            nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1, bias=False)
        ),
        "an outer layer with a bias": nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1)),
        r"a network from R\^2 to R\^1": nn.Sequential(
            nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1, bias=False)
        ),
        "a Sequential of nothing": nn.Sequential(),
    }
    for found, other in others.items():
        with pytest.raises(InputError, match=f"module: {found}, but only two-layer ReLU") as caught:
            Instance.from_torch(other, [0, 1], sigma="0.1")
        assert "nn.Sequential(Linear(1, m), ReLU()" in str(caught.value)


def test_without_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    (tmp_path / "n.pt").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r"pip install 'dsmverify\[torch\]'"):
        read_network(tmp_path / "n.pt")
    with pytest.raises(MissingExtraError, match="needs torch"):
        Instance.from_torch(object(), [0, 1], sigma="0.1")


rationals = st.fractions(max_denominator=10**6)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    gaps = draw(st.lists(st.fractions(Fraction(1, 10**9), 10), min_size=1, max_size=6))
    points = [draw(rationals)]
    for gap in gaps:
        points.append(points[-1] + gap)
    unit = st.fractions(Fraction(1, 10**20), Fraction(999, 1000))
    noise = draw(
        st.one_of(
            st.builds(NoiseLevel, sigma=unit),
            st.builds(NoiseLevel, sigma=unit, mu=unit),
            st.builds(NoiseLevel, time=st.fractions(Fraction(1, 10**9), 100)),
        )
    )
    width = draw(st.integers(0, 4))
    numbers = st.lists(rationals, min_size=width, max_size=width).map(tuple)
    outer = draw(numbers)
    inner = tuple(w + 1 if w >= 0 else w for w in draw(numbers))
    bound = draw(st.sampled_from([None, max(map(abs, outer), default=Fraction(0)) + 1]))
    return Instance(
        name="drawn",
        points=tuple(points),
        noise=noise,
        network=NetworkData(inner, draw(numbers), outer, bound) if width else None,
        learning_rate=draw(st.none() | unit),
        at=tuple(draw(st.lists(rationals, max_size=3))),
        batch=draw(st.none() | st.builds(Batch, size=st.integers(1, 2), replacement=st.booleans())),
        parameters=draw(
            st.fixed_dictionaries(
                {},
                optional={"k": st.integers(1, 9), "A": rationals, "i": st.integers(1, 2),
                          "f": st.lists(rationals, max_size=3).map(tuple)},
            )
        ),
    )  # fmt: skip


@given(instances())
def test_json_round_trip(instance: Instance) -> None:
    text = json.dumps(instance.to_json())
    assert Instance.from_json(text, name="drawn") == instance
    assert pickle.loads(pickle.dumps(instance)) == instance


@pytest.mark.parametrize(
    "error",
    [
        InputError("x", "1", "it must be 2", "write 2", "f.csv", 3),
        MissingExtraError("torch", "torch", "training"),
        OutputError("/nowhere", "Permission denied"),
        UnknownClaimError("prop2a", ["prop02a", "thm08"]),
        PrecisionError("risk", 4096, "budget"),
        DerivationError("risk", "residual x"),
        NotCompletedError("interrupted"),
    ],
)
def test_errors_survive_another_process(error: Exception) -> None:
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_unknown_claim_suggests() -> None:
    assert "did you mean 'prop02a'" in str(UnknownClaimError("prop2a", ["prop02a", "thm08"]))
