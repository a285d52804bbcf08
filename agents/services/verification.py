"""Checks that agents and telephones hold licenses that fit them, each license once."""

from accounts.services.verification import Check


def _holders(noun: str, table: str, kind: str) -> tuple[Check, ...]:
    """Return the checks of one table whose rows hold licenses of `kind`."""
    return (
        Check(
            f"license {{0}}: {{1}} {noun}s hold it",
            f"""SELECT license_id, count(*) FROM {table} WHERE license_id IS NOT NULL
                GROUP BY license_id HAVING count(*) > 1""",
        ),
        Check(
            f"{noun} {{0}}: it holds license {{1}}, which is of kind '{{2}}'",
            f"""SELECT h.id, l.id, l.kind FROM {table} h
                JOIN billing_license l ON l.id = h.license_id WHERE l.kind <> '{kind}'""",
        ),
        Check(
            f"{noun} {{0}}: it holds license {{1}} of another application or account",
            f"""SELECT h.id, l.id FROM {table} h
                JOIN billing_license l ON l.id = h.license_id
                JOIN billing_package p ON p.id = l.package_id
                WHERE p.application_id <> h.application_id
                   OR p.account_id <> h.account_id OR l.account_id <> h.account_id""",
        ),
        Check(
            f"{noun} {{0}}: its application is another account's",
            f"""SELECT h.id FROM {table} h JOIN accounts_application a ON a.id = h.application_id
                WHERE a.account_id <> h.account_id""",
        ),
    )


CHECKS: tuple[Check, ...] = (
    *_holders("agent", "agents_agent", "agent"),
    *_holders("telephone", "agents_siptelephone", "sip"),
    Check(
        "package {0}: {1} of its {2} licenses of kind '{3}' are assigned",
        """SELECT l.package_id, count(h.license_id), count(DISTINCT l.id), l.kind
           FROM billing_license l LEFT JOIN (
               SELECT license_id FROM agents_agent WHERE license_id IS NOT NULL
               UNION ALL
               SELECT license_id FROM agents_siptelephone WHERE license_id IS NOT NULL
           ) h ON h.license_id = l.id
           GROUP BY l.package_id, l.kind HAVING count(h.license_id) > count(DISTINCT l.id)""",
    ),
    Check(
        "telephone {0}: it is bound to agent {1} of another application",
        """SELECT t.id, a.id FROM agents_siptelephone t JOIN agents_agent a ON a.id = t.agent_id
           WHERE a.application_id <> t.application_id""",
    ),
)
