"""Rendering in a process of its own: with limits, without the network, without what this process knows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from opencrm import ConfigurationError, OpenCRMError
from opencrm.embed import SystemClock
from opencrm.plugins.documents import program

MOST_BODY = 20 * 2**20
"""Bytes that a template may have."""

_SECONDS = 30
_LEFT = 20 * _SECONDS
"""After how many seconds nobody works in a folder any more."""
_PREFIX = "opencrm-document-"
_PROGRAM = Path(__file__).with_name("program.py")
_NOWHERE = "http://127.0.0.1:9"
_WITHOUT_NETWORK: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE)
)
"""For libraries that would fetch something: there is nobody at this address."""


class Refused(OpenCRMError):
    """A template tries to do what it must not, or fails."""

    code = "template_refused"


def rendered(kind: str, body: bytes, data: Mapping[str, Any]) -> bytes:
    """Return the document that a template gives with data.

    Args:
        kind: `"word"` or `"pdf"`.
        body: The template.
        data: Texts, and lists of objects of texts, by name.

    Raises:
        Refused: It names what is not there, tries to run code, takes too long or too much memory, or is broken.
        ConfigurationError: What renders it is not installed.
    """
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        place = Path(folder)
        (place / "body").write_bytes(body)
        (place / "data.json").write_text(json.dumps(data), encoding="utf-8")
        code, told = _run(place, kind)
        if code == 0:
            return (place / "document").read_bytes()
    if code == program.NOT_INSTALLED:
        raise ConfigurationError(f"documents need the extra: pip install 'opencrm[documents]' ({told})")
    raise Refused(told if code == program.REFUSED and told else "it takes too much time or memory")


def _sweep(temporary: Path) -> None:
    """Remove what processes that were killed left behind: what their documents were made of."""
    before = SystemClock().now().timestamp() - _LEFT
    for folder in temporary.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # Another one may remove it at the same time.
            if folder.lstat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)


def _run(place: Path, kind: str) -> tuple[int, str]:
    """Run the program that renders; return its exit code, and what it said last."""
    given = {**_WITHOUT_NETWORK, "HOME": str(place), "TMPDIR": str(place), "LC_ALL": "C.UTF-8"}
    if os.name == "nt":
        given["SYSTEMROOT"] = r"C:\Windows"
    with (place / "told").open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), kind],
            cwd=place,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            process.kill()
            process.wait()
    lines = (place / "told").read_bytes()[:10_000].decode("utf-8", "replace").strip().splitlines()
    return code, lines[-1][:500] if lines else ""
