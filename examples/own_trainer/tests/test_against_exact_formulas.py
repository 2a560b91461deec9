"""toyscore against the exact formulas, in three ways."""

from __future__ import annotations

from typing import Any

import dsm_adapter
from hypothesis import given

from dsmverify.testing import assert_score, assert_sgd_step, conformance, strategies


def test_score_of_three_points() -> None:
    """An assert: one sample, four places, two of them far out."""
    assert_score(dsm_adapter.score, [-1, "0.5", 2], mu="3/4", sigma="1/8", at=[-5, 0, "0.4", 9])


@given(strategies.instances(dtype="float64"))
def test_step_on_any_network(instance: Any) -> None:
    """Hypothesis: any sample, noise level and network; a failure shrinks to round numbers."""
    assert_sgd_step(
        dsm_adapter.Adapter().sgd_step,
        instance,
        learning_rate="1/16",
        indices=[0, 1, 1],
        noise_draws=[1, "-1/2", 0],
        step_factor="1",
    )


def test_conformance() -> None:
    """The whole suite: every planned check has run and passed."""
    results = conformance.run(dsm_adapter.Adapter())
    assert results.exit_status == 0, "\n".join(each.message for each in results.of("failed"))
    assert results.counts["passed"] == results.counts["planned"]
