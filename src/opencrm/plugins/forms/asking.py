"""What comes in: JSON, or the fields of the page; and from which site."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import abort, request
from werkzeug.datastructures import MultiDict

from opencrm import Choices, InputError, WebForm, YesNo
from opencrm.embed import FormGiven, FormShown

MARKS = ("source", "medium", "campaign", "content", "term")
_LONGEST_MARK = 500
_MEMBERS = ("answers", "attribution", "consent", "token", "record", "once")


def of_json(trap: str) -> FormGiven:
    """Return what came as JSON.

    Raises:
        InputError: It is no object, or has members that mean nothing.
    """
    found = _parsed(request.get_data(cache=False))
    if not isinstance(found, dict):
        raise InputError({"body": ["must be an object"]})
    unknown = [name for name in found if name not in (*_MEMBERS, trap)]
    if unknown:
        raise InputError({_plain(name): ["is not known here"] for name in unknown})
    return FormGiven(
        answers=found.get("answers", {}), trap=found.get(trap), **{it: found.get(it) for it in _MEMBERS[1:]}
    )


def of_page(shown: FormShown, trap: str) -> FormGiven:
    """Return what came from the page."""
    sent, answers = request.form, dict[str, Any]()
    for field in shown.fields:
        if isinstance(field.type, Choices):
            answers[field.name] = sent.getlist(field.name)
        elif field.name in sent:
            answers[field.name] = sent[field.name]
        elif isinstance(field.type, YesNo):
            answers[field.name] = "false"
    return FormGiven(
        answers=answers,
        attribution={name: sent[f"_{name}"] for name in (*MARKS, "referrer", "landing") if sent.get(f"_{name}")},
        consent="_consent" in sent,
        token=sent.get("_token"),
        trap=sent.get(trap),
        record=sent.get("_record"),
    )


def marks() -> dict[str, str]:
    """Return what the page's address, and the page that led to it, tell of the way by which somebody came."""
    given: MultiDict[str, str] = request.args
    found = {name: given.get(f"utm_{name}", "") for name in MARKS}
    found |= {
        "referrer": given.get("referrer") or request.referrer or "",
        "landing": given.get("landing") or request.url,
    }
    return {name: _printable(text)[:_LONGEST_MARK] for name, text in found.items() if text}


def site_may_ask(form: WebForm, own: str) -> str | None:
    """Return the site whose page asks, where it may and is not this one; None for this one, and for programs.

    Raises:
        Forbidden: It may not.
    """
    origin = request.headers.get("Origin")
    if origin is None or _host(origin) in {request.host, _host(own)} - {""}:
        return None
    if origin.lower() not in form.origins:
        abort(403)
    return origin


def _host(url: str) -> str:
    """Return the host of an address; nothing of one that is none."""
    with suppress(ValueError):
        return urlsplit(url).netloc
    return ""


def _parsed(body: bytes) -> Any:
    """Return what a body says; half a surrogate pair is let in, so that the field that holds it is named."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise InputError({"body": ["is no JSON, or goes too deep"]}) from None


def _plain(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()[:100]


def _printable(text: str) -> str:
    return "".join(each for each in text if each.isprintable())


def hidden(shown: Mapping[str, str]) -> dict[str, str]:
    """Return what the page carries along unseen, by the names of its inputs."""
    return {f"_{name}": text for name, text in shown.items()}
