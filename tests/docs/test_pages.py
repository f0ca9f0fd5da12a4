"""What the documentation shows is true: its code runs, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("page.py")
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
        *(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts),
        *(ROOT / "examples").rglob("README.md"),
    ]
)

_blocks = runpy.run_path(str(RUNNER))["blocks"]
BLOCKS = [block for page in PAGES for block in _blocks(page) if block.language in ("python", "console")]
LEFT_OUT = [block for block in BLOCKS if block.word == "not run"]
NEEDS_POSTGRESQL = "DATABASE_URL"

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+?) *$", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def with_code() -> list[Path]:
    return sorted({block.page for block in BLOCKS if block.word != "not run"})


@pytest.mark.parametrize("page", with_code(), ids=name_of)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest):
    """Every block of a page, in order, in an empty folder, with the output that the page shows."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OPENCRM_")}
    variables |= {name: value for name, value in os.environ.items() if name.startswith("OPENCRM_TEST_")}
    if NEEDS_POSTGRESQL in page.read_text(encoding="utf-8"):
        variables[NEEDS_POSTGRESQL] = request.getfixturevalue("pg_url")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(RUNNER), str(page)],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_left_out_says_why_and_is_little():
    """A block that is not run gives its reason; all Python runs but wishes, and four of five blocks in all."""
    assert all(len(block.rest.split()) > 2 for block in LEFT_OUT), [block.where for block in LEFT_OUT]
    python = {block.page.name for block in LEFT_OUT if block.language == "python"}
    assert python <= {"0004-window-company-as-definitions.md"}
    assert len(LEFT_OUT) * 5 <= len(BLOCKS), f"{len(LEFT_OUT)} of {len(BLOCKS)} blocks are not run"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path):
    """Links between pages name files that exist, and headings that they have."""
    text = _without_code(page)
    for target in (match["target"] for match in _LINK.finditer(text)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            found = (page.parent / path).resolve() if path else page
            assert found.exists(), f"{name_of(page)} links to {target}"
            assert not anchor or anchor in _anchors(found), f"{name_of(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_line_holds_one_sentence(page: Path):
    """A change of one sentence is a change of one line."""
    for line in _without_code(page).splitlines():
        if not line.lstrip().startswith(("|", "#", "<")):
            assert not re.search(r"[a-z)`][.!?] +[A-Z][a-z ]", line), f"{name_of(page)}: {line}"


def _without_code(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^( *)(`{3,}).*?^ *\2$", "", text, flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    headings = (match["text"].lower() for match in _HEADING.finditer(_without_code(page)))
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in headings}
