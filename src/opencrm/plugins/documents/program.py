"""The program that renders one document, in a folder of its own: `body` and `data.json` give `document`.

It knows nothing of opencrm, and runs where a template that breaks out of its language finds nothing.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

_MEMORY = 2**30
_PROCESSOR_SECONDS = 15
_LARGEST = 64 * 2**20
_MOST_ENTRIES = 2000
_MOST_ROUNDS = 100_000
_FILTERS = frozenset({"upper", "lower", "title", "capitalize", "trim", "default", "join", "length", "first", "last"})
_TESTS = frozenset({"defined", "undefined", "none"})
_OF_LOOPS = frozenset({"index", "index0", "first", "last", "length"})
_NODES = frozenset(
    {
        "Template", "Output", "TemplateData", "Name", "Getattr", "Getitem", "Const", "If", "For", "Filter", "Test",
        "Compare", "Operand", "And", "Or", "Not", "CondExpr", "Concat",
    }
)  # fmt: skip
"""What a template may consist of: no calls, no arithmetic, no macros, no assignments, no imports."""

REFUSED = 3
NOT_INSTALLED = 4


class Unfit(Exception):
    """A template that must not, or cannot, be used."""


def limit() -> None:
    """Take no more memory, time and disk than a document needs."""
    try:
        import resource
    except ModuleNotFoundError:  # The system has no such limits; whoever started this has a clock.
        return
    wanted = {
        resource.RLIMIT_AS: _MEMORY,
        resource.RLIMIT_CPU: _PROCESSOR_SECONDS,
        resource.RLIMIT_FSIZE: _LARGEST,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        resource.setrlimit(kind, (most, most))


def word(body: Path, data: dict[str, Any], out: Path) -> None:
    """Fill in a Word template."""
    from docxtpl import DocxTemplate

    judge_archive(body)
    document = DocxTemplate(str(body))
    document.render(data, jinja_env=environment(data), autoescape=True)
    document.save(str(out))


def judge_archive(body: Path) -> None:
    """Refuse what unpacks to more than a document, holds programs, or is none."""
    try:
        with zipfile.ZipFile(body) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise Unfit("it is no Word document (.docx)") from None
    names = {entry.filename for entry in entries}
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > _LARGEST:
        raise Unfit("it unpacks to too much")
    if any(name.lower().endswith(("vbaproject.bin", ".exe", ".dll")) for name in names):
        raise Unfit("it holds programs")
    if "word/document.xml" not in names:
        raise Unfit("it is no Word document (.docx)")


def environment(data: dict[str, Any]) -> Any:
    """Return an environment in which a template reaches its data, and nothing else."""
    from jinja2 import StrictUndefined, nodes
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Merging(ImmutableSandboxedEnvironment):
        def _parse(self, source: str, name: Any, filename: Any) -> Any:
            tree = super()._parse(source, name, filename)
            judge(tree, data, nodes)
            return tree

        def getattr(self, obj: Any, attribute: str) -> Any:
            return self.getitem(obj, attribute)

        def getitem(self, obj: Any, argument: Any) -> Any:
            if isinstance(obj, dict):
                return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
            if type(obj).__name__ == "LoopContext" and argument in _OF_LOOPS:
                return getattr(obj, argument)
            raise SecurityError(f"{argument!r} is none of its data")

        def call(self, *_: Any, **__: Any) -> Any:
            raise SecurityError("nothing is called in a template")

    found = Merging(undefined=StrictUndefined)
    found.globals = {}
    found.filters = {name: it for name, it in found.filters.items() if name in _FILTERS}
    found.tests = {name: it for name, it in found.tests.items() if name in _TESTS}
    return found


def judge(tree: Any, data: dict[str, Any], nodes: Any) -> None:
    """Refuse whatever is not on the list, and names that are not in the data."""
    rounds = 1
    for node in _all(tree):
        kind = type(node).__name__
        if kind not in _NODES:
            raise Unfit(f"a template fills in, and does no more: {kind.lower()} is not for it (line {node.lineno})")
        if kind == "Getattr" and str(node.attr).startswith("_"):
            raise Unfit(f"{node.attr} is none of its data")
        if kind == "For":
            rounds *= max((len(it) for it in data.values() if isinstance(it, list)), default=1)
            if node.recursive or not isinstance(node.iter, nodes.Name):
                raise Unfit("a loop goes over one of the lists in its data")
            if rounds > _MOST_ROUNDS:
                raise Unfit("its loops go round too often")
    _names(tree, {name: _fields(it) for name, it in data.items()}, nodes)


def _all(tree: Any) -> Any:
    yield tree
    for node in tree.iter_child_nodes():
        yield from _all(node)


def _fields(value: Any) -> Any:
    """Return what a name holds: the fields of a list's rows, or nothing to look into."""
    return set(value[0]) if isinstance(value, list) and value else (set() if isinstance(value, list) else None)


def _names(node: Any, known: dict[str, Any], nodes: Any) -> None:
    """Refuse names that nobody gives: also where, with this data, nobody would come by."""
    if isinstance(node, nodes.For):
        _names(node.iter, known, nodes)
        inner = {**known, "loop": _OF_LOOPS}
        if not isinstance(node.target, nodes.Name) or known.get(node.iter.name) is None:
            raise Unfit(f"{node.iter.name} is no list")
        inner[node.target.name] = known[node.iter.name]
        for each in (*node.body, *([node.test] if node.test else ())):
            _names(each, inner, nodes)
        for each in node.else_:
            _names(each, known, nodes)
        return
    if isinstance(node, nodes.Name) and node.name not in known:
        raise Unfit(f"it names {node.name!r}, which is not in its data")
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        fields = known.get(node.node.name)
        if node.node.name in known and (fields is None or (fields and node.attr not in fields)):
            raise Unfit(f"it names '{node.node.name}.{node.attr}', which is not in its data")
    for child in node.iter_child_nodes():
        _names(child, known, nodes)


def pdf(body: Path, data: dict[str, Any], out: Path) -> None:
    """Compile a typst template, which finds its data as `json(bytes(sys.inputs.data))`."""
    import typst

    if body.read_bytes().startswith(b"%PDF") or b"\0" in body.read_bytes():
        raise Unfit("it is no text: a template for PDF is written in typst")
    main = body.parent / "pages" / "main.typ"
    main.parent.mkdir()
    body.rename(main)
    try:
        typst.compile(
            str(main),
            output=str(out),
            root=str(main.parent),
            format="pdf",
            ignore_system_fonts=True,
            font_paths=[],
            sys_inputs={"data": json.dumps(data)},
        )
    except typst.TypstError as error:
        raise Unfit(str(error)) from None


def main() -> int:
    """Render; return what became of it."""
    kind, here = sys.argv[1], Path.cwd()
    data = json.loads((here / "data.json").read_text(encoding="utf-8"))
    render = {"word": word, "pdf": pdf}[kind]
    try:
        _load(kind)
    except ModuleNotFoundError as error:
        return _told(NOT_INSTALLED, str(error))
    limit()
    try:
        render(here / "body", data, here / "document")
    except MemoryError:
        return _told(REFUSED, "it takes too much time or memory")
    except Exception as error:  # noqa: BLE001  # Whatever a template breaks is told of the template.
        return _told(REFUSED, " ".join(str(error).split())[:400] or type(error).__name__)
    return 0


def _load(kind: str) -> None:
    """Import what renders, before there are limits."""
    if kind == "word":
        import docxtpl
        import jinja2.sandbox

        del docxtpl, jinja2
    else:
        import typst

        del typst


def _told(code: int, text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
