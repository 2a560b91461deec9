"""Whether arrays fit into memory, asked before they are made: a refusal names the size needed."""

from __future__ import annotations

import os
from pathlib import Path

from dsmverify.errors import InputError

CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")
"""Where Linux keeps the limit of a container; absent or the word `max` where there is none."""


def require_memory(
    what: str,
    needed_bytes: int,
    *,
    limit_bytes: int | None = None,
    way_out: str = "give fewer points, a smaller dimension or a smaller width",
) -> None:
    """Refuse arrays larger than the machine's memory; called before the first of them is made.

    Physical memory counts, not what happens to be free now: an input is not refused on one
    afternoon and taken on another.

    Args:
        what: what the arrays are, with the sizes that the user gave: `points of shape [n, d] =
            [1000, 10**9]`, say.
        needed_bytes: their size, all that exist at once, intermediate ones among them.
        limit_bytes: what there is; None asks the machine.
        way_out: the arguments that make the arrays smaller.

    Raises:
        InputError: they do not fit.
    """
    limit = machine_memory() if limit_bytes is None else limit_bytes
    if limit is not None and needed_bytes > limit:
        raise InputError(
            what,
            f"{_readable(needed_bytes)} needed",
            f"there are {_readable(limit)} of memory",
            f"{way_out}, or use a larger machine",
        )


def machine_memory() -> int | None:
    """Bytes of memory that this process may have; None where the system does not tell."""
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such question on this system
        return None
    try:
        allowed = CONTROL_GROUP.read_text().strip()
    except OSError:
        return physical
    return min(physical, int(allowed)) if allowed.isdecimal() else physical


def _readable(size: int) -> str:
    """1536 -> `1.5 KiB (1536 bytes)`."""
    value, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{size} bytes" if unit == "bytes" else f"{value:.4g} {unit} ({size} bytes)"
