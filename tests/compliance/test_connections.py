"""Making a connection request, and deciding it."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Refused
from accounts.models import AuditEvent, User
from compliance.enums import CaseState, ConnectionState, Direction, EntryRule, NumberSource
from compliance.models import ConnectionRequest, ScreeningEntry
from compliance.screening import Code
from compliance.services.connections import (
    decide_connection,
    request_connection,
    withdraw_connection,
)
from compliance.services.evidence import attach_evidence
from compliance.services.screening import save_entry
from compliance.transitions import ConnectionAct
from tests.factories import (
    NOW,
    PNG,
    Customer,
    make_business,
    make_case,
    make_connection_request,
    make_customer,
    make_file,
    make_staff,
)


def _refusal(call: Any, **arguments: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refusal:
        call(**arguments)
    return refusal.value.code, refusal.value.field


def _arguments(customer: Customer, **changed: Any) -> dict[str, Any]:
    return {
        "account": customer.account,
        "application": customer.application,
        "entry": None,
        "business": make_business(),
        "request_key": uuid.uuid4(),
        "by": customer.owner,
        "now": NOW,
    } | changed


def test_a_request_keeps_the_words_that_were_chosen(customer: Customer) -> None:
    entry = ScreeningEntry.objects.get(name="Tourism business")
    request = make_connection_request(customer, entry=entry)
    assert (request.industry_name, request.scenario_name) == ("Tourism", "Tourism business")
    assert request.number.startswith("C-")
    assert (request.state, request.decided_at, request.decided_by) == ("review", None, None)


def test_a_refusal_by_the_list_is_nobodys_decision(customer: Customer) -> None:
    request = make_connection_request(
        customer, entry=ScreeningEntry.objects.filter(name="Gambling").first()
    )
    assert (request.state, request.decided_at, request.decided_by) == ("refused", NOW, None)


def test_the_same_form_sent_twice_gives_one_request(customer: Customer) -> None:
    arguments = _arguments(customer)
    assert request_connection(**arguments) == request_connection(**arguments)
    assert ConnectionRequest.objects.count() == 1
    assert AuditEvent.objects.filter(verb="connection.requested").count() == 1


def test_requests_in_a_row_end_though_each_is_withdrawn(customer: Customer, settings: Any) -> None:
    settings.CONNECTION_REQUEST_DAILY_LIMIT = 3
    for _number in range(3):
        made = request_connection(**_arguments(customer))
        withdraw_connection(request=made, by=customer.owner, now=NOW)

    assert _refusal(request_connection, **_arguments(customer)) == (
        "too_many_requests",
        "application",
    )
    assert request_connection(**_arguments(make_customer()))
    assert request_connection(**_arguments(customer, now=NOW + timedelta(days=1)))


@pytest.mark.parametrize(
    ("setting", "code"),
    [("EVIDENCE_DAILY_BYTES", "too_much_today"), ("EVIDENCE_ACCOUNT_BYTES", "store_full")],
)
def test_files_of_an_account_take_up_so_much(
    customer: Customer, settings: Any, setting: str, code: str
) -> None:
    size = make_file().size
    assert size
    setattr(settings, setting, 3 * size)
    two = [make_file("1.png"), make_file("2.png", PNG[:-1] + b"!")]
    made = request_connection(**_arguments(customer, files=two))
    withdraw_connection(request=made, by=customer.owner, now=NOW)
    two = [make_file("3.png"), make_file("4.png", PNG[:-1] + b"?")]

    assert _refusal(request_connection, **_arguments(customer, files=two)) == (code, "attachments")
    assert ConnectionRequest.objects.count() == 1
    tomorrow = _arguments(customer, files=two, now=NOW + timedelta(days=1, seconds=1))
    if code == "too_much_today":
        assert request_connection(**tomorrow)
    else:
        assert _refusal(request_connection, **tomorrow)[0] == code
    assert request_connection(**_arguments(make_customer(), files=[make_file()]))


def test_what_staff_attach_takes_no_room_of_the_account(customer: Customer, settings: Any) -> None:
    settings.EVIDENCE_ACCOUNT_BYTES = make_file().size
    case = make_case(customer, CaseState.INVESTIGATING)
    attach_evidence(
        violation=case, upload=make_file(), is_disclosed=False, by=make_staff(), now=NOW
    )

    assert request_connection(**_arguments(customer, files=[make_file()]))


def test_the_form_key_of_another_account_is_no_key(customer: Customer) -> None:
    key = uuid.uuid4()
    first = request_connection(**_arguments(customer, request_key=key))
    second = request_connection(**_arguments(make_customer(), request_key=key))
    assert first.account != second.account


def test_one_request_of_an_application_waits_at_a_time(customer: Customer) -> None:
    request = make_connection_request(customer)
    assert _refusal(request_connection, **_arguments(customer)) == (
        "already_waiting",
        "application",
    )
    withdraw_connection(request=request, by=customer.owner, now=NOW)
    assert make_connection_request(customer).state == ConnectionState.REVIEW


def test_the_database_too_lets_one_wait(customer: Customer) -> None:
    request = make_connection_request(customer)
    request.pk, request.number, request.request_key = None, "C-1", uuid.uuid4()
    with pytest.raises(IntegrityError, match="one_waiting"), transaction.atomic():
        request.save(force_insert=True)


def test_a_restricted_account_makes_no_request(customer: Customer) -> None:
    make_case(customer)
    code, _field = _refusal(request_connection, **_arguments(customer))
    assert code == "account_restricted"


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "cold calls that come in": (
        {"is_cold_calling": True},
        ("inbound_cold", "is_cold_calling"),
    ),
    "calls to no one's numbers": (
        {"direction": Direction.OUTBOUND, "number_source": NumberSource.NONE},
        ("source_missing", "number_source"),
    ),
    "no description": ({"description": "  "}, ("text_missing", "description")),
}


@pytest.mark.parametrize(("fields", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_answers_that_nobody_could_judge(
    customer: Customer, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    arguments = _arguments(customer, business=make_business(**fields))
    assert _refusal(request_connection, **arguments) == expected
    assert not ConnectionRequest.objects.exists()


def test_an_application_of_another_account_is_refused(customer: Customer) -> None:
    arguments = _arguments(customer, application=make_customer().application)
    assert _refusal(request_connection, **arguments) == ("no_application", "application")


def test_an_entry_out_of_use_cannot_be_chosen(customer: Customer, staff: User) -> None:
    entry = ScreeningEntry.objects.get(name="Tourism business")
    entry.is_active = False
    save_entry(entry=entry, by=staff, now=NOW)
    assert _refusal(request_connection, **_arguments(customer, entry=entry)) == (
        "entry_out_of_use",
        "entry",
    )


def test_a_file_proves_consent(customer: Customer) -> None:
    business = make_business(direction=Direction.OUTBOUND, number_source=NumberSource.SIGN_UP)
    request = request_connection(**_arguments(customer, business=business, files=[make_file()]))
    assert [finding["code"] for finding in request.screening] == [Code.NOT_LISTED]
    assert request.evidence.get().name == "proof.png"


def test_two_equal_files_in_one_form_are_refused_before_anything_is_kept(
    customer: Customer, evidence_folder: Any
) -> None:
    arguments = _arguments(customer, files=[make_file(), make_file("again.png")])
    assert _refusal(request_connection, **arguments) == ("same_file", "attachments")
    assert not evidence_folder.exists()


def test_too_many_files_are_refused(customer: Customer) -> None:
    files = [make_file(content=make_file().read() + bytes([n])) for n in range(11)]
    assert _refusal(request_connection, **_arguments(customer, files=files)) == (
        "too_many_files",
        "attachments",
    )


# --- Deciding ------------------------------------------------------------------------------


def test_a_decision_says_who_when_and_why(customer: Customer, staff: User) -> None:
    request = decide_connection(
        request=make_connection_request(customer),
        act=ConnectionAct.REFUSE,
        reason=" Unclear. ",
        by=staff,
        now=NOW,
    )
    stored = ConnectionRequest.objects.get(pk=request.pk)
    assert (stored.state, stored.decided_by, stored.decided_at, stored.decision_reason) == (
        ConnectionState.REFUSED,
        staff,
        NOW,
        "Unclear.",
    )


def test_a_decision_needs_a_reason(customer: Customer, staff: User) -> None:
    request = make_connection_request(customer)
    arguments = {"request": request, "act": ConnectionAct.APPROVE, "by": staff, "now": NOW}
    assert _refusal(decide_connection, **arguments, reason=" ") == ("text_missing", "reason")


def test_nobody_decides_their_own_request(customer: Customer, staff: User) -> None:
    request = make_connection_request(customer, by=staff)
    arguments = {"request": request, "act": ConnectionAct.APPROVE, "reason": "x", "now": NOW}
    assert _refusal(decide_connection, **arguments, by=staff) == ("same_person", None)


def test_an_entry_that_became_prohibited_meanwhile_cannot_be_approved(
    customer: Customer, staff: User
) -> None:
    entry = ScreeningEntry.objects.get(name="Tourism business")
    request = make_connection_request(customer, entry=entry)
    entry.rule = EntryRule.ALWAYS
    save_entry(entry=entry, by=staff, now=NOW)
    arguments = {"request": request, "act": ConnectionAct.APPROVE, "reason": "x", "now": NOW}
    assert _refusal(decide_connection, **arguments, by=staff) == ("screened_out", None)
    assert ConnectionRequest.objects.get().state == ConnectionState.REVIEW


def test_a_declaration_cannot_be_rewritten(customer: Customer) -> None:
    make_connection_request(customer)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        ConnectionRequest.objects.update(is_cold_calling=True)
