"""Evidence at each door by which it comes in, and by which someone may try to get it out."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import AuditEvent
from compliance.enums import CaseState
from compliance.models import Appeal, ConnectionRequest, Evidence
from compliance.services.evidence import attach_evidence
from tests.compliance.desk import act
from tests.compliance.pages import address, read
from tests.factories import (
    HTML,
    NOW,
    PNG,
    Customer,
    make_case,
    make_customer,
    make_file,
    make_member,
    make_staff,
    signed_in,
)

pytestmark = pytest.mark.usefixtures("db", "clock")

Door = tuple[Client, str, dict[str, str]]


def _appeal(customer: Customer) -> Door:
    case = make_case(customer)
    url = address("appeal", customer, number=case.number)
    return signed_in(customer.owner), url, {"statement": "Not us."}


def _request(customer: Customer) -> Door:
    answers = {
        "application": str(customer.application.pk),
        "entry": "other",
        "description": "Answers questions about deliveries.",
        "direction": "inbound",
        "is_cold_calling": "no",
        "number_source": "none",
        "expected_volume": "100",
        "request_key": str(uuid.uuid4()),
    }
    return signed_in(customer.owner), address("request_connection", customer), answers


def _desk(customer: Customer) -> Door:
    return signed_in(make_staff()), act(make_case(customer), "add-evidence"), {}


DOORS: dict[str, Callable[[Customer], Door]] = {
    "an appeal": _appeal,
    "a connection request": _request,
    "the desk": _desk,
}
#: name and content → what is said beside the field
REFUSED = {
    "HTML named .png": (
        "proof.png",
        HTML,
        "proof.png: only PDF, pictures, recordings and plain text are accepted.",
    ),
    "50 MB": (
        "proof.png",
        PNG + b"\0" * 50 * 1024 * 1024,
        "proof.png: a file can have at most 10.0 MB.",
    ),
    "a picture named .html": ("proof.html", PNG, "proof.html: "),
}
PATHS = [
    "../../../etc/cron.d/x.png",
    "C:\\temp\\x.png",
    "/srv/static/x.png",
    "..\\x.png",
    "%2e%2e%2fx.png",
]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
@pytest.mark.parametrize(("name", "content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_file_is_refused_beside_its_field_and_nothing_is_kept(
    customer: Customer,
    evidence_folder: Path,
    door: Callable[[Customer], Door],
    name: str,
    content: bytes,
    message: str,
) -> None:
    client, url, data = door(customer)
    before = Appeal.objects.count(), ConnectionRequest.objects.count()
    answer = client.post(url, data | {"attachments": make_file(name, content)})
    assert answer.status_code == 422
    assert message in read(answer)
    assert not Evidence.objects.exists()
    assert (Appeal.objects.count(), ConnectionRequest.objects.count()) == before
    assert not evidence_folder.exists()


def _multipart(data: dict[str, str], name: str) -> bytes:
    """A form with one file as a forger sends it: the client library would fix the name."""
    parts = [
        f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}'.encode()
        for field, value in data.items()
    ]
    head = f'Content-Disposition: form-data; name="attachments"; filename="{name}"'
    parts.append(head.encode() + b"\r\nContent-Type: image/png\r\n\r\n" + PNG)
    return b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
@pytest.mark.parametrize("name", PATHS)
def test_a_path_in_a_name_leads_nowhere(
    customer: Customer, evidence_folder: Path, door: Callable[[Customer], Door], name: str
) -> None:
    client, url, data = door(customer)
    answer = client.post(
        url,
        data=_multipart(data, name),
        content_type="multipart/form-data; boundary=edge",
    )
    assert answer.status_code == 302
    stored = Evidence.objects.get()
    assert not set("/\\") & set(stored.name)
    kept = [path for path in evidence_folder.rglob("*") if path.is_file()]
    assert kept == [evidence_folder / str(customer.account.pk) / stored.public_id.hex]


# --- Getting one out -------------------------------------------------------------------------


def _file(customer: Customer, *, is_disclosed: bool = True) -> Evidence:
    return attach_evidence(
        violation=make_case(customer, CaseState.REPORTED),
        upload=make_file(),
        is_disclosed=is_disclosed,
        by=make_staff(),
        now=NOW,
    )


def test_each_member_saves_a_disclosed_file_and_no_hidden_one(customer: Customer) -> None:
    shown, hidden = _file(customer), _file(customer, is_disclosed=False)
    for role in Role:
        client = signed_in(make_member(customer.account, role))
        urls = [address("evidence", customer, public_id=file.public_id) for file in (shown, hidden)]
        assert [client.get(url).status_code for url in urls] == [200, 404]


def _stranger() -> Client:
    return signed_in(make_customer().owner)


def _clerk_without_rights() -> Client:
    clerk = make_staff()
    clerk.is_superuser = False
    clerk.save()
    return signed_in(clerk)


def _addresses(file: Evidence, customer: Customer) -> dict[str, str]:
    other = make_customer()
    return {
        "its own": address("evidence", customer, public_id=file.public_id),
        "under another account": address("evidence", other, public_id=file.public_id),
        "the desk's": reverse("admin:compliance_evidence_file", args=[file.pk]),
        "a folder of files": f"/media/{file.file.name}",
        "the static tree": f"/static/{file.file.name}",
        "the static tree, climbed": f"/static/../evidence/{file.file.name}",
        "the store's name": f"/{file.file.name}",
    }


@pytest.mark.parametrize(
    "make_client",
    [Client, _stranger, _clerk_without_rights],
    ids=["anonymous", "another customer", "staff without the right"],
)
@pytest.mark.parametrize("is_disclosed", [True, False], ids=["disclosed", "hidden"])
def test_nobody_else_gets_a_file_by_any_address(
    customer: Customer, make_client: Callable[[], Client], is_disclosed: bool
) -> None:
    file = _file(customer, is_disclosed=is_disclosed)
    client = make_client()
    for name, url in _addresses(file, customer).items():
        answer: Any = client.get(url)
        assert answer.status_code in {302, 403, 404}, name
        assert not answer.streaming, name
        assert PNG not in answer.content, name
    assert not AuditEvent.objects.filter(verb="evidence.read").exists()


def test_another_tenants_member_is_told_nothing_that_an_outsider_is_not(customer: Customer) -> None:
    """A file that is there and one that never was are answered alike."""
    real = address("evidence", customer, public_id=_file(customer).public_id)
    made_up = address("evidence", customer, public_id=uuid.uuid4())
    client = _stranger()
    answers = [client.get(url) for url in (real, made_up)]
    assert [answer.status_code for answer in answers] == [404, 404]
    bodies = [read(answer) for answer in answers]
    assert bodies[0] == bodies[1]
