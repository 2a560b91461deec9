"""Layered drawing of a directed graph: who stands above whom, in what order, and where.

Sugiyama's method: longest paths give the layers, sweeps of barycentres the order in each, and a
monotone regression the places. Nothing is random and nothing depends on the order of a set, so the
same graph always gives the same drawing.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Point = tuple[float, float]
Edge = tuple[str, str]

_SWEEPS = 24
_ALIGNMENTS = 16
_TRACK = 8.0
"""Width that an edge takes where it passes between the boxes of a layer."""
_STRAIGHT = 6.0
"""How much more a long edge wants to be straight than a box wants to stand below another."""


@dataclass(frozen=True)
class Layout:
    """Where everything stands, with the origin in the upper left corner.

    Attributes:
        width: of the whole.
        height: of the whole.
        places: left upper corner of every box.
        routes: points of every edge from its upper to its lower end. Where two that follow each
            other differ in x, the edge crosses the room between two layers.
    """

    width: float
    height: float
    places: Mapping[str, Point]
    routes: Mapping[Edge, tuple[Point, ...]]


@dataclass
class _Vertex:
    """A box, or the place where a long edge passes a layer."""

    layer: int
    width: float
    height: float = 0.0
    name: str | None = None
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    centre: float = 0.0


def lay_out(
    sizes: Mapping[str, tuple[float, float]],
    edges: Iterable[Edge],
    *,
    gap: float,
    drop: float,
) -> Layout:
    """Boxes in layers, every edge from a higher layer to a lower one.

    Where edges run in a circle, one of them goes upwards.

    Args:
        sizes: width and height of each box, in the order that is kept where nothing else decides.
        edges: from the upper box to the lower one; those of unknown boxes and loops are left out.
        gap: least room between two boxes of a layer.
        drop: room between two layers.
    """
    wanted = [
        edge
        for edge in dict.fromkeys(edges)
        if edge[0] in sizes and edge[1] in sizes and edge[0] != edge[1]
    ]
    turned = _against_the_rest(list(sizes), wanted)
    down = {edge: edge[::-1] if edge in turned else edge for edge in wanted}
    layer_of = _layers(list(sizes), list(dict.fromkeys(down.values())))
    vertices, chains = _with_tracks(sizes, list(dict.fromkeys(down.values())), layer_of)
    order = _ordered(vertices)
    _align(vertices, order, gap)
    return _finished(vertices, order, chains, down, drop)


def components(names: Sequence[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Names that hang together, in the order given; the largest component first."""
    root = {name: name for name in names}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for upper, lower in edges:
        if upper in root and lower in root:
            root[find(lower)] = find(upper)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find(name), []).append(name)
    return sorted(groups.values(), key=lambda group: -len(group))


def without_shortcuts(edges: Iterable[Edge]) -> list[Edge]:
    """The edges that no longer way replaces: what is reachable stays the same."""
    listed = list(dict.fromkeys(edges))
    below: dict[str, list[str]] = {}
    for upper, lower in listed:
        below.setdefault(upper, []).append(lower)
    reach = {name: _reach(name, below) for name in below}

    def replaced(upper: str, lower: str) -> bool:
        return any(
            lower in reach.get(other, ())
            and other not in reach.get(lower, ())
            and upper not in reach.get(other, ())
            for other in below[upper]
            if other != lower
        )

    return [edge for edge in listed if not replaced(*edge)]


def _reach(start: str, below: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(below.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += below.get(name, ())
    return found


def _against_the_rest(names: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """Edges that close a circle, found by a search into the depth."""
    below: dict[str, list[str]] = {name: [] for name in names}
    for upper, lower in edges:
        below[upper].append(lower)
    closing: set[Edge] = set()
    finished: set[str] = set()
    for start in names:
        if start in finished:
            continue
        path = {start: iter(below[start])}
        while path:
            name = next(reversed(path))
            for lower in path[name]:
                if lower in path:
                    closing.add((name, lower))
                elif lower not in finished:
                    path[lower] = iter(below[lower])
                    break
            else:
                finished.add(name)
                del path[name]
    return closing


def _layers(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Number of edges on the longest way from above; what nothing stands above goes far down."""
    below: dict[str, list[str]] = {name: [] for name in names}
    missing = dict.fromkeys(names, 0)
    for upper, lower in edges:
        below[upper].append(lower)
        missing[lower] += 1
    tops = [name for name in names if not missing[name]]
    layer = dict.fromkeys(names, 0)
    ready = list(tops)
    for name in ready:
        for lower in below[name]:
            layer[lower] = max(layer[lower], layer[name] + 1)
            missing[lower] -= 1
            if not missing[lower]:
                ready.append(lower)
    for name in tops:
        if below[name]:
            layer[name] = min(layer[lower] for lower in below[name]) - 1
    return layer


def _with_tracks(
    sizes: Mapping[str, tuple[float, float]], edges: Sequence[Edge], layer_of: Mapping[str, int]
) -> tuple[list[_Vertex], dict[Edge, list[int]]]:
    vertices = [
        _Vertex(layer_of[name], width, height, name) for name, (width, height) in sizes.items()
    ]
    number = {name: index for index, name in enumerate(sizes)}
    chains: dict[Edge, list[int]] = {}
    for edge in edges:
        upper, lower = number[edge[0]], number[edge[1]]
        chain = [upper]
        for layer in range(vertices[upper].layer + 1, vertices[lower].layer):
            vertices.append(_Vertex(layer, _TRACK))
            chain.append(len(vertices) - 1)
        chain.append(lower)
        for first, second in pairwise(chain):
            vertices[first].below.append(second)
            vertices[second].above.append(first)
        chains[edge] = chain
    return vertices, chains


def _ordered(vertices: Sequence[_Vertex]) -> list[list[int]]:
    """Vertices of each layer from left to right, with few crossings."""
    depth = 1 + max((vertex.layer for vertex in vertices), default=-1)
    order: list[list[int]] = [[] for _ in range(depth)]
    for index, vertex in enumerate(vertices):
        order[vertex.layer].append(index)
    place = {index: rank for layer in order for rank, index in enumerate(layer)}
    best, fewest = [list(layer) for layer in order], _crossings(vertices, order)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for layer in order if downwards else reversed(order):
            _sort_by_neighbours(vertices, place, layer, downwards)
        crossed = _crossings(vertices, order)
        if crossed < fewest:
            best, fewest = [list(layer) for layer in order], crossed
    return best


def _sort_by_neighbours(
    vertices: Sequence[_Vertex], place: dict[int, int], layer: list[int], downwards: bool
) -> None:
    """Sort one layer by where its neighbours stand, and note the new places."""

    def barycentre(index: int) -> float:
        near = vertices[index].above if downwards else vertices[index].below
        return sum(place[other] for other in near) / len(near) if near else place[index]

    layer.sort(key=barycentre)  # stable: what is equal keeps its order
    place.update((index, rank) for rank, index in enumerate(layer))


def _crossings(vertices: Sequence[_Vertex], order: Sequence[Sequence[int]]) -> int:
    place = {index: rank for layer in order for rank, index in enumerate(layer)}
    crossed = 0
    for layer in order:
        ends: list[int] = []
        for index in layer:
            lower = sorted(place[other] for other in vertices[index].below)
            crossed += sum(len(ends) - bisect_right(ends, rank) for rank in lower)
            for rank in lower:
                insort(ends, rank)
    return crossed


def _align(vertices: Sequence[_Vertex], order: Sequence[Sequence[int]], gap: float) -> None:
    """Every vertex near the middle of its neighbours, as far as its layer has room."""
    for layer in order:
        at = 0.0
        for index in layer:
            vertices[index].centre = at + vertices[index].width / 2
            at += vertices[index].width + gap
    for turn in range(_ALIGNMENTS):
        downwards = turn % 2 == 0
        both = turn >= _ALIGNMENTS - 4
        for layer in order if downwards else reversed(order):
            targets, weights = [], []
            for index in layer:
                vertex = vertices[index]
                near = [*vertex.above, *vertex.below] if both else []
                near = near or (vertex.above if downwards else vertex.below)
                pulls = [_pull(vertex, vertices[other]) for other in near]
                total = sum(pulls)
                wish = sum(
                    pull * vertices[other].centre for pull, other in zip(pulls, near, strict=True)
                )
                targets.append(wish / total if total else vertex.centre)
                weights.append(total or 0.1)
            widths = [vertices[index].width for index in layer]
            for index, centre in zip(layer, _spread(targets, weights, widths, gap), strict=True):
                vertices[index].centre = centre


def _pull(one: _Vertex, other: _Vertex) -> float:
    return _STRAIGHT if one.name is None and other.name is None else 1.0


def _spread(
    targets: Sequence[float], weights: Sequence[float], widths: Sequence[float], gap: float
) -> list[float]:
    """Centres nearest to the targets, in this order and with the gaps: pooled violators."""
    offsets, at = [], 0.0
    for index, width in enumerate(widths):
        at += (widths[index - 1] + width) / 2 + gap if index else 0.0
        offsets.append(at)
    pools: list[tuple[float, float, int]] = []  # mean, weight, number
    for target, weight, offset in zip(targets, weights, offsets, strict=True):
        pool = (target - offset, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, heavy, many = pools.pop()
            total = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / total, total, many + pool[2])
        pools.append(pool)
    means = [mean for mean, _, many in pools for _ in range(many)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _finished(
    vertices: Sequence[_Vertex],
    order: Sequence[Sequence[int]],
    chains: Mapping[Edge, Sequence[int]],
    down: Mapping[Edge, Edge],
    drop: float,
) -> Layout:
    left = min((vertex.centre - vertex.width / 2 for vertex in vertices), default=0.0)
    right = max((vertex.centre + vertex.width / 2 for vertex in vertices), default=0.0)
    tops, bottoms, at = [], [], 0.0
    for layer in order:
        tops.append(at)
        at += max(vertices[index].height for index in layer)
        bottoms.append(at)
        at += drop
    for vertex in vertices:
        vertex.centre -= left
    leaving = _ports(vertices, chains, 0)
    arriving = _ports(vertices, chains, -1)
    routes: dict[Edge, tuple[Point, ...]] = {}
    for edge, turned in down.items():
        chain = chains[turned]
        first, last = vertices[chain[0]], vertices[chain[-1]]
        points = [(leaving[turned], tops[first.layer] + first.height)]
        if first.height < bottoms[first.layer] - tops[first.layer]:
            points.append((leaving[turned], bottoms[first.layer]))
        for index in chain[1:-1]:
            vertex = vertices[index]
            points += [(vertex.centre, tops[vertex.layer]), (vertex.centre, bottoms[vertex.layer])]
        points.append((arriving[turned], tops[last.layer]))
        routes[edge] = tuple(points if edge == turned else reversed(points))
    places = {
        vertex.name: (vertex.centre - vertex.width / 2, tops[vertex.layer])
        for vertex in vertices
        if vertex.name is not None
    }
    return Layout(right - left, bottoms[-1] if bottoms else 0.0, places, routes)


def _ports(
    vertices: Sequence[_Vertex], chains: Mapping[Edge, Sequence[int]], end: int
) -> dict[Edge, float]:
    """Where each edge touches its box: side by side, in the order of where they go."""
    touching: dict[int, list[Edge]] = {}
    for edge, chain in chains.items():
        touching.setdefault(chain[end], []).append(edge)
    beside = 1 if end == 0 else -2
    found: dict[Edge, float] = {}
    for index, edges in touching.items():
        edges.sort(key=lambda edge: vertices[chains[edge][beside]].centre)
        step = min(14.0, 0.8 * vertices[index].width / len(edges))
        start = vertices[index].centre - step * (len(edges) - 1) / 2
        for rank, edge in enumerate(edges):
            found[edge] = start + rank * step
    return found
