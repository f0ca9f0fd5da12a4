"""What a map may say; whatever else it says is refused before a row is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opencrm import CRM, Company, Deal, InputError, Query
from opencrm.plugins.importing.mapping.map_files import read_map
from opencrm.plugins.importing.problems import BadMap
from opencrm.plugins.importing.running import Wish, run_import
from opencrm.testing import Firm

WRONG_STAGE = """
entity = 'deal'
fields.title = 'a'
fields.pipeline = {value = 'windows'}
fields.stage = {column = 'a', translate = {x = 'sold'}}
"""


def mapped(folder: Path, text: str) -> None:
    path = folder / "m.toml"
    path.write_text(text)
    read_map(path)


@pytest.mark.parametrize(
    "text, says",
    [
        ("system = ", "is not TOML"),
        (f"system = {'[' * 20_000}{']' * 20_000}", "is nested too deeply"),
        ("zone = '../../etc'", "zone '../../etc' is no IANA time zone"),
        ("zone = 'Europe/Atlantis'", "is no IANA time zone"),
        ("zone = 'Europe'", "is no IANA time zone"),
        ("zone = '/etc/passwd'", "is no IANA time zone"),
        ('zone = "a\\u0000b"', "is no IANA time zone"),
        ("sistem = 'x'", "does not know 'sistem'"),
        ("[[target]]\nfeilds.name = 'x'\nentity = 'company'", "does not know 'feilds'"),
        ("header_row = true\n[[target]]\nentity = 'company'", "header_row must be the number of a line"),
        ("header_row = 0\n[[target]]\nentity = 'company'", "header_row must be the number of a line"),
        ("[[target]]\nfields.name = 'x'", "names no entity"),
        ("path = 'x.csv'", "has no \\[\\[target\\]\\]"),
        ("[[target]]\nentity = 'company'\nfields.name = 5", "must be a column's name or a table"),
        ("[[target]]\nentity = 'company'\nfields.name = {colum = 'x'}", "does not know 'colum'"),
        ("[[target]]\nentity = 'company'\nfields.name = {column = 'x', value = 'y'}", "must have one of"),
        ("[[target]]\nentity = 'company'\nfields.name = {template = '{x'}", "template"),
        ("[[target]]\nentity = 'company'\nfields.name = {template = '{x!r}'}", "braces hold"),
        ("[[target]]\nentity = 'company'\nfields.name = {column = 'x', times = 'many'}", "times must be a number"),
        ("[[target]]\nentity = 'company'\nfields.name = {column = 'x', decimal = ''}", "decimal must be"),
        ("[[target]]\nentity = 'company'\nexisting = 'drop'\nfields.name = 'x'", "existing must be"),
        ("[[target]]\nentity = 'company'\nfields.name = {principal = 'boss'}", "principal must be"),
        ("translate.x = 'y'\n[[target]]\nentity = 'company'", "must be a table of texts"),
    ],
)
def test_what_a_map_cannot_say_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    """A misspelt word is an error, never ignored."""
    with pytest.raises(BadMap, match=says) as caught:
        mapped(tmp_path, text)
    assert next(iter(caught.value.fields)).startswith("m.toml")


@pytest.mark.parametrize(
    "text, says",
    [
        ("entity = 'dael'\nfields.title = 'a'", "there is no entity 'dael'"),
        ("entity = 'deal'\nfields.titel = 'a'", "deal has no field 'titel'"),
        ("entity = 'deal'\nfields.created_at = 'a'", "no field 'created_at' that a file may set"),
        ("entity = 'deal'\nfields.title = 'a'\nparts.points = [{kind = 'a'}]", "deal has no parts 'points'"),
        ("entity = 'deal'\nfields.title = {column = 'a', by = 'name'}", "is no reference"),
        ("entity = 'deal'\nfields.company_id = {column = 'a', by = 'nmae'}", "company has no field 'nmae'"),
        ("entity = 'deal'\nfields.company_id = {column = 'a', by = 'key'}", "needs a system"),
        ("entity = 'deal'\nfields.company_id = {target = 'company'}", "no earlier target"),
        ("entity = 'deal'\nkey = 'a'\nfields.title = 'a'", "names no system"),
        ("entity = 'deal'\nmatch = ['title']\nfields.source = 'a'", "match: 'title'"),
        ("entity = 'deal'\nfields.title = 'a'\nfields.pipeline = {value = 'x'}", "there is no pipeline 'x'"),
        (
            WRONG_STAGE,
            "has no stage 'sold'",
        ),
        ("entity = 'role'\ntemplate = 'emperor'\nfields.key = 'a'", "there is no role template 'emperor'"),
        ("entity = 'company'\nfields.name = 'a'\nhistory.moves = [{stage = 'a', at = 'a'}]", "has no stages"),
    ],
)
def test_what_the_workspace_does_not_have_is_refused(bring, crm: CRM, firm: Firm, text: str, says: str) -> None:  # type: ignore[no-untyped-def]
    """Entities, fields, pipelines and stages are looked up before anything is written."""
    with pytest.raises(BadMap, match=says):
        bring("a\nx\n", f"[[target]]\n{text}")
    with crm.read(firm.owner) as reader:
        assert not reader.list(Query(Deal)).rows


@pytest.mark.parametrize("name", ["../rows.csv", "inner/../../rows.csv", "{outside}/rows.csv", "link.csv", "."])
def test_a_map_reaches_no_file_outside_its_folder(tmp_path: Path, crm: CRM, firm: Firm, name: str) -> None:
    """Neither by dots, nor by a whole path, nor by a link; and no folder is a file."""
    (tmp_path / "rows.csv").write_text("name\nSecret\n")
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "link.csv").symlink_to(tmp_path / "rows.csv")
    target = '[[file.target]]\nentity = "company"\nfields.name = "name"\n'
    path = name.format(outside=tmp_path)
    (tmp_path / "m.toml").write_text(f'[[file]]\npath = "{path}"\n{target}')
    with pytest.raises(InputError, match=r"outside|no such file"):
        run_import(crm, firm.owner, Wish(path=folder, map=tmp_path / "m.toml"), no_bar)
    with crm.read(firm.owner) as reader:
        assert not reader.list(Query(Company)).rows


def test_a_map_reaches_files_further_inside_its_folder(tmp_path: Path, crm: CRM, firm: Firm) -> None:
    """A folder of the folder is not outside."""
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "rows.csv").write_text("name\nAcme\n")
    target = '[[file.target]]\nentity = "company"\nfields.name = "name"\n'
    (tmp_path / "m.toml").write_text(f'[[file]]\npath = "inner/rows.csv"\n{target}')
    run_import(crm, firm.owner, Wish(path=folder, map=tmp_path / "m.toml"), no_bar)
    with crm.read(firm.owner) as reader:
        assert [row.name for row in reader.list(Query(Company))] == ["Acme"]


@contextmanager
def no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None
