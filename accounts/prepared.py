"""Querysets that are compiled once, for the few reads of which every purchase and refund consists.

Compiling a queryset again costs several times what PostgreSQL needs to answer it (ADR 0057).
"""

import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from inspect import signature
from typing import Any, Generic, ParamSpec, TypeVar, cast

from django.db import connection
from django.db.models import Expression, Field, ForeignObject, Lookup, QuerySet
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    ValuesListIterable,
)
from django.db.transaction import TransactionManagementError
from psycopg import sql

P = ParamSpec("P")
Row = TypeVar("Row")


class Parameter(Expression):
    """The place of a value that is known only when the query is executed."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


@Field.register_lookup
@ForeignObject.register_lookup
class EqualsAny(Lookup):
    """`pk__any=keys`: as `pk__in`, but with one parameter however many keys there are.

    Thousands of keys are best given as an `array`, which is written out here: the driver takes
    several times as long to write a list.
    """

    lookup_name = "any"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, Any]:
        if isinstance(value, array):
            return "%s", (f"{{{','.join(map(str, value))}}}",)
        return "%s", (list(value),)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", (*left_values, *right_values)


@dataclass(frozen=True)
class _Plan:
    """The compiled query: its text, its parameters in order, and how its rows are read."""

    text: str
    names: Sequence[str]
    width: int
    converters: Sequence[tuple[int, Sequence[Callable[..., Any]], Any]]
    make: Callable[[Sequence[Any]], Any]
    locks_rows: bool

    def arrange(self, given: Mapping[str, Any]) -> list[Any]:
        """Return values by name in the order in which the text takes them."""
        return [given[name] for name in self.names]

    def read(self, row: Sequence[Any]) -> Any:
        """Return what iterating the queryset would give for this row."""
        values = list(row)
        for place, converters, column in self.converters:
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return self.make(values)


class PreparedQuery(Generic[P, Row]):
    """A queryset as a function of its parameters, which is compiled when first called.

        @PreparedQuery
        def find_placed(account_id: int, key: UUID) -> QuerySet[Order]:
            return Order.objects.filter(account_id=account_id, key=key)

    `find_placed(1, key)` returns the rows as a list, `find_placed.queryset(1, key)` the plain
    queryset. The function is called once, with a `Parameter` for each argument, so it may only
    hand them on to `filter()` and the like. A list is compared with `__any`. A parameter that is
    None finds nothing, as in SQL; what else is in the queryset stays as it was at the first call.
    With `lock`, the rows stay as they are until the transaction ends. With `keep`, for which
    querysets have no word, they only keep being there, so that other rows may refer to them, and
    those that another session has locked against that are left out.
    """

    def __init__(
        self, build: Callable[P, "QuerySet[Any, Row]"], *, lock: bool = False, keep: bool = False
    ) -> None:
        update_wrapper(self, build)
        self._build = build
        self._lock = lock
        self._ending = " FOR KEY SHARE SKIP LOCKED" if keep else ""
        self.names = tuple(signature(build).parameters)

    def queryset(self, *values: P.args, **named: P.kwargs) -> "QuerySet[Any, Row]":
        """Return the plain queryset with these values."""
        found = self._build(*values, **named)
        return found.select_for_update(no_key=True, of=("self",)) if self._lock else found

    def __call__(self, *values: P.args, **named: P.kwargs) -> list[Row]:
        """Execute the query with these values."""
        plan = self.plan
        if plan.locks_rows and connection.get_autocommit():
            raise TransactionManagementError("Rows are locked only within a transaction.")
        sent = plan.arrange(dict(zip(self.names, values, strict=False)) | named)
        return [plan.read(row) for row in _execute(plan.text, sent)]

    @cached_property
    def plan(self) -> _Plan:
        """The compiled query; nothing of it belongs to a connection."""
        build = cast("Callable[..., QuerySet[Any, Row]]", self.queryset)
        queryset = build(*(Parameter(name) for name in self.names))
        compiler = queryset.query.get_compiler(using=connection.alias)
        text, values = compiler.as_sql()
        converters = compiler.get_converters([each[0] for each in compiler.select])
        return _Plan(
            text=_with_literals(text, values) + self._ending,
            names=[value.name for value in values if isinstance(value, Parameter)],
            width=len(compiler.select),
            converters=[(place, *rest) for place, rest in converters.items()],
            make=_maker(queryset, compiler),
            locks_rows=bool(self._ending) or queryset.query.select_for_update,
        )


def _with_literals(text: str, values: Iterable[Any]) -> str:
    """Write all values but the parameters into the text.

    A plan that PostgreSQL keeps for any values uses a partial index only where the condition on
    the index's state is in the text.
    """
    connection.ensure_connection()
    left = iter(values)

    def write(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%%"
        value = next(left)
        if isinstance(value, Parameter):
            return "%s"
        return sql.Literal(value).as_string(connection.connection).replace("%", "%%")

    return re.sub("%[%s]", write, text)


def _maker(queryset: "QuerySet[Any, Any]", compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """Return how a row's values become what iterating the queryset gives."""
    kind = queryset._iterable_class  # noqa: SLF001 - it says what a row becomes
    if kind is FlatValuesListIterable:
        return lambda row: row[0]
    if kind is ValuesListIterable:
        return tuple
    if kind is not ModelIterable:
        raise TypeError("Only whole rows and values_list() can be prepared.")
    make = _instance_maker(compiler.klass_info, compiler.select)
    annotations = list((compiler.annotation_col_map or {}).items())
    if not annotations:
        return make

    def make_annotated(row: Sequence[Any]) -> Any:
        found = make(row)
        for name, place in annotations:
            setattr(found, name, row[place])
        return found

    return make_annotated


def _instance_maker(info: Mapping[str, Any], select: Sequence[Any]) -> Callable[..., Any]:
    """Return how a row becomes an instance with those that `select_related` joined to it.

    It is None where an outer join found nothing.
    """
    model, start, end = info["model"], info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[start:end]]
    key = start + names.index(model._meta.pk.attname)
    related = [
        (each["local_setter"], each["remote_setter"], _instance_maker(each, select))
        for each in info.get("related_klass_infos", ())
    ]

    def make(row: Sequence[Any]) -> Any:
        if row[key] is None:
            return None
        found = model.from_db(connection.alias, names, row[start:end])
        for set_local, set_remote, make_related in related:
            other = make_related(row)
            set_local(found, other)
            if other is not None:
                set_remote(other, found)
        return found

    return make


def find_each(*asked: tuple[PreparedQuery[..., Any], Sequence[Any]]) -> list[Any]:
    """Execute queries of at most one row in one statement; None where one of them finds none."""
    plans = [query.plan for query, _values in asked]
    joins = [f"LEFT JOIN ({plan.text}) p{place} ON TRUE" for place, plan in enumerate(plans)]
    sent = [
        value
        for query, values in asked
        for value in query.plan.arrange(dict(zip(query.names, values, strict=True)))
    ]
    (row,) = _execute(f"SELECT * FROM (SELECT) nothing {' '.join(joins)}", sent)  # noqa: S608
    found = []
    for plan in plans:
        part, row = row[: plan.width], row[plan.width :]
        found.append(None if all(value is None for value in part) else plan.read(part))
    return found


def _execute(text: str, sent: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, sent)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
