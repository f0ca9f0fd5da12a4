"""`opencrm export --where`: a filter or a condition in JSON, beside the filters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from opencrm import CRM, Company, InputError
from opencrm.embed import Invocation
from opencrm.plugins.exporting.command import export_command
from opencrm.testing import make_record


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Result]:
    """`export(...)` runs the command over three companies."""
    url = f"sqlite:///{tmp_path}/crm.db"
    with closing(CRM(url)) as crm:
        crm.init(owner="Ann")
        for name, city in (("Acme", "Riga"), ("Beta", "Tartu"), ("Gama", None)):
            make_record(crm, Company, name=name, city=city)

    def run(*args: str) -> Result:
        with closing(Invocation({"db": url}, {})) as invocation:
            return CliRunner().invoke(export_command, ["company", "--fields", "name", *args], obj=invocation)

    return run


@pytest.mark.parametrize(
    "args, names",
    [
        (('{"field": "city", "op": "contains", "value": "ri"}',), ["Acme"]),
        (('{"not": {"field": "city", "op": "equal", "value": "riga"}}',), ["Beta", "Gama"]),
        (('{"field": "created_at", "op": "at_least", "value": "-1h"}', "--filter", "city="), ["Gama"]),
        (('{"any": []}',), []),
        (("city=riga",), ["Acme"]),
        (("city[empty]=false", "--where", "name[gte]=b"), ["Beta"]),
    ],
)
def test_what_meets_the_condition_leaves(
    export: Callable[..., Result], args: tuple[str, ...], names: list[str]
) -> None:
    """All of the filters and the condition must hold."""
    assert export("--where", *args).stdout.splitlines() == ["name", *names]


@pytest.mark.parametrize("text", ["", "city", "{}", "[]", '{"field": "colour", "op": "empty"}', '{"not":' * 5000])
def test_another_text_is_refused(export: Callable[..., Result], text: str) -> None:
    """Before a row leaves."""
    done = export("--where", text)
    assert isinstance(done.exception, InputError)
    assert not done.stdout
