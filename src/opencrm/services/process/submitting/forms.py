"""The door for web forms: what they ask for, links to them, and taking what strangers send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.values import Id, is_id
from opencrm.errors import ConfigurationError, InputError, NotFound
from opencrm.services.explaining import require
from opencrm.services.identity import limits
from opencrm.services.process.submitting import keeping, tokens
from opencrm.services.process.submitting.answers import agreed, loaded, marks, once_of
from opencrm.services.process.submitting.asking import Asked, asked
from opencrm.services.process.submitting.keeping import Submission
from opencrm.services.process.submitting.rescuing import Surely
from opencrm.services.process.submitting.taking import Sent, take
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work

TOO_SOON = "too soon"
"""The rule by which a form is refused that was sent sooner than a person could; with the same token it may be again."""
_WINDOW = timedelta(minutes=10)
_UNSIGNED = "is required: GET the form, which gives one"


@attrs.frozen
class Described:
    """A form as whoever fills it in is told of it.

    Attributes:
        form: Its declaration.
        fields: What it asks for.
        token: Tells when it was shown; sent with the answers.
    """

    form: WebForm
    fields: tuple[Asked, ...]
    token: str


@attrs.frozen(kw_only=True)
class Given:
    """What came from somewhere, unchecked.

    Attributes:
        answers: By the fields' names.
        attribution: What is known of the way by which somebody came.
        consent: Whether they agree.
        token: What they were told with the form.
        trap: What stands in the field that no person sees.
        record: The signed link; of somebody known, the record's id.
        once: Tells this sending from others, for those who are known.
    """

    answers: Any
    attribution: Any = None
    consent: Any = None
    token: Any = None
    trap: Any = None
    record: Any = None
    once: Any = None


class Forms:
    """A workspace's web forms.

    Args:
        workspace: The workspace.
        configuration: Gives what is in force.
        open_work: Opens a work block as a principal.
        open_read: Opens a read block as a principal.
    """

    def __init__(
        self,
        workspace: Workspace,
        configuration: Callable[[], Configuration],
        open_work: Callable[[Principal], AbstractContextManager[Work]],
        open_read: Callable[[Principal], AbstractContextManager[Reader]],
    ) -> None:
        self._workspace = workspace
        self._configuration = configuration
        self._work = open_work
        self._read = open_read

    def describe(self, key: str) -> Described:
        """Return what a form asks for, with a token for sending it.

        Raises:
            NotFound: There is no such form.
            ConfigurationError: It asks for what is not there, or no longer.
        """
        configuration, now = self._configuration(), self._now()
        _, form, fields = _found(configuration, key)
        return Described(form, fields, tokens.shown(configuration.secret, key, now, self._workspace.ids.new()))

    def link(self, principal: Principal, key: str, record: Id, *, days: int = 30) -> str:
        """Return what lets whoever holds it send a form about a record: the value of `record` in its address.

        Args:
            principal: Somebody who may change the record.
            key: The form.
            record: The record.
            days: How long it is good.

        Raises:
            NotFound: There is no such form about records, or no such record.
            ConfigurationError: The form asks for what is not there, or no longer.
            PermissionDenied: The principal may not change it.
        """
        configuration = self._configuration()
        _, form, _ = _found(configuration, key)
        if form.about is None:
            raise NotFound(f"form {key!r} is about no record", form=key)
        with self._read(principal) as reader:
            require(reader, reader.entity(form.about), record, "update")
        return tokens.link(configuration.secret, key, record, self._now() + timedelta(days=days))

    def receive(self, key: str, given: Given, *, remote: str | None = None) -> WebForm:
        """Take what a stranger sent, unless it is a program's; the answer is the same, whoever they are.

        Where a full stage, a check or a rule refuses it, it is kept, and somebody is told.

        Args:
            key: The form.
            given: What they sent.
            remote: Their address.

        Returns:
            The form, whose thanks are for them.

        Raises:
            NotFound: There is no such form, or the link to its record is not good.
            ConfigurationError: It asks for what is not there, or no longer.
            TooManyAttempts: It was sent too often from that address.
            InputError: Names each field that cannot be used; of the rule `too soon`, where it may be sent again.
        """
        configuration = self._configuration()
        automation, form, fields = _found(configuration, key)
        limit = limits.Limit(f"form {key}", form.most, _WINDOW)
        limits.count(self._workspace.database, limit, limits.network(remote), self._now())
        record = self._linked(configuration, form, given)
        if given.trap not in (None, ""):
            return form
        sent = _checked(form, fields, given, {} if given.token else {"token": [_UNSIGNED]})
        nonce = self._shown(configuration, form, given.token)
        surely = Surely(lambda: self._work(Principal.anonymous()), automation, form, fields)
        surely.take(attrs.evolve(sent, record=record, once=nonce))
        return form

    def submit(self, principal: Principal, key: str, given: Given) -> Submission:
        """Take what a program or a person sends that is known; of a form about a record, one that may change it.

        A request is kept even where something refuses it, as of strangers; about a record they are told why.

        Args:
            principal: Who sends it; of a request `Principal.anonymous()` where a host program forwards it.
            key: The form.
            given: What they send, without a token.

        Raises:
            NotFound: There is no such form, or no such record.
            ConfigurationError: The form asks for what is not there, or no longer.
            PermissionDenied: The principal may not change the record.
            InputError: Names each field that cannot be used.
        """
        automation, form, fields = _found(self._configuration(), key)
        sent = _checked(form, fields, given)
        once = None if given.once is None else f"by {once_of(given.once)}"
        if form.about is None:
            surely = Surely(lambda: self._work(principal), automation, form, fields)
            return surely.take(attrs.evolve(sent, once=once))
        with self._work(principal) as work:
            record = _named(form, given.record)
            require(work, work.entity(form.about), record, "update")
            return take(work, automation, form, fields, attrs.evolve(sent, record=record, once=once))

    def refused(self, principal: Principal) -> list[Submission]:
        """Return what was sent and could not become what its form says, the newest first.

        Raises:
            PermissionDenied: The principal is not an owner.
        """
        with self._read(principal) as reader:
            return keeping.refused(reader)

    def _linked(self, configuration: Configuration, form: WebForm, given: Given) -> Id | None:
        if form.about is None:
            return None
        found = tokens.read_link(configuration.secret, form.key, given.record, self._now())
        if found is None:
            raise NotFound("this link is not good, or no longer", form=form.key)
        return found

    def _shown(self, configuration: Configuration, form: WebForm, token: Any) -> str:
        """Return what tells a showing of the form from others.

        Raises:
            InputError: It was not shown, too short a time ago, or too long ago.
        """
        found, now = tokens.read_shown(configuration.secret, form.key, token), self._now()
        if found is None:
            raise InputError({"token": ["is no token of this form: get the form anew, and send it again"]})
        if now - found.at > tokens.KEPT:
            raise InputError({"token": ["the form was open for too long: send it again"]})
        if now - found.at < timedelta(seconds=form.seconds):
            raise InputError({"token": ["that was quick: wait a moment and send it again"]}, rule=TOO_SOON)
        return found.nonce

    def _now(self) -> datetime:
        return self._workspace.clock.now()


def _found(configuration: Configuration, key: str) -> tuple[str, WebForm, tuple[Asked, ...]]:
    declared = configuration.catalogue.forms.get(key)
    if declared is None:
        raise NotFound("there is no such form", form=key)
    try:
        fields = asked(declared.value, configuration.catalogue, configuration.locale)
    except InputError as error:
        raise ConfigurationError(f"form {key!r} cannot be used: {error}", form=key) from None
    return declared.plugin, declared.value, fields


def _checked(
    form: WebForm, fields: tuple[Asked, ...], given: Given, known: Mapping[str, list[str]] = MappingProxyType({})
) -> Sent:
    """Return what was sent, typed; everything that is wrong is told at once, with what is known to be."""
    wrong = dict(known)
    found: dict[str, Any] = {}
    steps: Mapping[str, Callable[[], Any]] = {
        "answers": lambda: loaded(fields, given.answers),
        "attribution": lambda: marks(given.attribution),
        "consent": lambda: agreed(form.consent, given.consent),
    }
    for name, step in steps.items():
        try:
            found[name] = step()
        except InputError as error:
            wrong |= error.fields
    if wrong:
        raise InputError(wrong)
    return Sent(**found)


def _named(form: WebForm, given: Any) -> Id:
    if not isinstance(given, str) or not is_id(given):
        raise NotFound(f"there is no such {form.about}", entity=form.about)
    return given
