"""The groups of staff in the administration: read there, and made by migration."""

from collections import defaultdict
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LeanAdmin

#: Django's own rights, which exist for every table.
_ACTS: dict[str, str | Promise] = {
    "view": _("Read"),
    "add": _("Add"),
    "change": _("Change"),
    "delete": _("Delete"),
}


@admin.register(Group)
class GroupAdmin(LeanAdmin):
    """Groups with what they may do; a person's groups are chosen on the person's page."""

    list_display = ["title"]
    fields = ["name", "rights"]
    readonly_fields = ["rights"]

    def get_object(self, *args: Any, **kwargs: Any) -> Group | None:
        """Return the group, named in the language of the page; it is only read."""
        group: Group | None = super().get_object(*args, **kwargs)
        if group is not None:
            group.name = gettext(group.name)
        return group

    @admin.display(description=_("name"))
    def title(self, group: Group) -> str:
        return gettext(group.name)

    @admin.display(description=_("rights"))
    def rights(self, group: Group) -> SafeString:
        """List what members of the group may do: a line for each act, with its tables."""
        tables = defaultdict(list)
        others = []
        for right in Permission.objects.filter(group=group).select_related("content_type"):
            model = right.content_type.model_class()
            act = right.codename.partition("_")[0]
            if (
                act in _ACTS
                and model is not None
                and right.codename == f"{act}_{model._meta.model_name}"
            ):
                tables[act].append(str(model._meta.verbose_name_plural))
            else:
                others.append(gettext(right.name))
        lines = [
            (capfirst(f"{label}: {', '.join(sorted(tables[act]))}"),)
            for act, label in _ACTS.items()
            if act in tables
        ]
        return format_html_join("", "<p>{}</p>", [*lines, *((name,) for name in others)])
