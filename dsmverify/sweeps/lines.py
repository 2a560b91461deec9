"""Where a key stands in a TOML file, for messages: a parser's table no longer knows."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\- ]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*([\w\-]+)\s*=")


def line_of(text: str, argument: str) -> int | None:
    """Line where a key stands, or the table that it is missing in; None where neither is found.

    Args:
        text: the file.
        argument: path of the key as messages name it: `check[0].samples[1].size`.
    """
    places: dict[str, int] = {}
    counts: dict[str, int] = {}
    inside = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            path = ""
            *parents, last = header[2].split(".")
            for part in parents:
                path = f"{path}.{part}" if path else part
                if path in counts:
                    path = f"{path}[{counts[path] - 1}]"
            path = f"{path}.{last}" if path else last
            if header[1] == "[[":
                counts[path] = counts.get(path, 0) + 1
                path = f"{path}[{counts[path] - 1}]"
            inside = path
            places.setdefault(path, number)
        elif key := _KEY.match(line):
            places.setdefault(f"{inside}.{key[1]}" if inside else key[1], number)
    path = argument
    while path:
        if path in places:
            return places[path]
        path = (
            path.removesuffix("]").rpartition("[")[0]
            if path.endswith("]")
            else (path.rpartition(".")[0])
        )
    # What a dataclass refuses itself is named without the tables around it.
    ends = [number for place, number in places.items() if f".{place}".endswith(f".{argument}")]
    return ends[0] if len(ends) == 1 else None
