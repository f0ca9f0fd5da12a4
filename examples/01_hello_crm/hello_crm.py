"""A complete CRM in one file: a pipeline of one's own, a contact, a deal, a move and a list."""

from collections.abc import Iterator
from pathlib import Path

from opencrm import CRM, Contact, Create, Deal, Move, Pipeline, Query, Stage, hookimpl, pipelines, records

FILE = Path("hello.db")


class Windows:
    """A plugin: it brings what this company needs, and opencrm does not know."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline(
            "windows",
            ["request", "offer", Stage("won", kind="won"), Stage("lost", kind="lost")],
            moves={("request", "offer"), ("offer", "won"), ("*", "lost")},
        )


def main() -> None:
    fresh = not FILE.exists()
    crm = CRM(f"sqlite:///{FILE}", plugins=[Windows()])
    ann = crm.init(owner="Ann") if fresh else crm.sole_owner()
    with crm.work(ann) as work:
        [maria] = records.create(work, [Create(Contact, name="Maria Lopez")])
        [deal] = records.create(work, [Create(Deal, title="Six windows", amount="4800", contact_id=maria.record_id)])
        pipelines.move(work, [Move(Deal, deal.record_id, to="offer")])
    with crm.read(ann) as reader:
        for row in reader.list(Query(Deal)):
            print(f"{row.title:<20}{row.amount:>10.2f} {row.currency}  {row.stage}")
    crm.close()


if __name__ == "__main__":
    main()
