"""Taking an import back: what nobody touched since goes, the rest stays and is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from opencrm import (
    CRM,
    Company,
    Contact,
    ContactPoint,
    Deal,
    Equal,
    ExternalRef,
    NotFound,
    Principal,
    Query,
    Undo,
    Update,
    records,
)
from opencrm.cli.commands.records.imports import imports
from opencrm.embed import Invocation
from opencrm.plugins.importing.running import Wish, run_import
from opencrm.services import undoing
from opencrm.services.imports import ImportJob, Undone, job, jobs, undo
from opencrm.testing import Firm, make_company

MAP = """
system = "old"
[[target]]
entity = "company"
match = ["name"]
existing = "keep"
optional = true
fields.name = "firm"
[[target]]
entity = "contact"
key = "id"
fields.name = "name"
fields.source = "source"
[[target.parts.points]]
kind = { value = "email" }
value = "mail"
[[target]]
entity = "deal"
key = "id"
fields.title = "name"
fields.contact_id = { target = "contact" }
"""

SEATS = """
system = "old"
[[target]]
entity = "role"
template = "manager_2"
match = ["key"]
existing = "keep"
fields.key = { value = "newcomer" }
fields.name = { value = "Newcomer" }
[[target]]
entity = "user"
key = "id"
fields.name = "name"
[[target]]
entity = "membership"
key = "id"
fields.user_id = { target = "user" }
fields.unit_id = { principal = "unit" }
fields.role_id = { target = "role" }
"""


@contextmanager
def _no_bar(_label: str, _length: int) -> Any:
    yield lambda _steps: None


@pytest.fixture
def bring(crm: CRM, firm: Firm, tmp_path: Path) -> Callable[..., str]:
    """`bring(numbers)` imports that many people with their deals, and returns the import's id."""

    def run(numbers: Any = range(3), source: str = "web", by: Principal | None = None) -> str:
        rows = "".join(f"{at},P{at},{source},Acme,p{at}@example.com\n" for at in numbers)
        (tmp_path / "rows.csv").write_text(f"id,name,source,firm,mail\n{rows}")
        (tmp_path / "map.toml").write_text(MAP)
        wish = Wish(path=tmp_path / "rows.csv", map=tmp_path / "map.toml")
        [outcome] = run_import(crm, by or firm.owner, wish, _no_bar)
        assert outcome.errors is None
        with crm.read(by or firm.owner) as reader:
            return jobs(reader)[0].id

    return run


def take_back(crm: CRM, by: Principal, id: str, **how: Any) -> Undone:
    return undo(lambda: crm.work(by), id, **how)


def counts(crm: CRM, firm: Firm) -> list[int]:
    with crm.read(firm.owner) as reader:
        return [int(reader.count(entity)) for entity in (Company, Contact, ContactPoint, Deal, ExternalRef)]


def test_everything_that_was_created_goes(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """With parts and keys; and the same file comes in anew afterwards."""
    before = counts(crm, firm)
    id = bring()
    assert counts(crm, firm) == [before[0] + 1, before[1] + 3, before[2] + 3, before[3] + 3, before[4] + 6]
    done = take_back(crm, firm.owner, id)
    assert counts(crm, firm) == before
    assert (done.records["contact"], done.records["deal"], done.records["company"], done.refusals) == (3, 3, 1, [])
    with crm.read(firm.owner) as reader:
        assert job(reader, id).state == "undone"
    bring()
    assert counts(crm, firm)[1] == before[1] + 3


def test_what_was_changed_by_it_is_as_it_was(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """A second import's changes go back; what the first created stays."""
    bring()
    with_source = bring(source="fair")
    take_back(crm, firm.owner, with_source)
    with crm.read(firm.owner) as reader:
        assert {row.source for row in reader.stream(Query(Contact, where=Equal("name", "P1"), sort="id"))} == {"web"}
    assert counts(crm, firm)[1] >= 3


def test_what_was_changed_since_stays_with_its_parts(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """The record is named with the reason; the others go. A dry run says the same and keeps nothing."""
    id = bring(range(5))
    with crm.read(firm.owner) as reader:
        [touched] = [row.id for row in reader.stream(Query(Contact, where=Equal("name", "P2"), sort="id"))]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, touched, values={"source": "phone"})])
    standing = counts(crm, firm)
    dry = take_back(crm, firm.owner, id, rehearsed=True)
    assert (dry.act, counts(crm, firm)) == (None, standing)
    done = take_back(crm, firm.owner, id)
    assert (done.records, done.refused) == (dry.records, dry.refused) == (done.records, Counter({"undo_refused": 1}))
    assert [(each.entity, each.record, each.text) for each in done.refusals] == [
        ("contact", touched, "changed since: source")
    ]
    with crm.read(firm.owner) as reader:
        assert [
            row.value for row in reader.stream(Query(ContactPoint, where=Equal("contact_id", touched), sort="id"))
        ] == ["p2@example.com"]
        assert job(reader, id).state == "partly undone"
    assert counts(crm, firm)[1] == standing[1] - 4


def test_an_undo_is_undone_in_its_turn(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """It is one act, whatever number of transactions it took."""
    id = bring()
    there = counts(crm, firm)
    done = take_back(crm, firm.owner, id)
    assert done.act is not None
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=done.act)])
    assert counts(crm, firm) == there


def test_a_second_undo_finds_nothing_left(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """One that was broken off can be begun again."""
    id = bring()
    take_back(crm, firm.owner, id)
    again = take_back(crm, firm.owner, id)
    assert (again.lines, again.refused) == (0, Counter())


def test_only_ones_own_imports_are_there(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """An owner sees everybody's; of another's there is nothing to see and nothing to take back."""
    mine, theirs = bring([1]), bring([2], by=firm.lead)
    with crm.read(firm.owner) as reader:
        assert [each.id for each in jobs(reader)] == [theirs, mine]
        assert [each.id for each in jobs(reader, before=theirs)] == [mine]
    with crm.read(firm.lead) as reader:
        assert [each.id for each in jobs(reader)] == [theirs]
    for id in (mine, "nonsense", "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(NotFound, match="no such import"):
            take_back(crm, firm.lead, id)


def test_an_import_of_many_transactions_goes_whole(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """Its rows were written in several; each is taken back in one of its own on SQLite."""
    before = counts(crm, firm)
    id = bring(range(700))
    told: list[int] = []
    done = take_back(crm, firm.owner, id, tell=lambda undone: told.append(undone.lines))
    assert counts(crm, firm) == before
    assert told[-1] == done.lines
    assert done.records["deal"] == 700


def test_the_command_lists_and_takes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --yes it says what would be done; a refusal leaves with code 1."""
    url = f"sqlite:///{tmp_path}/crm.db"
    crm = CRM(url)
    ann = crm.init(owner="Ann")
    (tmp_path / "c.csv").write_text("name\nAcme\nBeta\n")
    run_import(crm, ann, Wish(path=tmp_path / "c.csv", entity="company"), _no_bar)

    def call(*args: str) -> Any:
        invocation = Invocation({"db": url}, {})
        try:
            return CliRunner().invoke(imports, args, obj=invocation)
        finally:
            invocation.close()

    [line] = call("list").stdout.splitlines()
    id = line.split()[0]
    assert line.endswith("2 rows; 2 company created")
    assert "2 company" in call("undo", id).stdout
    assert "nothing was kept" in call("undo", id).stdout
    with crm.read(ann) as reader:
        [row, *_] = reader.stream(Query(Company, sort="id"))
    with crm.work(ann) as work:
        records.update(work, [Update(Company, row.id, values={"city": "York"})])
    done = call("undo", id, "--yes")
    assert (done.exit_code, "1 company" in done.stdout) == (1, True)
    assert f"opencrm: undo_refused: company {row.id}: changed since: city" in done.stderr
    assert "partly undone" in call("list").stdout
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(f"name\nFirm {name}\n")
    target = '[[file.target]]\nentity = "company"\nfields.name = "name"\n'
    (tmp_path / "two.toml").write_text("".join(f'[[file]]\npath = "{name}.csv"\n{target}' for name in "ab"))
    run_import(crm, ann, Wish(path=tmp_path, map=tmp_path / "two.toml"), _no_bar)
    [run] = {line.partition("; run ")[2] for line in call("list", "--limit", "2").stdout.splitlines()}
    assert "2 company" in call("undo", run, "--yes").stdout
    crm.close()


def test_others_records_are_not_touched(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """A company that was there before, and that the import only found, stays."""
    make_company(crm, by=firm.owner, name="Acme")
    before = counts(crm, firm)
    take_back(crm, firm.owner, bring())
    assert counts(crm, firm) == before


@pytest.fixture
def bring_run(crm: CRM, firm: Firm, tmp_path: Path) -> Callable[[], list[ImportJob]]:
    """`bring_run()` imports a folder of two files, of which the second changes what the first made; its imports."""

    def run() -> list[ImportJob]:
        folder = tmp_path / "folder"
        folder.mkdir()
        people = "".join(f"{at},P{at},web\n" for at in range(40))
        (folder / "a.csv").write_text(f"id,name,source\n{people}")
        (folder / "b.csv").write_text(f"id,name,source\n{people.replace('web', 'fair')}99,New,fair\n")
        target = '[[file.target]]\nentity = "contact"\nkey = "id"\nfields.name = "name"\nfields.source = "source"\n'
        files = "".join(f'[[file]]\npath = "{name}.csv"\n{target}' for name in "ab")
        (tmp_path / "two.toml").write_text(f'system = "old"\n{files}')
        run_import(crm, firm.owner, Wish(path=folder, map=tmp_path / "two.toml"), _no_bar)
        with crm.read(firm.owner) as reader:
            return jobs(reader)

    return run


def test_imports_are_taken_back_one_after_the_other(
    crm: CRM, firm: Firm, bring_run: Callable[[], list[ImportJob]]
) -> None:
    """That a later one changed the same records is no change since once it was taken back."""
    before = counts(crm, firm)
    latest, first = bring_run()
    assert take_back(crm, firm.owner, first.id, rehearsed=True).refused == {"undo_refused": 40}
    assert take_back(crm, firm.owner, latest.id).refused == {}
    done = take_back(crm, firm.owner, first.id)
    assert (done.records["contact"], done.refusals, counts(crm, firm)) == (40, [], before)


def test_a_refused_one_is_taken_back_once_the_later_one_was(
    crm: CRM, firm: Firm, bring_run: Callable[[], list[ImportJob]]
) -> None:
    """Trying again helps."""
    before = counts(crm, firm)
    latest, first = bring_run()
    assert take_back(crm, firm.owner, first.id).refused == {"undo_refused": 40}
    for job_ in (latest, first):
        assert take_back(crm, firm.owner, job_.id).refused == {}
    with crm.read(firm.owner) as reader:
        assert [each.state for each in jobs(reader)] == ["undone", "undone"]
    assert counts(crm, firm) == before


def test_a_run_is_taken_back_as_a_whole(crm: CRM, firm: Firm, bring_run: Callable[[], list[ImportJob]]) -> None:
    """Its imports share it, and go newest first in one act, which is undone in its turn."""
    before = counts(crm, firm)
    latest, first = bring_run()
    there = counts(crm, firm)
    assert latest.run is not None
    assert latest.run == first.run not in (latest.id, first.id)
    told = take_back(crm, firm.owner, latest.run, rehearsed=True)
    assert counts(crm, firm) == there
    done = take_back(crm, firm.owner, latest.run)
    assert (told.records, told.refused, told.lines) == (done.records, done.refused, done.lines)
    assert (done.records["contact"], done.refused, counts(crm, firm)) == (41, {}, before)
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=done.act)])
    assert counts(crm, firm) == there
    with crm.read(firm.lead) as reader, pytest.raises(NotFound):
        job(reader, latest.run)


def test_what_stays_of_a_run_stays_in_all_its_imports(
    crm: CRM, firm: Firm, bring_run: Callable[[], list[ImportJob]]
) -> None:
    """It is told once, and both are partly undone; what only the second one made is not in the way."""
    [latest, _] = bring_run()
    with crm.read(firm.owner) as reader:
        [touched] = [row.id for row in reader.stream(Query(Contact, where=Equal("name", "P2"), sort="id"))]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, touched, values={"source": "phone"})])
    done = take_back(crm, firm.owner, latest.run or "")
    assert ([each.record for each in done.refusals], done.records["contact"]) == ([touched], 40)
    with crm.read(firm.owner) as reader:
        assert [each.state for each in jobs(reader)] == ["partly undone", "partly undone"]


def test_refusals_cost_no_attempts(crm: CRM, firm: Firm, bring: Callable[..., str], statements: Any) -> None:
    """What was changed since is known of all records at once: forty refusals take as many statements as one."""
    costs = []
    for number in (1, 40):
        id = bring(range(100 * number, 101 * number))
        with crm.read(firm.owner) as reader:
            rows = [row for row in reader.stream(Query(Contact, sort="id")) if row.name[1:].isdecimal()]
        with crm.work(firm.owner) as work:
            changed = [Update(Contact, row.id, values={"source": "phone"}) for row in rows if row.source == "web"]
            records.update(work, changed)
        statements.clear()
        assert take_back(crm, firm.owner, id).refused == {"undo_refused": number}
        costs.append(len(statements))
    assert costs[1] <= costs[0] + 4, costs


def test_a_rehearsal_keeps_nobody_waiting(crm: CRM, firm: Firm, bring: Callable[..., str]) -> None:
    """Between its transactions others write; it tells the same as the undo, and keeps nothing."""
    id = bring(range(700))
    there, others = counts(crm, firm), []

    def tell(_undone: Undone) -> None:
        others.append(make_company(crm, by=firm.owner, name=f"Meanwhile {len(others)}"))

    told = take_back(crm, firm.owner, id, rehearsed=True, tell=tell)
    assert counts(crm, firm)[0] == there[0] + len(others) > there[0]
    done = take_back(crm, firm.owner, id)
    assert (told.records, told.refused, told.act) == (done.records, done.refused, None)


def test_a_rehearsal_finds_out_what_depends_on_what(crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """A role goes after its holder: tried by itself it would be refused, so all is tried together."""
    (tmp_path / "rows.csv").write_text("id,name\n" + "".join(f"{at},P{at}\n" for at in range(300)))
    (tmp_path / "map.toml").write_text(SEATS)
    run_import(crm, firm.owner, Wish(path=tmp_path / "rows.csv", map=tmp_path / "map.toml"), _no_bar)
    with crm.read(firm.owner) as reader:
        id = jobs(reader)[0].id
    told = take_back(crm, firm.owner, id, rehearsed=True)
    assert (told.refused, told.records["role"], told.records["user"]) == ({}, 1, 300)
    assert take_back(crm, firm.owner, id).records == told.records
