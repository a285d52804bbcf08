"""Makes tenants, staff, cases and requests for the tests of this folder, through the services."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.enums import EntityKind, Role
from accounts.models import Account, Application, Membership, User
from accounts.services.tenants import create_application, open_account, register_entity
from compliance.enums import CaseState, Direction, NumberSource, ReportSource, ViolationMeasure
from compliance.models import ConnectionRequest, ScreeningEntry, Violation
from compliance.services.appeals import decide_appeal, submit_appeal
from compliance.services.connections import Business, decide_connection, request_connection
from compliance.services.violations import (
    Report,
    dismiss_violation,
    report_violation,
    start_investigation,
    verify_violation,
)
from compliance.transitions import ConnectionAct
from tests.approving import take_measure

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PASSWORD = "a good password"
_serial = count(1)


@dataclass(frozen=True)
class Tenant:
    """An account with an owner and one application."""

    owner: User
    account: Account
    application: Application


def make_user(email: str = "", **fields: Any) -> User:
    return User.objects.create_user(
        email or f"person{next(_serial)}@example.com", PASSWORD, **fields
    )


def make_staff() -> User:
    return make_user(f"staff{next(_serial)}@example.com", is_staff=True, is_superuser=True)


def make_member(account: Account, role: str) -> User:
    user = make_user()
    Membership.objects.create(account=account, user=user, role=role, created_at=NOW)
    return user


def make_tenant(
    name: str = "Contact Ltd", kind: str = EntityKind.ENTERPRISE, now: datetime = NOW - 30 * DAY
) -> Tenant:
    serial = next(_serial)
    entity = register_entity(
        name=name, kind=kind, registration_number=f"R{serial}", by=None, now=now
    )
    owner = make_user()
    account = open_account(entity=entity, name=name, owner=owner, by=None, now=now)
    application = create_application(account=account, name="Hotline", by=None, now=now)
    return Tenant(owner, account, application)


# --- Cases ---------------------------------------------------------------------------------

#: The mildest measure that each of the seven behaviours allows.
MEASURE_OF = {
    1: ViolationMeasure.SUSPEND,
    2: ViolationMeasure.SUSPEND,
    3: ViolationMeasure.SUSPEND,
    4: ViolationMeasure.WARN,
    5: ViolationMeasure.SUSPEND,
    6: ViolationMeasure.WARN,
    7: ViolationMeasure.WARN,
}


def make_report(**fields: Any) -> Report:
    values: dict[str, Any] = {
        "source": ReportSource.CUSTOMER_COMPLAINT,
        "summary": "A called person complained.",
        "complaint_number": "CP-77",
        "called_number": "+8613800002222",
        "occurred_at": NOW - 2 * DAY,
    }
    return Report(**values | fields)


def report_case(
    tenant: Tenant, behaviour: int = 2, *, now: datetime = NOW, **fields: Any
) -> Violation:
    return report_violation(
        account=tenant.account,
        application=tenant.application,
        behaviour_number=behaviour,
        report=make_report(**{"occurred_at": now - 2 * DAY} | fields),
        request_key=uuid.uuid4(),
        by=None,
        now=now,
    )


def make_case(
    tenant: Tenant,
    state: CaseState = CaseState.ACTIONED,
    *,
    behaviour: int = 2,
    measure: ViolationMeasure | None = None,
    handler: User | None = None,
    now: datetime = NOW,
) -> Violation:
    """A case that went the whole way to `state`; every step at `now`."""
    handler = handler or make_staff()
    case = report_case(tenant, behaviour, now=now)
    if state == CaseState.REPORTED:
        return case
    case = start_investigation(violation=case, by=handler, now=now)
    if state == CaseState.INVESTIGATING:
        return case
    if state == CaseState.DISMISSED:
        return dismiss_violation(violation=case, finding="Untrue.", by=handler, now=now)
    case = verify_violation(violation=case, finding="True.", by=handler, now=now)
    if state == CaseState.VERIFIED:
        return case
    case = take_measure(case, measure or MEASURE_OF[behaviour], by=handler, now=now)
    if state == CaseState.ACTIONED:
        return case
    appeal = submit_appeal(violation=case, statement="Not us.", by=tenant.owner, now=now)
    if state != CaseState.APPEALED:
        is_overturned = state == CaseState.OVERTURNED
        decide_appeal(
            appeal=appeal,
            is_overturned=is_overturned,
            reason="We looked again.",
            by=make_staff(),
            now=now,
        )
    return Violation.objects.get(pk=case.pk)


# --- Connection requests -------------------------------------------------------------------


def make_business(**fields: Any) -> Business:
    values: dict[str, Any] = {
        "description": "Answers questions about deliveries.",
        "direction": Direction.INBOUND,
        "is_cold_calling": False,
        "number_source": NumberSource.NONE,
        "expected_volume": 100,
    }
    return Business(**values | fields)


def make_request(
    tenant: Tenant,
    *,
    entry: ScreeningEntry | None = None,
    now: datetime = NOW,
    by: User | None = None,
    **fields: Any,
) -> ConnectionRequest:
    return request_connection(
        account=tenant.account,
        application=tenant.application,
        entry=entry,
        business=make_business(**fields),
        request_key=uuid.uuid4(),
        by=by or tenant.owner,
        now=now,
    )


def approve(request: ConnectionRequest, by: User | None = None) -> ConnectionRequest:
    return decide_connection(
        request=request,
        act=ConnectionAct.APPROVE,
        reason="All is clear.",
        by=by or make_staff(),
        now=NOW,
    )


# --- Files ---------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 20
PDF = b"%PDF-1.7\n1 0 obj\n"
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"


def make_file(name: str = "proof.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/png")


ROLES = (Role.OWNER, Role.FINANCE, Role.AGENT_MANAGER, Role.VIEWER)
