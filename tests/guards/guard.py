"""A guard of the product: how it is taken away, and which tests must notice that it is gone."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Edit:
    """A text that stands once in a file, and what stands there when the guard is gone."""

    file: str
    old: str
    new: str

    def count(self, root: Path = ROOT) -> int:
        """Return how often the text stands in the file of a tree."""
        return (root / self.file).read_text().count(self.old)

    def apply(self, root: Path) -> None:
        """Take the guard away in a copy of the tree."""
        path = root / self.file
        path.write_text(path.read_text().replace(self.old, self.new))


@dataclass(frozen=True)
class Guard:
    """What is taken away together, in the code or by `sql` in the database.

    `tests` are files or tests below `tests/`. A test that takes the same guard away on its own
    proves nothing here and is not named.
    """

    name: str
    tests: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    sql: str = ""


def in_code(name: str, file: str, old: str, new: str, *tests: str) -> Guard:
    """Return a guard that is one piece of a file."""
    return Guard(name, tests, edits=(Edit(file, old, new),))


def constraint(name: str, table: str, key: str, *tests: str) -> Guard:
    """Return a guard that is a CHECK or a unique key which is a constraint."""
    return Guard(name, tests, sql=f"ALTER TABLE {table} DROP CONSTRAINT {key}")


def index(name: str, key: str, *tests: str) -> Guard:
    """Return a guard that is a unique index with a condition."""
    return Guard(name, tests, sql=f"DROP INDEX {key}")


def trigger(name: str, table: str, key: str, *tests: str) -> Guard:
    """Return a guard that is a trigger, by its name in the model."""
    return Guard(
        name,
        tests,
        sql=f"""
            DO $$ DECLARE found text;
            BEGIN
                SELECT tgname INTO STRICT found FROM pg_trigger
                    WHERE tgrelid = '{table}'::regclass AND tgname LIKE 'pgtrigger_{key}_%';
                EXECUTE format('DROP TRIGGER %I ON {table}', found);
            END $$
        """,
    )
