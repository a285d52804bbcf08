"""Everything that `verify_ledger` checks: each app's checks, and the guards of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import pgtrigger
from django.apps import apps
from django.db import connection, transaction
from django.db.models import CheckConstraint, Field, UniqueConstraint

from accounts.services import verification as accounts
from accounts.services.verification import Breach, Check, read_rows
from agents.services import verification as agents
from billing.orders import verification as orders
from billing.packages import verification as packages
from billing.refunds import verification as refunds
from billing.wallet import verification as wallet
from compliance.services import verification as compliance

CHECKS: tuple[Check, ...] = (
    *accounts.CHECKS,
    *compliance.CHECKS,
    *wallet.CHECKS,
    *orders.CHECKS,
    *packages.CHECKS,
    *refunds.CHECKS,
    *agents.CHECKS,
)
_OWN_APPS = ("accounts", "compliance", "billing", "agents")


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let all checks read the same snapshot, so that a purchase in between is no breach."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def find_all_breaches() -> Iterator[Breach]:
    """Run every check; yield what is wrong, one by one. Reads only."""
    yield from accounts.find_breaches(CHECKS)
    yield from _find_lost_triggers()
    yield from _find_lost_constraints()


def count_checks() -> int:
    """Return how many checks `find_all_breaches` runs."""
    return len(CHECKS) + 2


def _find_lost_triggers() -> Iterator[Breach]:
    """Yield each trigger that protects rows and is missing, switched off or another one."""
    found = {
        (table, name): (enabled, source)
        for table, name, enabled, source in read_rows(
            """SELECT c.relname, t.tgname, t.tgenabled, p.prosrc FROM pg_trigger t
               JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
               WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace"""
        )
    }
    for model, trigger in pgtrigger.registered():
        table, name = model._meta.db_table, trigger.get_pgid(model)
        enabled, source = found.get((table, name), ("", ""))
        if not enabled:
            yield Breach(f"table {table}: its trigger '{trigger.name}' is missing")
        elif enabled not in {"O", "A"}:
            yield Breach(f"table {table}: its trigger '{trigger.name}' is switched off")
        elif _condensed(trigger.render_func(model)) not in _condensed(source):
            yield Breach(f"table {table}: its trigger '{trigger.name}' does something else")


def _condensed(text: str) -> str:
    return "".join(text.split())


def _find_lost_constraints() -> Iterator[Breach]:
    """Yield each constraint or unique index that is missing, or was never validated."""
    held = {
        (table, name)
        for table, name in read_rows(
            """SELECT c.relname, x.conname FROM pg_constraint x
               JOIN pg_class c ON c.oid = x.conrelid
               WHERE x.convalidated AND c.relnamespace = 'public'::regnamespace
               UNION
               SELECT c.relname, i.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
               JOIN pg_class i ON i.oid = x.indexrelid
               WHERE x.indisunique AND x.indisvalid AND x.indislive
               AND c.relnamespace = 'public'::regnamespace"""
        )
    }
    keyed = set(
        read_rows(
            """SELECT c.relname, a.attname, x.contype FROM pg_constraint x
               JOIN pg_class c ON c.oid = x.conrelid
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.conkey[1]
               WHERE cardinality(x.conkey) = 1 AND x.convalidated
               AND c.relnamespace = 'public'::regnamespace"""
        )
    )
    for app in _OWN_APPS:
        for model in apps.get_app_config(app).get_models(include_auto_created=True):
            table = model._meta.db_table
            for constraint in model._meta.constraints:
                is_kept = isinstance(constraint, CheckConstraint | UniqueConstraint)
                if is_kept and (table, constraint.name) not in held:
                    yield Breach(f"table {table}: its constraint '{constraint.name}' is missing")
            for field in model._meta.local_concrete_fields:
                if (table, field.column, _expected(field)) not in keyed and _expected(field):
                    yield Breach(f"table {table}: column '{field.column}' has lost its key")


def _expected(field: "Field[object, object]") -> str:
    """Return the type of constraint that a column must have: primary, unique or foreign key."""
    if field.primary_key:
        return "p"
    if field.remote_field is not None and getattr(field, "db_constraint", False):
        return "f"
    return "u" if field.unique else ""
