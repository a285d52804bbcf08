"""How tests of the administration make staff and name addresses."""

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import Proposal
from tests.factories import make_staff


def approve_what_waits() -> None:
    """Approve the one proposal that waits, as a second person at the desk."""
    second = Client()
    second.force_login(make_staff())
    waiting = Proposal.objects.get(state="waiting")
    url = reverse("admin:accounts_proposal_act", args=[waiting.pk, "approve"])
    assert second.post(url, {"reason": "Looked into."}).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "approved"


def change(obj: Any) -> str:
    return reverse(f"admin:compliance_{obj._meta.model_name}_change", args=[obj.pk])


def act(obj: Any, name: str) -> str:
    return reverse(f"admin:compliance_{obj._meta.model_name}_act", args=[obj.pk, name])


def listing(model: Any) -> str:
    return reverse(f"admin:compliance_{model._meta.model_name}_changelist")
