"""The worked example: a note with a wrong constant, refereed with the engine as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from mpmath import mp

from dsmverify.replay import recheck, write_scripts
from dsmverify.report import certificates
from dsmverify.report import json as report_json
from dsmverify.report.model import Report
from tests.package import contents
from tests.package.installing import ROOT, run

EXAMPLE = ROOT / "examples" / "another-paper"

VERDICTS = {
    "thm1": "REFUTED",
    "thm1.r1": "PROVED",
    "thm1.a": "PROVED",
    "thm1.b": "REFUTED",
    "thm1.b.r1": "PROVED",
    "cor2": "REFUTED",
    "cor2.r1": "PROVED",
    "cor3": "REFUTED",
    "cor3.r1": "HOLDS",
    "rem4": "UNDECIDED",
}
"""On the sample and the noisy one together; worked out by hand in expected.toml."""

Edit = Callable[[str], str]


def copied(folder: Path, changes: dict[str, Edit] | None = None) -> Path:
    """The example in another place, with files changed."""
    place = folder / "note"
    shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name, change in (changes or {}).items():
        old = (place / name).read_text(encoding="utf-8")
        new = change(old)
        assert new != old
        (place / name).write_text(new, encoding="utf-8")
    return place


def check(place: Path, *arguments: str, out: str = "out", **more: str) -> tuple[int, str]:
    """Check a copy of the note on its samples, from the folder that it lies in."""
    given = [] if "DSMVERIFY_CONTENT" in more else ["--content", "note"]
    samples = ("note/sample.json", "note/noisy.json")
    line = [*given, "check", *samples, "--out", out, *arguments]
    return contents.command(*line, folder=place.parent, **more)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, with a report on both samples in `out` beside it."""
    place = copied(tmp_path_factory.mktemp("elsewhere"))
    status, printed = check(place)
    assert status == 0, printed
    assert printed.splitlines()[-5:-1] == [
        "10 claims checked on 2 instances; no points were merged",
        "4 PROVED, 4 REFUTED, 1 HOLDS, 0 VACUOUS, 1 UNDECIDED",
        "answers: 11 TRUE, 7 FALSE, 2 UNKNOWN, 0 NOT_APPLICABLE, 0 trivial",
        "no answer contradicts a recorded verdict",
    ]
    return place


@pytest.fixture(scope="module")
def report(place: Path) -> Report:
    return report_json.read(place.parent / "out")


def test_the_verdicts(report: Report) -> None:
    assert {outcome.claim.id: outcome.verdict for outcome in report.claims} == VERDICTS
    assert {name: entry.verdict for name, entry in report.expected.items()} == VERDICTS
    reasons = {outcome.claim.id: outcome.reason for outcome in report.claims}
    assert reasons["rem4"] == "limit at 2 instances"


def test_a_corollary_that_holds_on_one_sample_is_not_proved_by_that(report: Report) -> None:
    answers = {row.instance: row.answer for row in report.rows_of("cor3")}
    assert answers == {"sample": "TRUE", "noisy": "FALSE"}


def test_the_counterexample_is_one(report: Report) -> None:
    """V[W(y)] once more, from the definition, at the exact witness."""
    (outcome,) = [found for found in report.claims if found.claim.id == "thm1"]
    assert outcome.witness is not None
    x = [Fraction(text) for text in outcome.witness["x"]]
    mu, sigma = Fraction(outcome.witness["mu"]), Fraction(outcome.witness["sigma"])
    y = Fraction(outcome.witness["parameters"]["y"])
    with mp.workdps(40):
        exponents = [-((y - mu * point) ** 2) / (2 * sigma**2) for point in x]
        weights = [mp.exp(mp.mpf(e.numerator) / e.denominator) for e in exponents]
        points = [mp.mpf(point.numerator) / point.denominator for point in x]
        mean = mp.fdot(weights, points) / mp.fsum(weights)
        squares = [(point - mean) ** 2 for point in points]
        variance = mp.fdot(weights, squares) / mp.fsum(weights)
        bound = (points[-1] - points[0]) ** 2
        assert bound / 8 < variance < bound / 4
        (row,) = [
            row
            for row in report.rows_of("thm1")
            if row.instance == (outcome.certificate or {})["instance"]
        ]
        assert row.lhs is not None
        lower, upper = (mp.mpf(str(Decimal(end))) for end in (row.lhs.lower, row.lhs.upper))
        assert lower <= variance <= upper


def test_what_belongs_to_our_own_paper_is_left_out(place: Path, report: Report) -> None:
    names = {table.name for table in report.tables}
    assert names == {"failures", "repairs", "standings", "sharpness"}
    assert report.pictures.regime_maps == ()
    assert report.pictures.samples
    written = {path.name for path in (place.parent / "out").iterdir()}
    assert "explorer.html" not in written
    page = (place.parent / "out" / "report.html").read_text(encoding="utf-8")
    text = (place.parent / "out" / "report.md").read_text(encoding="utf-8")
    for shown in (page, text):
        assert "arXiv" not in shown
        assert "explorer" not in shown
        assert "dsmverify --content DIR check " in shown
    assert 'The findings concern "made-up note, version 1" only.' in text


def test_the_report_names_its_content(report: Report) -> None:
    found = contents.python(
        f"from dsmverify import content; content.use({str(EXAMPLE)!r}); print(content.identity())",
        ROOT,
    )
    name, _, digest = found.output.strip().partition(", SHA-256 ")
    assert (name, len(digest)) == ("another-paper", 64)
    assert report.versions["content"] == f"note, SHA-256 {digest}"  # the folder has another name


def test_worker_processes_have_the_content_too(place: Path) -> None:
    """The environment reaches them; the report is the same to the byte."""
    status, printed = check(place, "--jobs", "2", out="two", DSMVERIFY_CONTENT="note")
    assert status == 0, printed
    first, second = (place.parent / name / "report.json" for name in ("out", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_no_certificate_passes_without_a_second_path(
    place: Path, report: Report, tmp_path: Path
) -> None:
    out = place.parent / "out"
    certified = [found for found in VERDICTS.values() if found in {"PROVED", "REFUTED"}]
    result = recheck(out)
    assert (result.exit_status, result.failures) == (3, ())
    assert len(result.left_out) == len(certified)
    assert not any(finding.passed for finding in result.findings)
    assert result.summary().startswith(f"0 of {len(certified)} certificates recomputed")
    status, printed = contents.command("recheck", out, folder=tmp_path)
    assert status == 3
    assert "thm1: no second path for this claim; only its seal was looked at\n" in printed
    with pytest.raises(ValueError, match="none of them has a second path"):
        write_scripts(out, tmp_path / "scripts")
    assert not (tmp_path / "scripts").exists()


def test_a_changed_certificate_is_still_found(place: Path, tmp_path: Path) -> None:
    document = json.loads((place.parent / "out" / "report.json").read_text(encoding="utf-8"))
    (entry,) = [entry for entry in document["claims"] if entry["id"] == "thm1"]
    entry["certificate"]["lhs"]["upper"] = "1"
    (tmp_path / "report.json").write_text(json.dumps(document), encoding="utf-8")
    result = recheck(tmp_path)
    assert result.exit_status == 1
    assert any(failure.startswith("thm1: its sha256 is not") for failure in result.failures)


def test_a_proof_by_boxes_is_not_recomputed_either(place: Path, tmp_path: Path) -> None:
    """The normal side of our prop09a says nothing about another paper's."""
    document = json.loads((place.parent / "out" / "report.json").read_text(encoding="utf-8"))
    proof = {"claim": "prop09a", "n": 2, "verdict": "PROVED"}
    document["box_proofs"] = [certificates.sealed_proof(proof)]
    document["sha256"] = certificates.digest(document)
    (tmp_path / "report.json").write_text(json.dumps(document), encoding="utf-8")
    result = recheck(tmp_path)
    assert (result.exit_status, result.failures) == (3, ())
    assert result.left_out[-1].startswith("prop09a for n = 2: no second path")


def test_an_id_of_our_paper_means_another_claim_there(tmp_path: Path) -> None:
    """The second path of our prop09a is not taken for another paper's."""
    changes = {"checks/one.py": contents.CLAIMS.replace('"short"', '"prop09a"').replace("<=", ">")}
    record = contents.RECORD.replace("short", "prop09a")
    contents.write(tmp_path / "note", {**changes, "checks/expected.toml": record})
    sample = {"x": ["0", "1"], "mu": "1/2", "sigma": "1/4"}
    (tmp_path / "x.json").write_text(json.dumps(sample), encoding="utf-8")
    line = ("--content", "note", "check", "x.json", "--out", "out")
    status, printed = contents.command(*line, folder=tmp_path)
    assert status == 1  # HOLDS is on record, and it is refuted
    assert "prop09a  REFUTED" in printed
    result = recheck(tmp_path / "out")
    assert (result.failures, result.exit_status) == ((), 3)


def test_a_repaired_constant_that_is_too_small_is_refuted(tmp_path: Path) -> None:
    """1/7: the statement is wrong, whatever the derivation of another one proves."""
    place = copied(
        tmp_path,
        {"checks/_sides.py": lambda text: text.replace("squared_length(c) / 4", CEILING)},
    )
    status, printed = check(place, "--claims", "thm1.r1,thm1.a")
    assert status == 1
    assert "thm1.r1: FALSE at sample, but recorded: PROVED" in printed
    (found,) = [
        outcome
        for outcome in report_json.read(tmp_path / "out").claims
        if outcome.claim.id == "thm1.r1"
    ]
    assert found.verdict == "REFUTED"
    assert "CONTRADICTION: a proof is claimed, but the answer is FALSE" in (found.reason or "")


CEILING = "squared_length(c) / 7"


def test_what_a_derivation_is_about_is_its_author_s_word(tmp_path: Path) -> None:
    """1/5 is true at the sample, and the derivation lists the claim though it proves 1/4."""
    place = copied(
        tmp_path,
        {"checks/_sides.py": lambda text: text.replace("squared_length(c) / 4", FIFTH)},
    )
    line = ("--content", "note", "check", "note/sample.json", "--claims", "thm1.r1,cor3")
    status, printed = contents.command(*line, "--out", "out", folder=tmp_path)
    assert status == 0
    outcomes = {found.claim.id: found for found in report_json.read(tmp_path / "out").claims}
    assert outcomes["thm1.r1"].verdict == "PROVED"
    word = "; that it proves this claim is its author's word)"
    assert outcomes["thm1.r1"].method.endswith(word)
    assert "author" not in outcomes["cor3"].method
    # so a counterexample is searched for, and there is one
    line = ("--content", "note", "refute", "thm1.r1", "--budget", "1000")
    status, printed = contents.command(*line, folder=place.parent)
    assert (status, printed.partition(" at ")[0]) == (0, "thm1.r1 is FALSE")
    code = (
        "from pathlib import Path; from dsmverify import checking, content\n"
        "from dsmverify.report import json\n"
        "if {!r}: content.use('note')\n"
        "print(*(found.claim.id for found in json.read('out').claims if checking.is_open(found)))\n"
    )
    assert contents.python(code.format("note"), tmp_path).output == "cor3 thm1.r1\n"
    assert contents.python(code.format(""), tmp_path).output == "cor3\n"


FIFTH = "squared_length(c) / 5"


def test_a_derivation_of_a_wrong_constant_proves_nothing(tmp_path: Path) -> None:
    place = copied(
        tmp_path,
        {
            "derivations/popoviciu.py": lambda text: text.replace(
                '"Theorem 1, repaired", variance, length**2 / 4',
                '"Theorem 1, repaired", variance, length**2 / 5',
            )
        },
    )
    status, printed = contents.command(
        "--content", "note", "derive", "popoviciu", folder=place.parent
    )
    assert status == 1
    assert "Theorem 1, repaired: the gap is not the difference" in printed
    status, printed = check(place, "--claims", "thm1.r1")
    assert status == 0
    assert "thm1.r1  UNDECIDED" in printed  # true in a window, and no longer proved beyond


def test_a_derivation_that_fails_is_named_with_its_line(tmp_path: Path) -> None:
    place = copied(
        tmp_path,
        {"derivations/popoviciu.py": lambda text: text.replace("chain.step(", "chain.steps(", 1)},
    )
    status, printed = check(place)
    line = (place / "derivations/popoviciu.py").read_text().partition("chain.steps")[0].count("\n")
    assert status == 2
    start = f"error: note/derivations/popoviciu.py, line {line + 1}: derivation popoviciu: it fails"
    assert printed.startswith(f"{start} with ")
    assert not (tmp_path / "out").exists()


def test_a_float_in_a_formula_is_refused_before_the_work(tmp_path: Path) -> None:
    place = copied(
        tmp_path,
        {"checks/_sides.py": lambda text: text.replace("(c) / 4", "(c) * 0.25")},
    )
    status, printed = check(place)
    assert status == 2
    assert "note/checks/_sides.py, line " in printed
    assert "a formula used 0.25 of type float; use an integer" in printed
    assert not (tmp_path / "out").exists()
    status, printed = contents.command(
        "--content", "note", "refute", "thm1.r1", folder=place.parent
    )
    assert status == 2
    assert "a formula used 0.25 of type float; use an integer" in printed


def test_training_runs_are_about_our_own_paper(place: Path) -> None:
    line = ("--content", "note", "train", "theorem", "--quick")
    status, printed = contents.command(*line, folder=place.parent)
    assert status == 2
    assert "training runs are about this package's own paper" in printed


def test_curves_are_of_our_own_theory(place: Path) -> None:
    line = ("--content", "note", "curves", "curves")
    status, printed = contents.command(*line, folder=place.parent)
    assert status == 2
    assert "curves are of this package's own theory" in printed


def test_other_commands_read_the_content_or_its_report(place: Path, tmp_path: Path) -> None:
    def printed(*line: str) -> str:
        status, text = contents.command(*line, folder=place.parent)
        assert status == 0, text
        return text

    assert printed("--content", "note", "derive") == "popoviciu\n"
    assert "every real y: V[W(y)] <= L^2/8." in printed("--content", "note", "claims")
    out = str(tmp_path / "tables")
    assert "left out: The report has no table regimes.\n" in printed(
        "tables", "out", "--format", "latex", "--out", out
    )
    # the pages again from the stored report, by a process that has our own content
    before = (place.parent / "out" / "report.html").read_bytes()
    printed("html", "out")
    assert (place.parent / "out" / "report.html").read_bytes() == before


def test_from_python(place: Path) -> None:
    code = (
        "from dsmverify import Instance, check, content\n"
        "content.use('note')\n"
        "sample = Instance.from_json({'x': [0, 1, 5], 'mu': '1/2', 'sigma': '1/4'})\n"
        "report = check([sample], claims=['thm1', 'cor3'])\n"
        "print({outcome.claim.id: outcome.verdict for outcome in report.claims})\n"
    )
    found = contents.python(code, place.parent)
    assert found.output == "{'cor3': 'HOLDS', 'thm1': 'REFUTED'}\n", found.error


def test_the_example_runs_with_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    place = copied(tmp_path)
    line = ["--content", "note", "check", "note/sample.json", "note/noisy.json", "--out", "out"]
    run(installed / "bin" / "dsmverify", *line, cwd=place.parent)
    document: Any = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert {entry["id"]: entry["verdict"] for entry in document["claims"]} == VERDICTS


def test_the_sides_are_linted_as_our_own_formulas_are() -> None:
    from tests.package.formula_lint import problems

    assert problems((EXAMPLE / "checks" / "_sides.py").read_text(encoding="utf-8")) == []
