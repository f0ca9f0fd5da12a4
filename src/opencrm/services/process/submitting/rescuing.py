"""Keeping what was sent where it cannot become what its form says: nobody's words are lost, and somebody is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeAlias

import attrs

from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.process.reactions import Source
from opencrm.errors import ConflictError, Unavailable
from opencrm.services.process.submitting import telling
from opencrm.services.process.submitting.asking import Asked, record_of
from opencrm.services.process.submitting.keeping import Submission
from opencrm.services.process.submitting.taking import Mistaken, Sent, Taking, take
from opencrm.services.writing.judging.organisation import owners

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

Open: TypeAlias = Callable[[], AbstractContextManager["Work"]]
_LOG = logging.getLogger("opencrm.forms")
_TIMES = 3
_LONGEST = 2_000


@attrs.frozen
class Surely:
    """Takes what was sent, whatever the rules of the business, of plugins and of stages say to it.

    Args:
        open_work: Opens a work block as whoever sends it.
        automation: Whose the form is.
        form: The form.
        asked: What it asks for.
    """

    open_work: Open
    automation: str
    form: WebForm
    asked: Sequence[Asked]

    def take(self, sent: Sent) -> Submission:
        """Make of what was sent what the form says; where that is refused keep it, and tell somebody.

        Raises:
            Mistaken: Whoever sends it can mend it.
            OpenCRMError: It cannot even be kept, as where the database is not there.
        """
        try:
            return self._as_declared(sent)
        except (Unavailable, Mistaken):
            raise
        except Exception as error:  # noqa: BLE001  # A plugin may raise anything, and nobody's words go by it.
            return self._kept(sent, error)

    def _as_declared(self, sent: Sent) -> Submission:
        for left in reversed(range(_TIMES)):
            try:
                with self.open_work() as work:
                    return take(work, self.automation, self.form, self.asked, sent)
            except ConflictError:
                if not left:
                    raise
        raise AssertionError("one of the times is the last")

    def _kept(self, sent: Sent, error: Exception) -> Submission:
        """Keep what was sent: with the person and an activity where that can be, else by itself."""
        _LOG.error("form %s: what was sent is kept, and not taken: %s", self.form.key, error, exc_info=error)
        text = (str(error) or type(error).__name__)[:_LONGEST]
        for keep in (self._beside, self._alone):
            try:
                return keep(sent, text)
            except Unavailable:
                raise
            except Exception as other:  # noqa: BLE001  # As above.
                _LOG.error("form %s: %s", self.form.key, other, exc_info=other)
        raise error

    def _beside(self, sent: Sent, error: str) -> Submission:
        """Keep it as an activity of the person, or of the record that it is about."""
        with self.open_work() as work, work.reacting_as(Source(self.automation, self.form.key)) as inner:
            taking = Taking(inner, self.form, self.asked, sent)
            before = taking.before()
            if before is not None:
                return before
            if self.form.about is None:
                return self._of_person(inner, taking, error)
            spec, record = inner.entity(self.form.about), sent.record or ""
            taking.note(spec, record, None, whole=True)
            people = telling.whose(inner, inner.states(spec, [record])[record])
            telling.refused(inner, self.form, people, (spec.name, record), spec.options.display)
            return taking.kept(None, spec.name, record, error)

    def _of_person(self, work: Work, taking: Taking, error: str) -> Submission:
        place = taking.place()
        contact, spec = taking.person(taking.ways(), place), work.entity("contact")
        taking.note(spec, contact, None, whole=True)
        telling.refused(work, self.form, telling.whose(work, place), (spec.name, contact), spec.options.display)
        return taking.kept(contact, spec.name, contact, error)

    def _alone(self, sent: Sent, error: str) -> Submission:
        """Keep it by itself, for the owners."""
        with self.open_work() as work:
            taking = Taking(work, self.form, self.asked, sent)
            before = taking.before()
            if before is not None:
                return before
            entity = self.form.about or record_of(self.form, work.configuration.catalogue).name
            kept = taking.kept(None, entity, sent.record, error)
            telling.refused(work, self.form, owners(work), (entity, sent.record or kept.id))
            return kept
