"""How tests of the administration make staff and name addresses."""

import uuid
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Proposal, User
from tests.factories import make_staff, make_user


def make_clerk(*codenames: str) -> User:
    """A member of staff with exactly these permissions of compliance."""
    clerk = make_user(f"clerk{uuid.uuid4().hex[:8]}@example.com", is_staff=True)
    permissions = Permission.objects.filter(content_type__app_label="compliance")
    clerk.user_permissions.set(permissions.filter(codename__in=codenames))
    return clerk


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
