"""The second path: every certificate of a report recomputed without the engine.

Nothing here imports the formulas, the number systems, flint or NumPy; only mpmath and the standard
library. `recheck` reads a report, `write_scripts` makes a stand-alone script of every
counterexample, out of the same functions.
"""

from __future__ import annotations

from dsmverify.replay.recheck import Finding, RecheckResult, recheck
from dsmverify.replay.script import write_scripts

__all__ = ["Finding", "RecheckResult", "recheck", "write_scripts"]
