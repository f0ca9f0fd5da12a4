"""The longer texts of the document, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opencrm import Amount, Pipeline
from opencrm.embed import Spec

ABOUT = """Read and change the records of this workspace: every entity has the same operations.

**Sign in** with *Authorize* and a token that `opencrm user token` printed, or that `POST /tokens` answered. Programs
send it as `Authorization: Bearer opencrm_...`. People sign in with `POST /sessions`. A token does what its user may do
at that moment; a record or a field that you may not know of does not exist for you.

**Look around** with `GET /`, which tells the entities, fields, pipelines and what you may do.

**Write safely**: `ETag` comes with each record; send it back as `If-Match`, and a change that comes too late is
refused. Each write names its act in `OpenCRM-Act`, and `POST /undo` takes it back.

**Errors** are problem details (RFC 9457, `application/problem+json`) with a stable `code`.
"""

ACCOUNTS = "Signing in and out, your keys, invitations and passwords."

WORKSPACE = "The workspace as a whole, yourself, and the way back."

_OPERATORS = """
**Filters.** Each field below is a parameter: `{field}=...` keeps the records whose field holds this value. All filters
of a request must hold, several of one field too. For another comparison an operator stands in brackets behind the name,
which the form below does not offer; with `curl` say `-g`, and write `%20` for a space:

- `eq` this value, as without an operator; `ne` another one or nothing
- `in` one of several, with commas between: `{field}[in]=A,B`
- `empty` nothing, or with `false` something: `{field}[empty]=true`
- `changed` set to something else since: `{field}[changed]=-7d`
- `contains`, `starts_with` a part of a text, its beginning; `has` at least one of several choices
- `lt`, `lte`, `gt`, `gte` below, at most, above, at least: `{example}`; `between` from one to the other, with a comma
  between them; for fields that can be sorted by

Days and instants may be relative: `today`, `-7d`, `+2h`, `this_month`, `start_of_year`. A person may be `me`, a unit
one of `my_units`. `company.city` is the field of the record that a reference leads to.
"""


def filters_in_words(spec: Spec) -> str:
    """Return how a list of an entity is filtered."""
    names = [name for name, field in spec.fields.items() if field.type.filterable and name != "id"]
    chosen = "stage" if spec.staged else next(iter(names), "id")
    return _OPERATORS.format(field=chosen, example=_compared(spec))


def pipelines_in_words(pipelines: Iterable[Pipeline]) -> str:
    """Return the pipelines in force with the moves of each stage, as a list."""
    lines = (f"- `{it.key}` ({it.label}): {'; '.join(_moves(it))}" for it in pipelines)
    return "\n\nThe pipelines in force:\n\n" + ("\n".join(lines) or "- none")


def _compared(spec: Spec) -> str:
    amounts = [name for name, field in spec.fields.items() if isinstance(field.type, Amount)]
    return f"{amounts[0]}[gte]=1000" if amounts else "created_at[gte]=2026-03-02T09:00:00Z"


def _moves(pipeline: Pipeline) -> Iterator[str]:
    places = [stage.key for stage in pipeline.stages]
    for start in places:
        ends = {end for first, end in pipeline.moves if first in (start, "*")} - {start}
        told = ", ".join(f"`{end}`" for end in sorted(ends, key=lambda end: _place(places, end)))
        yield f"`{start}` to {told}" if told else f"`{start}` to no other"


def _place(places: list[str], end: str) -> tuple[int, str]:
    """Sort stages as they stand in the pipeline, those of other pipelines last."""
    return (places.index(end) if end in places else len(places), end)
