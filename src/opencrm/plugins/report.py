"""Sends reports: what rules and stages say with `report("finished_order", to=head_of(owner))`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from opencrm import InputError, Service, ServiceDoor, hookimpl
from opencrm.embed import read_selector, report_title, reporting

_T = TypeVar("_T")


@hookimpl
def opencrm_register_services() -> Iterator[Service]:
    yield Service(name="report_send", run=_send, label="Send a report")


def _send(door: ServiceDoor, values: Mapping[str, Any]) -> None:
    to = _read("to", read_selector, str(values.get("to", "")))
    label = _read("label", report_title, str(values.get("label") or values.get("name") or "Report"))
    with door.work() as work:
        if door.once(work, f"report {door.key}"):
            reporting.send(work, door.entity, door.record_id, to=to, label=label)


def _read(name: str, read: Callable[[str], _T], text: str) -> _T:
    try:
        return read(text)
    except ValueError as error:
        raise InputError({name: [str(error)]}) from None
