"""The dependency graph: which claim leans on which steps and claims, and where that breaks.

A box holds a claim and the steps of its proof; lines go down to what is leant on. A line to a
REFUTED statement is broken, one to a statement that is not PROVED is open. That what leans on a
failure is itself PROVED is no contradiction: its printed proof fails, its statement need not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dsmverify.claims import ClaimOutcome
from dsmverify.dependencies import edges, reachable
from dsmverify.report.html.claims import anchor
from dsmverify.report.html.drawing.layers import (
    Edge,
    Layout,
    Point,
    components,
    lay_out,
    without_shortcuts,
)
from dsmverify.report.model import Report
from dsmverify.report.text import plain

MAIN = "thm08"
"""The claim, all its readings, whose supports are emphasised."""

NOT_CHECKED = "not checked"
_STATES = ("PROVED", "HOLDS", "UNDECIDED", "VACUOUS", "REFUTED", NOT_CHECKED)

_MARGIN = 12.0
_PADDING = 9.0
_WRAP = 1180.0
_CLAIM_HEIGHT, _STEP_HEIGHT = 36.0, 22.0
_CLAIM_LETTER, _STEP_LETTER, _NOTE_LETTER = 7.3, 6.7, 6.1
"""Width of a letter of the monospaced font: 0.61 em at 12, 11 and 10 px."""
_ICON = 16.0
_LONGEST = 32
"""Letters of a name that the picture shows; its tooltip and the list show all of them."""

_GLYPHS: Mapping[str, str] = {
    "PROVED": "M-4 0.5L-1.2 3.5L4.2 -3.5",
    "REFUTED": "M-3.8 -3.8L3.8 3.8M3.8 -3.8L-3.8 3.8",
    "HOLDS": "M-4.2 1.4C-2.6 -2.6 -0.8 -2.2 0 0S2.6 2.6 4.2 -1.4",
    "UNDECIDED": "M-2.6 -2.2C-2.4 -5.6 3.4 -5 2.4 -1.6C1.8 -0.2 0 0 0 2M0 4.1L0 4.6",
    "VACUOUS": "M0 -4A4 4 0 1 0 0.01 -4ZM-3.6 4.4L3.6 -4.4",
    NOT_CHECKED: "M-3.5 0L3.5 0",
}


@dataclass(frozen=True)
class _Node:
    """One statement of the graph.

    Attributes:
        name: id.
        label: what the picture shows of it: steps leave out what the id of their claim says.
        state: verdict, or that the report has none.
        is_claim: rather than a step.
        words: the statement.
        failing: how many REFUTED statements it leans on, directly or not.
        repaired: repaired forms with their verdicts.
    """

    name: str
    label: str
    state: str
    is_claim: bool
    words: str
    failing: int
    repaired: str

    @property
    def height(self) -> float:
        return _CLAIM_HEIGHT if self.is_claim else _STEP_HEIGHT

    @property
    def note(self) -> str:
        return f"{self.state}, {self.failing} fail below" if self.failing else self.state

    @property
    def width(self) -> float:
        letters = len(plain(self.label)) * (_CLAIM_LETTER if self.is_claim else _STEP_LETTER)
        if self.is_claim:
            letters = max(letters, len(self.note) * _NOTE_LETTER)
        return letters + _ICON + 12


@dataclass(frozen=True)
class _Graph:
    """Statements, what each leans on, the boxes they stand in, and what the main claim needs."""

    nodes: Mapping[str, _Node]
    leans: Mapping[str, tuple[str, ...]]
    boxes: Mapping[str, list[str]]
    main: tuple[str, ...]
    needed: frozenset[str]

    @property
    def edges(self) -> list[Edge]:
        return [(upper, lower) for upper, ids in self.leans.items() for lower in ids]

    def standing(self, edge: Edge) -> str:
        """Whether an edge carries: `sound`, `open` or `broken`."""
        state = self.nodes[edge[1]].state
        return {"PROVED": "sound", "REFUTED": "broken"}.get(state, "open")

    def is_needed(self, edge: Edge) -> bool:
        return edge[0] in self.needed and edge[1] in self.needed


def draw(report: Report) -> Markup:
    """The graph of the printed claims and steps: a sentence, a legend, a picture, the same as list.

    Nodes link to the rows of the claims' table. The picture is wider than a telephone: it scrolls
    in a region of its own, which the keyboard can reach.
    """
    graph = _read(report.claims)
    if not graph.nodes:
        return Markup('<p class="graph-summary">No claim was checked.</p>')
    summary = _summary(graph)
    return Markup(
        '<div class="graph">\n<p class="graph-summary">{}</p>\n{}\n'
        '<div class="graph-scroll" role="region" tabindex="0" '
        'aria-label="Dependency graph, scrolls">\n{}\n</div>\n'
        '<details class="graph-list"><summary>The graph as a list</summary>\n{}\n</details>\n</div>'
    ).format(summary, _legend(graph), _picture(graph, summary), _list(graph))


def _read(outcomes: Sequence[ClaimOutcome]) -> _Graph:
    """The graph of the printed forms, and of whatever they lean on."""
    by_id = {outcome.claim.id: outcome for outcome in outcomes}
    whole = edges(outcome.claim for outcome in outcomes)
    printed = [name for name, outcome in by_id.items() if outcome.claim.form == "printed"]
    chosen = dict.fromkeys(printed or by_id)
    for name in list(chosen):
        chosen |= dict.fromkeys(reachable(name, whole))
    leans = {
        name: tuple(other for other in whole.get(name, ()) if other != name) for name in chosen
    }
    repaired: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.claim.repairs is not None:
            text = f"{outcome.claim.id} ({outcome.verdict})"
            repaired.setdefault(outcome.claim.repairs, []).append(text)
    nodes: dict[str, _Node] = {}
    boxes: dict[str, list[str]] = {}
    for name in sorted(chosen, key=lambda name: (_kind(by_id.get(name)) != "claim", name)):
        found = by_id.get(name)
        below = [by_id[other] for other in reachable(name, leans) if other in by_id]
        nodes[name] = _Node(
            name=name,
            label=_label(name, found),
            state=found.verdict if found else NOT_CHECKED,
            is_claim=_kind(found) == "claim",
            words=found.claim.statement if found else "not in this report",
            failing=sum(other.verdict == "REFUTED" for other in below),
            repaired=", ".join(repaired.get(name, ())),
        )
        served = found.claim.serves if found and found.claim.serves else name
        boxes.setdefault(served.partition("@")[0], []).append(name)
    main = tuple(name for name in nodes if name.partition("@")[0] == MAIN)
    needed = {*main, *(other for name in main for other in reachable(name, leans))}
    return _Graph(nodes, leans, boxes, main, frozenset(needed))


def _kind(outcome: ClaimOutcome | None) -> str:
    return outcome.claim.kind if outcome else "claim"


def _label(name: str, outcome: ClaimOutcome | None) -> str:
    """`.b` for `thm08.b` in the box of `thm08`; other names in full, unless they are very long."""
    stem, dot, rest = name.partition(".")
    served = (outcome.claim.serves or "") if outcome and outcome.claim.kind == "step" else ""
    label = dot + rest if rest and served.startswith(stem) else name
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def _summary(graph: _Graph) -> str:
    standings = [graph.standing(edge) for edge in graph.edges]
    text = (
        f"{len(graph.nodes)} statements, {len(standings)} lines between them: "
        f"{standings.count('broken')} lead to a REFUTED statement, {standings.count('open')} to "
        "one that is not PROVED."
    )
    if graph.main:
        below = [graph.nodes[name].state for name in graph.needed if name not in graph.main]
        text += (
            f" {MAIN} leans, directly or not, on {len(below)} statements: "
            f"{below.count('REFUTED')} of them REFUTED, "
            f"{sum(state not in {'PROVED', 'REFUTED'} for state in below)} not PROVED."
        )
    return text


def _legend(graph: _Graph) -> Markup:
    present = {node.state for node in graph.nodes.values()}
    items = [
        Markup(
            '<li><svg class="graph-key state-{}" viewBox="-8 -8 16 16" aria-hidden="true">{}</svg>'
            "{}</li>"
        ).format(_css(state), _glyph(state), state)
        for state in _STATES
        if state in present
    ]
    lines = {
        "sound": "leans on a PROVED statement",
        "broken": "broken: leans on a REFUTED one",
        "open": "open: leans on one that is not PROVED",
    }
    items += [
        Markup(
            '<li><svg class="graph-key graph-key-line" viewBox="0 0 34 16" aria-hidden="true">'
            '<path class="edge {}" d="M1 8H33"/></svg>{}</li>'
        ).format(standing, words)
        for standing, words in lines.items()
    ]
    if any(node.failing for node in graph.nodes.values()):
        items.append(Markup("<li>“fail below”: REFUTED statements that it leans on</li>"))
    if graph.main:
        items.append(
            Markup(
                '<li><svg class="graph-key graph-key-line" viewBox="0 0 34 16" aria-hidden="true">'
                '<g class="node needed state-proved"><rect x="2" y="2" width="30" height="12" '
                'rx="4"/></g></svg>strong: what {} leans on</li>'
            ).format(MAIN)
        )
    return Markup('<ul class="graph-legend">{}</ul>').format(Markup("").join(items))


def _picture(graph: _Graph, summary: str) -> Markup:
    box_of = {name: box for box, names in graph.boxes.items() for name in names}
    inner = {box: _inside(graph, names) for box, names in graph.boxes.items()}
    between: dict[Edge, list[Edge]] = {}
    for upper, lower in graph.edges:
        if box_of[upper] != box_of[lower]:
            between.setdefault((box_of[upper], box_of[lower]), []).append((upper, lower))
    sizes = {
        box: (layout.width + 2 * _pad(graph, box), layout.height + 2 * _pad(graph, box))
        for box, layout in inner.items()
    }
    lines: list[Markup] = []
    boxes: list[Markup] = []
    width = height = shelf = 0.0
    at = _MARGIN
    for group in components(list(graph.boxes), between):
        layout = lay_out(
            {box: sizes[box] for box in group},
            [edge for edge in between if edge[0] in group],
            gap=18,
            drop=56,
        )
        if at > _MARGIN and at + layout.width > max(_WRAP, width) - _MARGIN:
            at, shelf = _MARGIN, height
        corner = (at, shelf + _MARGIN)
        at += layout.width + 18
        width = max(width, at - 18 + _MARGIN)
        height = max(height, shelf + _MARGIN + layout.height + _MARGIN)
        lines += [
            _line(graph, between[edge], f"{edge[0]} leans on {edge[1]}", _moved(route, corner))
            for edge, route in layout.routes.items()
        ]
        for box in group:
            place = _moved([layout.places[box]], corner)[0]
            boxes.append(_box(graph, box, inner[box], place, sizes[box]))
    return Markup(
        '<svg class="graph-picture" role="group" aria-labelledby="graph-title graph-desc" '
        'viewBox="0 0 {w} {h}" width="{w}" height="{h}" style="--graph-width: {w}px">\n'
        '<title id="graph-title">What leans on what</title>\n<desc id="graph-desc">{summary} The '
        "list below the picture says the same.</desc>\n{lines}\n{boxes}\n</svg>"
    ).format(
        w=_number(width),
        h=_number(height),
        summary=summary,
        lines=Markup("\n").join(lines),
        boxes=Markup("\n").join(boxes),
    )


def _inside(graph: _Graph, names: Sequence[str]) -> Layout:
    """The statements of one box, claims above their steps."""
    inside = set(names)
    own = [edge for edge in graph.edges if edge[0] in inside and edge[1] in inside]
    return lay_out(
        {name: (graph.nodes[name].width, graph.nodes[name].height) for name in names},
        without_shortcuts(own),
        gap=7,
        drop=18,
    )


def _pad(graph: _Graph, box: str) -> float:
    return _PADDING if len(graph.boxes[box]) > 1 else 0.0


def _box(
    graph: _Graph, box: str, layout: Layout, place: Point, size: tuple[float, float]
) -> Markup:
    pad = _pad(graph, box)
    corner = (place[0] + pad, place[1] + pad)
    parts = []
    if pad:
        needed = any(name in graph.needed for name in graph.boxes[box])
        parts.append(
            Markup('<rect class="box{}" x="{}" y="{}" width="{}" height="{}" rx="9"/>').format(
                " needed" if needed else "", *map(_number, (*place, *size))
            )
        )
    parts += [
        _line(graph, [edge], f"{edge[0]} leans on {edge[1]}", _moved(route, corner))
        for edge, route in layout.routes.items()
    ]
    parts += [
        _chip(graph, graph.nodes[name], _moved([layout.places[name]], corner)[0])
        for name in graph.boxes[box]
    ]
    return Markup("<g>{}</g>").format(Markup("\n").join(parts))


def _chip(graph: _Graph, node: _Node, place: Point) -> Markup:
    text = Markup('<text class="name" x="{}" y="{}">{}</text>').format(
        _number(_ICON + 6), 15, plain(node.label)
    )
    if node.is_claim:
        text += Markup('<text class="note" x="{}" y="28">{}</text>').format(
            _number(_ICON + 6), node.note
        )
    shape = Markup(
        '<title>{}</title><rect width="{}" height="{}" rx="{}"/><g transform="translate(13 {})">{}'
        "</g>{}"
    ).format(
        _title(node),
        _number(node.width),
        _number(node.height),
        6 if node.is_claim else 11,
        _number(node.height / 2),
        _glyph(node.state),
        text,
    )
    kinds = f"{'claim' if node.is_claim else 'step'} state-{_css(node.state)}"
    if node.name in graph.needed:
        kinds += " needed"
    moved = Markup('transform="translate({} {})"').format(*map(_number, place))
    if node.state == NOT_CHECKED:
        return Markup('<g class="node {}" {}>{}</g>').format(kinds, moved, shape)
    return Markup('<a class="node {}" {} href="{}" tabindex="-1">{}</a>').format(
        kinds, moved, _address(node.name), shape
    )


def _line(graph: _Graph, meant: Sequence[Edge], words: str, route: Sequence[Point]) -> Markup:
    standings = [graph.standing(edge) for edge in meant]
    standing = next(word for word in ("broken", "open", "sound") if word in standings)
    if len(meant) > 1 or f"{meant[0][0]} leans on {meant[0][1]}" != words:
        words += ": " + ", ".join(f"{upper} on {lower}" for upper, lower in meant)
    if standing != "sound":
        ends = dict.fromkeys(
            lower for (_, lower), found in zip(meant, standings, strict=True) if found == standing
        )
        words += f"; {standing}: " + ", ".join(
            f"{name} is {graph.nodes[name].state}" for name in ends
        )
    needed = " needed" if any(graph.is_needed(edge) for edge in meant) else ""
    return Markup('<path class="edge {}{}" d="{}"><title>{}</title></path>').format(
        standing, needed, _curve(route), plain(words)
    )


def _curve(route: Sequence[Point]) -> str:
    """A path that leaves and arrives vertically wherever it moves sideways."""
    (x, y), *rest = route
    path = f"M{_number(x)} {_number(y)}"
    for right, down in rest:
        if abs(right - x) < 0.05:
            path += f"V{_number(down)}"
        else:
            middle = _number((y + down) / 2)
            path += (
                f"C{_number(x)} {middle} {_number(right)} {middle} {_number(right)} {_number(down)}"
            )
        x, y = right, down
    return path


def _list(graph: _Graph) -> Markup:
    entries = []
    for names in graph.boxes.values():
        for name in names:
            node = graph.nodes[name]
            if node.state == NOT_CHECKED:
                continue  # it stands where something leans on it
            below = Markup(", ").join(
                Markup("{}{}").format(
                    _link(graph.nodes[other]),
                    ""
                    if graph.nodes[other].state == "PROVED"
                    else f" ({graph.nodes[other].state})",
                )
                for other in graph.leans[name]
            )
            also = f" Repaired form: {plain(node.repaired)}." if node.repaired else ""
            entries.append(
                Markup("<li>{} ({}) leans on {}.{}</li>").format(
                    _link(node), node.state, below or "nothing else", also
                )
            )
    return Markup("<ul>\n{}\n</ul>").format(Markup("\n").join(entries))


def _link(node: _Node) -> Markup:
    if node.state == NOT_CHECKED:
        return Markup("{}").format(plain(node.name))
    return Markup('<a href="{}">{}</a>').format(_address(node.name), plain(node.name))


def _title(node: _Node) -> str:
    text = f"{node.name}: {node.state}. {node.words}"
    if node.repaired:
        text += f" Repaired form: {node.repaired}."
    return plain(text)


def _glyph(state: str) -> Markup:
    return Markup('<path class="glyph" d="{}"/>').format(_GLYPHS[state])


def _address(name: str) -> str:
    return f"#{anchor(name)}"


def _css(state: str) -> str:
    return state.lower().replace(" ", "-")


def _moved(route: Iterable[Point], corner: Point) -> list[Point]:
    return [(x + corner[0], y + corner[1]) for x, y in route]


def _number(value: float) -> str:
    """Coordinates with one digit: enough for a screen, and the same everywhere."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")  # + 0.0: no -0
