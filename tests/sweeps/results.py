"""Results and cells for the tests of the store, made without any certified work."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from dsmverify.sweeps.cells import Cell
from dsmverify.sweeps.kinds import Made, Result
from dsmverify.sweeps.samples import Data
from dsmverify.sweeps.store import Store

KIND = "tests.sweeps.results:work"
LARGE = 9000
"""Entries of an array that does not fit into the database."""


def cell(number: int, **settings: object) -> Cell:
    labels = {"sample": f"sample {number}"}
    return Cell.of(KIND, {"number": number, **settings}, Data.of({}), labels=labels)


def work(one: Cell) -> Made:
    """Numbers that depend on the cell's number only; every third cell has a large array."""
    number = one.settings["number"]
    generator = np.random.Generator(np.random.PCG64(number))
    arrays = {"small": generator.random(5)}
    if number % 3 == 0:
        arrays["large"] = generator.random(LARGE)
    return {"number": number, "text": "x" * (number % 7), "square": number * number}, arrays


def result(one: Cell, seconds: float = 0.25) -> Result:
    record, arrays = work(one)
    origin = {"code": one.origin.code, "libraries": dict(one.origin.libraries)}
    return Result(one.key, one.kind, record, arrays, seconds, origin)


def refuse(store: Store, keys: Collection[str]) -> None:
    """Let the disk be full for some cells; with no keys it is not full any more."""
    store.database.execute("DROP TRIGGER IF EXISTS full")
    if keys:
        # A trigger takes no parameters.
        listed = ", ".join(f"x'{key}'" for key in sorted(keys))
        store.database.execute(
            f"CREATE TEMP TRIGGER full BEFORE INSERT ON cells WHEN NEW.key IN ({listed}) "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
