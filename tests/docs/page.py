"""Runs the code of one page of the documentation as a reader would: in order, in an empty folder.

    python page.py PAGE.md

`python` blocks share one namespace. Of a `console` block each line that begins with `$` is run, and what stands
below it must be what it prints. An HTML comment on the line before a block says what else there is to know:

    <!-- file: NAME -->       the block is a file, and is saved under this name
    <!-- prints -->           the block is what the Python above prints
    <!-- not run: REASON -->  the block cannot be run here

and `<!-- console not run: REASON -->` at the top of a page says so of all its `console` blocks.
In what is expected, `...` stands for anything.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

_FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<language>\w*)\s*")
_COMMENT = re.compile(r" *<!-- *(?P<word>file|prints|not run)(?:: *(?P<rest>.*?))? *-->")
_NO_CONSOLE = re.compile(r"^<!-- console not run: *(?P<rest>.*?) *-->$", re.MULTILINE)
_ERROR = re.compile(r"opencrm: [a-z_]+: ")
"""Begins what the command line says when it fails."""


class Block(NamedTuple):
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    word: str
    rest: str

    @property
    def where(self) -> str:
        """The page and the line, as tracebacks show them."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Give the fenced blocks of a page."""
    page_text = page.read_text(encoding="utf-8")
    no_console = _NO_CONSOLE.search(page_text)
    for block in _marked(page, page_text.splitlines()):
        unsaid = block.language == "console" and not block.word and no_console is not None
        yield block._replace(word="not run", rest=no_console["rest"]) if unsaid else block


def _marked(page: Path, lines: list[str]) -> Iterator[Block]:
    """Give the blocks with what the lines before them say."""
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        if fence is not None:
            end = _end(lines, at + 1, fence["ticks"])
            text = textwrap.dedent("\n".join(lines[at + 1 : end])) + "\n"
            comment = _COMMENT.fullmatch(lines[at - 1]) if at else None
            word, rest = (comment["word"], comment["rest"] or "") if comment else ("", "")
            yield Block(page, at + 2, fence["language"], text, word, rest)
            at = end
        elif re.match(r" *`{3,}", lines[at]):
            at = _end(lines, at + 1, re.match(r" *(`+)", lines[at])[1])
        at += 1


def _end(lines: list[str], start: int, ticks: str) -> int:
    return next((at for at in range(start, len(lines)) if lines[at].strip() == ticks), len(lines))


class Reader:
    """Somebody who follows a page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._space: dict[str, Any] = {"__name__": "__page__"}
        self._printed = ""
        self._path = f"{_programs(folder)}{os.pathsep}{os.environ['PATH']}"
        self._site = folder / ".site"
        sys.path[:0] = [str(folder), str(self._site)]

    def follow(self, page: Path) -> None:
        """Do what the page says."""
        for block in blocks(page):
            if block.word == "file":
                self._save(block)
            elif block.word == "prints":
                _compare(block.where, block.text, self._printed)
            elif block.word != "not run" and block.language == "python":
                self._run(block)
            elif block.word != "not run" and block.language == "console":
                self._type(block)

    def _save(self, block: Block) -> None:
        file = self._folder / block.rest
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")

    def _run(self, block: Block) -> None:
        code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec", dont_inherit=True)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, self._space)
        self._printed = printed.getvalue()

    def _type(self, block: Block) -> None:
        for command, expected in _commands(block.text):
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            fails = any(_ERROR.match(line) for line in expected)
            if (done.returncode != 0) != fails:
                sys.exit(f"{block.where}: `{command}` left with {done.returncode}:\n{done.stdout}")
            if expected:
                _compare(block.where, "\n".join(expected), done.stdout)

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self._site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        return {**os.environ, "PATH": self._path, "PYTHONPATH": path, "PYTHONWARNINGS": ""}


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Give the commands of a console block, each with the lines that it is to print."""
    command, expected = "", list[str]()
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line[2:], []
        elif command.endswith("\\") and not expected:
            command = f"{command[:-1]} {line.strip()}"
        elif command:
            expected.append(line)
    if command:
        yield command, expected


def _compare(where: str, expected: str, printed: str) -> None:
    pattern = ".*".join(re.escape(part) for part in _trimmed(expected).split("..."))
    if not re.fullmatch(pattern, _trimmed(printed), re.DOTALL):
        sys.exit(f"{where}: expected\n{expected}\nbut it prints\n{printed}")


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _programs(folder: Path) -> Path:
    """Make the programs that readers have in their environment, whether or not opencrm is installed here."""
    kit = (
        "" if any(point.name == "opencrm" for point in entry_points(group="pytest11")) else "-p opencrm.testing.plugin"
    )
    programs = {
        "opencrm": "-m opencrm.cli",
        "python": "",
        "pip": f"{Path(__file__).resolve()}",
        "pytest": f"-m pytest -q -p no:cacheprovider -p no:randomly {kit}",
    }
    place = folder / ".programs"
    place.mkdir()
    for name, arguments in programs.items():
        (place / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (place / name).chmod(0o755)
    return place


def install(folder: Path, site: Path) -> None:
    """Do what matters here of `pip install -e FOLDER`: metadata and modules are found; nothing is fetched."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    head = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    needs = [f"Requires-Dist: {each}" for each in project.get("dependencies", ())]
    (metadata / "METADATA").write_text("\n".join([*head, *needs]) + "\n")
    (metadata / "entry_points.txt").write_text("\n".join(_entry_points(project)) + "\n")
    for module in (folder / "src").iterdir():
        (site / module.name).symlink_to(module.resolve())


def _entry_points(project: dict[str, Any]) -> Iterable[str]:
    for group, points in project.get("entry-points", {}).items():
        yield f"[{group}]"
        yield from (f"{name} = {target}" for name, target in points.items())


def main(arguments: list[str]) -> None:
    """Follow a page, or stand in for pip."""
    match arguments:
        case ["install", "-e", folder]:
            install(Path(folder), Path(os.environ["PYTHONPATH"].split(os.pathsep)[0]))
        case [page]:
            Reader(Path.cwd()).follow(Path(page))
        case _:
            sys.exit(f"this stands in for `pip install -e FOLDER` only, not for {arguments}")


if __name__ == "__main__":
    main(sys.argv[1:])
