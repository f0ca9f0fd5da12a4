"""What a work block knows and can do before anything is applied: who, when, which act, and locked reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import zip_longest
from types import MappingProxyType

import attrs

from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, Values
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError, NotFound
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.transactions import Transaction

NOBODY: Mapping[int, str] = MappingProxyType({})
"""Nobody for whom one stands in."""


@attrs.frozen(kw_only=True)
class Act:
    """What all journal lines of a work block have in common.

    Attributes:
        id: Shared by them.
        principal: Who began it, such as `"user:0190..."`.
        acting_as: As whom, inside `acting_as`.
        cause: The journal line that this reacts to.
        origin: The external system, file or undone act that it comes from.
        rule: The rule, the stage or the task that it is an effect of.
        depth: How many rules set each other off before, in this transaction.
        generation: How many runs and timers lie behind it, each set off by the one before, since somebody did anything.
        automated: Whether stages, tasks and rules do what they declare.
        entailed: Whether it is done beyond the principal's reach, because an act that was judged entails it.
        behind: What whoever began it may do, of what follows from it.
    """

    id: Id
    principal: str
    acting_as: str | None = None
    cause: Id | None = None
    origin: str | None = None
    rule: str | None = None
    depth: int = 0
    generation: int = 0
    automated: bool = True
    entailed: bool = False
    behind: Rights | None = None


class Block(Reader):
    """Reads as one principal, in a transaction that may write.

    What `get` returns stays locked until the end, so that reading and then writing loses no update.
    """

    _lock_rows = True

    def __init__(
        self,
        tx: Transaction,
        workspace: Workspace,
        rights: Rights,
        configuration: Configuration,
        now: datetime,
        act: Act,
    ) -> None:
        super().__init__(tx, workspace, rights, configuration, now)
        self._act = act
        self.config_version = configuration.version
        self._read: dict[tuple[str, Id], Values] = {}
        self._half = False
        self.reported: list[dict[str, object]] = []

    @property
    def act(self) -> Id:
        """Id of this act, in the journal."""
        return self._act.id

    @property
    def begun_by(self) -> str:
        """Who began this, such as `"user:0190..."`, also where a rule goes on as its automation."""
        return self._act.principal

    @property
    def origin(self) -> str | None:
        """The external system, file or undone act that this comes from."""
        return self._act.origin

    @property
    def rule(self) -> str | None:
        """The rule, the stage or the task that this is an effect of."""
        return self._act.rule

    @property
    def cause(self) -> Id | None:
        """The journal line that this reacts to."""
        return self._act.cause

    @contextmanager
    def named(self, rule: str | None) -> Iterator[None]:
        """Let the journal and inboxes name what this is an effect of, while it is done as whoever works."""
        before = self._act.rule
        self._act = attrs.evolve(self._act, rule=rule)
        try:
            yield
        finally:
            self._act = attrs.evolve(self._act, rule=before)

    @property
    def depth(self) -> int:
        """How many rules set each other off before."""
        return self._act.depth

    @property
    def generation(self) -> int:
        """How many runs and timers lie behind this, each set off by the one before, since somebody did something."""
        return self._act.generation

    @contextmanager
    def grown(self, generation: int) -> Iterator[None]:
        """Let what is done here have so many runs and timers behind it."""
        before = self._act.generation
        self._act = attrs.evolve(self._act, generation=generation)
        try:
            yield
        finally:
            self._act = attrs.evolve(self._act, generation=before)

    @property
    def automated(self) -> bool:
        """Whether stages, tasks and rules do what they declare."""
        return self._act.automated

    @property
    def entailed(self) -> bool:
        """Whether this is done beyond the principal's reach, because an act that was judged entails it."""
        return self._act.entailed

    @property
    def behind(self) -> Rights:
        """What whoever began it may do: they are told what refuses it."""
        return self._act.behind or self.rights

    def go_on(self, act: Id, *, cause: Id | None = None) -> None:
        """Belong to an act that began in another transaction; `cause` is the journal line that this reacts to."""
        self._act = attrs.evolve(self._act, id=act, cause=cause or self._act.cause)

    def new_id(self) -> Id:
        """Return a fresh id."""
        return self.workspace.ids.new()

    def new_ids(self, number: int) -> list[Id]:
        """Return so many fresh ids, in order."""
        return self.workspace.ids.many(number)

    def stamps(
        self,
        number: int,
        undoes: Sequence[Id] = (),
        behalf: Mapping[int, str] = NOBODY,
        causes: Sequence[Id] = (),
    ) -> Iterator[dict[str, object]]:
        """Give what so many lines of the journal have besides their change: ids, the instant, who, what they undo.

        `behalf` tells of some of them, by their number, for whom the principal stood in; `causes` what each reacts to,
        where it is not the same for all.
        """
        common = {"act": self._act.id, "at": self.now, **_who(self._act)}
        several = zip_longest(self.new_ids(number), undoes)
        stamps = ({"entry_id": id, "undoes": line, **common} for id, line in several)
        if causes:
            stamps = (it | {"cause": cause} for it, cause in zip(stamps, causes, strict=True))
        if not behalf:
            return stamps
        return (it | {"acting_as": behalf.get(at, it["acting_as"])} for at, it in enumerate(stamps))

    def states(self, spec: Spec, ids: Sequence[Id], *, deleted: bool | None = False) -> dict[Id, Values]:
        """Return whole states of readable records, locked; what is applied to them must start from these."""
        found = super().states(spec, ids, deleted=deleted)
        self._read.update({(spec.name, id): state for id, state in found.items()})
        return found

    def read_here(self, change: Change) -> bool:
        """Say whether a change starts from the state that this block read."""
        before = change.before
        return before is None or self._read.get((change.entity, change.id)) == before

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what is done inside, and only that, when it raises."""
        version, half = self.config_version, self._half
        try:
            with self.tx.savepoint():
                yield
        except BaseException:
            self.config_version, self._half = version, half
            raise

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Remember that what is stored inside is half of something, if it raises."""
        try:
            yield
        except BaseException:
            self._half = True
            raise

    def must_be_whole(self) -> None:
        """Refuse to commit a half-written change whose error the block caught without a savepoint around it.

        Raises:
            ConfigurationError: There is one.
        """
        if self._half:
            raise ConfigurationError("a change failed half-way in this work block: nothing of the block is kept")

    def existing(self, spec: Spec, ids: Sequence[Id], *, deleted: bool = False) -> dict[Id, Values]:
        """Return the states of the records that a command names, locked.

        Raises:
            NotFound: One is not there, or the principal may not know of it.
        """
        found = self.states(spec, list(dict.fromkeys(ids)), deleted=deleted)
        if len(found) < len(set(ids)):
            missing = next(id for id in ids if id not in found)
            raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=missing)
        return found


def _who(act: Act) -> dict[str, object]:
    return {
        "principal": act.principal,
        "acting_as": act.acting_as,
        "cause": act.cause,
        "origin": act.origin,
        "rule": act.rule,
    }
