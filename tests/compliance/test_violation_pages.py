"""What customers read of their violations, and how they answer."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from compliance.enums import CaseState, ViolationMeasure
from compliance.models import Appeal, Evidence
from compliance.services.appeals import decide_appeal
from compliance.services.evidence import attach_evidence
from compliance.services.measures import lift_measure
from compliance.services.standing import refund_bars
from tests.compliance.pages import HEADERS, address, read
from tests.factories import (
    DAY,
    HTML,
    MEASURE_OF,
    NOW,
    PNG,
    Customer,
    make_case,
    make_customer,
    make_file,
    make_member,
    make_staff,
    report_case,
    signed_in,
)

pytestmark = pytest.mark.usefixtures("clock")

# --- The guidelines ------------------------------------------------------------------------


@pytest.mark.django_db
def test_everybody_reads_the_guidelines() -> None:
    response = Client().get("/guidelines/")
    text = read(response)
    assert response.status_code == 200
    for words in ("Severe violation", "Gambling", "Column group recruits and auditions"):
        assert words in text
    assert text.count("Always") == 2
    assert text.count("With cold or blind calling") == 18
    assert "A warning counts for 365 days." in text
    assert "within 7 days of the notice" in text


@pytest.mark.django_db
def test_the_guidelines_speak_chinese() -> None:
    text = read(Client().get("/guidelines/", headers={"Accept-Language": "zh-hans"}))
    assert "栏目组招募、海选" in text
    assert "未经同意呼叫" in text


# --- Violations ----------------------------------------------------------------------------

#: behavior → severity, measure and what the refund rules say, in the customer's words
TOLD = {
    1: ("Severe violation", "Service suspended", "standing"),
    2: ("Serious violation", "Service suspended", "standing"),
    3: ("Severe violation", "Service suspended", "standing"),
    4: ("Violation", "Warning", "warnings"),
    5: ("Serious violation", "Service suspended", "standing"),
    6: ("Violation", "Warning", "warnings"),
    7: ("Violation", "Warning", "warnings"),
}
NO_REFUND = "Refunds of packages and agents, used or unused"
REFUND_CHECKED = "Refunds without a check by our staff"


@pytest.mark.parametrize("behaviour", TOLD)
def test_a_behaviour_from_recording_to_the_customers_page(
    customer: Customer, behaviour: int
) -> None:
    severity, measure, group = TOLD[behaviour]
    case = make_case(customer, behaviour=behaviour)
    text = read(signed_in(customer.owner).get(address("violation", customer, number=case.number)))
    assert f"{case.number}: {case.judged_by['name']} {severity}" in text
    assert case.judged_by["description"] in text
    assert f"{measure}. Not available because of this case:" in text
    bars = refund_bars(customer.account, now=NOW)
    assert [fact.behaviour for fact in getattr(bars, group)] == [behaviour]
    bars_refund = group == "standing"
    assert (NO_REFUND in text, REFUND_CHECKED in text) == (bars_refund, not bars_refund)
    assert ("Calls: all agents are out of service" in text) == bars_refund
    assert "You can appeal until 17 Mar 2026, 10:00:00 UTC+8" in text
    stopped = "This account is suspended" in read(
        signed_in(customer.owner).get(address("violations", customer))
    )
    assert stopped == (MEASURE_OF[behaviour] == ViolationMeasure.SUSPEND)


#: state → what the page says of it
SAID = {
    CaseState.REPORTED: "Nothing is decided yet.",
    CaseState.INVESTIGATING: "Nothing is decided yet.",
    CaseState.DISMISSED: "Our staff found no violation.",
    CaseState.VERIFIED: "Verified; a measure will follow",
    CaseState.ACTIONED: "Service suspended. Not available because of this case:",
    CaseState.APPEALED: "An appeal of this case is awaiting a decision.",
    CaseState.UPHELD: "Appeal decided: the violation stands",
    CaseState.OVERTURNED: "The violation was overturned.",
}


@pytest.mark.parametrize("state", CaseState)
def test_a_case_in_each_state(customer: Customer, state: CaseState) -> None:
    case = make_case(customer, state)
    client = signed_in(customer.owner)
    page = client.get(address("violation", customer, number=case.number))
    assert SAID[state] in read(page)
    may_appeal = state in {CaseState.ACTIONED, CaseState.UPHELD}
    appeal_url = address("appeal", customer, number=case.number)
    assert (f'href="{appeal_url}"' in page.content.decode()) == may_appeal
    assert str(state.label) in read(client.get(address("violations", customer)))


def test_a_faded_warning_says_so(customer: Customer) -> None:
    case = make_case(customer, behaviour=6, now=NOW - timedelta(days=365))
    text = read(signed_in(customer.owner).get(address("violation", customer, number=case.number)))
    assert "This warning has expired" in text
    assert "without:" not in text


def test_a_lifted_suspension_still_bars_refunds(customer: Customer, staff: User) -> None:
    case = make_case(customer)
    lift_measure(violation=case, reason="A first offense.", by=None, now=NOW)
    text = read(signed_in(customer.owner).get(address("violation", customer, number=case.number)))
    assert "The suspension was lifted, but the violation still stands." in text
    assert NO_REFUND in text
    assert "A first offense." in text
    assert "Calls:" not in text


def test_a_block_bars_the_whole_company(customer: Customer) -> None:
    case = make_case(customer, measure=ViolationMeasure.BLOCK)
    text = read(signed_in(customer.owner).get(address("violation", customer, number=case.number)))
    assert "Activating applications, in every account of the company" in text


def test_what_staff_note_for_each_other_stays_with_them(customer: Customer, staff: User) -> None:
    case = report_case(
        customer,
        evidence_text="The recording at 02:13.",
        called_number="+8613812345678",
        agent_name="Li Wei",
    )
    file = attach_evidence(
        violation=case, upload=make_file(), is_disclosed=False, by=staff, now=NOW
    )
    client = signed_in(customer.owner)
    text = read(client.get(address("violation", customer, number=case.number)))
    assert "02:13" not in text
    assert "proof.png" not in text
    assert "12345678" not in text
    assert "+86138****5678" in text
    assert "Li Wei" in text
    assert staff.email not in text
    assert client.get(address("evidence", customer, public_id=file.public_id)).status_code == 404


def test_disclosed_evidence_is_shown(customer: Customer, staff: User) -> None:
    case = report_case(customer, evidence_text="Hear it.", is_evidence_disclosed=True)
    attach_evidence(violation=case, upload=make_file(), is_disclosed=True, by=staff, now=NOW)
    text = read(signed_in(customer.owner).get(address("violation", customer, number=case.number)))
    assert "Hear it." in text
    assert "proof.png PNG picture" in text


def test_an_account_without_cases_says_so(customer: Customer) -> None:
    assert "No violations" in read(signed_in(customer.owner).get(address("violations", customer)))


# --- Appealing -----------------------------------------------------------------------------


def test_a_suspended_owner_reads_and_appeals(customer: Customer) -> None:
    case = make_case(customer)
    client = signed_in(customer.owner)
    response = client.post(
        address("appeal", customer, number=case.number),
        {"statement": "The call was asked for.", "attachments": [make_file(), _pdf()]},
        follow=True,
    )
    text = read(response)
    assert response.redirect_chain == [(address("violation", customer, number=case.number), 302)]
    assert "Your appeal was received." in text
    assert "The call was asked for." in text
    assert sorted(file.name for file in Appeal.objects.get().evidence.all()) == [
        "call.pdf",
        "proof.png",
    ]


def _pdf() -> SimpleUploadedFile:
    return SimpleUploadedFile("call.pdf", b"%PDF-1.4 x")


def test_htmx_is_sent_on_after_an_appeal(customer: Customer) -> None:
    case = make_case(customer)
    response = signed_in(customer.owner).post(
        address("appeal", customer, number=case.number),
        {"statement": "No."},
        headers={"HX-Request": "true"},
    )
    assert response.headers["HX-Redirect"] == address("violation", customer, number=case.number)


BAD_APPEALS: dict[str, tuple[dict[str, Any], str]] = {
    "no statement": ({"statement": " "}, "This field is required."),
    "a NUL": ({"statement": "a\x00b"}, "Null characters are not allowed."),
    "too long": ({"statement": "x" * 5001}, "at most 5000 characters"),
    "HTML named .png": (
        {"statement": "x", "attachments": [make_file(content=HTML)]},
        "proof.png: only PDF, pictures, recordings and plain text are accepted.",
    ),
    "50 MB": (
        {"statement": "x", "attachments": [make_file(content=PNG + b"\0" * 50 * 1024 * 1024)]},
        "proof.png: a file can have at most 10.0 MB.",
    ),
    "an empty file": (
        {"statement": "x", "attachments": [make_file(content=b"")]},
        "proof.png: the file is empty.",
    ),
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize(("data", "message"), BAD_APPEALS.values(), ids=BAD_APPEALS.keys())
def test_a_refused_appeal_comes_back_with_its_reason(
    customer: Customer, data: dict[str, Any], message: str, headers: dict[str, str]
) -> None:
    for file in data.get("attachments", []):
        file.seek(0)
    case = make_case(customer)
    response = signed_in(customer.owner).post(
        address("appeal", customer, number=case.number), data, headers=headers
    )
    assert response.status_code == 422
    assert message in read(response)
    assert ("<html" in response.content.decode()) == (not headers)
    assert (Appeal.objects.count(), Evidence.objects.count()) == (0, 0)


def _multipart(name: str) -> bytes:
    """An appeal with one file as a forger sends it: the client library would fix the name."""
    parts = [
        b'Content-Disposition: form-data; name="statement"\r\n\r\nx',
        b'Content-Disposition: form-data; name="attachments"; filename="'
        + name.encode()
        + b'"\r\nContent-Type: image/png\r\n\r\n'
        + PNG,
    ]
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x.png", "C:\\temp\\x.png", "/srv/static/x.png", "..\\x.png"]
)
def test_a_file_with_a_path_in_its_name_loses_the_path(customer: Customer, name: str) -> None:
    case = make_case(customer)
    signed_in(customer.owner).post(
        address("appeal", customer, number=case.number),
        data=_multipart(name),
        content_type="multipart/form-data; boundary=edge",
    )
    stored = Evidence.objects.get()
    assert stored.name == "x.png"
    assert stored.file.name == f"{customer.account.pk}/{stored.public_id.hex}"


def test_an_appeal_that_comes_too_late_is_refused(customer: Customer) -> None:
    case = make_case(customer, now=NOW - 8 * DAY)
    client = signed_in(customer.owner)
    url = address("appeal", customer, number=case.number)
    assert "The time to appeal is over." in read(client.get(url))
    response = client.post(url, {"statement": "Please."})
    assert (response.status_code, Appeal.objects.count()) == (422, 0)


def test_a_finance_member_cannot_appeal_by_a_forged_post(customer: Customer) -> None:
    case = make_case(customer)
    client = signed_in(make_member(customer.account, "finance"))
    response = client.post(address("appeal", customer, number=case.number), {"statement": "x"})
    assert (response.status_code, Appeal.objects.count()) == (403, 0)


def test_the_answer_to_an_appeal_is_shown(customer: Customer) -> None:
    case = make_case(customer, CaseState.APPEALED)
    decide_appeal(
        appeal=case.appeals.get(),
        is_overturned=False,
        reason="The recording is clear.",
        by=make_staff(),
        now=NOW,
    )
    text = read(signed_in(customer.owner).get(address("violation", customer, number=case.number)))
    assert "Answer: The recording is clear." in text


# --- Files ---------------------------------------------------------------------------------


def test_a_file_is_sent_to_be_saved_and_never_shown(customer: Customer, staff: User) -> None:
    file = attach_evidence(
        violation=report_case(customer),
        upload=SimpleUploadedFile("投诉 <b>.txt", "投诉".encode()),
        is_disclosed=True,
        by=staff,
        now=NOW,
    )
    response = signed_in(customer.owner).get(
        address("evidence", customer, public_id=file.public_id)
    )
    assert b"".join(response.streaming_content) == "投诉".encode()  # type: ignore[attr-defined]
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("attachment; filename")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_another_tenants_file_is_not_there(customer: Customer, staff: User) -> None:
    other = make_customer()
    file = attach_evidence(
        violation=report_case(other), upload=make_file(), is_disclosed=True, by=staff, now=NOW
    )
    for place in (customer, other):
        url = address("evidence", place, public_id=file.public_id)
        assert signed_in(customer.owner).get(url).status_code == 404
    assert signed_in(customer.owner).get(f"/media/{file.file.name}").status_code == 404
    assert signed_in(customer.owner).get(f"/static/{file.file.name}").status_code == 404


def test_a_file_that_the_store_lost_is_not_there(customer: Customer, staff: User) -> None:
    file = attach_evidence(
        violation=report_case(customer), upload=make_file(), is_disclosed=True, by=staff, now=NOW
    )
    file.file.storage.delete(str(file.file.name))
    url = address("evidence", customer, public_id=file.public_id)
    assert signed_in(customer.owner).get(url).status_code == 404
