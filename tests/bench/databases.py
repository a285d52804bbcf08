"""Throw-away databases for measurements: one made with data, and copies of it for each run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

TEMPLATE = "bench_template"


def _parameters() -> dict[str, object]:
    parameters = dict(connection.get_connection_params())
    return {
        key: parameters[key] for key in ("host", "port", "user", "password") if key in parameters
    }


def connect(name: str) -> psycopg.Connection:
    """Open a plain connection of the driver's own, with nothing of Django in between."""
    return psycopg.connect(**_parameters(), dbname=name, autocommit=True)  # type: ignore[arg-type]


def address(name: str) -> str:
    """Return the `DATABASE_URL` of a database on the same server, for other processes."""
    found = _parameters()
    who = quote(str(found["user"]), safe="")
    if found.get("password"):
        who += f":{quote(str(found['password']), safe='')}"
    host = str(found.get("host") or "")
    if host.startswith("/"):
        # A socket's folder goes into the query, since it is no host name.
        return f"postgres://{who}@/{name}?host={quote(host)}"
    port = f":{found['port']}" if found.get("port") else ""
    return f"postgres://{who}@{host}{port}/{name}"


def drop(name: str) -> None:
    """Drop a database to which no one is connected any more, but for the server's own vacuum."""
    with connect("postgres") as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def exists(name: str) -> bool:
    """Say whether the server has a database of this name."""
    with connect("postgres") as admin:
        found = admin.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        return found.fetchone() is not None


def _create(name: str, template: str | None) -> None:
    drop(name)
    command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        # Copied as files: or the run that follows would have the copy's pages to write out.
        command += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
    with connect("postgres") as admin:
        admin.execute(command)


@contextmanager
def using(name: str) -> Iterator[None]:
    """Let Django's own connection go to another database meanwhile."""
    usual = connection.settings_dict["NAME"]
    connections.close_all()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = usual


@contextmanager
def migrated(name: str = TEMPLATE) -> Iterator[str]:
    """A fresh database with all migrations applied; dropped at the end."""
    _create(name, None)
    try:
        with using(name):
            call_command("migrate", verbosity=0)
        yield name
    finally:
        drop(name)


@contextmanager
def copy_of(template: str, name: str = "bench_copy") -> Iterator[str]:
    """A copy, so that every run starts from the very same files; dropped at the end."""
    connections.close_all()
    _create(name, template)
    try:
        yield name
    finally:
        drop(name)


def environment(name: str) -> dict[str, str]:
    """Return the environment of a process of ours that works on that database."""
    return {**os.environ, "DATABASE_URL": address(name), "DEBUG": "0", "LOCAL": "1"}
