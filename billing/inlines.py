"""Rows shown on the page of what they belong to; they are read there, never changed."""

from typing import Any

from django.contrib.admin import TabularInline
from django.http import HttpRequest


class ReadOnlyInline(TabularInline):
    """Rows of another table, read-only."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
