"""The zip archive that a workbook is, judged before anything reads it.

What the archive says of itself is not believed: each member is inflated here once, in blocks, and must give exactly
as many bytes as the archive's directory announces.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import attrs

from opencrm.plugins.spreadsheets.problems import BadWorkbook, WorkbookTooLarge

MOST_BYTES = 512 * 1024 * 1024
"""Bytes that all members of a workbook may have together, once they are inflated."""

MOST_RATIO = 200
"""How many times larger than the file they may be, if they are large at all."""

IN_UTC = "opencrm times"
"""The property by which a workbook that opencrm wrote says that its times are in UTC."""

_SMALL = 16 * 1024 * 1024
_MOST_MEMBERS = 5_000
_BLOCK = 256 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCAL_HEADER = struct.Struct("<4s22xHH")


@attrs.frozen
class Archive:
    """An open workbook whose directory is plausible.

    Attributes:
        name: What messages call it.
        members: Its members, by name.
    """

    name: str
    members: dict[str, ZipInfo]
    _stream: BinaryIO

    def blocks(self, member: ZipInfo) -> Iterator[bytes]:
        """Give the inflated bytes of a member in blocks.

        Raises:
            BadWorkbook: They are damaged, or others than the directory says.
        """
        given = 0
        for block in self._inflated(member):
            given += len(block)
            if given > member.file_size:
                break
            yield block
        if given != member.file_size:
            raise BadWorkbook(self.name, f"is damaged: {member.filename} has another size than the archive says")

    def _inflated(self, member: ZipInfo) -> Iterator[bytes]:
        packed = self._packed(member)
        if member.compress_type == ZIP_STORED:
            yield from packed
            return
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for block in packed:
                data = block
                while data and not inflate.eof:
                    yield inflate.decompress(data, _BLOCK)
                    data = inflate.unconsumed_tail
            while not inflate.eof and (rest := inflate.decompress(b"", _BLOCK)):
                yield rest
        except zlib.error:
            raise BadWorkbook(self.name, f"is damaged: {member.filename} cannot be unpacked") from None

    def _packed(self, member: ZipInfo) -> Iterator[bytes]:
        self._stream.seek(member.header_offset)
        head = self._stream.read(_LOCAL_HEADER.size)
        if len(head) < _LOCAL_HEADER.size or not head.startswith(b"PK\x03\x04"):
            raise BadWorkbook(self.name, f"is damaged: {member.filename} is not where the archive says")
        _, name, more = _LOCAL_HEADER.unpack(head)
        self._stream.seek(name + more, 1)
        left = member.compress_size
        while left and (block := self._stream.read(min(left, _BLOCK))):
            left -= len(block)
            yield block


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a workbook's archive and judge its directory; nothing is inflated.

    Raises:
        BadWorkbook: It is something else, damaged or encrypted.
        WorkbookTooLarge: It would be larger than may be.
    """
    with path.open("rb") as stream:
        if stream.read(len(_OLE)) == _OLE:
            raise BadWorkbook(path.name, "is encrypted, or an old workbook (xls): save it as xlsx without a password")
        try:
            directory = ZipFile(stream)
        # What zipfile raises of a damaged directory: NotImplementedError of a version of the format that is none.
        except (BadZipFile, ValueError, NotImplementedError, EOFError, UnicodeDecodeError):
            raise BadWorkbook(path.name, "is no workbook, or a damaged one") from None
        _judge(path, directory)
        yield Archive(path.name, {each.filename: each for each in directory.infolist()}, stream)


def _judge(path: Path, directory: ZipFile) -> None:
    members = directory.infolist()
    inflated, packed = sum(each.file_size for each in members), path.stat().st_size
    if len(members) > _MOST_MEMBERS:
        raise WorkbookTooLarge(path.name, f"holds {len(members):,} files; at most {_MOST_MEMBERS:,} may be")
    if inflated > MOST_BYTES:
        raise WorkbookTooLarge(path.name, f"would be {inflated:,} bytes once unpacked; at most {MOST_BYTES:,} may be")
    if inflated > _SMALL and inflated > MOST_RATIO * packed:
        text = f"would be {inflated // packed:,} times as large once unpacked; at most {MOST_RATIO} times may be"
        raise WorkbookTooLarge(path.name, text)
    if any(each.flag_bits & 1 for each in members):
        raise BadWorkbook(path.name, "is encrypted: save it without a password")
    if any(each.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for each in members):
        raise BadWorkbook(path.name, "is packed in a way that workbooks are not")
    if len({each.filename for each in members}) < len(members) or directory.comment:
        raise BadWorkbook(path.name, "is damaged: its directory says different things")
