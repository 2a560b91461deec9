"""Killed with SIGKILL at random instants, a sweep that is started again ends with the same bytes.

Twenty kills; `make torture` makes 300.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.sweeps import kills
from tests.sweeps.kills import Campaign

CELLS = 150


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return kills.unbroken(tmp_path_factory.mktemp("unbroken"), CELLS)


@pytest.mark.parametrize(
    "campaign",
    [
        Campaign("client", 3, 1, 7, 1, CELLS),
        Campaign("client", 2, 2, None, 2, CELLS),
        Campaign("client", 1, 4, 1, 3, CELLS),
        Campaign("worker", 2, 1, 40, 4, CELLS),
        Campaign("worker", 3, 2, 7, 5, CELLS),
        Campaign("worker", 1, 4, 1, 6, CELLS),
        Campaign("dask worker", 4, 2, 7, 7, CELLS),
        Campaign("dask client", 2, 4, None, 8, CELLS),
        Campaign("scheduler", 2, 1, 1, 9, CELLS),
    ],
    ids=lambda campaign: f"{campaign.what.replace(' ', '-')}-{campaign.jobs}",
)
def test_killed_and_resumed(campaign: Campaign, tmp_path: Path, expected: bytes) -> None:
    if campaign.is_on_dask and importlib.util.find_spec("distributed") is None:
        pytest.skip("distributed is not installed")
    assert kills.run(campaign, tmp_path, expected) == campaign.kills
