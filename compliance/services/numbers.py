"""Numbers of cases and requests: drawn from sequences, so that none is given out twice."""

from django.db import connection


def _next(sequence: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s)", [sequence])
        return int(cursor.fetchone()[0])


def next_violation_number() -> str:
    """Return a fresh case number, such as V-1000001."""
    return f"V-{_next('compliance_violation_number_seq')}"


def next_connection_number() -> str:
    """Return a fresh number of a connection request, such as C-1000001."""
    return f"C-{_next('compliance_connection_number_seq')}"
