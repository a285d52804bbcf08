"""Numbers of cases and requests: drawn from sequences, so that none is given out twice."""

from accounts.queries import next_number


def next_violation_number() -> str:
    """Return a fresh case number, such as V-1000001."""
    return f"V-{next_number('compliance_violation_number_seq')}"


def next_connection_number() -> str:
    """Return a fresh number of a connection request, such as C-1000001."""
    return f"C-{next_number('compliance_connection_number_seq')}"
