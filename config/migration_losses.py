"""What migrations would lose on their way back, found before the first of them runs.

A step back drops the tables and columns that the step forward has added. This compares the
models before and after each step, so it covers every migration without a word in it, future ones
and those of other packages too. Constraints, indexes and triggers hold no data, and PostgreSQL
itself refuses to make a column narrower than what it holds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.migrations import Migration, RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps
from django.db.models import Field, Model

from accounts.models.folded import FoldedField

#: An app, a model, and one of its fields; no field for the table.
Part = tuple[str, str, str | None]


@dataclass(frozen=True)
class Loss:
    """One thing that going back over `migration` would take away."""

    migration: str
    what: str


def find_losses(plan: Iterable[tuple[Migration, bool]], using: str) -> list[Loss]:
    """Return what the steps back of a plan would lose, in their order; reads only.

    Nothing is lost in a database without users and accounts: what is in its tables, the
    migrations themselves have written.
    """
    back = [migration for migration, is_backwards in plan if is_backwards]
    if not back or not _is_in_use(using):
        return []
    loader = MigrationLoader(connections[using])
    return [
        Loss(f"{migration.app_label}.{migration.name}", what)
        for migration in back
        for what in _losses_of(migration, loader, using)
    ]


def _is_in_use(using: str) -> bool:
    tables = connections[using].introspection.table_names()
    return any(
        model._meta.db_table in tables and model._default_manager.using(using).exists()
        for model in (apps.get_model("accounts", "User"), apps.get_model("accounts", "Account"))
    )


def _losses_of(migration: Migration, loader: MigrationLoader, using: str) -> Iterator[str]:
    key = (migration.app_label, migration.name)
    state = loader.project_state(key, at_end=False)
    parts = set(_added_parts(migration.operations, migration.app_label, state))
    models = loader.project_state(key).apps
    tables = set(connections[using].introspection.table_names())
    for app, name, column in sorted(parts, key=str):
        # The columns of a table that goes are not told of as well.
        if column is None or (app, name, None) not in parts:
            yield from _content((app, name, column), models, tables, using)
    for operation in _flatten(migration.operations):
        yield from _own_statements(operation)


def _flatten(operations: Iterable[Operation]) -> Iterator[Operation]:
    """The operations that touch the database."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _flatten(operation.database_operations)
        else:
            yield operation


def _parts(state: ProjectState) -> set[Part]:
    found: set[Part] = set()
    for (app, model), described in state.models.items():
        found |= {(app, model, None), *((app, model, name) for name in described.fields)}
    return found


def _added_parts(operations: Iterable[Operation], app: str, state: ProjectState) -> Iterator[Part]:
    """Take `state` through the operations; yield what they add, but not what they rename."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            # The models follow its other half, but the database does not.
            yield from _added_parts(operation.database_operations, app, state.clone())
            operation.state_forwards(app, state)
            continue
        before = _parts(state)
        operation.state_forwards(app, state)
        after = _parts(state)
        if not before - after:
            yield from after - before


def _content(part: Part, models: StateApps, tables: set[str], using: str) -> Iterator[str]:
    app, name, column = part
    try:
        model = models.get_model(app, name)
        field: Any = column and model._meta.get_field(column)
    except (LookupError, FieldDoesNotExist):
        return  # the same migration takes it away again
    if field is None:
        yield from _rows_of(model, tables, using)
        return
    if field.many_to_many:
        yield from _rows_of(field.remote_field.through, tables, using)
    elif field.concrete and not _is_derived(field):
        yield from _values_of(model, field, tables, using)


def _is_derived(field: Any) -> bool:
    """Whether the way forward computes the column again from others."""
    return field.generated or isinstance(field, FoldedField)


def _rows_of(model: type[Model], tables: set[str], using: str) -> Iterator[str]:
    table = model._meta.db_table
    if not model._meta.can_migrate(connections[using]):
        return
    if table not in tables:
        yield f"table {table}, which has another name now"
    elif count := model._default_manager.using(using).count():
        yield f"table {table}: {count} rows"


def _values_of(
    model: type[Model], field: "Field[Any, Any]", tables: set[str], using: str
) -> Iterator[str]:
    table = model._meta.db_table
    if table not in tables:
        yield f"column {field.column} of {table}, which has another name now"
        return
    rows = model._default_manager.using(using).exclude(**{f"{field.name}__isnull": True})
    if (default := field.get_default()) is not None:
        rows = rows.exclude(**{field.name: default})
    if count := rows.count():
        yield f"column {field.column} of {table}: {count} values"


def _own_statements(operation: Operation) -> Iterator[str]:
    """Statements that a migration brings with it: only its author knows what they do."""
    if isinstance(operation, RunPython) and operation.reverse_code not in {None, RunPython.noop}:
        yield f"whatever its {getattr(operation.reverse_code, '__name__', 'code')}() takes away"
    elif (
        isinstance(operation, RunSQL)
        and operation.reverse_sql not in {None, RunSQL.noop}
        and not getattr(operation, "keeps_rows", False)
    ):
        yield f"whatever this takes away: {' '.join(str(operation.reverse_sql).split())}"
