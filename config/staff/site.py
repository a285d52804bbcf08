"""The administration's site: its first page says what waits for whom."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.models import User
from config.staff.desk import read_desk


class StaffSite(AdminSite):
    """Django's site, with the work lists of the member of staff on its first page."""

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what waits for this person, then all tables."""
        user = request.user
        desk = read_desk(user, timezone.now()) if isinstance(user, User) else None
        return super().index(request, {"desk": desk, **(extra_context or {})})
