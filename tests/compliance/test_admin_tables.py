"""The staff's desk: evidence files, the tables that staff keep, and what lists cost."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, User
from compliance.enums import (
    CaseState,
    EntryRule,
    FileKind,
)
from compliance.models import (
    Appeal,
    Behaviour,
    Evidence,
    FlagWord,
    Industry,
    RuleBook,
    ScreeningEntry,
    Violation,
)
from compliance.services.evidence import attach_evidence
from tests.compliance.desk import act, change, listing
from tests.compliance.pages import read
from tests.factories import (
    HTML,
    NOW,
    PNG,
    Customer,
    make_case,
    make_clerk,
    make_file,
    report_case,
    signed_in,
)

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.slow]

HANDLE = "compliance.handle_violation"


# --- Files ---------------------------------------------------------------------------------

BAD_FILES = {
    "HTML named .png": (HTML, "only PDF, pictures, recordings and plain text are accepted."),
    "an empty file": (b"", "the file is empty."),
    "50 MB": (PNG + b"\0" * 50 * 1024 * 1024, "a file can have at most 10.0 MB."),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_comes_back_with_its_reason(
    customer: Customer, staff: User, content: bytes, message: str
) -> None:
    case = report_case(customer)
    response = signed_in(staff).post(
        act(case, "add-evidence"), {"attachments": make_file(content=content)}
    )
    assert response.status_code == 422
    assert f"proof.png: {message}" in read(response)
    assert not Evidence.objects.exists()


def test_staff_save_a_file_and_the_trail_knows(customer: Customer, staff: User) -> None:
    file = attach_evidence(
        violation=report_case(customer), upload=make_file(), is_disclosed=False, by=staff, now=NOW
    )
    url = reverse("admin:compliance_evidence_file", args=[file.pk])
    clerk = make_clerk("compliance.view_evidence")
    response = signed_in(clerk).get(url)
    assert b"".join(response.streaming_content) == PNG  # type: ignore[attr-defined]
    assert response.headers["Content-Disposition"] == 'attachment; filename="proof.png"'
    assert response.headers["Content-Type"] == FileKind.PNG
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert AuditEvent.objects.get(verb="evidence.read").actor == clerk
    assert signed_in(make_clerk("compliance.view_violation", HANDLE)).get(url).status_code == 403
    assert AuditEvent.objects.filter(verb="evidence.read").count() == 1
    missing = reverse("admin:compliance_evidence_file", args=[file.pk + 1])
    assert signed_in(staff).get(missing).status_code == 404


def test_a_file_is_shown_and_hidden(customer: Customer, staff: User) -> None:
    file = attach_evidence(
        violation=report_case(customer), upload=make_file(), is_disclosed=False, by=staff, now=NOW
    )
    client = signed_in(make_clerk("compliance.view_evidence", HANDLE))
    client.post(act(file, "disclose"))
    assert Evidence.objects.get().is_disclosed
    client.post(act(file, "hide"))
    assert not Evidence.objects.get().is_disclosed
    assert (
        signed_in(make_clerk("compliance.view_evidence")).post(act(file, "disclose")).status_code
        == 403
    )


# --- Tables --------------------------------------------------------------------------------


def test_a_rule_book_is_only_read(staff: User) -> None:
    client = signed_in(staff)
    assert client.get(reverse("admin:compliance_rulebook_add")).status_code == 403
    book = RuleBook.objects.get()
    assert "Wearing people down or insulting them" in read(client.get(change(book)))
    assert Behaviour.objects.count() == 7


def test_an_entry_is_added_and_changed(staff: User) -> None:
    client = signed_in(
        make_clerk(
            "compliance.add_screeningentry",
            "compliance.change_screeningentry",
            "compliance.view_screeningentry",
        )
    )
    data = {
        "kind": "scenario",
        "industry": Industry.objects.get(name="Gaming").pk,
        "name": "Game coaching",
        "name_zh": "游戏陪练",
        "rule": "cold",
        "position": "2",
        "is_active": "on",
    }
    client.post(reverse("admin:compliance_screeningentry_add"), data)
    entry = ScreeningEntry.objects.get(name="Game coaching")
    client.post(act(entry, "edit"), data | {"rule": "always"})
    entry.refresh_from_db()
    assert (entry.rule, entry.name_zh, entry.is_active) == (EntryRule.ALWAYS, "游戏陪练", True)
    verbs = AuditEvent.objects.values_list("verb", flat=True)
    assert sorted(verbs) == ["screening_entry.added", "screening_entry.changed"]
    taken = client.post(reverse("admin:compliance_screeningentry_add"), data)
    assert "This entry is already in the table." in read(taken)


def test_viewing_a_table_is_not_changing_it(staff: User) -> None:
    viewer = signed_in(
        make_clerk(
            "compliance.view_flagword", "compliance.view_industry", "compliance.view_screeningentry"
        )
    )
    for model in (FlagWord, Industry, ScreeningEntry):
        row = model._default_manager.first()
        add = reverse(f"admin:compliance_{model._meta.model_name}_add")
        assert viewer.post(add, {"word": "x", "name": "x"}).status_code == 403
        assert viewer.post(act(row, "edit"), {"word": "x", "name": "x"}).status_code == 403
    assert not AuditEvent.objects.exists()


def test_words_and_industries_are_added_and_changed(staff: User) -> None:
    client = signed_in(staff)
    client.post(reverse("admin:compliance_flagword_add"), {"word": "Moon", "is_active": "on"})
    word = FlagWord.objects.get(word="moon")
    client.post(act(word, "edit"), {"word": "moon", "note": "No longer."})
    word.refresh_from_db()
    assert (word.is_active, word.note) == (False, "No longer.")
    client.post(reverse("admin:compliance_industry_add"), {"name": "Space", "position": "30"})
    industry = Industry.objects.get(name="Space")
    client.post(act(industry, "edit"), {"name": "Space travel", "position": "30"})
    assert Industry.objects.get(pk=industry.pk).name == "Space travel"


# --- Lists ---------------------------------------------------------------------------------


def test_a_list_costs_the_same_at_30_rows(
    customer: Customer, staff: User, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(staff)
    make_case(customer, CaseState.APPEALED, handler=staff)
    for model in (Violation, Appeal):
        client.get(listing(model))
    counts = {}
    for model in (Violation, Appeal):
        with django_assert_max_num_queries(50) as captured:
            client.get(listing(model))
        counts[model] = len(captured)
    for _ in range(29):
        make_case(customer, CaseState.APPEALED, handler=staff)
    for model in (Violation, Appeal):
        with django_assert_max_num_queries(counts[model]):
            assert client.get(listing(model)).status_code == 200
