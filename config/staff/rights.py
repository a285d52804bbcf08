"""The groups of staff in the administration: read there, and made by migration."""

from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LeanAdmin


@admin.register(Group)
class GroupAdmin(LeanAdmin):
    """Groups with what they may do; a person's groups are chosen on the person's page."""

    list_display = ["name"]
    fields = ["name", "rights"]
    readonly_fields = ["rights"]

    @admin.display(description=_("rights"))
    def rights(self, group: Group) -> SafeString:
        """List what members of the group may do, one thing a line."""
        found = Permission.objects.filter(group=group).select_related("content_type")
        lines = [(permission.name,) for permission in found]
        return format_html_join("", "<p>{}</p>", lines)
