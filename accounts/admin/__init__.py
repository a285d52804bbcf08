"""The administration of tenants and people, and what all apps' administration builds on."""

from accounts.admin import history, jobs, people, proposals, tenants

__all__ = ["history", "jobs", "people", "proposals", "tenants"]
