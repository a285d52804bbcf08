"""Row-level security as migrations write it: which rows each role of the database may reach.

Every table with rows of accounts is protected. Requests of the console act as `tccc_web` and reach
the rows of the accounts that `accounts.row_security` named for their transaction; staff and
workers have roles of their own, which reach all rows. The owner of the tables migrates.
"""

from django.db import migrations


class RunRules(migrations.RunSQL):
    """SQL about who may do what; its way back takes no rows away."""

    keeps_rows = True


#: An account that the transaction named. The subquery is executed once for each statement.
_NAMED = "{column} = ANY ((SELECT tccc_accounts())::bigint[])"


def is_named(column: str = "account_id") -> str:
    """Return the condition that a column holds an account that the transaction named."""
    return _NAMED.format(column=column)


def protect(table: str, condition: str = is_named(), check: str = "") -> RunRules:
    """Let requests of the console reach only the rows of a table that fit `condition`.

    `check` is what rows that are written must fit, by default the same.
    """
    return RunRules(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        f"CREATE POLICY console ON {table} TO tccc_web"
        f" USING ({condition}) WITH CHECK ({check or condition});"
        f"CREATE POLICY everywhere ON {table} TO tccc_staff, tccc_worker"
        " USING (true) WITH CHECK (true);",
        f"DROP POLICY everywhere ON {table}; DROP POLICY console ON {table};"
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    )


def also_allow(table: str, name: str, condition: str, act: str = "SELECT") -> RunRules:
    """Let requests of the console reach further rows of a protected table, by default to read."""
    check = f" WITH CHECK ({condition})" if act in {"ALL", "UPDATE"} else ""
    rule = f"WITH CHECK ({condition})" if act == "INSERT" else f"USING ({condition}){check}"
    return RunRules(
        f"CREATE POLICY {name} ON {table} FOR {act} TO tccc_web {rule};",
        f"DROP POLICY {name} ON {table};",
    )
