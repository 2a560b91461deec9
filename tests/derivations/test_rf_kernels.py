"""The derivation of the activations' kernels, and that it sees a wrong one."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import pytest
import sympy

from dsmverify import derivation
from dsmverify.derivation import residual_form, verify
from dsmverify.errors import DerivationError
from dsmverify.formulas import activations

rf_kernels: Any = importlib.import_module("derivations.rf_kernels")


def test_it_arrives() -> None:
    result = derivation.run("rf_kernels")
    assert all(residual == 0 for residual in result.residuals)
    assert len(result.checks) == 5
    assert "Plackett" in {item.text.partition(":")[0] for item in result.identities}


def test_a_flipped_sign_in_any_identity_is_refused() -> None:
    result = rf_kernels.derive()
    for number, item in enumerate(result.identities):
        if item.right == 0:
            continue
        planted = dataclasses.replace(item, right=-item.right)
        assert dataclasses.replace(result, identities=(planted,)).residuals[0] != 0, number


def test_another_correlation_of_the_density_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plackett's identity holds of the normal density alone."""
    true = rf_kernels.joint_density()
    monkeypatch.setattr(rf_kernels, "joint_density", lambda: true * (1 + rf_kernels.w))
    with pytest.raises(DerivationError, match="Plackett"):
        verify(rf_kernels.derive())


@pytest.mark.parametrize("name", ["abs", "relu", "sin", "erf"])
def test_wrong_moments_of_the_engine_are_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = activations.CLOSED[name]

    def planted(ns: Any, a: Any, h: Any) -> Any:
        found = true(ns, a, h)
        return dataclasses.replace(found, linear=found.linear + sympy.Rational(1, 10**6))

    monkeypatch.setitem(activations.CLOSED, name, planted)
    with pytest.raises(DerivationError, match=r"moments of|mu_1"):
        verify(rf_kernels.derive())


def test_the_tangents_are_those_of_half_the_angle() -> None:
    w, u = rf_kernels.w, rf_kernels.u
    for angle in (sympy.Rational(1, 7), sympy.Rational(3, 5)):
        tangent = sympy.tan(angle / 2)
        assert sympy.N(rf_kernels.SINE.subs(w, tangent) - sympy.sin(angle), 30) < 1e-28
        assert sympy.N(rf_kernels.COSINE.subs(u, tangent) - sympy.cos(angle), 30) < 1e-28
    assert residual_form(rf_kernels.COSINE**2 + rf_kernels.SINE_OF_COSINE**2 - 1) == 0
