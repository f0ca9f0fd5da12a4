"""Contents: stored once, by their hash, on a folder of this machine and on what fsspec reaches."""

from __future__ import annotations

import gc
import hashlib
import threading
import tracemalloc
from itertools import repeat

import pytest

from opencrm.errors import ConfigurationError, InputError, Unavailable
from opencrm.services.files.contents import Contents, place_of
from opencrm.services.files.media import media_type

LARGEST = 2**30


@pytest.fixture(params=["folder", "file", "memory"])
def place(request, tmp_path):
    """A place: a folder, and two that fsspec reaches."""
    named = {"folder": f"{tmp_path}/kept", "file": f"file://{tmp_path}/kept", "memory": f"memory://{tmp_path}"}
    return place_of(named[request.param])


@pytest.fixture
def contents(place):
    return Contents(place, lambda: ("here", "own"), LARGEST)


def test_what_is_equal_is_stored_once(contents):
    """However it comes: as bytes, in blocks, from a file."""
    found = {contents.put(it).sha256 for it in (b"abc" * 99999, [b"abc"] * 99999)}
    assert found == {hashlib.sha256(b"abc" * 99999).hexdigest()}
    assert [sha256 for sha256, _ in contents.stored()] == list(found)
    assert contents.read(found.pop()) == b"abc" * 99999


def test_two_workspaces_in_one_place_do_not_meet(place):
    """Each has a folder of its own, so that tidying up in one leaves the other alone."""
    one, other = (Contents(place, lambda name=name: (name, "own"), LARGEST) for name in ("one", "other"))
    sha256 = one.put(b"x").sha256
    assert list(other.stored()) == []
    with pytest.raises(ConfigurationError):
        other.open(sha256)


def test_a_copy_reads_what_is_there_and_touches_nothing(place):
    """What it stores is in a folder of its own, even where the same is there already; it finds what was set aside."""
    first, copy = (Contents(place, lambda name=name: ("here", name), LARGEST) for name in ("first", "copy"))
    one, other = first.put(b"one").sha256, first.put(b"other").sha256
    first.set_aside(other, "20260302T090000")
    assert (copy.read(one), copy.read(other)) == (b"one", b"other")
    assert (list(copy.stored()), list(copy.aside())) == ([], [])
    copy.put(b"one")
    first.set_aside(one, "20260302T090000")
    first.remove(one, "20260302T090000")
    assert copy.read(one) == b"one"


def test_two_at_once_store_the_same(contents):
    """Neither fails, and neither leaves anything behind."""
    ready, wrong = threading.Barrier(8), []

    def put():
        try:
            ready.wait()
            contents.put(repeat(b"0123456789" * 1000, 300))
        except Exception as error:  # noqa: BLE001  # whatever it is, the test tells it
            wrong.append(error)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [changed is not None for _, changed in contents.stored()] == [True]
    assert contents.clear(float("inf")) == 0


def test_what_is_too_large_leaves_nothing(place):
    """It is refused at the first byte too many, and named."""
    contents = Contents(place, lambda: ("here", "own"), 1000)
    read = []

    def blocks():
        for at in range(10**6):
            read.append(at)
            yield b"x" * 100

    with pytest.raises(InputError, match="file: is too large: at most 1000 bytes"):
        contents.put(blocks())
    assert len(read) == 11
    assert list(contents.stored()) == []
    assert contents.clear(float("inf")) == 0


def test_what_breaks_off_leaves_nothing(contents):
    """Nothing has its name before it is whole."""

    def blocks():
        yield b"a beginning"
        raise ConnectionResetError("gone")

    with pytest.raises(Unavailable):
        contents.put(blocks())
    assert list(contents.stored()) == []


def test_a_large_file_takes_little_memory(tmp_path):
    """Up and down it goes block by block."""
    contents = Contents(place_of(f"{tmp_path}/kept"), lambda: ("here", "own"), LARGEST)
    gc.collect()
    tracemalloc.start()
    found = contents.put(repeat(b"x" * 2**16, 1600))
    with contents.open(found.sha256) as file:
        while file.read(2**16):
            pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.size == 100 * 2**20
    assert most < 2**21


def test_a_damaged_content_is_put_right(contents, place):
    """What was copied half is not taken for what it was to be."""
    found = contents.put(b"all of it")
    with place.arriving() as file:
        file.write(b"half")
        place.keep(file, f"here/{found.sha256[:2]}/{found.sha256}")
    contents.put(b"all of it")
    assert contents.read(found.sha256) == b"all of it"


def test_what_is_set_aside_is_still_found(contents):
    """Whoever adds it at this moment misses nothing."""
    found = contents.put(b"x")
    contents.set_aside(found.sha256, "20260302T090000")
    assert contents.read(found.sha256) == b"x"
    assert list(contents.aside()) == [(found.sha256, "20260302T090000")]
    contents.bring_back(found.sha256, "20260302T090000")
    assert [sha256 for sha256, _ in contents.stored()] == [found.sha256]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """As something that may pass, without a path."""
    (tmp_path / "file").write_text("in the way")
    contents = Contents(place_of(str(tmp_path / "file" / "kept")), lambda: ("here", "own"), LARGEST)
    with pytest.raises(Unavailable, match="files cannot be stored") as told:
        contents.put(b"x")
    assert str(tmp_path) not in str(told.value)


def test_an_unknown_scheme_is_told():
    """By name, without what stands behind it."""
    with pytest.raises(ConfigurationError, match="nowhere:// cannot be used"):
        place_of("nowhere://user:secret@host")


@pytest.mark.parametrize(
    "head, name, found",
    [
        (b"%PDF-1.7", "a.html", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "a.png", "image/png"),
        (b"PK\x03\x04xx", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04xx", "a.exe", "application/zip"),
        (b"MZ\x90", "a.docx", "application/octet-stream"),
        (b"<html><script>", "a.html", "application/octet-stream"),
        (b"<svg onload=alert(1)>", "a.svg", "application/octet-stream"),
        (b"a,b\n1,2", "A.CSV", "text/csv"),
        (b"a\x00b", "a.txt", "application/octet-stream"),
        ("ü".encode("latin-1") + b" x", "a.txt", "application/octet-stream"),
        ("größe".encode()[:3], "a.txt", "text/plain"),
        (b"", "a.txt", "text/plain"),
        (b"RIFF0000WEBP", "a", "image/webp"),
        (b"RIFX0000WEBP", "a", "application/octet-stream"),
    ],
)
def test_what_a_file_holds_is_told_by_its_beginning(head, name, found):
    """Of a few types that are known, none of which a browser runs."""
    assert media_type(head, name) == found
