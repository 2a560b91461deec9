"""Polynomials in matrices: sums of words with scalar coefficients.

A word is a product of named matrices; words are equal when they are the same sequence of names, for
matrices of every size. So an identity of matrix polynomials holds for every size once the
coefficients of each word agree, and these are scalars that a `Chain` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from dsmverify.derivation import Chain

Word = tuple[str, ...]
"""Names of matrices, multiplied in this order; the empty word is the identity matrix."""


@dataclass(frozen=True)
class Words:
    """A polynomial in matrices.

    Attributes:
        terms: coefficient of each word.
    """

    terms: Mapping[Word, Any]

    def __add__(self, other: Words) -> Words:
        words = {**self.terms, **other.terms}
        return Words({word: self.at(word) + other.at(word) for word in words})

    def __sub__(self, other: Words) -> Words:
        return self + other * -1

    def __mul__(self, other: Words | int | sympy.Expr) -> Words:
        if not isinstance(other, Words):
            return Words({word: value * other for word, value in self.terms.items()})
        terms: dict[Word, Any] = {}
        for left, one in self.terms.items():
            for right, two in other.terms.items():
                terms[left + right] = terms.get(left + right, 0) + one * two
        return Words(terms)

    def at(self, word: Word) -> Any:
        """Coefficient of a word."""
        return self.terms.get(word, sympy.Integer(0))

    @property
    def T(self) -> Words:
        """Transpose: each word backwards, `^T` put on each matrix or taken off it."""
        return Words(
            {tuple(map(_transposed, reversed(word))): value for word, value in self.terms.items()}
        )

    def renamed(self, names: Mapping[str, str]) -> Words:
        """The same with other names: `R^T` for `R` where R is symmetric, say."""
        words = {word: tuple(names.get(name, name) for name in word) for word in self.terms}
        total = Words({})
        for word, value in self.terms.items():
            total += Words({words[word]: value})
        return total

    def with_rule(self, left: Word, right: Mapping[Word, Any]) -> Words:
        """The same with `right` for the first occurrence of `left` in each word."""
        total = Words({})
        for word, value in self.terms.items():
            place = next(
                (k for k in range(len(word)) if word[k : k + len(left)] == left), len(word) + 1
            )
            if place > len(word):
                total += Words({word: value})
                continue
            before, after = word[:place], word[place + len(left) :]
            total += Words({before + new + after: value * x for new, x in right.items()})
        return total


def matrix(name: str) -> Words:
    """A matrix."""
    return Words({(name,): sympy.Integer(1)})


def number(value: Any) -> Words:
    """A multiple of the identity matrix."""
    return Words({(): sympy.sympify(value)})


def identity(chain: Chain, text: str, left: Words, right: Words) -> None:
    """Demand that two polynomials agree, word by word; one line of the chain for all words."""
    chain.step(f"{text}.")
    for word in sorted({**left.terms, **right.terms}):
        name = " ".join(word) or "1"
        chain.identity(f"{text}: {name}", left.at(word), right.at(word), show=False)


def _transposed(name: str) -> str:
    return name.removesuffix("^T") if name.endswith("^T") else f"{name}^T"
