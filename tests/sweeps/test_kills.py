"""Killed with SIGKILL at random instants, a sweep that is started again ends with the same bytes.

`make torture` does it 300 times; the campaigns on a Dask cluster are in `test_dask`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sweeps import kills
from tests.sweeps.kills import Campaign


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return kills.unbroken(tmp_path_factory.mktemp("unbroken"))


@pytest.mark.parametrize(
    "campaign",
    [
        Campaign("client", 2, 1, 7, 1),
        Campaign("client", 2, 2, None, 2),
        Campaign("client", 1, 4, 1, 3),
        Campaign("worker", 4, 2, 7, 4),
        Campaign("worker", 4, 4, 1, 5),
    ],
    ids=lambda campaign: f"{campaign.what}-{campaign.jobs}",
)
def test_killed_and_resumed(campaign: Campaign, tmp_path: Path, expected: bytes) -> None:
    assert kills.run(campaign, tmp_path, expected) >= 1
