"""What the pages of docs/ show is what the commands print and what the code gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documented import (
    ROOT,
    Command,
    Example,
    Written,
    agrees,
    newcomers_folder,
    run_command,
    run_example,
    steps,
)

PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))

NOT_RUN = {
    r"make .*|\. \.venv/bin/activate": "set-up",
    r"(python3 -m )?pip .*": "set-up",
    r"dsmverify train .*": "minutes to days; tests/cli/test_train.py runs small ones",
    r"dsmverify recheck reports/referee": "minutes; README rechecks two of its certificates",
    r"(dsmverify conform|pytest --dsm-target) mypkg.adapter:Adapter": "a package of the reader's",
}
"""Commands that are shown and not run, as patterns, and why."""

FRAGMENTS = {
    "testing.md": {
        "    logits = ": "replaces a line of the file above it; tests/testing/test_docs.py does so",
    },
}
"""Code that is no program of its own, by its first line's beginning, and why it is not run."""


def _is_run(page: str, step: Command | Example | Written) -> bool:
    if isinstance(step, Command):
        return not any(re.fullmatch(pattern, step.text) for pattern in NOT_RUN)
    if isinstance(step, Example):
        return not any(step.text.startswith(start) for start in FRAGMENTS.get(page, {}))
    return True


def _steps_of(page: str) -> list[Command | Example | Written]:
    return steps((ROOT / "docs" / page).read_text(encoding="utf-8"))


SHOWING = [page for page in PAGES if any(_is_run(page, step) for step in _steps_of(page))]


@pytest.mark.parametrize("page", SHOWING)
def test_a_page_shows_what_happens(page: str, tmp_path: Path) -> None:
    """One folder for the whole page: later commands read what earlier ones wrote."""
    found = [step for step in _steps_of(page) if _is_run(page, step)]
    if any("torch" in step.text for step in found if isinstance(step, Command)):
        pytest.importorskip("torch")
    folder = newcomers_folder(tmp_path)
    wrong = []
    for step in found:
        if isinstance(step, Written):
            (folder / step.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.name).write_text(step.text, encoding="utf-8")
            continue
        run = run_command if isinstance(step, Command) else run_example
        printed = run(step.text, folder)
        if not agrees(step.shown, printed):
            wrong.append(f"docs/{page}, line {step.line}:\n{step.text}\nprints\n{printed}")
    assert not wrong, "\n\n".join(wrong)


def test_what_is_not_run_is_shown_somewhere() -> None:
    texts = [
        (page, step.text)
        for page in PAGES
        for step in _steps_of(page)
        if isinstance(step, Command | Example)
    ]
    for pattern in NOT_RUN:
        assert any(re.fullmatch(pattern, text) for _, text in texts), f"no command is {pattern}"
    for page, starts in FRAGMENTS.items():
        for start in starts:
            assert any(name == page and text.startswith(start) for name, text in texts), start


def test_a_wrong_output_is_found(tmp_path: Path) -> None:
    text = "```console\n$ echo one; echo two\none\nthree\n```\n\n```python\nprint(1)  # 2\n```\n"
    command, example = steps(text)
    assert isinstance(command, Command) and isinstance(example, Example)
    assert not agrees(command.shown, run_command(command.text, tmp_path))
    assert not agrees(example.shown, run_example(example.text, tmp_path))


def test_files_and_outputs_are_read() -> None:
    text = (
        "<!-- file: a/b.py -->\n```python\nx = 1\n```\n\n"
        "```python\nprint('a b')\n```\n\n```text\na b\n```\n"
    )
    written, example = steps(text)
    assert written == Written(3, "a/b.py", "x = 1\n")
    assert isinstance(example, Example) and example.shown == ("a b",)
    assert agrees(("2 passed in 0.10s",), "2 passed in 3.25s\n")
