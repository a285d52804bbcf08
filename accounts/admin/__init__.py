"""The administration of tenants and people, and what all apps' administration builds on."""

from accounts.admin import history, people, tenants

__all__ = ["history", "people", "tenants"]
