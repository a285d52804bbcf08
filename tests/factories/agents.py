"""Makes agents and SIP telephones, as rows: for tests that are not about adding them."""

from datetime import datetime
from itertools import count
from typing import Any

from accounts.models import Application
from agents.models import Agent, SipTelephone
from tests.factories.tenants import NOW

_serial = count(1)


def make_agent(application: Application, *, now: datetime = NOW, **fields: Any) -> Agent:
    """Write an enabled agent without a license."""
    serial = next(_serial)
    values: dict[str, Any] = {
        "account_id": application.account_id,
        "application": application,
        "name": f"Agent {serial}",
        "nickname": f"Nick {serial}",
        "staff_number": f"S{serial:05}",
        "email": f"agent{serial}@example.com",
        "created_at": now,
        "updated_at": now,
    }
    return Agent.objects.create(**values | fields)


def make_telephone(application: Application, *, now: datetime = NOW, **fields: Any) -> SipTelephone:
    """Write a SIP telephone without a license or an agent."""
    serial = next(_serial)
    values: dict[str, Any] = {
        "account_id": application.account_id,
        "application": application,
        "label": f"Desk {serial}",
        "extension": str(20000 + serial),
        "password": "hash",
        "password_set_at": now,
        "created_at": now,
        "updated_at": now,
    }
    return SipTelephone.objects.create(**values | fields)
