"""The staff's desk for the connect guidelines."""

from compliance.admin import appeals, connections, evidence, tables, violations

__all__ = ["appeals", "connections", "evidence", "tables", "violations"]
