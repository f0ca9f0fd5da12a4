"""`opencrm import` and `opencrm export`: exit codes, what is printed, where files go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from opencrm import CRM, Company, InputError, NotFound, OpenCRMError, PermissionDenied
from opencrm.cli.commands.records.imports import imports
from opencrm.embed import Invocation
from opencrm.plugins.exporting.command import export_command
from opencrm.plugins.importing.command import import_command


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`call("import", ...)` runs a command in a workspace of Ann's, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/crm.db"
    with closing(CRM(url)) as crm:
        crm.init(owner="Ann")
    commands: dict[str, click.Command] = {"import": import_command, "imports": imports, "export": export_command}

    def run(name: str, *args: str, **given: str) -> Result:
        with closing(Invocation({"db": url, **given}, {})) as invocation:
            return CliRunner().invoke(commands[name], args, obj=invocation)

    return run


def refused(result: Result, kind: type[OpenCRMError]) -> str:
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def test_an_entity_is_enough_where_columns_are_called_like_fields(call: Callable[..., Result]) -> None:
    """The counts are printed; nothing is said on stderr."""
    Path("c.csv").write_text("name;city\nAcme;Leeds\n")
    done = call("import", "companies", "c.csv")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "c.csv: 1 rows; 1 company created\n", "")


def test_rejected_rows_leave_with_code_1_and_the_error_files_name(call: Callable[..., Result]) -> None:
    """The other rows are kept."""
    Path("c.csv").write_text("name,employees\nAcme,5\nBeta,x\n")
    done = call("import", "company", "c.csv")
    assert done.exit_code == 1
    assert done.stderr == "opencrm: rejected_rows: c.csv: 1 of 2 rows stay out; c.csv.errors.csv says why\n"
    assert call("export", "company", "--fields", "name").stdout == "name\nAcme\n"


def test_a_map_may_be_named_first_or_by_its_option(call: Callable[..., Result]) -> None:
    """With the option, the entity is the one of targets that name none."""
    Path("c.csv").write_text("Firm\nAcme\n")
    Path("m.toml").write_text('[[target]]\nmatch = ["name"]\nfields.name = "Firm"\n')
    assert call("import", "company", "c.csv", "--map", "m.toml").stdout == "c.csv: 1 rows; 1 company created\n"
    Path("n.toml").write_text('[[target]]\nentity = "contact"\nfields.name = "Firm"\n')
    assert "and no company" in refused(call("import", "company", "c.csv", "--map", "n.toml"), InputError)
    assert "names no entity" in refused(call("import", "m.toml", "c.csv"), InputError)


def test_a_folder_is_read_file_by_file(call: Callable[..., Result]) -> None:
    """A file that is missing is told before any other is written."""
    Path("in").mkdir()
    Path("in/a.csv").write_text("n\nAcme\n")
    target = '[[file.target]]\nentity = "company"\nfields.name = "n"\n'
    Path("m.toml").write_text(f'[[file]]\npath = "a.csv"\n{target}[[file]]\npath = "b.csv"\n{target}')
    assert "b.csv" in refused(call("import", "m.toml", "in"), InputError)
    assert call("export", "company", "--fields", "name").stdout == "name\n"
    Path("in/b.csv").write_text("n\nBeta\n")
    assert call("import", "m.toml", "in").stdout.count("1 company created") == 2
    assert "says nothing of" in refused(call("import", "m.toml", "m.toml"), InputError)


def test_the_user_chooses_encoding_and_delimiter(call: Callable[..., Result]) -> None:
    """What is said is not guessed; a guess is told."""
    Path("c.csv").write_bytes("name:city\nŁódka:Łódź\n".encode("cp1250"))
    assert call("import", "company", "c.csv", "--encoding", "cp1250", "--delimiter", ":").exit_code == 0
    assert "Łódka,Łódź" in call("export", "company", "--fields", "name,city").stdout
    Path("d.csv").write_bytes("name;city\nMüller;Köln\n".encode("cp1252"))
    assert "note: d.csv: read as cp1252" in call("import", "company", "d.csv").stderr
    assert call("import", "company", "d.csv", "--delimiter", "ab").exit_code == 2


def test_what_is_not_there_is_told(call: Callable[..., Result]) -> None:
    """An entity, a file, a map."""
    Path("c.csv").write_text("name\n")
    refused(call("import", "castle", "c.csv"), NotFound)
    assert call("import", "company", "none.csv").exit_code == 2
    assert call("import", "none.toml", "c.csv").exit_code == 2


def test_a_workbook_that_is_called_csv_is_refused(call: Callable[..., Result]) -> None:
    """And leaves neither a record nor an error file."""
    Path("c.csv").write_bytes(b"PK\x03\x04")
    assert "workbook" in refused(call("import", "company", "c.csv"), InputError)
    assert not Path("c.csv.errors.csv").exists()


def test_an_output_file_is_whole_or_not_there(call: Callable[..., Result]) -> None:
    """An unknown field leaves nothing behind."""
    assert "'shoe'" in refused(call("export", "company", "--fields", "shoe", "-o", "x.csv"), InputError)
    assert {path.suffix for path in Path().iterdir()} == {".db", ".db-turn"}
    assert call("export", "company", "-o", "x.csv").exit_code == 0
    assert Path("x.csv").read_text().startswith("id,name,")


def test_somebody_without_grants_brings_in_nothing_and_takes_nothing_away(call: Callable[..., Result]) -> None:
    """`--as` is who acts."""
    Path("u.csv").write_text("name\nEve\n")
    assert call("import", "user", "u.csv").exit_code == 0
    Path("c.csv").write_text("name\nAcme\n")
    assert call("import", "company", "c.csv", user="Eve").exit_code == 1
    assert "permission_denied" in Path("c.csv.errors.csv").read_text()
    assert Company.spec.name in refused(call("export", "company", user="Eve"), PermissionDenied)


def test_a_guess_is_printed_or_written(call: Callable[..., Result]) -> None:
    """A map that is there already stays; the map works as it is."""
    Path("people.csv").write_text("Name,E-mail\nAnn,ann@example.com\n")
    assert 'entity = "contact"' in call("import", "--guess", "people.csv").stdout
    assert 'entity = "company"' in call("import", "--guess", "people.csv", "--entity", "company").stdout
    written = call("import", "--guess", "people.csv", "-o", "people.toml")
    assert (written.exit_code, written.stdout) == (0, "")
    refused = call("import", "--guess", "people.csv", "-o", "people.toml")
    assert (refused.exit_code, "--replace" in refused.stderr) == (2, True)
    assert "1 contact created" in call("import", "people.toml", "people.csv").stdout


def test_a_guess_replaces_a_map_where_it_is_told_to(call: Callable[..., Result]) -> None:
    """With `--replace`, which says nothing without an output."""
    Path("people.csv").write_text("Name,E-mail\nAnn,ann@example.com\n")
    Path("people.toml").write_text("old" * 2_000)
    assert call("import", "--guess", "people.csv", "-o", "people.toml", "--replace").exit_code == 0
    assert Path("people.toml").read_text() == call("import", "--guess", "people.csv").stdout
    assert call("import", "--guess", "people.csv", "--replace").exit_code == 2


def test_a_file_whose_import_was_undone_was_not_imported_before(call: Callable[..., Result]) -> None:
    """Nor does a run in between count that found everything there; one whose records stand does."""
    Path("c.csv").write_text("name\nAcme\n")
    assert call("import", "company", "c.csv").stderr == ""
    assert "was imported before" in call("import", "company", "c.csv").stderr
    first = call("imports", "list").stdout.splitlines()[-1].split()[0]
    assert call("imports", "undo", first, "--yes").exit_code == 0
    assert call("import", "company", "c.csv").stderr == ""
    assert "was imported before" in call("import", "company", "c.csv").stderr


def test_imports_are_listed_with_the_names_of_people(call: Callable[..., Result]) -> None:
    """An owner sees whose they are; nobody's id is shown, and no name does anything to the terminal."""
    Path("u.csv").write_text("name,email\nEve\x1b[31m,eve@example.com\n")
    Path("c.csv").write_text("name\nAcme\n")
    assert call("import", "user", "u.csv").exit_code == 0
    assert call("import", "company", "c.csv", user="eve@example.com").exit_code == 1
    lines = call("imports", "list").stdout.splitlines()
    assert [line.split("  ")[3:] for line in lines] == [
        ["c.csv", "Eve [31m: 1 rows, 1 stayed out; nothing"],
        ["u.csv", "Ann: 1 rows; 1 user created"],
    ]


def test_a_guess_and_an_import_are_told_apart(call: Callable[..., Result]) -> None:
    """Half of one and half of the other is refused."""
    Path("c.csv").write_text("name\nAcme\n")
    for args in (
        ["company"],
        ["--guess", "company", "c.csv"],
        ["company", "c.csv", "--entity", "company"],
        ["x", "no.csv"],
    ):
        assert call("import", *args).exit_code == 2
    assert isinstance(call("import", "--guess", "c.csv", "--entity", "shoe").exception, NotFound)


def test_a_sheet_is_named_behind_the_file(call: Callable[..., Result]) -> None:
    """As FILE#SHEET; a file whose name holds the sign is found first."""
    import xlsxwriter

    book = xlsxwriter.Workbook("c.xlsx")
    for name in ("One", "Two"):
        book.add_worksheet(name).write_column(0, 0, ["name", name])
    book.close()
    assert "1 company created" in call("import", "company", "c.xlsx#Two").stdout
    assert call("export", "company", "--fields", "name").stdout == "name\nTwo\n"
    assert "several sheets" in refused(call("import", "company", "c.xlsx"), InputError)
    Path("c#1.csv").write_text("name\nAcme\n")
    assert "1 company created" in call("import", "company", "c#1.csv").stdout


def test_the_endings_of_an_export_say_its_kind(call: Callable[..., Result]) -> None:
    """Parts go along where they are asked for."""
    Path("p.jsonl").write_text('{"name": "Ann", "points": [{"kind": "email", "value": "ann@example.com"}]}\n')
    assert "1 contact created" in call("import", "contact", "p.jsonl").stdout
    assert call("export", "contact", "--fields", "name", "--parts", "points", "-o", "q.jsonl").exit_code == 0
    assert '"value": "ann@example.com"' in Path("q.jsonl").read_text()
    assert call("export", "contact", "-o", "q.xlsx").exit_code == 0
    assert Path("q.xlsx").read_bytes().startswith(b"PK")
