"""Answers that tasks are finished with: what their forms ask for, and what the moves that follow do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Change, Values
from opencrm.core.entity import Spec
from opencrm.core.process.asking.answers import names_of
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.reactions import TASK
from opencrm.errors import InputError, RequirementMissing
from opencrm.services.process.entering.asking import VEILED, described, hidden_of, label_of
from opencrm.services.process.entering.following import asked_after

if TYPE_CHECKING:
    from opencrm.services.writing.block import Block

_STRANGE = "is not asked for here"


def check_answers(work: Block, changes: Sequence[Change]) -> None:
    """Refuse to finish tasks whose forms are not filled in, and answers that nothing asks for.

    Raises:
        InputError: An answer cannot be used, or is not asked for; names it as `answers.NAME`.
        RequirementMissing: One is missing.
    """
    for row, change in enumerate(changes):
        if _finishes(change):
            _Finished(work, row, change).check()


def answers_of(form: Form, answers: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return what was filled in, record by record; of a form about the record itself, one.

    Raises:
        InputError: It does not have the form's shape.
    """
    if form.of is None:
        return [answers or {}]
    given = (answers or {}).get(form.key, [])
    several = [given] if isinstance(given, Mapping) else given
    if not isinstance(several, list) or not all(isinstance(each, Mapping) for each in several):
        raise InputError({f"answers.{form.key}": ["must be a list of objects"]})
    if len(several) > 1 and not form.many:
        raise InputError({f"answers.{form.key}": ["can be one only"]})
    return several


def _finishes(change: Change) -> bool:
    was = None if change.before is None else change.before["state"]
    return change.after["state"] == "done" and was != "done"


@attrs.frozen
class _Finished:
    """A task that is to be done."""

    work: Block
    row: int
    change: Change

    def check(self) -> None:
        process, answers = self.work.configuration.catalogue.process, self.change.after["answers"] or {}
        own, about = process.task(self.change.after["kind"]).form, process.subject(self.change.after)
        if about is None or (own is None and not answers):
            self._refuse({name: [_STRANGE] for name in answers})
            return
        spec = self.work.entity(about[0])
        state = self.work.whole(spec, [about[1]]).get(about[1], {})
        others = {name: it for name, it in answers.items() if own is None or name not in names_of(own)}
        after = list(asked_after(self.work, self.change, spec, state)) if others and state else []
        self._check_names(spec, answers, after if own is None else [own, *after])
        for form in after:
            self._check_given(spec, form, others)
        if own is not None:
            self._check_own(spec, state, own, {name: it for name, it in answers.items() if name not in others})

    def _check_names(self, spec: Spec, answers: Mapping[str, Any], forms: Sequence[Form]) -> None:
        known = self.work.rights.readable(spec)
        asked = {name for form in forms for name in names_of(form) if form.of is not None or name in known}
        self._refuse({name: [_STRANGE] for name in answers if name not in asked})

    def _check_given(self, spec: Spec, form: Form, answers: Mapping[str, Any]) -> None:
        """Check what is given for a move that follows; what still lacks is told by the move."""
        given = {name: it for name, it in answers.items() if name in names_of(form)}
        for at, answer in enumerate(answers_of(form, given) if given else ()):
            self._loaded(spec, form, answer, _place(form, at))

    def _check_own(self, spec: Spec, state: Values, form: Form, answers: Mapping[str, Any]) -> None:
        lacking = list(self._lacking(spec, state, form, answers))
        if lacking:
            asks = described(self.work, spec, form)
            text = f"{asks['label']}: {', '.join(dict.fromkeys(lacking))}"
            told = {"record": self.change.id, "row": self.row, "text": text, "form": asks}
            raise RequirementMissing(f"missing: {text}", missing=[told], task=self.change.after["kind"])

    def _lacking(self, spec: Spec, state: Values, form: Form, answers: Mapping[str, Any]) -> Iterator[str]:
        """Give what is missing, as a person reads it: of several records with the place of each."""
        several, hidden = answers_of(form, answers), hidden_of(self.work, spec, form)
        target = spec if form.of is None else self.work.entity(form.of)
        if not several:
            yield "at least one"
        for at, answer in enumerate(several):
            loaded = self._loaded(spec, form, answer, _place(form, at))
            known = state if form.of is None else {}
            for name in form.required:
                if loaded.get(name, known.get(name)) in (None, ""):
                    label = VEILED if name in hidden else label_of(target, name)
                    yield f"{label} ({at + 1}.)" if len(several) > 1 else label

    def _loaded(self, spec: Spec, form: Form, answer: Mapping[str, Any], place: str) -> Mapping[str, Any]:
        target = spec if form.of is None else self.work.entity(form.of)
        known = self.work.rights.readable(target)
        strange = [name for name in answer if name not in form.fields or name not in known]
        self._refuse({name: [_STRANGE] for name in strange}, place)
        try:
            return self.work.configuration.schemas.load_update(target, answer)
        except InputError as error:
            self._refuse(error.fields, place)
            raise

    def _refuse(self, wrong: Mapping[str, list[str]], place: str = "answers") -> None:
        named = {f"{place}.{name}": texts for name, texts in wrong.items()}
        if named:
            raise InputError(named, rows={self.row: named})


def _place(form: Form, at: int) -> str:
    """Return how an error names an answer: `answers`, or `answers.sizes[1]` of the second of several."""
    return "answers" if form.of is None else f"answers.{form.key}[{at}]"


class _Answering:
    """Bound to tasks."""

    entities = frozenset({TASK})

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse to finish a task whose form is not filled in, or with answers that nothing asks for."""
        check_answers(work, changes)

    def follow(self, work: Block, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        return ()


BINDING = _Answering()
