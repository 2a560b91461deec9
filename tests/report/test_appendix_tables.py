"""Tables for a paper's appendix: what they hold, and how each format writes it."""

from __future__ import annotations

import csv
import hashlib
import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import mpmath
import pytest

from dsmverify.errors import InputError
from dsmverify.report import paper
from dsmverify.report.paper import (
    Appendix,
    commas,
    content,
    expressions,
    html,
    latex,
    markdown,
    rounding,
)
from dsmverify.report.paper.cells import Cell, Column, PaperTable
from dsmverify.report.paper.source import FIGURE_2
from dsmverify.report.tables import Table
from tests.report import outcomes

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    r"\input{/etc/passwd}",
    "# % & $ _ ^ ~ { } \\",
    "\u03c3 \u2264 \u03bc\u00b2 <= >= \u221e",
    "na\u00efve caf\u00e9 Erd\u0151s \u0141\u00f3d\u017a \u4e2d",
    "<script>alert(1)</script>",
    "a|b ** c ** `d` [e](f)",
    "=cmd|' /C calc'!A0",
    "[3pt] * x",
    "x" * 90,
    "-- ,, ?` !` << >> '' ``",
    "line\nbreak\ttab \x1b[31m",
)
TEX = shutil.which("pdflatex")
needs_tex = pytest.mark.skipif(
    TEX is None, reason="no pdflatex: the LaTeX tables are not compiled (see .ci/run)"
)

SCENARIOS = Table.of(
    "thm08-constants",
    "Constants",
    "A note.",
    (
        "scenario",
        "for",
        "variation",
        "threshold",
        "excess risk",
        "does not follow",
        "leans on what fails",
    ),
    [
        ("as printed", "n >= 10", "1/2048", "4096", "pi/3", "variation", "a, b"),
        ("two lean", "n >= 10", "1/4096", "8192", "-", "-", "a, b"),
        ("one leans", "n >= 10", "1/8192", "9000", "-", "-", "b"),
        ("other sizes", "n >= 4", "1/2", "7", "-", "-", "b"),
        ("broken", "n >= 10", "1/3", "3", "-", "threshold", "-"),
        ("sound", "n >= 4", "1/1024", "1024", "-", "-", "-"),
    ],
)
BEST = Table.of(
    "best-constants",
    "Best",
    "A note.",
    ("claim", "n", "infimum", "lower end by"),
    [("prop02a", "2", "[31.4056180049, 31.4056180050]", "boxes")],
)


def rows(table: PaperTable) -> list[dict[str, Cell]]:
    heads = [column.head for column in table.columns]
    return [dict(zip(heads, row, strict=True)) for row in table.rows]


def stored(folder: Path, **fields: Any) -> Path:
    """A small report on disk: a claim of each kind that the tables tell apart."""
    claims = [
        outcomes.claim("refuted", severity="constant"),
        outcomes.claim("holds"),
        outcomes.claim("open"),
        outcomes.claim("thm08@sum"),
        outcomes.claim("refuted.r1", form="repaired", repairs="refuted", change="a smaller one"),
    ]
    why = "sigma <= sigma_0: 0.5 <= 0.1"
    answers = [
        outcomes.row("FALSE", "small", "refuted", slack="0.4996"),
        outcomes.row("TRUE", "large", "refuted", slack="2.001"),
        outcomes.row("TRUE", "small", "holds", slack="1000"),
        outcomes.row("TRUE", "large", "holds", trivial=True),
        outcomes.row("NOT_APPLICABLE", "third", "holds", failed_hypothesis=why),
        outcomes.row("UNKNOWN", "small", "open", reason="too few bits"),
        outcomes.row("NOT_APPLICABLE", "small", "thm08@sum", failed_hypothesis=why),
    ]
    fields.setdefault("tables", (SCENARIOS, BEST))
    outcomes.report(answers, claims=claims, **fields).write(folder)
    return folder / "report.json"


def hostile() -> Appendix:
    """A table with every hostile text in every kind of cell that holds text."""
    columns = (
        Column("a_b & c", "text", 0.4),
        Column("name", "name", 0.4),
        Column("=1+1", "verdict", 0.2),
        Column("n", "count"),
    )
    cells = [(text, text, text, index) for index, text in enumerate(HOSTILE)]
    table = PaperTable.of("hostile", "100 % <b>_x_</b> \\", HOSTILE[0], columns, cells)
    return Appendix({"arb": "#1_%"}, "0" * 64, (table,), ("_ left # out",))


@pytest.fixture(scope="module")
def referee() -> Appendix:
    return paper.read(ROOT / "reports" / "referee", ROOT / "reports" / "figures")


# Numbers.


def test_enclosures_are_rounded_outward_to_what_is_certain() -> None:
    draw = random.Random(7)
    for _ in range(2000):
        middle = Fraction(draw.randint(-(10**12), 10**12), 10 ** draw.randint(0, 20))
        radius = Fraction(draw.randint(0, 10**4), 10 ** draw.randint(4, 24))
        lower, upper = _decimal(middle - radius), _decimal(middle + radius)
        found = rounding.enclosure(lower, upper)
        assert found is not None
        low, high = map(Decimal, found)
        assert Fraction(low) <= Fraction(lower)
        assert Fraction(upper) <= Fraction(high)
        place = max(_exponent(low), _exponent(high))
        certain = high - low <= 2 * Decimal(1).scaleb(place)
        digits = max(len(low.as_tuple().digits), len(high.as_tuple().digits))
        assert digits <= (7 if certain else 2)  # 7: 9.99999 becomes 10.00000


def _decimal(value: Fraction) -> str:
    """Exact: the denominators are powers of ten."""
    return f"{Decimal(value.numerator * 10**44 // value.denominator).scaleb(-44):f}"


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def test_an_enclosure_that_is_wide_shows_no_more_than_two_digits() -> None:
    assert rounding.enclosure("0.314159", "40.0001") == ("0.31", "41")
    assert rounding.enclosure("0.49999999", "0.50000001") == ("0.499999", "0.500001")
    assert rounding.enclosure("nan", "1") is None


def test_magnitudes_are_rounded_down() -> None:
    draw = random.Random(8)
    texts = [f"{draw.randint(1, 9999)}e{draw.randint(-300, 300)}" for _ in range(200)]
    for text in [*texts, "1000", "1e-7", "9.999e99"]:
        found = rounding.magnitude(text)
        assert found is not None
        hundredths = int(Decimal(found) * 100)
        power = Fraction(text) ** 100
        assert Fraction(10) ** hundredths <= power < Fraction(10) ** (hundredths + 1)
    assert rounding.magnitude("9" * 70) == "69.99"  # nearest, in 60 digits, is 70
    assert rounding.magnitude("0") is rounding.magnitude("-1") is rounding.magnitude("?") is None


def test_directed_rounding_of_single_numbers() -> None:
    assert (rounding.down("0.99999", 3), rounding.up("0.99991", 3)) == ("0.999", "1.00")
    assert (rounding.down("-0.0019", 1), rounding.up("-0.0019", 1)) == ("-0.002", "-0.001")
    assert (rounding.nearest("0.4414", 3), rounding.nearest("inf", 3)) == ("0.441", "inf")
    assert rounding.nearest("", 3) is None


def test_expressions_are_enclosed() -> None:
    with mpmath.workdps(40):
        half = mpmath.mpf(1) / 2
        values = {
            "pi*exp(-1/2)/68719476736": mpmath.pi * mpmath.exp(-half) / 2**36,
            "(1/2048 - exp(-32)/1024)*(1 - sqrt(2)/4)**3": (
                (half**11 - mpmath.exp(-32) * half**10) * (1 - mpmath.sqrt(2) / 4) ** 3
            ),
            "-log(2) + 3": 3 - mpmath.log(2),
        }
        for text, true in values.items():
            found = expressions.enclose(text)
            assert found is not None
            low, high = map(mpmath.mpf, found)
            assert low < true < high
            assert high - low < true / 10**5


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "9**9**9",
        "2**65",
        "2**-3",
        "2**True",
        "1/0",
        "sqrt(-1)",
        "sigma_2",
        "exp(1, 2)",
        "(" * 400,
        "1+" * 300 + "1",
        "",
        "'a'",
        "True",
        "1" * 41,
    ],
)
def test_what_is_no_constant_expression_is_not_evaluated(text: str) -> None:
    assert expressions.enclose(text) is None


# What the tables hold.


def test_verdicts_stand_with_what_is_no_pass_beside_them(tmp_path: Path) -> None:
    appendix = paper.read(stored(tmp_path))
    tables = {table.name: table for table in appendix.tables}
    found = {row["claim"]: row for row in rows(tables["verdicts"])}
    holds = found["holds"]
    assert (holds["verdict"], holds["detail"]) == ("HOLDS", "k = 1")
    counts = [holds[name] for name in ("TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE", "trivial")]
    assert counts == [1, 0, 0, 1, 1]
    assert found["open"]["verdict"] == "UNDECIDED"
    assert found["open"]["detail"]
    assert (found["refuted"]["verdict"], found["refuted"]["detail"]) == ("REFUTED", "constant")
    assert found["refuted.r1"]["form"] == "repaired"
    totals = {row["outcome"]: row["number"] for row in rows(tables["summary"])}
    assert totals["UNDECIDED"] == sum(row["verdict"] == "UNDECIDED" for row in found.values())
    answers = ("TRUE", "FALSE", "UNKNOWN", "NOT_APPLICABLE", "trivial")
    assert [totals[name] for name in answers] == [2, 1, 1, 2, 1]


def test_slack_stands_tightest_first_in_orders_of_magnitude(tmp_path: Path) -> None:
    (table,) = (one for one in paper.read(stored(tmp_path)).tables if one.name == "slack")
    first, second = rows(table)
    assert (first["claim"], first["least slack"], first["least, log10"]) == (
        "refuted",
        "0.4996",
        "-0.31",
    )
    assert (second["verdict"], second["median, log10"]) == ("HOLDS (k = 1)", "3.00")
    assert second["applicable"] == 2
    assert "3 claims have no slack" in table.note


def test_repairs_stand_with_both_verdicts(tmp_path: Path) -> None:
    (table,) = (one for one in paper.read(stored(tmp_path)).tables if one.name == "repairs")
    (only,) = rows(table)
    assert only["printed"] == "refuted"
    assert (only["verdict"], only["its verdict"]) == ("REFUTED", "UNDECIDED (no_witness)")
    assert (only["form"], only["change"]) == ("refuted.r1", "a smaller one")


def test_constants_are_printed_repaired_and_best_supported() -> None:
    found = [
        (row["constant"], row["form"], row["value"], row["follows"])
        for row in rows(content.constants(SCENARIOS))
    ]
    assert found == [
        ("variation", "printed", "1/2048", "no"),
        ("variation", "repaired", "1/8192", "yes"),
        ("variation", "best supported", "1/1024", "yes"),
        ("threshold", "printed", "4096", "yes"),
        ("threshold", "repaired", "9000", "yes"),
        ("threshold", "best supported", "1024", "yes"),
        ("excess risk", "printed", "pi/3", "yes"),
    ]
    enclosed = [row["certified"] for row in rows(content.constants(SCENARIOS))]
    assert enclosed[0] == ("0.000488281", "0.000488282")
    assert enclosed[-1] == ("1.04719", "1.04720")


def test_best_constants_have_the_digits_that_are_certain() -> None:
    assert rows(content.best(BEST))[0]["infimum"] == ("31.4056", "31.4057")


def test_hypotheses_of_the_theorem_at_each_instance(tmp_path: Path) -> None:
    (table,) = (one for one in paper.read(stored(tmp_path)).tables if one.name == "hypotheses")
    assert table.rows == (("small", "thm08@sum", "NOT_APPLICABLE", "sigma <= sigma_0: 0.5 <= 0.1"),)


def test_one_claim_may_say_two_things_of_an_instance(tmp_path: Path) -> None:
    answers = [
        outcomes.row("UNKNOWN", "small", "thm08", where={"i": str(index)}, reason=reason)
        for index, reason in enumerate((None, "too few bits"))
    ]
    outcomes.report(answers, claims=[outcomes.claim("thm08")]).write(tmp_path)
    (table,) = (one for one in paper.read(tmp_path).tables if one.name == "hypotheses")
    assert [row[-1] for row in table.rows] == [None, "too few bits"]


def test_what_a_report_does_not_have_is_named(tmp_path: Path) -> None:
    left_out = " ".join(paper.read(stored(tmp_path / "r", tables=())).left_out)
    for name in ("thm08-constants", "thm08-chain", "best-constants", "regimes", "fig2.csv"):
        assert name in left_out


def test_figure_2_is_found_beside_the_report_or_where_it_is_named(tmp_path: Path) -> None:
    path = stored(tmp_path / "referee")
    line = "1,0.2,0.5,base,30,0.55649,0.5441,0.4414,0.6721,inf,,0.6,compatible"
    _figure(tmp_path / "figures", line)
    for appendix in (paper.read(path), paper.read(path, tmp_path / "figures")):
        (row,) = rows(appendix.tables[-1])
        assert (row["mean"], row["band"]) == ("0.556", ("0.441", "0.673"))
        assert (row["page"], row["page's band"]) == ("inf", None)
        assert not any("fig2" in sentence for sentence in appendix.left_out)
    (tmp_path / "figures" / "fig2.csv").write_text("another,table\n")
    assert "fig2" in paper.read(path).left_out[-1]
    _figure(tmp_path / "other", "1,2,3")
    with pytest.raises(InputError, match=r"fig2.csv, line 2: --figures: 3, but .* 13 fields"):
        paper.read(path, tmp_path / "other")
    (tmp_path / "other" / "fig2.csv").write_text("mean,median" + 11 * ",x" + "\n")
    with pytest.raises(InputError, match=r"fig2.csv, line 1: --figures: .* columns must be"):
        paper.read(path, tmp_path / "other")
    with pytest.raises(InputError, match=r"--figures: .* cannot be read"):
        paper.read(path, tmp_path / "nowhere")


def _figure(folder: Path, *lines: str) -> None:
    folder.mkdir()
    (folder / "fig2.csv").write_text("\n".join([",".join(FIGURE_2), *lines]) + "\n")


def test_the_digest_is_that_of_the_file_in_every_format(tmp_path: Path) -> None:
    path = stored(tmp_path)
    appendix = paper.read(tmp_path)
    assert appendix.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    for form in paper.FORMATS:
        written = paper.write(appendix, form, tmp_path / form)
        text = "".join(file.read_text() for file in written).replace(r"\allowbreak{}", "")
        assert appendix.digest in text
        assert "dsmverify" in text
        assert "0.1.0" in text


def test_a_cell_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="n: 'x' is no count"):
        PaperTable.of("t", "T", "", [Column("n", "count")], [("x",)])
    with pytest.raises(ValueError, match="zip"):
        PaperTable.of("t", "T", "", [Column("n", "count")], [(1, 2)])


# Formats.


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("100 % #1 & $ a_b", r"100 \% \#1 \& \$ a\_b"),
        ("x^2 ~ |y|", r"x\textasciicircum{}2 \textasciitilde{} \textbar{}y\textbar{}"),
        ("[3pt]*", "{[}3pt{]}{*}"),
        ("\u03c3 <= \u03bc", r"\ensuremath{\sigma} \ensuremath{\le} \ensuremath{\mu}"),
        ("a >= b", r"a \ensuremath{\ge} b"),
        ("--- ,, a-b", "-{}-{}- ,{}, a-b"),
        ("\u00e9\u00ef\u0151 \u4e2d", r"\'{e}" + r"\"{\i }" + r"\H{o} (U+4E2D)"),
        ("<script>", r"\textless{}script\textgreater{}"),
    ],
)
def test_latex_shows_text_as_it_is(text: str, written: str) -> None:
    assert latex.escape(text) == written


def test_long_words_may_break_but_numbers_and_short_words_do_not() -> None:
    assert latex.breakable("sigma_1 <= 0.0001001") == r"sigma\_1 \ensuremath{\le} 0.0001001"
    assert latex.breakable("kappa=0.0001001") == "kappa=0.0001001"
    assert r"midpoint\allowbreak{}{[}fitted" in latex.breakable("ends-on-midpoint[fitted]")
    assert max(map(len, latex.breakable("x" * 90).split(r"\allowbreak{}"))) <= 14


def test_latex_numbers_enclosures_and_missing_cells() -> None:
    columns = (Column("a", "enclosure"), Column("b", "number"), Column("c", "count"))
    cells = [(("1.0", "1.1"), "-1e-9", 12), (("2", "2"), "inf", 7), (None, None, None)]
    text = _latex_rows(columns, cells)
    assert r"{[}\num{1.0}, \num{1.1}{]} & \num{-1e-9} & 12 \\" in text
    assert r"\num{2} & \ensuremath{\infty} & 7 \\" in text
    assert r"{--} & {--} & {--} \\" in text
    assert "S[table-format=2.0]" in text


def test_latex_tables_break_and_have_captions_labels_and_the_version() -> None:
    text = _latex_rows([Column("a")], [("x",)])
    for part in (
        r"\begin{longtable}",
        r"\caption[{T}]{T. N}\label{tab:dsmverify-t}",
        r"\endfirsthead",
        r"\endhead",
        r"\toprule",
        r"\bottomrule",
        r"\renewcommand{\dsmverifyversion}{dsmverify 1\_0;",
    ):
        assert part in text


def test_latex_leaves_out_columns_for_which_there_is_no_room() -> None:
    text = _latex_rows([Column("kept"), Column("dropped", printed=False)], [("x", "y")])
    assert "kept" in text
    assert "dropped" not in text
    assert "\nx \\\\" in text


def _latex_rows(columns: Sequence[Column], cells: Sequence[Sequence[Cell]]) -> str:
    table = PaperTable.of("t", "T", "N", columns, cells)
    return latex.render(Appendix({"dsmverify": "1_0"}, "ab" * 32, (table,)))["tables.tex"]


def test_csv_holds_no_formula_and_two_columns_per_enclosure() -> None:
    files = commas.render(hostile())
    lines = list(csv.reader(files["hostile.csv"].splitlines()))
    assert lines[0] == ["a_b & c", "name", "'=1+1", "n"]
    assert len(lines) == len(HOSTILE) + 1
    for text in ("=1", "+1+1", "-1 (x)", "-1e", "@x", "  =1", "\uff1dx", "\t=1", "-"):
        assert commas.safe(text).startswith("'")
    for text in ("a=1", "-1.7", "+2e-5", "-3."):  # a number is no formula
        assert commas.safe(text) == text
    columns = (Column("a", "enclosure"), Column("b", "number"))
    table = PaperTable.of("t", "T", "", columns, [(("-1", "2"), "-4.2"), (None, None)])
    text = commas.render(Appendix({}, "", (table,)))["t.csv"]
    assert text == "a lower,a upper,b\n-1,2,-4.2\n,,\n"


def test_markdown_rows_have_as_many_cells_as_heads() -> None:
    text = markdown.render(hostile())["tables.md"]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == len(HOSTILE) + 2
    for line in lines:
        assert len(re.findall(r"(?<!\\)\|", line)) == 5
    assert "<script" not in text
    assert "<b>" not in text


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")
        assert all(not name.startswith("on") and name not in {"src", "href"} for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["td"]:
            self.cells[-1] += data


def test_html_shows_text_and_loads_nothing() -> None:
    parser = _Parser()
    parser.feed(html.render(hostile())["tables.html"])
    assert not {"script", "link", "img"} & set(parser.tags)
    assert parser.tags.count("td") == 4 * len(HOSTILE)
    assert parser.tags.count("b") == 1  # ours, around the caption's title
    assert any("<script>alert(1)</script>" in cell for cell in parser.cells)


def test_what_failed_stands_out_on_paper_and_on_the_page() -> None:
    columns = (Column("a", "verdict"), Column("b"))
    table = PaperTable.of("t", "T", "", columns, [("REFUTED", "REFUTED"), ("PROVED", "x")])
    appendix = Appendix({}, "", (table,))
    assert "**REFUTED** | REFUTED |\n| PROVED" in markdown.render(appendix)["tables.md"]
    assert r"\textbf{REFUTED} & REFUTED \\" in latex.render(appendix)["tables.tex"]
    assert html.render(appendix)["tables.html"].count('class="verdict fails"') == 1


def test_the_referee_report_has_every_table(referee: Appendix) -> None:
    assert [table.name for table in referee.tables] == [
        "summary",
        "verdicts",
        "constants",
        "chain",
        "best",
        "repairs",
        "slack",
        "regimes",
        "hypotheses",
        "figure2",
    ]
    assert not referee.left_out
    assert all(table.rows for table in referee.tables)
    chain = rows(referee.tables[3])
    assert all(row["certified"] is not None for row in chain)
    constants = rows(referee.tables[2])
    forms = {row["form"] for row in constants}
    assert forms == {"printed", "repaired", "best supported"}


# A real TeX.


def _compiled(folder: Path) -> str:
    """The log of the last run: the widths of long tables settle in the second or third."""
    assert TEX is not None
    log = "Rerun"
    for _ in range(4):
        if "Rerun" not in log:
            break
        run = subprocess.run(
            [TEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "appendix.tex"],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, run.stdout[-2000:]
        log = (folder / "appendix.log").read_text(errors="replace")
    assert "Rerun" not in log
    return log


def _pages(log: str) -> int:
    found = re.search(r"\((\d+) pages?,", log)
    assert found is not None
    return int(found.group(1))


@needs_tex
def test_hostile_texts_compile_and_are_shown(tmp_path: Path) -> None:
    paper.write(hostile(), "latex", tmp_path)
    log = _compiled(tmp_path)
    assert "Missing character" not in log
    if shutil.which("pdftotext"):
        subprocess.run(["pdftotext", "appendix.pdf"], cwd=tmp_path, check=True, timeout=60)
        shown = re.sub(r"\s", "", (tmp_path / "appendix.txt").read_text())
        assert r"\input{/etc/passwd}" in shown
        assert "root:" not in shown
        assert "U+4E2D" in shown


@needs_tex
def test_the_referee_report_compiles_within_the_margins(referee: Appendix, tmp_path: Path) -> None:
    paper.write(referee, "latex", tmp_path)
    log = _compiled(tmp_path)
    assert "Overfull" not in log
    assert "undefined" not in log
    assert _pages(log) > 10
