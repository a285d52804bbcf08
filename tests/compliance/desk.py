"""How tests of the administration make staff and name addresses."""

import uuid
from typing import Any

from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import User
from tests.compliance.builders import make_user


def make_clerk(*codenames: str) -> User:
    """A member of staff with exactly these permissions of compliance."""
    clerk = make_user(f"clerk{uuid.uuid4().hex[:8]}@example.com", is_staff=True)
    permissions = Permission.objects.filter(content_type__app_label="compliance")
    clerk.user_permissions.set(permissions.filter(codename__in=codenames))
    return clerk


def change(obj: Any) -> str:
    return reverse(f"admin:compliance_{obj._meta.model_name}_change", args=[obj.pk])


def act(obj: Any, name: str) -> str:
    return reverse(f"admin:compliance_{obj._meta.model_name}_act", args=[obj.pk, name])


def listing(model: Any) -> str:
    return reverse(f"admin:compliance_{model._meta.model_name}_changelist")
