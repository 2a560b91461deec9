"""docs/testing.md: what the reader is told to change in its first example makes it pass.

That everything else there runs, and prints what stands there, is tested with the other pages.
"""

from __future__ import annotations

from pathlib import Path

from tests.documented import ROOT, Written, fences, run_command, steps

TEXT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


def test_two_lines_instead_of_the_first_repair_the_score(tmp_path: Path) -> None:
    (written,) = [step for step in steps(TEXT) if isinstance(step, Written)]
    lines = written.text.splitlines(keepends=True)
    first = next(line for line in lines if "weights = np.exp" in line)
    (fragment,) = [block for _, block in fences(TEXT, "python") if block.startswith("    ")]
    (tmp_path / written.name).write_text(written.text.replace(first, fragment), encoding="utf-8")
    printed = run_command(f"pytest -q -p no:cacheprovider {written.name}", tmp_path)
    assert "\n1 passed in " in printed, printed
