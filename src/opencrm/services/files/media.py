"""What a file holds, told from its beginning: one of a few types that are known, whatever its sender says."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from types import MappingProxyType

UNKNOWN = "application/octet-stream"
HEAD = 4096
"""How many bytes of the beginning are looked at."""

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftyp", "video/mp4"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
)
_ZIP = b"PK\x03\x04"
_ZIPPED: Mapping[str, str] = MappingProxyType(
    {
        "docx": f"{_OPEN_XML}.wordprocessingml.document",
        "xlsx": f"{_OPEN_XML}.spreadsheetml.sheet",
        "pptx": f"{_OPEN_XML}.presentationml.presentation",
        "odt": f"{_OPEN_DOCUMENT}.text",
        "ods": f"{_OPEN_DOCUMENT}.spreadsheet",
        "odp": f"{_OPEN_DOCUMENT}.presentation",
    }
)
_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "csv": "text/csv",
        "eml": "message/rfc822",
        "ics": "text/calendar",
        "json": "application/json",
        "md": "text/markdown",
        "txt": "text/plain",
        "typ": "text/plain",
        "vcf": "text/vcard",
    }
)


def media_type(head: bytes, name: str) -> str:
    """Return the media type of a file, of the few that are known; nothing that a browser would run.

    Args:
        head: Its first bytes, `HEAD` of them or all.
        name: Its name, whose ending tells apart what begins alike.
    """
    ending = name.rpartition(".")[2].lower()
    if head.startswith(_ZIP):
        return _ZIPPED.get(ending, "application/zip")
    for at, magic, found in _MAGIC:
        if head[at : at + len(magic)] == magic and not (found == "image/webp" and head[:4] != b"RIFF"):
            return found
    return _TEXTS[ending] if ending in _TEXTS and _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\x00" not in head
