"""The errors that opencrm raises: one tree, each leaf with a stable code.

A border (REST, the command line, a page) maps the *class* to a status or an exit code and shows `code` and the
message; nothing above it needs to know which layer raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class OpenCRMError(Exception):
    """Anything that opencrm refuses or cannot do.

    Attributes:
        code: Stable, machine-readable name of the kind of error.
        details: JSON-able facts for programs; never more than the principal may know.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details: dict[str, Any] = details


class ConfigurationError(OpenCRMError):
    """The installation cannot work as it is set up: a setting, a missing extra, an old schema."""

    code = "configuration"


class Unavailable(ConfigurationError):
    """The database cannot be reached, or is not there for the moment; what was asked may be asked again."""

    code = "unavailable"


class PluginError(ConfigurationError):
    """A plugin broke its contract; names the plugin and, where one was called, the hook."""

    code = "plugin"

    def __init__(self, message: str, *, plugin: str, hook: str | None = None) -> None:
        super().__init__(message, plugin=plugin, hook=hook)
        self.plugin = plugin
        self.hook = hook


class InputError(OpenCRMError):
    """What was sent cannot be used; says which field of which row, and why.

    Attributes:
        fields: `{field: [sentence, ...]}` of the first bad row.
        rows: The same for each bad row of a batch, by its position from 0.
        rule: The rule of opencrm's own that refuses it: `no cycle`, `delegable` of a role, `too soon` of a form; None
            where it is none.
    """

    code = "invalid_input"

    def __init__(
        self,
        fields: Mapping[str, Sequence[str]],
        *,
        rows: Mapping[int, Mapping[str, Sequence[str]]] | None = None,
        rule: str | None = None,
    ) -> None:
        self.fields = {name: list(texts) for name, texts in fields.items()}
        self.rows = {at: dict(found) for at, found in (rows or {0: self.fields}).items()}
        self.rule = rule
        super().__init__(
            "; ".join(f"{name}: {' '.join(texts)}" for name, texts in self.fields.items()),
            fields=self.fields,
            **({} if rule is None else {"rule": rule}),
        )

    def called(self, names: Mapping[str, str]) -> InputError:
        """Return the same error with fields as whoever asked calls them: `{"group_by": "--by"}`."""
        rows = {at: {names.get(it, it): told for it, told in row.items()} for at, row in self.rows.items()}
        return type(self)({names.get(it, it): told for it, told in self.fields.items()}, rows=rows, rule=self.rule)


class SortNotIndexed(InputError):
    """So many records are sorted only by a field that has an index for it."""

    code = "sort_not_indexed"


class TooManyRows(InputError):
    """A report has at most so many rows: group by less, or filter."""

    code = "too_many_rows"


class PermissionDenied(OpenCRMError):
    """The principal may know of the record but may not do this to it.

    Attributes:
        principal: Whoever acts.
        action: What they wanted, such as `"deal.update"`.
        reason: Why not, for a person.
        rule: The rule that refuses it: of delegation `reach rank delegable target home`, of accounts `person key
            owner`, or `share bound`; None where it is none.
    """

    code = "permission_denied"

    def __init__(self, message: str, *, principal: str, action: str, reason: str, rule: str | None = None) -> None:
        super().__init__(message, action=action, reason=reason, **({} if rule is None else {"rule": rule}))
        self.principal = principal
        self.action = action
        self.reason = reason
        self.rule = rule


class NotSignedIn(PermissionDenied):
    """No principal could be made of the credentials: a missing, unknown, expired or revoked key."""

    code = "not_signed_in"


class TooManyAttempts(PermissionDenied):
    """It was tried too often in a short time; says after how many seconds it may be tried again."""

    code = "too_many_attempts"

    def __init__(self, message: str, *, retry_after: int = 60) -> None:
        super().__init__(message, principal="somebody", action="sign in", reason="too many attempts")
        self.retry_after = retry_after
        self.details["retry_after"] = retry_after

    @classmethod
    def until(cls, seconds: int) -> TooManyAttempts:
        """Return the refusal that says when to come again."""
        return cls(f"too many attempts: try again in {seconds} seconds", retry_after=seconds)


class NotFound(OpenCRMError):
    """No such record, or none that the principal may know of: the two look alike on purpose."""

    code = "not_found"


class DomainError(OpenCRMError):
    """The rules of the business refuse it."""

    code = "refused"


class InvalidMove(DomainError):
    """The pipeline has no such stage, or no such move."""

    code = "invalid_move"


class Objected(DomainError):
    """A rule or a plugin's check objected; `details["objections"]` lists record, field, code and text."""

    code = "objected"


class Duplicate(DomainError):
    """Another record holds a value that must be unique; names the fields, never the other record."""

    code = "duplicate"


class RequirementMissing(DomainError):
    """Something must be filled in first; `details["missing"]` lists what, each with the form that asks for it."""

    code = "requirement_missing"


class AutomationLoop(DomainError):
    """Rules set each other off too often."""

    code = "automation_loop"


class UndoRefused(DomainError):
    """A change cannot be taken back: it was followed by another one of the same field, or has no inverse."""

    code = "undo_refused"


class ConflictError(OpenCRMError):
    """Somebody else changed the record since it was read."""

    code = "conflict"
