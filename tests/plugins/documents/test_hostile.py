"""Templates that try to do more than fill in are refused when they are saved, quickly, and reach nothing."""

from __future__ import annotations

import io
import socket
import threading
import zipfile
from contextlib import suppress

import pytest
from tests.plugins.documents.conftest import CONTRACT, word

from opencrm import Objected
from opencrm.core.clock import monotonic
from opencrm.plugins.documents.rendering import Refused, rendered

DATA = {"client": "Ann", "rows": [{"title": "a"}]}


@pytest.mark.parametrize(
    "text",
    [
        "{{ client.__class__ }}",
        "{{ client['__class__'] }}",
        "{{ client|attr('__class__') }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ client.upper() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ self._TemplateReference__context }}",
        "{{ range(10**9) }}",
        "{{ 'a' * 10**9 }}",
        "{{ 2 ** 99999999 }}",
        "{% for a in range(9) %}x{% endfor %}",
        "{% for a in client %}{{ a }}{% endfor %}",
        "{% set a = client %}{{ a }}",
        "{% macro a() %}{% endmacro %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'a' %}",
        "{% raw %}",
        "{{ client|format }}",
        "{{ client|map('upper') }}",
        "{{ nobody }}",
        "{{ rows.title }}",
        "{{ client.name }}",
        "{% for row in rows %}{{ row.nothing }}{% endfor %}",
        "{% if 1 == 2 %}{{ nobody }}{% endif %}",
        "{% for row in rows %}{% endfor %}{{ row.title }}",
        "{{ loop.index }}",
        "{{ unclosed",
    ],
)
def test_a_word_template_that_does_more_than_fill_in(text):
    """In its body, and in its header."""
    for body in (word(text), word("fine", header=text)):
        with pytest.raises(Refused):
            rendered("word", body, DATA)


def test_loops_within_loops_end():
    """Before they begin."""
    inner = "".join(f"{{% for r{at} in rows %}}" for at in range(6)) + "x" + "{% endfor %}" * 6
    with pytest.raises(Refused, match="go round too often"):
        rendered("word", word(inner), {"rows": [{"title": "a"}] * 1000})


def bomb(entries: int, size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(entries):
            archive.writestr("word/document.xml" if at == 0 else f"word/{at}.xml", b"\0" * size)
    return out.getvalue()


_NAMESPACE = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def said(entities: bytes) -> bytes:
    """Return a part of a Word document that says what the entity `h` stands for."""
    text = b"<w:body><w:p><w:r><w:t>&h;</w:t></w:r></w:p></w:body>"
    head = b'<?xml version="1.0"?><!DOCTYPE w:document [' + entities + b"]>"
    return head + b'<w:document xmlns:w="' + _NAMESPACE + b'">' + text + b"</w:document>"


_TENFOLD = zip("zabcdefg", "abcdefgh", strict=True)
BILLION_LAUGHS = said(
    b'<!ENTITY z "ha">' + "".join(f'<!ENTITY {name} "{f"&{of};" * 10}">' for of, name in _TENFOLD).encode()
)
READS_A_FILE = said(b'<!ENTITY h SYSTEM "file:///etc/passwd">')


def with_part(name: str, content: bytes) -> bytes:
    """Return a Word document with another part in place of its own."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word("{{ client }}"))) as found, zipfile.ZipFile(out, "w") as archive:
        for entry in found.infolist():
            archive.writestr(entry, content if entry.filename == name else found.read(entry))
        if name not in found.namelist():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no archive",
        b"PK\x03\x04" + b"\0" * 100,
        bomb(1, 200 * 2**20),
        bomb(3000, 10),
        bomb(1, 10),
        with_part("word/document.xml", BILLION_LAUGHS),
        with_part("word/vbaProject.bin", b"MZ"),
        word("{{ client }}")[:-100],
    ],
    ids=["empty", "text", "broken", "bomb", "many", "no xml", "laughs", "macros", "cut off"],
)
def test_a_bomb_is_no_word_template(body):
    """It is told, in little time."""
    start = monotonic()
    with pytest.raises(Refused):
        rendered("word", body, DATA)
    assert monotonic() - start < 20


def test_an_entity_reads_no_file():
    """What stands in a file of the machine's is in no document."""
    try:
        found = rendered("word", with_part("word/document.xml", READS_A_FILE), DATA)
    except Refused:
        return
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        assert b"root:" not in archive.read("word/document.xml")


@pytest.mark.parametrize(
    "body",
    [
        '#read("/etc/passwd")',
        '#read("../data.json")',
        '#read("../../etc/passwd")',
        '#image("/etc/passwd")',
        '#import "@preview/cetz:0.2.2"',
        '#import ("@pre" + "view/cetz:0.2.2")',
        '#plugin("a.wasm")',
        "#let a = range(1000000000)",
        '#let a = "x"\n#for i in range(100) { a = a + a }',
        "#let f(n) = f(n + 1)\n#f(1)",
        "#let i = 0\n#while i < 1 { i = i * 1 }",
        "#let data = json(bytes(sys.inputs.data))\n#data.nobody",
        "#unknown",
        "#let x = (",
        "a\x00b",
        "%PDF-1.4",
    ],
)
def test_a_typst_template_that_does_more_than_fill_in(body):
    """No file, no network, no endless loop; what it names must be there."""
    start = monotonic()
    with pytest.raises(Refused):
        rendered("pdf", body.encode(), DATA)
    assert monotonic() - start < 35


def test_no_template_reaches_the_network():
    """Whatever it asks for goes to an address at which nobody is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(2)
        heard = []

        def listen():
            with suppress(TimeoutError):
                heard.append(server.accept())

        thread = threading.Thread(target=listen)
        thread.start()
        port = server.getsockname()[1]
        for body in (f'#image("http://127.0.0.1:{port}/a.png")', '#import "@preview/cetz:0.2.2": *'):
            with pytest.raises(Refused):
                rendered("pdf", body.encode(), {})
        thread.join()
    assert heard == []


def test_no_secret_of_this_process_is_in_reach(monkeypatch):
    """The environment is not handed on."""
    monkeypatch.setenv("OPENCRM_SMTP_URL", "smtps://name:password@mail.example.com")
    from opencrm.plugins.documents import rendering

    seen = {}
    real = rendering.subprocess.Popen

    def spying(command, **given):
        seen.update(given["env"])
        return real(command, **given)

    monkeypatch.setattr(rendering.subprocess, "Popen", spying)
    rendered("word", word("{{ client }}"), DATA)
    assert not [name for name in seen if name.startswith(("OPENCRM", "PYTHON"))]


def test_a_hostile_body_is_refused_when_it_is_saved(crm, firm, make_template):
    """With a sentence that says why, and nothing is added."""
    for kind, body, wrong in (
        ("word", word("{{ client.__class__ }}"), "__class__"),
        ("word", word("{{ buyer }}"), "names 'buyer', which is not in its data"),
        ("pdf", CONTRACT + "#data.buyer", "buyer"),
        ("pdf", b"%PDF-1.4", "it is no text: a template for PDF is written in typst"),
    ):
        with pytest.raises(Objected, match=wrong):
            make_template(kind, body, key=f"k{monotonic()}".replace(".", "_"))
    with crm.read(firm.owner) as reader:
        from opencrm import File

        assert reader.count(File) == 0
