"""The files that hold definitions, as they come from other editors."""

from __future__ import annotations

import pytest

KINDS = ("fields", "pipelines", "rules", "roles")


@pytest.fixture
def planned(call, folder):
    """`planned("roles", b"...")` is what planning a file's bytes says."""
    assert call("init", "--owner", "Ann").exit_code == 0

    def planned(kind, content):
        (folder / "given.toml").write_bytes(content)
        return call(kind, "plan", "given.toml")

    return planned


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content",
    [b"x = " + b"9" * 5000, "# Größe".encode("latin-1"), "# size".encode("utf-16"), b"x = ", b"x = " + b"[" * 9999],
    ids=["a number without end", "Latin-1", "UTF-16", "nothing", "depth"],
)
def test_what_is_not_toml_is_said_to_be_none(planned, kind, content):
    """One line, and no traceback: it is no fault inside."""
    done = planned(kind, content)
    assert done.exit_code == 3, done.stderr
    assert "text: is not TOML" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_the_mark_of_some_editors_does_no_harm(planned, kind):
    """They write it before UTF-8."""
    done = planned(kind, b"\xef\xbb\xbf# nothing\n")
    assert (done.exit_code, done.stderr) == (0, "")
