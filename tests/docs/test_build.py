"""The pages of docs/, built with warnings as errors: whole, self-contained, and as recorded."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import dsmverify
import dsmverify.testing
from dsmverify import catalogue, content
from tests.documented import ROOT

if importlib.util.find_spec("sphinx") is None or importlib.util.find_spec("furo") is None:
    pytest.skip("Sphinx is not installed: pip install '.[docs]'", allow_module_level=True)

bs4 = pytest.importorskip("bs4", reason="beautifulsoup4, which furo needs, is not installed")

SHORT = "tweedie,score_slope,weight_bounds"
"""Derivations that a build for a test runs; all of them take half a minute."""


def build(target: Path, derivations: str = SHORT) -> Path:
    """Build the pages into a folder, as `make docs` does; a warning fails."""
    options = ["-E", "-W", "--keep-going", "-n", "-q", "-b", "html"]
    options += ["-D", f"dsm_derivations={derivations}", "-d", str(target / "doctrees")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, ROOT / "docs", target / "site"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and not done.stdout, done.stdout
    return target / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, with few derivations."""
    return build(tmp_path_factory.mktemp("docs"))


@cache
def parsed(path: Path) -> Any:
    """One page."""
    return bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def ids(path: Path) -> Counter[str]:
    """How often each id is given on a page."""
    return Counter(tag["id"] for tag in parsed(path).find_all(id=True))


def pages(site: Path) -> list[Path]:
    """All pages of a site."""
    return sorted(site.rglob("*.html"))


def links(site: Path) -> Iterator[tuple[Path, str]]:
    """Every relative link and source of every page."""
    for path in pages(site):
        for name in ("href", "src"):
            for tag in parsed(path).find_all(attrs={name: True}):
                if not urlsplit(tag[name]).scheme:
                    yield path, tag[name]


def test_every_page_is_built(site: Path) -> None:
    names = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert names <= {path.stem for path in pages(site)}
    assert (site / ".nojekyll").exists()
    assert not list(site.glob("_sources/*"))


def test_no_page_asks_the_network_for_anything(site: Path) -> None:
    loaded = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
    for path in pages(site):
        for tag, name in loaded.items():
            for found in parsed(path).find_all(tag, attrs={name: True}):
                assert urlsplit(found[name]).scheme in {"", "data"}, f"{path.name}: {found}"
                assert not found[name].startswith("//"), f"{path.name}: {found}"
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert "@import" not in text and "url(http" not in text and "url(//" not in text, style


def test_what_scrolls_is_reached_by_key_and_what_frames_the_text_has_a_name(site: Path) -> None:
    for path in pages(site):
        page = parsed(path)
        for box in page.select("pre, .table-wrapper"):
            assert box.get("tabindex") == "0", f"{path.name}: {str(box)[:80]}"
        levels = [caption.get("aria-level") for caption in page.select("[role=heading]")]
        assert levels and set(levels) == {"2"}, path.name
        names = [one.get("aria-label") for one in page.select("aside")]
        assert None not in names and len(set(names)) == len(names), path.name
    assert parsed(site / "tutorial.html").select("pre")
    assert parsed(site / "sweeps.html").select(".table-wrapper")


def test_links_and_anchors_lead_somewhere(site: Path) -> None:
    broken = []
    for path, link in links(site):
        parts = urlsplit(link)
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file():
            broken.append(f"{path.name}: {link}")
            continue
        anchored = bool(parts.fragment) and target.suffix == ".html"
        if anchored and unquote(parts.fragment) not in ids(target):
            broken.append(f"{path.name}: {link}: no such anchor")
    assert broken == []


def test_ids_are_unique(site: Path) -> None:
    for path in pages(site):
        repeated = [name for name, count in ids(path).items() if count > 1]
        assert repeated == [], path.name


def test_the_catalogue_has_every_claim_with_its_recorded_verdict(site: Path) -> None:
    page = parsed(site / "catalogue.html")
    shown = {box["id"]: box for box in page.select("div.claim")}
    assert list(shown) == [f"claim-{claim.id}" for claim in catalogue.claims()]
    for claim in catalogue.claims():
        box, recorded = shown[f"claim-{claim.id}"], catalogue.recorded()[claim.id]
        assert box.select_one(".claim-head .verdict").get_text() == recorded.verdict, claim.id
        fields = box.select_one("dl.field-list").get_text(" ", strip=True)
        for text in (recorded.reason, claim.source.statement, claim.change, claim.remark):
            assert " ".join(text.split()) in " ".join(fields.split()), claim.id
        if claim.derivation is not None:
            link = f"derivations.html#derivation-{claim.derivation}"
            assert box.find("a", href=lambda to, link=link: to == link), claim.id
    rows = page.select("table.claims tbody tr")
    verdicts = [
        (row.find("code").get_text(), row.select_one(".verdict").get_text()) for row in rows
    ]
    assert verdicts == [
        (claim.id, catalogue.recorded()[claim.id].verdict) for claim in catalogue.claims()
    ]


def test_every_formula_is_shown(site: Path) -> None:
    shown = "".join(str(parsed(site / f"{name}.html")) for name in ("formulas", "sides"))
    modules = {path.stem for path in (ROOT / "dsmverify" / "formulas").glob("[!_]*.py")}
    for name in modules:
        assert f'id="module-dsmverify.formulas.{name}"' in shown, f"docs/formulas.md: no {name}"
    assert "dsmverify.formulas.posterior.empirical_score_slope" in shown


def test_every_derivation_has_a_section_and_a_chosen_one_its_steps(site: Path) -> None:
    page = parsed(site / "derivations.html")
    for name in content.derivation_names():
        assert page.find(id=f"derivation-{name}"), name
    tweedie = page.find(id="derivation-tweedie").get_text()
    assert "Domination for k = 0" in tweedie
    assert "dsmverify derive tweedie" in tweedie


def test_the_public_names_are_in_the_reference(site: Path) -> None:
    page = parsed(site / "api.html")
    for module in (dsmverify, dsmverify.testing):
        for name in module.__all__:
            assert page.find(id=f"{module.__name__}.{name}"), f"docs/api.md: no {name}"


def test_the_id_of_a_claim_is_a_link_to_it(site: Path) -> None:
    link = parsed(site / "index.html").find("a", href="catalogue.html#claim-prop09a.r1")
    assert link is not None and link.get_text() == "prop09a.r1"


@pytest.mark.slow
def test_two_builds_with_every_derivation_are_the_same(tmp_path: Path) -> None:
    first, second = (build(tmp_path / name, "all") for name in ("a", "b"))
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    differing = [
        str(name) for name in names if (first / name).read_bytes() != (second / name).read_bytes()
    ]
    assert differing == []
    assert "Left out of this build" not in (first / "derivations.html").read_text(encoding="utf-8")
