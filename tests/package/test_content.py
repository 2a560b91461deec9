"""Content is loaded under one name per process, from the checkout, the package or a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsmverify import catalogue, content, tracing
from dsmverify.claims import (
    Claim,
    Hypothesis,
    Inequality,
    Interval,
    Places,
    Range,
    Ray,
    Side,
    Source,
    Stated,
)
from dsmverify.errors import InputError
from dsmverify.regime import has_theorem
from dsmverify.report import library_versions
from tests.package import contents

ROOT = Path(__file__).resolve().parents[2]

SHARED = {"_curves", "_networks", "_premises"}
"""Modules of `checks/` that hold no claims and that claims import."""

LISTING = """
import json, sys
from dsmverify import content
found = {
    "modules": [module.__name__ for module in content.claim_modules()],
    "names": content.derivation_names(),
    "loaded": sorted(name for name in sys.modules if name.split(".")[-2:-1] == ["checks"]),
    "derivations": [name for name in sys.modules if name.split(".")[-2:-1] == ["derivations"]],
}
print(json.dumps(found))
"""


def listing(folder: Path, before: str = "") -> Any:
    code = f"import sys; sys.path.append({str(ROOT)!r})\n{before}\n{LISTING}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def public(folder: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / folder).glob("[!_]*.py"))


def test_every_module_of_checks_is_listed_and_has_claims() -> None:
    modules = content.claim_modules()
    assert [module.__name__ for module in modules] == [
        f"checks.{name}" for name in public("checks")
    ]
    assert [module.__name__ for module in modules if not hasattr(module, "CLAIMS")] == []


def test_derivations_are_listed_from_any_folder_and_not_loaded(tmp_path: Path) -> None:
    found = listing(tmp_path)
    assert found["names"] == public("derivations")
    assert found["modules"] == [f"checks.{name}" for name in public("checks")]
    assert set(found["loaded"]) - set(found["modules"]) == {f"checks.{name}" for name in SHARED}
    assert found["derivations"] == []


def test_another_package_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("somebody = 'else'\n", encoding="utf-8")
    # not imported before: ours is loaded by its file, under its short name
    assert listing(tmp_path)["modules"] == [f"checks.{name}" for name in public("checks")]
    # imported before: ours takes its long name, and only that
    prefix = content.INSTALLED_NAME
    expected = [f"{prefix}.checks.{name}" for name in public("checks")]
    found = listing(tmp_path, "import checks; assert checks.somebody")
    assert found["modules"] == expected
    assert set(found["loaded"]) - set(expected) == {f"{prefix}.checks.{name}" for name in SHARED}


def test_an_unknown_derivation_lists_the_names() -> None:
    names = content.derivation_names()
    with pytest.raises(InputError, match="no derivation with this name") as caught:
        content.derivation_module("no_such_formula")
    assert all(name in str(caught.value) for name in names)


@pytest.mark.parametrize("name", ["checks/nothing.toml", "expected.toml", "tests/conftest.py", ""])
def test_an_unknown_resource_is_an_input_error(name: str) -> None:
    with pytest.raises(InputError, match="no such file"):
        content.resource_text(name)


def test_the_expected_verdicts_can_be_read() -> None:
    text = (ROOT / "checks" / "expected.toml").read_text(encoding="utf-8")
    assert content.resource_text("checks/expected.toml") == text


def test_a_checkout_is_told_from_an_installed_package(tmp_path: Path) -> None:
    assert content.checkout_root(ROOT / "dsmverify") == ROOT
    assert content.checkout_root(tmp_path / "site-packages" / "dsmverify") is None


# Another content -------------------------------------------------------------------------------


def test_nothing_set_means_our_own() -> None:
    assert content.chosen() is None
    assert content.identity() is None
    assert "content" not in library_versions()
    assert content.shown("checks/expected.toml") == "checks/expected.toml"
    assert has_theorem()


def test_a_process_has_one_content(tmp_path: Path) -> None:
    contents.write(tmp_path)
    content.claim_modules()  # ours are loaded
    with pytest.raises(InputError, match="this process has loaded other claims"):
        content.use(tmp_path)
    first, second = contents.write(tmp_path / "first"), contents.write(tmp_path / "second")
    use = "from dsmverify import content; content.use({!r}); content.claim_modules();"
    # the same again is no change
    again = use.format(str(first)) + use.format("first") + "print(content.chosen())"
    assert contents.python(again, tmp_path).output == f"{first}\n"
    other = use.format(str(first)) + use.format(str(second))
    assert "this process has loaded other claims" in contents.python(other, tmp_path).error


@pytest.mark.parametrize("given", ["absolute", "relative"])
def test_the_environment_names_a_content(given: str, tmp_path: Path) -> None:
    folder = contents.write(tmp_path / "mine")
    code = (
        "import os; from dsmverify import content; print(content.chosen());"
        "print([module.__name__ for module in content.claim_modules()]);"
        "print(content.derivation_names(), os.environ['DSMVERIFY_CONTENT'])"
    )
    place = str(folder) if given == "absolute" else "mine"
    done = contents.python(code, tmp_path, DSMVERIFY_CONTENT=place)
    # absolute for the processes that it starts; and a content without derivations/ has none
    assert done.output.splitlines() == [str(folder), "['checks.one']", f"[] {folder}"]


def test_an_empty_variable_means_our_own(tmp_path: Path) -> None:
    code = "from dsmverify import content; print(content.chosen())"
    assert contents.python(code, tmp_path, DSMVERIFY_CONTENT="").output == "None\n"


def test_a_package_of_the_same_name_does_not_get_in_the_way(tmp_path: Path) -> None:
    folder = contents.write(tmp_path / "mine")
    (tmp_path / "checks.py").write_text("somebody = 'else'\n", encoding="utf-8")
    code = (
        "import sys; sys.path.insert(0, '.'); import checks; from dsmverify import content;"
        f"content.use({str(folder)!r}); print(*(m.__name__ for m in content.claim_modules()))"
    )
    assert contents.python(code, tmp_path).output == "dsmverify._content.checks.one\n"


def test_what_is_data_of_our_paper_is_empty_elsewhere(tmp_path: Path) -> None:
    contents.write(tmp_path)
    code = (
        "from dsmverify import chain, content, regime, shapes, witnesses; content.use('.');"
        "print(content.shapes().SHAPES, shapes.prove_shapes(), shapes.sharpest_constants(),"
        "chain.rows(), regime.experiments(), regime.has_theorem(), witnesses.kept())"
    )
    assert contents.python(code, tmp_path).output == "() () () [] () False {}\n"


def test_the_identity_is_that_of_the_files(tmp_path: Path) -> None:
    code = "from dsmverify import content; content.use('mine'); print(content.identity())"

    def identity(name: str, changes: dict[str, str | bytes | None]) -> str:
        contents.write(tmp_path / name / "mine", changes)
        return contents.python(code, tmp_path / name).output

    first = identity("first", {})
    assert first.startswith("mine, SHA-256 ")
    assert identity("same", {"NOTE.md": "not a claim", "checks/one.txt": "nor this"}) == first
    assert identity("other", {"checks/_sides.py": contents.SIDES + "\n"}) != first


def test_names_that_are_no_utf8_have_an_identity_too(tmp_path: Path) -> None:
    folder = contents.write(tmp_path / "m\udcffine")
    (folder / "checks" / "x\udcff.json").write_text("{}", encoding="utf-8")
    code = (
        "import os; from dsmverify import content; content.use(os.listdir()[0]);"
        "print(ascii(content.identity()))"
    )
    assert contents.python(code, tmp_path).output.startswith("'m\\ufffdine, SHA-256 ")


def test_a_package_that_failed_once_fails_again(tmp_path: Path) -> None:
    contents.write(tmp_path, {"checks/__init__.py": "import nothing_of_this_name\n"})
    code = (
        "import sys; from dsmverify import content; content.use('.')\n"
        "for _ in range(2):\n"
        "    try: content.claim_modules()\n"
        "    except Exception as error: print(type(error).__name__, 'checks' in sys.modules)\n"
    )
    assert contents.python(code, tmp_path).output == "InputError False\n" * 2


def replaced(old: str, new: str, text: str = contents.CLAIMS) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


UNKNOWN = "which does not exist"
LARGE = "if c.n > 50:\n        return {} * c.x(1)\n    return c.x(1)"
"""A formula of which the tracer, at three points, sees the last line only."""

WRONG: dict[str, tuple[dict[str, str | bytes | None], str, str]] = {
    "no checks": (dict.fromkeys(contents.FILES), "content: ", "it has no folder checks/"),
    "no package": ({"checks/__init__.py": None}, "content: ", "checks/ has no __init__.py"),
    "no package of derivations": (
        {"derivations/square.py": ""},
        "content: ",
        "derivations/ has no __init__.py",
    ),
    "no record": ({"checks/expected.toml": None}, "content: ", "it has no checks/expected.toml"),
    "a package that fails": (
        {"checks/__init__.py": "\nimport nothing_of_this_name\n"},
        "mine/checks/__init__.py, line 2: import of checks: ",
        "it fails with ModuleNotFoundError",
    ),
    "a name": (
        {"checks/one.py": replaced("_sides.last)", "_sides.least)")},
        "mine/checks/one.py, line 12: import of checks.one: ",
        "AttributeError: module 'checks._sides' has no attribute 'least'",
    ),
    "syntax": (
        {"checks/one.py": replaced("CLAIMS = (", "CLAIMS = )")},
        "mine/checks/one.py, line 7: import of checks.one: ",
        "SyntaxError: unmatched ')'",
    ),
    "a name in what it imports": (
        {"checks/_sides.py": contents.SIDES + "\n\nsquare = power\n"},
        "mine/checks/_sides.py, line 12: import of checks.one: ",
        "NameError: name 'power' is not defined",
    ),
    "no claims": (
        {"checks/two.py": '"""None."""\n'},
        "mine/checks/two.py: CLAIMS: ",
        "must have it, a tuple of claims",
    ),
    "other claims": (
        {"checks/two.py": "CLAIMS = ('short',)\n"},
        "mine/checks/two.py: CLAIMS: ",
        "must have it, a tuple of claims",
    ),
    "an id twice": (
        {"checks/two.py": contents.CLAIMS},
        "mine/checks/two.py, line 9: claim short: ",
        "two claims have this id, and ids are permanent (the other: mine/checks/one.py, line 9)",
    ),
    "leans on nothing": (
        {
            "checks/one.py": replaced(
                "        source=", '        leans_on=("long",),\n        source='
            )
        },
        "mine/checks/one.py, line 9: claim short: ",
        f"it leans on 'long', {UNKNOWN}",
    ),
    "read off nothing": (
        {
            "checks/one.py": replaced('Inequality(_sides.first, "<=", _sides.last)', 'ReadOff("a")')
            .replace("Inequality", "ReadOff")
            .replace("_sides", "_sides as _")
        },
        "mine/checks/one.py, line 9: claim short: ",
        f"it is read off 'a', {UNKNOWN}",
    ),
    "no derivation": (
        {"checks/one.py": replaced("        source=", '        derivation="d",\n        source=')},
        "mine/checks/one.py, line 9: claim short: ",
        f"it names the derivation 'd', {UNKNOWN}",
    ),
    "no TOML": (
        {"checks/expected.toml": "# one\nshort = HOLDS\n"},
        "mine/checks/expected.toml, line 2: record: ",
        "it is not TOML (Invalid value)",
    ),
    "no text": (
        {"checks/expected.toml": b"short = \xff\n"},
        "mine/checks/expected.toml: text: ",
        "it is no UTF-8 text",
    ),
    "no verdict": (
        {"checks/expected.toml": '# one\n\n[short]\nverdict = "TRUE"\nreason = "seen"\n'},
        "mine/checks/expected.toml, line 3: short: ",
        "it must be a verdict (PROVED, REFUTED, HOLDS, VACUOUS, UNDECIDED) and a reason",
    ),
    "no such claim": (
        {"checks/expected.toml": contents.RECORD + contents.RECORD.replace("short", '"shor.t"')},
        "mine/checks/expected.toml, line 2: shor.t: ",
        "there is no claim with this id; did you mean 'short'? else delete the entry",
    ),
    "a float": (
        {"checks/_sides.py": replaced("return c.x(1)", "return 0.5 * c.x(1)", contents.SIDES)},
        "mine/checks/_sides.py, line 5: left side of short: ",
        "StrictError: a formula used 0.5 of type float",
    ),
    "a power": (
        {"checks/_sides.py": replaced("return c.x(c.n)", "return c.x(c.n) ** 2", contents.SIDES)},
        "mine/checks/_sides.py, line 9: right side of short: ",
        "StrictError: a formula compared, converted or raised a number to a power",
    ),
    "a quantity that the engine does not know": (
        {"checks/_sides.py": replaced("c.x(1)", "c.quantity('weight_of_x')", contents.SIDES)},
        "mine/checks/_sides.py, line 5: left side of short: ",
        "AttributeError",
    ),
    "a float where the tracer does not go": (
        {"checks/_sides.py": replaced("return c.x(1)", LARGE.format("0.1"), contents.SIDES)},
        "mine/checks/_sides.py, line 6: number: ",
        "'0.1', but a number that is not exact would be certified; use integers",
    ),
    "a quotient of integers where the tracer does not go": (
        {"checks/_sides.py": replaced("return c.x(1)", LARGE.format("1 / 3"), contents.SIDES)},
        "mine/checks/_sides.py, line 6: number: ",
        "'1 / 3', but a number that is not exact would be certified; use integers",
    ),
    "an integer for a number": (
        {"checks/_sides.py": replaced("return c.x(1)", "return 1", contents.SIDES)},
        "mine/checks/one.py, line 9: claim short: ",
        "its left side is a int, no number of the case's system",
    ),
    "shapes that are no shapes": (
        {"checks/_shapes.py": "SHAPES = ()\n"},
        "mine/checks/_shapes.py: SHARP: ",
        "the module must have it",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_content_is_said(name: str, tmp_path: Path) -> None:
    changes, start, rule = WRONG[name]
    contents.write(tmp_path / "mine", changes)
    (tmp_path / "mine").mkdir(exist_ok=True)
    if name == "shapes that are no shapes":
        code = "from dsmverify import content; content.use('mine'); content.shapes()"
        said = contents.python(code, tmp_path).error
    else:
        said = contents.load("mine", tmp_path).error
    assert said.startswith(start)
    assert rule in said


def test_the_content_that_they_are_changes_of_is_loaded(tmp_path: Path) -> None:
    contents.write(tmp_path / "mine")
    assert contents.load("mine", tmp_path).output == "['short']\n"


def test_a_side_without_a_value_at_the_traced_instance_is_no_fault(tmp_path: Path) -> None:
    root = replaced("c.x(1)", "c.ns.root(c.x(1) - c.x(c.n), 2)", contents.SIDES)
    contents.write(tmp_path / "mine", {"checks/_sides.py": root})
    assert contents.load("mine", tmp_path).output == "['short']\n"


@pytest.mark.parametrize("place", ["nowhere", "a file", ""])
def test_a_folder_that_is_none(place: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", encoding="utf-8")
    if place:
        status, said = contents.command("--content", place, "claims", folder=tmp_path)
        rule = f"error: --content: {place!r}, but there is no such folder"
    else:
        status, said = contents.command("claims", folder=tmp_path, DSMVERIFY_CONTENT="nowhere")
        rule = "error: DSMVERIFY_CONTENT: 'nowhere', but there is no such folder"
    assert status == 2
    assert said == f"{rule}; name a folder that has checks/ in it\n"


def test_every_formula_of_our_claims_passes_the_tracer() -> None:
    claims = catalogue.claims()
    tracing.trace(claims)
    cases: dict[str, Any] = {
        "sample": tracing.traced_case(),
        "curve": tracing.traced_curve_case(),
    }
    # none of them is left out because it has no value at the traced instance
    formulas = {(side, claim.instance_kind) for claim in claims for _, side in tracing.sides(claim)}
    assert len([side(cases[kind]) for side, kind in formulas]) > 400


def test_every_formula_of_a_claim_is_traced() -> None:
    """A float can hide in a margin, in a hypothesis, in a range and in what restricts it."""
    names = ("left", "right", "margin", "premise", "bound", "where", "limit", "lower", "upper")

    def made(name: str) -> Side:
        def side(case: Any) -> Any:
            return case.x(1)

        side.__name__ = name
        return side

    formula = {name: made(name) for name in names}
    part = Inequality(formula["left"], "<=", formula["right"], margin=formula["margin"])
    premises = (Hypothesis("h", formula["premise"], "<=", formula["bound"]),)
    where = (Hypothesis("w", formula["where"], "<=", formula["limit"]),)

    def traced(conclusion: Any, y: Any) -> set[str]:
        one = Claim(
            id="all",
            source=Source("claim 1", 1),
            statement="All.",
            conclusion=conclusion,
            hypotheses=premises,
            range=Range(y=y, where=where),
        )
        return {side.__name__ for _, side in tracing.sides(one)}

    always = {*names} - {"lower", "upper"}
    interval = Interval(formula["lower"], formula["upper"])
    assert traced(part, interval) == {*names}
    assert traced((part,), Ray(formula["lower"], 1)) == always | {"lower"}
    assert traced(Stated("regularity", (part,)), Places((formula["upper"],))) == always | {"upper"}
