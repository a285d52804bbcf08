"""The administration's site: its first page says what waits for whom."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.models import User
from config.staff.desk import read_desk

#: Pages that these bring write rows without a service and without a word in the audit trail; some
#: hold keys to other people's sign-ins.
LIBRARIES = ("allauth.", "django.")


class StaffSite(AdminSite):
    """Django's site, with the work lists of the member of staff on its first page."""

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: "type[ModelAdmin[Any]] | None" = None,
        **options: Any,
    ) -> None:
        """Take a model into the administration, with a page of our own only."""
        if admin_class is None or not admin_class.__module__.startswith(LIBRARIES):
            super().register(model_or_iterable, admin_class, **options)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what waits for this person, then all tables."""
        user = request.user
        desk = read_desk(user, timezone.now()) if isinstance(user, User) else None
        return super().index(request, {"desk": desk, **(extra_context or {})})
