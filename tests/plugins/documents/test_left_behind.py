"""What a process that was killed while it made a document leaves in the temporary folder."""

from __future__ import annotations

import os
import tempfile

from tests.plugins.documents.conftest import word

from opencrm.embed import SystemClock
from opencrm.plugins.documents.rendering import rendered


def test_what_was_left_behind_is_removed(tmp_path, monkeypatch):
    """By the next document; another one that is under way, and what is not of documents, stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hour_ago = SystemClock().now().timestamp() - 3600
    for name in ("opencrm-document-old", "opencrm-document-new", "opencrm-else"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.json").write_text('{"client": "Maria"}')
        if not name.endswith("new"):
            os.utime(tmp_path / name, (hour_ago, hour_ago))
    assert rendered("word", word("Hello"), {})
    assert sorted(it.name for it in tmp_path.iterdir()) == ["opencrm-document-new", "opencrm-else"]
