"""The package as somebody meets it who installs it: enabled by hand, and as the demo."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from opencrm import CRM, Contact, Create, File, Query, records

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """`call("init", "--owner", "Ann")`: run a command in an empty folder, as a user would."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENCRM_")}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "opencrm.cli", *args]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=True)

    return run


def test_what_it_needs_is_told_when_it_is_enabled(call: Call) -> None:
    """The plugin that makes documents, by its name; enabled too, nothing is said of it any more."""
    call("init", "--owner", "Ann")
    done = call("plugin", "enable", "windows", "--yes")
    assert done.stdout == "windows is active.\n"
    assert "enable the plugin 'documents'" in done.stderr
    call("plugin", "enable", "documents", "--yes")
    assert "documents" not in call("plugin", "list").stderr


def test_the_demo_stands_without_a_problem(call: Call, tmp_path: Path) -> None:
    """Made once, with a key for each person; the next call prints new keys."""
    first, again = (call("windows-demo", "--no-serve") for _ in range(2))
    assert first.stderr == again.stderr == ""
    people = re.findall(r"^  (\w+) +(\w+) +opencrm_\S+$", again.stdout, re.MULTILINE)
    assert [name for _, name in people] == ["Margaret", "Ines", "Rory", "Colm", "Freya", "Dylan"]
    assert first.stdout != again.stdout
    with closing(CRM(f"sqlite:///{tmp_path}/opencrm-windows.db")) as crm:
        assert crm.problems() == {}


def test_the_demo_is_made_anew(call: Call, tmp_path: Path) -> None:
    """With its files, and nothing of the one before; its clock may be moved. Another file is never overwritten."""
    call("windows-demo", "--no-serve")
    (tmp_path / "opencrm-windows.db.files" / "left").write_bytes(b"x")
    with closing(CRM(f"sqlite:///{tmp_path}/opencrm-windows.db")) as crm, crm.work(crm.sole_owner()) as work:
        records.create(work, [Create(Contact, name="Maria")])
    call("windows-demo", "--no-serve", "--fresh")
    with closing(CRM(f"sqlite:///{tmp_path}/opencrm-windows.db")) as crm:
        owner = crm.sole_owner()
        with crm.read(owner) as reader:
            assert (reader.count(Contact), reader.configuration.sandbox) == (0, True)
            [template] = [it for it in reader.list(Query(File)) if it.entity == "documents_template"]
        assert crm.files.open(owner, template.id).read()
    assert not (tmp_path / "opencrm-windows.db.files" / "left").exists()
    assert not [it.name for it in tmp_path.iterdir() if it.name.startswith(".")]
    call("init", "--owner", "Ann", "--db", "real.db")
    with pytest.raises(subprocess.CalledProcessError):
        call("windows-demo", "--no-serve", "--fresh", "--db", "real.db")


def test_the_demo_tells_where_it_stands_and_what_to_try(call: Call, tmp_path: Path) -> None:
    """Its help names no setting that it does not look at; served, it prints lines that work as they stand."""
    told = call("windows-demo", "--help").stdout
    assert ("[opencrm-windows.db]" in told, "OPENCRM_DB" in told) == (True, False)
    command = [sys.executable, "-m", "opencrm.cli", "windows-demo", "--port", "0"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENCRM_")}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = list(islice(process.stdout, 12))
            asked = [re.search(r"Bearer (\S+)' '?(http[^' ]+)'?$", line) for line in (lines[9], lines[11])]
            for it in asked:
                assert it is not None, lines
                request = urllib.request.Request(it[2], headers={"Authorization": f"Bearer {it[1]}"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    assert json.load(answer)["items"] == []
            assert lines[10].rstrip().endswith("/api/v1/clock/advance")
        finally:
            process.terminate()
