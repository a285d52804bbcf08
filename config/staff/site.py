"""The administration's site: its first page says what waits, and for which people."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from config.staff.desk import read_desk
from config.staff.status import MAY_SEE_STATUS, read_status_lines

#: Pages that these bring write rows without a service and without a word in the audit trail; some
#: hold keys to other people's sign-ins.
LIBRARIES = ("allauth.", "django.", "procrastinate.")


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

    def get_urls(self) -> list[Any]:
        """Add the pages that belong to no table."""
        status = path("status/", self.admin_view(self.status), name="status")
        return [status, *super().get_urls()]

    def status(self, request: HttpRequest) -> TemplateResponse:
        """Show whether email, the timetable and the database are well."""
        user = request.user
        if not isinstance(user, User) or not user.has_perm(MAY_SEE_STATUS):
            raise PermissionDenied
        context = {
            **self.each_context(request),
            "title": _("Status"),
            "lines": read_status_lines(user, timezone.now()),
        }
        return TemplateResponse(request, "admin/status.html", context)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what waits for this person, then all tables."""
        user = request.user
        desk = read_desk(user, timezone.now()) if isinstance(user, User) else None
        return super().index(request, {"desk": desk, **(extra_context or {})})
