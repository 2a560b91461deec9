from __future__ import annotations

import pytest

from dsmverify import catalogue
from dsmverify.errors import InputError, UnknownClaimError
from dsmverify.verdicts import Expected
from tests.report.outcomes import claim


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("eq08@sum", "eq08@mean", "cor03a", "cor03a@mu", "prop09a", "prop09a.r1")
    monkeypatch.setattr(catalogue, "claims", lambda: tuple(map(claim, names)))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (["eq08"], ["eq08@sum", "eq08@mean"]),
        (["eq08@mean"], ["eq08@mean"]),
        (["cor03a"], ["cor03a"]),
        (["cor03a@mu", "cor03a@mu"], ["cor03a@mu"]),
        (["prop09a.r1", "eq08"], ["eq08@sum", "eq08@mean", "prop09a.r1"]),
        ([], []),
    ],
)
def test_selection_by_id(ids: list[str], found: list[str]) -> None:
    assert [one.id for one in catalogue.select(ids)] == found


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("wrong", "meant"), [("prop9a", "prop09a"), ("EQ08", "eq08")])
def test_unknown_ids_suggest_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(UnknownClaimError, match=f"did you mean '{meant}'"):
        catalogue.select([wrong])


def test_ids_are_unique_and_repairs_exist() -> None:
    catalogue.check_ids([claim("a"), claim("a.r1", form="repaired", repairs="a")])
    catalogue.check_ids([claim("a@x"), claim("a.r1", form="repaired", repairs="a")])
    with pytest.raises(InputError, match="two claims"):
        catalogue.check_ids([claim("a"), claim("a")])
    with pytest.raises(InputError, match="repairs 'b'"):
        catalogue.check_ids([claim("a.r1", form="repaired", repairs="b")])


def test_record_is_read() -> None:
    text = '[eq06]\nverdict = "PROVED"\nreason = "x"\n["a@b"]\nverdict = "HOLDS"\nreason = "y"'
    assert catalogue.read_record(text) == {
        "eq06": Expected("PROVED", "x"),
        "a@b": Expected("HOLDS", "y"),
    }


@pytest.mark.parametrize(
    "text",
    [
        'a = {verdict = "PASS", reason = "x"}',
        'a = {verdict = "HOLDS"}',
        'a = {verdict = "HOLDS", reason = " "}',
        'a = "HOLDS"',
        "a = [",
    ],
)
def test_bad_records_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"expected|line|column|document"):
        catalogue.read_record(text)


def test_every_claim_of_the_content_has_a_recorded_verdict() -> None:
    ids = {one.id for one in catalogue.claims()}
    assert ids == set(catalogue.recorded())
