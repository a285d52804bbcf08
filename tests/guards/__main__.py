"""Take every guard away, one at a time, and see whether its tests notice; `make guards`.

Works on a copy of the tree as it is, with what is not committed. Prints a table, and exits 1
where a guard goes unnoticed or its text is no longer found. `ARGS="refund"` picks guards by words
of their names.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.db import connection  # noqa: E402
from psycopg import sql  # noqa: E402

from tests.bench.databases import connect, drop, environment, exists  # noqa: E402
from tests.guards import GUARDS  # noqa: E402
from tests.guards.guard import ROOT, Guard  # noqa: E402

DATABASE, CLEAN = "test_guards", "test_guards_clean"
# Seconds; a busy machine needs many for what takes ten.
PATIENCE = 900


def copy_tree(target: Path) -> None:
    """Copy what git knows or would add, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def copy_database(name: str, template: str) -> None:
    drop(name)
    with connect("postgres") as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


def run_tests(
    tree: Path, tests: Iterable[str], *options: str, patience: float | None = PATIENCE
) -> tuple[int, str]:
    """Run tests of the tree; return pytest's exit status and what it printed.

    Raises TimeoutExpired after `patience` seconds.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--reuse-db", *options, *(f"tests/{test}" for test in tests)],
        cwd=tree,
        env={
            **environment("postgres"),
            "ENV_FILE": os.devnull,
            "TEST_DATABASE_NAME": DATABASE,
            # Two versions of a file within a second would share one compiled form.
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience,
        check=False,
    )
    return done.returncode, done.stdout


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def first_line(output: str, mark: str) -> str:
    found = [line for line in output.splitlines() if line.startswith(mark)]
    return found[0].removeprefix(mark).strip() if found else ""


def look(guard: Guard, tree: Path) -> tuple[bool, str]:
    """Take one guard away and put it back; return whether it was noticed, and by what."""
    for edit in guard.edits:
        if (count := edit.count(tree)) != 1:
            return False, f"{edit.file}: its text stands there {count} times"
    if exists(CLEAN):
        copy_database(DATABASE, CLEAN)
    if guard.sql:
        with connect(DATABASE) as database:
            database.execute(guard.sql)
    whole = {tree / edit.file: (tree / edit.file).read_text() for edit in guard.edits}
    for edit in guard.edits:
        edit.apply(tree)
    try:
        status, output = run_tests(tree, guard.tests)
    except subprocess.TimeoutExpired:
        return False, "its tests do not end"
    finally:
        for path, text in whole.items():
            path.write_text(text)
    if status == 1:
        return True, first_line(output, "FAILED").partition(" - ")[0].rpartition("::")[2]
    return False, "all its tests pass" if status == 0 else output[-400:]


def main(words: list[str]) -> int:
    chosen = [guard for guard in GUARDS if all(word in guard.name for word in words)]
    connection.ensure_connection()
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        drop(DATABASE)
        drop(CLEAN)
        try:
            tests = dict.fromkeys(test for guard in chosen for test in guard.tests)
            status, output = run_tests(tree, tests, "--create-db", patience=None)
            if status != 0:
                say(f"{output[-3000:]}\nThese tests fail with all guards in place.")
                return 1
            # Tests without a database make none.
            if exists(DATABASE):
                copy_database(CLEAN, DATABASE)
            for number, guard in enumerate(chosen, start=1):
                began = time.monotonic()
                is_noticed, how = look(guard, tree)
                unnoticed += not is_noticed
                seconds = time.monotonic() - began
                word = "noticed" if is_noticed else "NOT NOTICED"
                say(f"{number:3} {word:11} {guard.name}: {how} ({seconds:.0f} s)")
        finally:
            drop(DATABASE)
            drop(CLEAN)
    say(f"{len(chosen) - unnoticed} of {len(chosen)} noticed.")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
