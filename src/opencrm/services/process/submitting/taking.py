"""Taking what was sent, in one transaction: the person, the record, the activity, and what rules make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import JournalEntry
from opencrm.core.entities import Activity
from opencrm.core.entity import Spec
from opencrm.core.process.asking.web_forms import MESSAGE, WebForm
from opencrm.core.process.reactions import Source
from opencrm.core.process.values import filled, places
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services import organisation, records
from opencrm.services.commands import Create, Update
from opencrm.services.process import reacting
from opencrm.services.process.rendering import shown_value
from opencrm.services.process.submitting import people, telling
from opencrm.services.process.submitting.answers import dumped
from opencrm.services.process.submitting.asking import Asked, Place, record_of, reference
from opencrm.services.process.submitting.keeping import Submission, earlier, keep
from opencrm.services.process.tasking import selecting

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_SOURCE = 100
_TITLE = 200


class Mistaken(InputError):
    """What somebody filled in cannot be used as it is, and they can mend it: each field is one of the form."""


@attrs.frozen(kw_only=True)
class Sent:
    """What was sent, checked.

    Attributes:
        answers: The typed answers.
        attribution: What is known of the way by which somebody came.
        consent: The text that they agreed to.
        record: The record that it tells of, where the form is about one.
        once: Tells this sending from others; the same one again is taken once.
    """

    answers: Mapping[str, Any]
    attribution: Mapping[str, str] = attrs.field(factory=dict)
    consent: str | None = None
    record: Id | None = None
    once: str | None = None


def take(work: Work, automation: str, form: WebForm, asked: Sequence[Asked], sent: Sent) -> Submission:
    """Make of what was sent what the form says, as its automation, and let the rules hear of it.

    Args:
        work: The work block of whoever sends it.
        automation: Whose the form is.
        form: The form.
        asked: What it asks for.
        sent: What was sent.

    Returns:
        The submission; of one that was taken before, that one.

    Raises:
        Mistaken: Whoever sends it can mend it; nothing is kept.
        OpenCRMError: It cannot be; nothing is kept.
    """
    with work.reacting_as(Source(automation, form.key)) as inner:
        return Taking(inner, form, asked, sent).done()


@attrs.frozen(kw_only=True)
class _Went:
    """Where a submission went.

    Attributes:
        contact: Who it is, of a request.
        entity: The entity of the record that it went to.
        record: That record.
        line: The journal's line that rules react to.
        unowned: Whether nobody was found who could have a record that is new.
    """

    contact: Id | None = None
    entity: str
    record: Id
    line: Id
    unowned: bool = False


@attrs.frozen
class Taking:
    """One submission on its way.

    Attributes:
        work: As the form's automation.
        form: The form.
        asked: What it asks for.
        sent: What was sent.
    """

    work: Work
    form: WebForm
    asked: Sequence[Asked]
    sent: Sent

    def done(self) -> Submission:
        """Make of it what the form says; of what was taken before, give that."""
        before, ways = self.before(), self.ways()
        if before is not None:
            return before
        went = self._request(ways) if self.form.pipeline else self._addition()
        submission = self.kept(went.contact, went.entity, went.record)
        reacting.happened(self.work, ("submitted", self.form.key), (went.entity, went.record), went.line)
        if went.unowned:
            telling.unowned(self.work, self.form, went.entity, went.record)
        return submission

    def ways(self) -> Mapping[str, str]:
        """Return the ways by which whoever sends it is known."""
        return people.keys(self.work, self.asked, self.sent.answers)

    def before(self) -> Submission | None:
        """Wait for others who send the same; return the same sending, if it was taken before."""
        for name in sorted(self._names(self.ways())):
            self.work.tx.hold(name)
        return earlier(self.work, self.form.key, self.sent.once)

    def kept(self, contact: Id | None, entity: str, record: Id | None, error: str | None = None) -> Submission:
        """Keep what was sent, with the record that it went to."""
        submission = Submission(
            id=self.work.new_id(),
            form=self.form.key,
            at=self.work.now,
            values=dumped(self.asked, self.sent.answers),
            attribution=dict(self.sent.attribution),
            consent=self.sent.consent,
            contact_id=contact,
            entity=entity,
            record_id=record,
            error=error,
        )
        keep(self.work, submission, self.sent.once)
        return submission

    def _names(self, ways: Mapping[str, str]) -> Iterator[str]:
        """Give what two who send the same at once have in common."""
        yield from (f"{kind} {key}" for kind, key in ways.items())
        if self.sent.once is not None:
            yield f"{self.form.key} {self.sent.once}"

    def _request(self, ways: Mapping[str, str]) -> _Went:
        """Make a contact and a record, or find them."""
        spec = record_of(self.form, self.work.configuration.catalogue)
        contact = people.known(self.work, ways)
        standing = None if contact is None else people.standing(self.work, spec, self.form.pipeline or "", contact)
        if standing is not None:
            line = self.note(spec, standing, contact, whole=True)
            telling.again(self.work, self.form, spec, standing)
            return _Went(contact=contact, entity=spec.name, record=standing, line=line.entry_id)
        place = self.place()
        contact = self.person(ways, place)
        made = self._made(spec, contact, place)
        if MESSAGE in self.sent.answers:
            self.note(spec, made.record_id, contact, whole=False)
        unowned = self.form.owner is not None and place["owner_id"] is None
        return _Went(contact=contact, entity=spec.name, record=made.record_id, line=made.entry_id, unowned=unowned)

    def person(self, ways: Mapping[str, str], place: Mapping[str, Any]) -> Id:
        """Return whoever sends it; a new contact of somebody who is not known."""
        known = people.known(self.work, ways)
        if known is not None:
            return known
        return people.make(self.work, self._of(Place.CONTACT, Place.POINT), {**place, **self._source("contact")})

    def _addition(self) -> _Went:
        """Write what was sent about a record that is there."""
        work, id = self.work, self.sent.record or ""
        about = work.entity(self.form.about or "")
        state = work.existing(about, [id])[id]
        spec, answers = record_of(self.form, work.configuration.catalogue), self._of(Place.RECORD)
        lines: list[JournalEntry] = []
        if self.form.of is not None:
            whole = {reference(spec, about.name) or "": id, **self._beside(spec, state)}
            lines.append(self._create(spec, {**self.form.values, **answers, **whole}))
        elif answers or self.form.values:
            values = {**self.form.values, **answers}
            with self._theirs():
                records.updated(work, about, state, records.given_of(work, about, values))
            lines += records.update(work, [Update(about, id, values=values)])
        if MESSAGE in self.sent.answers or not lines:
            lines.append(self.note(about, id, None, whole=False))
            telling.again(self.work, self.form, about, id)
        return _Went(entity=about.name, record=id, line=lines[0].entry_id)

    def _made(self, spec: Spec, contact: Id, place: Mapping[str, Any]) -> JournalEntry:
        values = {
            **self._title(spec),
            **self._source(spec.name),
            **self.form.values,
            **self._of(Place.RECORD),
            **(place if spec.owned else {}),
            reference(spec, "contact") or "": contact,
            "pipeline": self.form.pipeline,
            **({} if self.form.stage is None else {"stage": self.form.stage}),
        }
        return self._create(spec, values)

    def _create(self, spec: Spec, values: Mapping[str, Any]) -> JournalEntry:
        with self._theirs():
            self.work.configuration.schemas.load(spec, values)
        [line] = records.create(self.work, [Create(spec, values=values)])
        return line

    @contextmanager
    def _theirs(self) -> Iterator[None]:
        """Tell what is wrong with nothing but what somebody filled in of the record from all else.

        Raises:
            Mistaken: Nothing else is wrong.
        """
        try:
            yield
        except InputError as error:
            if error.fields.keys() <= self._given_of_record():
                raise Mistaken(error.fields) from error
            raise

    def _given_of_record(self) -> set[str]:
        return {it.name for it in self.asked if it.place is Place.RECORD}

    def note(self, spec: Spec, id: Id, contact: Id | None, *, whole: bool) -> JournalEntry:
        """Write down what somebody says about a record; `whole` with all that they filled in."""
        work, state = self.work, self.work.states(spec, [id])[id]
        activity = work.entity(Activity)
        about = {reference(activity, name): one for name, one in ((spec.name, id), ("contact", contact)) if one}
        values = {
            **{name: one for name, one in about.items() if name is not None},
            **self._beside(activity, state),
            "kind": "message",
            "direction": "in",
            "subject": self.form.label[:_TITLE],
            "body": "\n\n".join(self._told(whole=whole)) or None,
            "happened_at": work.now,
        }
        [line] = records.create(work, [Create(activity, values=values)])
        return line

    def _told(self, *, whole: bool) -> Iterator[str]:
        if MESSAGE in self.sent.answers:
            yield self.sent.answers[MESSAGE]
        others = [it for it in self.asked if it.name != MESSAGE and it.name in self.sent.answers] if whole else []
        zone = self.work.rights.zone
        if others:
            yield "\n".join(f"{it.label}: {shown_value(it.type, self.sent.answers[it.name], zone)}" for it in others)

    def place(self) -> dict[str, Any]:
        """Return whose and in which unit it is: without a unit the owner's, and of nobody's, the company."""
        work, form = self.work, self.form
        unit = None if form.unit is None else organisation.unit_named(work, form.unit)
        tree = work.rights.organisation.parents
        top = min((id for id, above in tree.items() if above is None), default=None)
        owner = None if form.owner is None else selecting.find(work, form.owner, {"unit_id": unit or top})
        return {"owner_id": owner, "unit_id": unit or (top if owner is None else None)}

    def _beside(self, spec: Spec, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the owner and the unit of a record, for what is written beside it."""
        return {name: state.get(name) for name in ("owner_id", "unit_id")} if spec.owned else {}

    def _of(self, *several: Place) -> dict[str, Any]:
        return {
            it.name: self.sent.answers[it.name]
            for it in self.asked
            if it.place in several and it.name in self.sent.answers
        }

    def _source(self, entity: str) -> dict[str, str]:
        source = self.sent.attribution.get("source")
        return {"source": source[:_SOURCE]} if source and "source" in self.work.entity(entity).fields else {}

    def _title(self, spec: Spec) -> dict[str, str]:
        name = spec.options.display
        if name not in spec.fields or name in self._given_of_record():
            return {}
        template = self.form.title or self.form.label
        types = {it.name: it.type for it in self.asked}
        words = {
            each: shown_value(types[each], self.sent.answers.get(each), self.work.rights.zone)
            for each in places(template)
        }
        return {name: filled(template, words)[:_TITLE] or self.form.label}
