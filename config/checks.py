"""What the environment must offer before the console starts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import OperationalError

from accounts.queries import call_function

# Chosen with the product: the oldest PostgreSQL that the tests run on.
OLDEST_POSTGRESQL = 15


def database_complaint() -> str | None:
    """One sentence when the database server is too old, None when it is fit or out of reach.

    A server that does not answer is no reason to refuse the start: `/readyz` tells of it,
    and the console works as soon as the server is back.
    """
    try:
        with connection.temporary_connection():
            version = connection.pg_version  # type: ignore[attr-defined]
    except OperationalError:
        return None
    if version >= OLDEST_POSTGRESQL * 10_000:
        return None
    return (
        f"The console needs PostgreSQL {OLDEST_POSTGRESQL} or later, "
        f"but the database server is version {version // 10_000}.{version % 10_000}."
    )


@register()
def check_database_version(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Run with every management command that runs checks."""
    complaint = database_complaint()
    return [Error(complaint, id="config.E001")] if complaint else []


@register(deploy=True)
def check_lock_timeout(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn where a request would wait without end for a row that another one has locked."""
    try:
        with connection.temporary_connection():
            setting = call_function("current_setting", "lock_timeout")
    except OperationalError:
        return []
    if setting != "0":
        return []
    return [
        Caution(
            "lock_timeout is 0: a request waits without end for a row that another one has locked.",
            hint="Set DATABASE_LOCK_TIMEOUT, or behind PgBouncer "
            "ALTER ROLE ... SET lock_timeout = '2s' (docs/operations.md).",
            id="config.W001",
        )
    ]


def refuse_old_database() -> None:
    """Refuse to serve from a database server that is too old.

    Raises ImproperlyConfigured. Leaves no connection open, since a server may fork next.
    """
    complaint = database_complaint()
    if settings.DATABASES["default"]["OPTIONS"].get("pool"):
        connection.close_pool()  # type: ignore[attr-defined]
    if complaint:
        raise ImproperlyConfigured(complaint)
