"""The tables of search: documents, and what finds them by the beginnings of words.

On SQLite a full-text table of FTS5 that triggers keep in step; on PostgreSQL two GIN indexes. Words come folded and
with blanks between them, so no tokenizer has anything to decide. To each word its document's weight is prefixed:
documents of one weight are found apart from the others, in the order of their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    Select,
    SmallInteger,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.sql.expression import FromClause, Join
from sqlalchemy.sql.functions import Function

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entities import Core
from opencrm.core.search import HEAD
from opencrm.errors import ConfigurationError
from opencrm.storage.migrations.operations import AFTER_CREATE
from opencrm.storage.transactions import Transaction

_NAME = "crm_search_document"


def _columns() -> list[Column[object]]:
    return [
        Column("entity", key_column(100), nullable=False),
        Column("record_id", IdColumn(), nullable=False),
        Column("source_id", IdColumn(), nullable=False),
        Column("field", key_column(200), nullable=False),
        Column("weight", SmallInteger, nullable=False),
        Column("head", key_column(HEAD), nullable=False),
        Column("text", Text(), nullable=False),
    ]


document = Table(
    _NAME,
    Core.metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), Identity(), primary_key=True),
    *_columns(),
)
"""A row for each field of each living record that search looks into; the key tells which was entered later."""
Index(f"ix_{_NAME}_head", document.c.weight, document.c.head, document.c.id)
Index(f"ix_{_NAME}_record_id", document.c.record_id)

entry = Table(_NAME, MetaData(), *_columns())
"""The same as it is entered: the database gives the key."""

_FOUND = table("crm_search", column("rowid"), column("crm_search"))
_TOKENS = "CAST({0}weight AS TEXT) || replace({0}text, ' ', ' ' || CAST({0}weight AS TEXT))"
VECTOR = f"array_to_tsvector(string_to_array({_TOKENS.format('')}, ' '))"
"""What the words of a document are looked up in, on PostgreSQL."""
_ENTER = f"INSERT INTO crm_search (rowid, tokens) VALUES (new.id, {_TOKENS.format('new.')});"
_LEAVE = f"INSERT INTO crm_search (crm_search, rowid, tokens) VALUES ('delete', old.id, {_TOKENS.format('old.')});"

_FULL_TEXT = (
    "CREATE VIRTUAL TABLE crm_search USING fts5(tokens, content='crm_search_tokens', content_rowid='id', "
    "tokenize='ascii', prefix='3 4', detail='none', columnsize=0)"
)
_SQLITE = (
    f"CREATE VIEW crm_search_tokens AS SELECT id, {_TOKENS.format('')} AS tokens FROM {_NAME}",
    _FULL_TEXT,
    f"CREATE TRIGGER crm_search_enter AFTER INSERT ON {_NAME} BEGIN {_ENTER} END",
    f"CREATE TRIGGER crm_search_leave AFTER DELETE ON {_NAME} BEGIN {_LEAVE} END",
    f"CREATE TRIGGER crm_search_change AFTER UPDATE OF id, weight, text ON {_NAME} BEGIN {_LEAVE} {_ENTER} END",
)
_PENDING = "WITH (gin_pending_list_limit = 512)"
_POSTGRESQL = f"CREATE INDEX ix_{_NAME}_tokens ON {_NAME} USING gin (({VECTOR})) {_PENDING}"
_SIMILAR = (
    f"CREATE INDEX ix_{_NAME}_similar ON {_NAME} USING gin (head {{schema}}.gin_trgm_ops) {_PENDING} WHERE weight = 0"
)
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('opencrm pg_trgm', 0))"
_EXTENSION_AT = (
    "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
    "WHERE e.extname = 'pg_trgm'"
)
_OPERATORS_OF_INDEX = (
    "pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid "
    "JOIN pg_opclass o ON o.oid = i.indclass[0] JOIN pg_namespace n ON n.oid = o.opcnamespace"
)


def matching(parameter: ColumnElement[str], *, sqlite: bool) -> Select[tuple[int]]:
    """Return the keys of the documents that hold words which a parameter of `beginnings` asks for."""
    if sqlite:
        return select(_FOUND.c.rowid.label("id")).where(_FOUND.c.crm_search.op("MATCH")(parameter))
    return select(document.c.id).where(literal_column(VECTOR).op("@@")(cast(parameter, TSQUERY)))


def beginnings(several: Iterable[str], weights: Iterable[int], *, sqlite: bool) -> str:
    """Return the parameter that asks for words with one of these beginnings, in documents of these weights.

    The beginnings are letters and digits alone, so nothing in them can be taken for syntax.
    """
    tokens = [f"{weight}{word}" for weight in weights for word in several]
    return " OR ".join(f'"{it}"*' for it in tokens) if sqlite else " | ".join(f"'{it}':*" for it in tokens)


def barred(statement: Select[Any], *, sqlite: bool) -> Select[Any]:
    """Return a statement that keeps its order, and its own plan, within another one."""
    return statement.limit(literal_column("-1")) if sqlite else statement.offset(literal_column("0"))


class InOrder(Join):
    """A join that goes row by row of its left side, in their order, and stops where enough rows are found."""

    inherit_cache = True

    def __init__(self, rows: FromClause, documents: FromClause, by: str) -> None:
        super().__init__(rows, documents, documents.c[by] == rows.c.id)


@compiles(InOrder, "sqlite")
def _in_order(join: InOrder, compiler: Any, **given: Any) -> str:
    """Say CROSS JOIN, which SQLite takes as an order to begin with the left side."""
    left, right = (compiler.process(each, **{**given, "asfrom": True}) for each in (join.left, join.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(join.onclause)}"


def documents_of(rows: FromClause, by: str, *, sqlite: bool) -> InOrder:
    """Return the documents whose column `by` is the `id` of a row, joined to the rows in their order."""
    if sqlite:
        return InOrder(rows, document.alias("d"), by)
    own = barred(select(document).where(document.c[by] == rows.c.id), sqlite=False)
    return InOrder(rows, own.lateral("d"), by)


def alike(
    name: ColumnElement[str], words: Sequence[ColumnElement[str]], schema: str
) -> tuple[list[ColumnElement[bool]], ColumnElement[float]]:
    """Return whether a name holds, for each of some words, one that is written much like it, and how much.

    Args:
        name: The name.
        words: The words.
        schema: Where the operators are, as `similar_at` gives it.
    """
    tests: list[ColumnElement[bool]] = [name.bool_op(f"OPERATOR({schema}.%>)")(word) for word in words]
    likeness = quoted_name(f"{schema}.word_similarity", quote=False)
    how = reduce(add, [Function(likeness, word, name, type_=Float()) for word in words])
    return tests, how


def keys_alike(words: Sequence[ColumnElement[str]], schema: str) -> Select[Any]:
    """Return the keys of all such names and how much alike they are, the most alike first."""
    tests, how = alike(document.c.head, words, schema)
    statement = select(document.c.id, how.label("how")).where(document.c.weight == literal_column("0"), *tests)
    return barred(statement.order_by(how.desc(), document.c.id.desc()), sqlite=False)


def ask_for_alike(tx: Transaction) -> None:
    """Let `alike` find what differs by a letter or two."""
    given = func.set_config("pg_trgm.word_similarity_threshold", "0.5", literal_column("true"))
    tx.select("search threshold", lambda: select(given), {})


def holds(words: ColumnElement[str], beginning: ColumnElement[str], *, sqlite: bool) -> ColumnElement[bool]:
    """Return whether one of the words of a text begins so; the parameter comes with a blank before it."""
    found = (func.instr if sqlite else func.strpos)(literal_column("' '").concat(words), beginning)
    over: ColumnElement[bool] = found > literal_column("0")
    return over


def similar_at(tx: Transaction) -> str | None:
    """Return the schema that holds the operators for similar words, quoted; None where the database has none."""
    if tx.sqlite:
        return None
    schema = func.coalesce(bindparam("schema", type_=Text()), func.current_schema())
    statement: Select[Any] = (
        select(literal_column("quote_ident(n.nspname)").label("schema"))
        .select_from(text(_OPERATORS_OF_INDEX))
        .where(literal_column("c.relname") == literal_column(f"'ix_{_NAME}_similar'"))
        .where(literal_column("s.nspname") == schema)
    )
    rows = tx.select("search similar", lambda: statement, {"schema": tx.statements.schema})
    return str(rows[0][0]) if rows else None


def _prepare(connection: Connection) -> None:
    """Make what finds documents, beside their table."""
    if connection.dialect.name == "sqlite":
        _prepare_sqlite(connection)
    else:
        connection.exec_driver_sql(_POSTGRESQL)
        _prepare_similar(connection)


def _prepare_sqlite(connection: Connection) -> None:
    try:
        for statement in _SQLITE:
            connection.exec_driver_sql(statement)
    except OperationalError as error:
        if "no such module" not in str(error.orig):
            raise
        raise ConfigurationError(
            "search needs FTS5, and the SQLite of this Python was built without it: use another Python, or PostgreSQL"
        ) from error


def _prepare_similar(connection: Connection) -> None:
    """Make the index for similar words, where the extension is there or may be created: search works without it."""
    connection.exec_driver_sql(_ONE_AT_A_TIME)
    with suppress(DBAPIError), connection.begin_nested():
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
    schema = connection.exec_driver_sql(_EXTENSION_AT).scalar()
    if schema is not None:
        connection.exec_driver_sql(_SIMILAR.format(schema=schema))


document.info[AFTER_CREATE] = _prepare
