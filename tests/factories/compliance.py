"""Makes cases, connection requests and files of evidence, through the services."""

import uuid
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
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
from tests.factories.tenants import DAY, NOW, Customer, make_staff

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 20
PDF = b"%PDF-1.7\n1 0 obj\n"
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
#: The mildest measure that each of the seven behaviors allows.
MEASURE_OF = {
    1: ViolationMeasure.SUSPEND,
    2: ViolationMeasure.SUSPEND,
    3: ViolationMeasure.SUSPEND,
    4: ViolationMeasure.WARN,
    5: ViolationMeasure.SUSPEND,
    6: ViolationMeasure.WARN,
    7: ViolationMeasure.WARN,
}


# --- Cases -----------------------------------------------------------------------------------


def make_report(**fields: Any) -> Report:
    """Make the report that a case begins with: by default, a call of two days before `NOW`."""
    values: dict[str, Any] = {
        "source": ReportSource.CUSTOMER_COMPLAINT,
        "summary": "A called person complained.",
        "complaint_number": "CP-77",
        "called_number": "+8613800002222",
        "occurred_at": NOW - 2 * DAY,
    }
    return Report(**values | fields)


def report_case(
    customer: Customer, behaviour: int = 2, *, now: datetime = NOW, **fields: Any
) -> Violation:
    """Report a case against the customer's application."""
    return report_violation(
        account=customer.account,
        application=customer.application,
        behaviour_number=behaviour,
        report=make_report(**{"occurred_at": now - 2 * DAY} | fields),
        request_key=uuid.uuid4(),
        by=None,
        now=now,
    )


def make_case(
    customer: Customer,
    state: CaseState = CaseState.ACTIONED,
    *,
    behaviour: int = 2,
    measure: ViolationMeasure | None = None,
    handler: User | None = None,
    now: datetime = NOW,
) -> Violation:
    """Take a case the whole way to `state`; every step at `now`."""
    handler = handler or make_staff()
    case = report_case(customer, behaviour, now=now)
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
    appeal = submit_appeal(violation=case, statement="Not us.", by=customer.owner, now=now)
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


# --- Connection requests ---------------------------------------------------------------------


def make_business(**fields: Any) -> Business:
    """Declare a business of which nothing is prohibited."""
    values: dict[str, Any] = {
        "description": "Answers questions about deliveries.",
        "direction": Direction.INBOUND,
        "is_cold_calling": False,
        "number_source": NumberSource.NONE,
        "expected_volume": 100,
    }
    return Business(**values | fields)


def make_connection_request(
    customer: Customer,
    *,
    entry: ScreeningEntry | None = None,
    now: datetime = NOW,
    by: User | None = None,
    **fields: Any,
) -> ConnectionRequest:
    """Ask for a connection of the customer's application, as its owner."""
    return request_connection(
        account=customer.account,
        application=customer.application,
        entry=entry,
        business=make_business(**fields),
        request_key=uuid.uuid4(),
        by=by or customer.owner,
        now=now,
    )


def approve_connection(
    request: ConnectionRequest, *, by: User | None = None, now: datetime = NOW
) -> ConnectionRequest:
    """Approve a connection request, as staff."""
    return decide_connection(
        request=request,
        act=ConnectionAct.APPROVE,
        reason="All is clear.",
        by=by or make_staff(),
        now=now,
    )


# --- Evidence --------------------------------------------------------------------------------


def make_file(name: str = "proof.png", content: bytes = PNG) -> SimpleUploadedFile:
    """Make a file to upload as evidence."""
    return SimpleUploadedFile(name, content, content_type="image/png")
