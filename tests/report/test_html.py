"""`report.html` as a document: what stands where, that it is safe, complete and always the same."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

import dsmverify
from dsmverify import cli
from dsmverify.claims import ClaimOutcome, Enclosure, Hypothesis, Range, Row
from dsmverify.errors import InputError, OutputError
from dsmverify.report import VERDICTS, Expected, Input, Report, from_json, html
from dsmverify.report import json as report_json
from dsmverify.report.html import claims as claim_views
from dsmverify.report.html import records
from tests.report.outcomes import claim, report, row, side

ROOT = Path(__file__).resolve().parents[2]
REFEREE = ROOT / "reports" / "referee" / "report.json"
OLD = Path(__file__).parent / "stored" / "1.1.json"
SECTIONS = ("summary", "claims", "graph", "regime", "pictures", "records", "inputs", "versions")
HYPOTHESES = (
    Hypothesis("Delta >= 2 sigma/mu", side, ">=", side),
    Hypothesis("n >= 4", side, ">=", side),
)


def _mixed(**fields: Any) -> Report:
    rows = [
        row("TRUE", "small", slack="2.5e+4000", where={"i": "1"}, hypothesis_slack=("3.5", None)),
        row("FALSE", "large", slack="0.5", bits=128, hypothesis_slack=("1.25", "2")),
        row("UNKNOWN", "third", reason="budget", hypothesis_slack=("4", "1.000")),
        row(
            "NOT_APPLICABLE",
            "fourth",
            failed_hypothesis="Delta >= 2 sigma/mu",
            hypothesis_slack=("0.25", None),
        ),
        row("TRUE", "fifth", trivial=True),
        row("TRUE", "small", "thm04", slack="83.28"),
        row("TRUE", "small", "thm04.a", slack="7"),
    ]
    claims = (
        claim(
            remark="pi is 0 outside",
            severity="constant",
            hypotheses=HYPOTHESES[:1],
            range=Range(where=HYPOTHESES[1:]),
            leans_on=("lem13", "thm04.a"),
        ),
        claim("thm04", leans_on=("prop02a",)),
        claim("thm04.a", kind="step", serves="thm04"),
        claim("prop02a.r1", form="repaired", repairs="prop02a", change="a factor 2"),
    )
    inputs = (Input("iris", 35, 115, ("points were sorted",)), Input("gen", 2, generated="seed 1"))
    return report(rows, claims=claims, **{"inputs": inputs, **fields})


def _page(shown: Report, **options: Any) -> BeautifulSoup:
    return BeautifulSoup(html.render(shown, **options), "html.parser")


def _element(page: BeautifulSoup | Tag, selector: str) -> Tag:
    found = page.select(selector)
    assert len(found) == 1, (selector, len(found))
    return found[0]


def _detail(page: BeautifulSoup, name: str) -> Tag:
    line = _element(page, f'tr.claim[id="claim-{name}"]')
    detail = line.find_next_sibling("tr")
    assert isinstance(detail, Tag)
    return detail


def _facts(part: Tag) -> dict[str, str]:
    return {
        " ".join(entry.select("dt")[0].get_text().split()): " ".join(
            entry.select("dd")[0].get_text().split()
        )
        for entry in part.select(".facts > div")
    }


def test_landmarks_and_sections() -> None:
    page = _page(_mixed())
    for name in ("header", "nav", "main", "footer", "h1", "head > title"):
        _element(page, name)
    for name in SECTIONS:
        assert _element(page, f"main > section#{name}").select("h2")
    assert _element(page, "a.skip")["href"] == "#summary"
    assert _element(page, "html")["lang"] == "en"
    ids = [str(tag["id"]) for tag in page.select("[id]")]
    assert len(ids) == len(set(ids))
    for link in page.select('a[href^="#"]'):
        assert str(link["href"])[1:].replace("%40", "@") in ids, link
    for label in page.select("label"):
        assert label["for"] in ids


def test_first_screen_has_all_counts() -> None:
    page = _page(_mixed())
    counted = {str(b["data-count"]): b.get_text() for b in page.select("#summary [data-count]")}
    assert counted == {
        **{"PROVED": "0", "REFUTED": "1", "HOLDS": "2", "VACUOUS": "0", "UNDECIDED": "1"},
        **{"TRUE": "3", "FALSE": "1", "UNKNOWN": "1", "NOT_APPLICABLE": "1", "trivial": "1"},
    }
    assert set(VERDICTS) <= set(counted)


def test_what_failed_is_linked() -> None:
    page = _page(_mixed())
    failed = _element(page, "#summary .failures li")
    assert _element(failed, "a")["href"] == "#claim-prop02a"
    assert "FALSE at 1 of 4 applicable; at large with slack 0.5" in failed.get_text()
    assert "constant" in _element(page, "details.severity > summary").get_text()
    undecided, *held = page.select("#summary .open li")
    assert "prop02a.r1" in undecided.get_text() and "UNDECIDED" in undecided.get_text()
    assert all("no proof" in entry.get_text() for entry in held)


def test_mismatches_come_first_and_only_if_there_are_any() -> None:
    quiet = _page(_mixed())
    assert not quiet.select(".alarm")
    assert "No answer contradicts a recorded verdict." in _element(quiet, "#summary").get_text()
    shown = _mixed(expected={"prop02a": Expected("PROVED", "by <the> book")})
    page = _page(shown)
    alarm = _element(page, "#summary .alarm")
    assert "1 result is not what is on record" in alarm.get_text()
    assert "by <the> book" in alarm.get_text() and "PROVED" in alarm.get_text()
    text = html.render(shown)
    assert text.index('class="alarm"') < text.index("data-count")


def test_rows_of_the_claims_table() -> None:
    page = _page(_mixed())
    lines = page.select("#claims-table tr.claim")
    assert [line["id"] for line in lines] == [
        *("claim-prop02a", "claim-prop02a.r1", "claim-thm04", "claim-thm04.a"),
    ]
    first = lines[0]
    assert first["data-verdict"] == "REFUTED" and first["data-kind"] == "claim"
    assert first["data-source"] == "proposition 2" and first["data-slack"] == "0.5"
    assert [line["data-form"] for line in lines] == ["printed", "repaired", "printed", "printed"]
    # By least slack: 0.5, 7, 83.28, and last the one that has none.
    assert [line["data-rank"] for line in lines] == ["0", "3", "2", "1"]
    for line in lines:
        button = _element(line, "button")
        assert button["aria-expanded"] == "false" and line.select(":scope > :first-child button")
        assert button.get_text() == str(line["id"]).removeprefix("claim-")
        detail = line.find_next_sibling("tr")
        assert isinstance(detail, Tag) and detail["class"] == ["detail"]
        assert detail["id"] == button["aria-controls"]
        assert detail.select("details > summary"), "openable without a script"
    cells = [cell.get_text() for cell in first.select("td")]
    assert cells[-7:] == ["4", "1", "1", "1", "1", "1", "0.5"]


def test_a_claim_opens_to_its_facts() -> None:
    page = _page(_mixed(expected={"prop02a": Expected("REFUTED", "known since long")}))
    detail = _detail(page, "prop02a")
    facts = _facts(detail)
    assert facts["source"] == "proposition 2, p. 7, arXiv 2502.03435v1"
    assert facts["answers"] == "1 TRUE, 1 FALSE, 1 UNKNOWN, 1 trivial, 1 not applicable"
    assert facts["slack"] == "least 0.5, median 0.5"
    assert facts["severity"] == "constant" and facts["convention"] == "pi is 0 outside"
    assert facts["recorded verdict"] == "REFUTED: known since long"
    assert facts["leans on"] == "lem13 thm04.a HOLDS"
    assert facts["what leans on it"] == "thm04 HOLDS"
    assert facts["repaired by"] == "prop02a.r1 UNDECIDED"
    assert _facts(_detail(page, "prop02a.r1"))["repairs"] == "prop02a REFUTED"
    assert _facts(_detail(page, "prop02a.r1"))["changed"] == "a factor 2"
    assert _facts(_detail(page, "thm04"))["steps of its proof"] == "thm04.a HOLDS"
    assert _facts(_detail(page, "thm04.a"))["step of"] == "thm04 HOLDS"
    statement = _element(detail, ".body > .statement")
    assert statement["title"] == "V[W(m_i)] >= (x_i - x_{i+1})^2 / (2n)"
    assert statement.select("math mfrac")
    assert statement["title"] in _element(detail, ".plain").get_text()
    sides = [cell.get_text() for cell in detail.select(".sides tbody tr:first-child > *")]
    assert sides == ["witness", "large", "FALSE", "-", "[1.0, 1.1]", "[2.0, 2.1]", "0.5", "128"]


def test_hypotheses_with_their_slack() -> None:
    detail = _detail(_page(_mixed()), "prop02a")
    first, second = (entry.get_text() for entry in detail.select(".assumptions li"))
    assert "at 4 instances, least 0.25 at fourth; it fails at 1 of them" in " ".join(first.split())
    assert "at 2 instances, least 1.000 at third; it holds at all of them" in " ".join(
        second.split()
    )
    assert "None beyond the setting." in _detail(_page(_mixed()), "thm04").get_text()


def test_an_old_report_says_what_it_does_not_record() -> None:
    page = _page(report_json.read(OLD))
    assert "Not recorded in this report." in _element(page, "#regime").get_text()
    details = page.select("tr.detail")
    assert details
    for detail in details:
        assert "Not recorded in this report." in detail.get_text()
    assert "not recorded in this report" in _element(page, "#inputs").get_text()


def test_sources_are_filtered_by_what_they_belong_to() -> None:
    assert claim_views.group("proof of proposition 9, step a") == "proposition 9"
    assert claim_views.group("remark on theorem 4") == "theorem 4"
    assert claim_views.group("corollary 3, eq. 10") == "corollary 3"
    assert claim_views.group("eq. 17") == "eq. 17"
    assert claim_views.group("") == ""
    options = _element(_page(_mixed()), "#filter-source").select("option")
    assert [option["value"] for option in options] == ["", "proposition 2"]
    assert options[1].get_text() == "proposition 2 (4)"


def _island(page: BeautifulSoup) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_element(page, "#records-data").get_text())
    return found


def test_the_island_holds_every_row() -> None:
    shown = _mixed()
    island = _island(_page(shown))
    columns, words = island["columns"], island["words"]
    claims = [
        name
        for name, count in zip(island["claims"], island["counts"], strict=True)
        for _ in range(count)
    ]
    read = [
        (
            claims[index],
            *(words[name][columns[name][index]] for name in ("instance", "slack", "left", "note")),
            island["answers"][columns["answer"][index]],
            words["hypotheses"][columns["hypotheses"][index]],
        )
        for index in range(len(claims))
    ]
    assert read == [
        (
            one.claim,
            one.instance,
            one.slack or "",
            records.side(one.lhs),
            one.failed_hypothesis or one.reason or "",
            "trivial" if one.trivial else one.answer,
            "\t".join(slack or "-" for slack in one.hypothesis_slack),
        )
        for one in shown.rows
    ]
    assert all(len(column) == len(shown.rows) for column in columns.values())


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--", "]]>&amp;\u2028", 'a"b\\c', "\ud800"]
)
def test_no_text_leaves_the_island(text: str) -> None:
    rows = [row("FALSE", text, reason=text, where={text: text})]
    shown = report(rows, claims=(claim(statement=text),))
    source = html.render(shown)
    start = source.index('id="records-data">') + len('id="records-data">')
    raw = source[start : source.index("</script>", start)]
    assert raw.isascii() and not set("<>&") & set(raw)
    assert json.loads(raw)["counts"] == [1]
    assert len(_page(shown).select("script")) == 3


def test_the_page_asks_for_nothing() -> None:
    text = html.render(_mixed())
    page = BeautifulSoup(text, "html.parser")
    policy = _element(page, 'meta[http-equiv="Content-Security-Policy"]')["content"]
    assert str(policy).startswith("default-src 'none';")
    assert not page.select("[src], iframe, object, embed, base")
    for tag in page.select("[href]"):
        address = str(tag["href"])
        assert re.match(r"#|data:,$|(report|explorer|junit)\.[a-z]+$", address), address
    assert "url(" not in text and "@import" not in text
    assert not re.search(r"<[^>]+\son[a-z]+=", text)
    script = (Path(html.__file__).parent / "page.js").read_text()
    assert not re.search(
        r"innerHTML|insertAdjacent|document\.write|eval\(|fetch\(|import\(", script
    )


def test_the_same_report_gives_the_same_page() -> None:
    first = _mixed()
    second = Report(
        claims=first.claims[::-1],
        rows=first.rows[::-1],
        inputs=first.inputs[::-1],
        versions=first.versions,
        timings={"all": 99.0},
    )
    assert html.render(first) == html.render(second)
    assert html.render(from_json(report_json.render(first))) == html.render(first)


def test_controls_are_shown_as_such() -> None:
    shown = report([row("FALSE", "bell\x07\x1b[31m")], claims=(claim(statement="x \x00 \u202e"),))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", html.render(shown))


def test_a_report_without_claims_or_rows() -> None:
    page = _page(Report(claims=()))
    assert _element(page, "#claims-shown").get_text() == "0 of 0"
    assert "0 claims checked" in _element(page, "h1").get_text()
    assert "Nothing: no claim is FALSE" in _element(page, "#summary").get_text()


def test_another_papers_report_names_its_content_and_has_no_explorer() -> None:
    shown = _mixed(versions={"dsmverify": "0.1.0", "content": "other 0123"})
    assert set(html.pages(shown)) == {"report.html"}
    page = _page(shown)
    assert not page.select('a[href="explorer.html"]')
    commands = [block.get_text() for block in page.select("tr.detail pre")]
    assert commands
    assert all("\ndsmverify --content DIR check " in f"\n{text}" for text in commands[:1])
    assert set(html.pages(_mixed())) == {"report.html", "explorer.html"}


# The commands that the page shows, pasted into a shell.


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    samples = [dsmverify.Instance.from_numpy(["0", "1", "3"], mu="1/2", sigma="1/10", name="wide")]
    dsmverify.check(samples, claims=["prop09a", "prop02b"]).write(folder)
    return folder


def _pasted(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("name", "verdict"), [("prop09a", "REFUTED"), ("prop02b", "PROVED")])
def test_commands_work_when_pasted(name: str, verdict: str, small_folder: Path) -> None:
    page = BeautifulSoup((small_folder / "report.html").read_text(), "html.parser")
    detail = _detail(page, name)
    check, recheck = (block.get_text() for block in detail.select("pre"))
    assert check.startswith("cat > w.json <<'END'\n{")
    done = _pasted(check, small_folder)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^{name} +{verdict} ", done.stdout, re.MULTILINE)
    done = _pasted(recheck, small_folder)
    assert done.returncode == 0, done.stderr
    assert "every certificate stands" in done.stdout
    if verdict == "PROVED":
        (derive,) = (
            code.get_text() for code in detail.select(".facts code") if "derive" in code.get_text()
        )
        done = _pasted(derive, small_folder)
        assert done.returncode == 0 and "identities reduced to 0" in done.stdout


@pytest.mark.parametrize("name", ["a; touch hacked", "$(touch hacked)", "'; touch hacked; '"])
def test_a_hostile_id_is_one_word_of_the_command(name: str, tmp_path: Path) -> None:
    outcome: ClaimOutcome = report([row("FALSE", name=name)], claims=(claim(name),)).claims[0]
    shown = Report(claims=(outcome,), rows=(row("FALSE", name=name),), inputs=(Input("small", 2),))
    blocks = [block.get_text() for block in _page(shown).select("tr.detail pre")]
    assert blocks
    for block in blocks:
        _pasted(block, tmp_path)
    assert not (tmp_path / "hacked").exists()


# The command line, and what is written where.


def test_pages_are_written_beside_the_report(small_folder: Path) -> None:
    names = {path.name for path in small_folder.iterdir()}
    assert {"report.html", "explorer.html", "report.json", "report.md"} <= names
    again = html.render(report_json.read(small_folder))
    assert (small_folder / "report.html").read_text() == again
    page = BeautifulSoup(again, "html.parser")
    digest = hashlib.sha256((small_folder / "report.json").read_bytes()).hexdigest()
    assert digest in _element(page, "#versions").get_text()


def test_html_writes_the_same_page_again(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.main(["html", str(small_folder), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"report: {out / 'report.html'} (with explorer.html)\n"
    for name in ("report.html", "explorer.html"):
        assert (out / name).read_bytes() == (small_folder / name).read_bytes()
    copy = tmp_path / "report.json"
    copy.write_bytes((small_folder / "report.json").read_bytes())
    assert cli.main(["html", str(copy)]) == 0
    assert (tmp_path / "report.html").is_file()


def test_html_draws_the_runs(small_folder: Path, tmp_path: Path) -> None:
    assert "No runs beside this report" in (small_folder / "report.html").read_text()
    figures = ROOT / "reports" / "figures"
    arguments = ["html", str(small_folder), "--figures", str(figures), "--out", str(tmp_path)]
    assert cli.main(arguments) == 0
    page = BeautifulSoup((tmp_path / "report.html").read_text(), "html.parser")
    assert "No runs beside this report" not in page.get_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:500],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"schema_version": "', '"schema_version": "9', 1),
        lambda text: text.replace("PROVED", "REFUTED", 1),
    ],
)
def test_bad_reports_leave_the_old_page_alone(
    change: Any, small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text(change((small_folder / "report.json").read_text()))
    (tmp_path / "report.html").write_text("old")
    assert cli.main(["html", str(tmp_path)]) == InputError.exit_status
    assert "report" in capsys.readouterr().err
    assert (tmp_path / "report.html").read_text() == "old"


def test_a_folder_that_is_a_file_is_refused(small_folder: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    assert cli.main(["html", str(small_folder), "--out", str(taken)]) == OutputError.exit_status
    assert taken.read_text() == "mine"


# The whole battery.


def test_the_whole_battery_is_below_five_megabytes() -> None:
    found = report_json.read(REFEREE)
    text = html.render(found)
    assert len(text.encode("utf-8")) < 5_000_000
    page = BeautifulSoup(text, "html.parser")
    assert len(page.select("#claims-table tr.claim")) == len(found.claims)
    assert sum(_island(page)["counts"]) == len(found.rows)
    assert len(page.select("tr.detail .statement math")) > len(found.claims)


def test_sides_and_places_in_words() -> None:
    one = Row(
        "a", "b", "TRUE", Enclosure("1", "1"), Enclosure("2", "3"), where={"y": "1/2", "i": "3"}
    )
    assert (records.side(one.lhs), records.side(one.rhs)) == ("1", "[2, 3]")
    assert records.side(None) == ""
    assert records.place(one) == "i = 3, y = 1/2"
