"""Where a deal or a contact came from: the marks that advertisements and campaigns put on a link (UTM)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opencrm import AddedField, Link, Text, hookimpl

ENTITIES = ("contact", "deal")
MARKS: Mapping[str, str] = {
    "source": "Site, newsletter or engine that sent the visitor, such as google.",
    "medium": "Kind of the way, such as cpc, e-mail or social.",
    "campaign": "Name of the campaign.",
    "content": "Which of several links or pictures was followed.",
    "term": "Words that were searched for.",
}
"""The five marks of a link, each with what it says."""


@hookimpl
def opencrm_register_fields() -> Iterator[AddedField]:
    for entity in ENTITIES:
        for mark, help in MARKS.items():
            name, label = f"attribution_{mark}", f"UTM {mark}"
            yield AddedField(entity=entity, name=name, type=Text(200, folded=True), label=label, help=help)
        for name, label in (("referrer", "Came from the page"), ("landing", "Entered by the page")):
            yield AddedField(entity=entity, name=f"attribution_{name}", type=Link(), label=label)
