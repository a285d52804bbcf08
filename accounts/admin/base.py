"""What every page of the administration builds on.

Lists cost the same however long the table is: no full count, no deep offset, no search that an
index cannot answer. Objects are read here, and changed by acts that call a service.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.admin.actions import ObjectActions
from accounts.admin.adding import AddThroughService
from accounts.admin.generics import PlainInline
from accounts.admin.object_action import object_action
from accounts.admin.paginator import LeanChangeList, LeanPaginator
from accounts.admin.search import SearchableField, search
from accounts.forms.staff import ActionForm, ReasonForm
from accounts.models import User
from accounts.replica import answer_from_replica
from accounts.text import clean_line

__all__ = [
    "ActionForm",
    "AddThroughService",
    "LeanAdmin",
    "LeanPaginator",
    "ObjectActions",
    "ReasonForm",
    "object_action",
]

#: A longer query is not carried along. The server in front refuses one of 4,094 characters.
QUERY_LIMIT = 2_000


class LeanAdmin(ObjectActions):
    """A list and a page of objects that are read, newest first.

    `search_fields` holds beginnings (`^name`: needs an index by
    `accounts.models.indexes.beginning_of`) and whole values (`=number`: needs any index), of the
    model itself or one relation away. `list_filter` should name fields with few values and an
    index.
    """

    actions = None
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = LeanPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LeanChangeList]:
        return LeanChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, read from the replica where there is one."""
        return answer_from_replica(
            request, lambda: super(LeanAdmin, self).changelist_view(request, extra_context)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_preserved_filters(self, request: HttpRequest) -> str:
        """Return what leads back to the list as it is, written into the link of every row."""
        if len(request.META.get("QUERY_STRING", "")) > QUERY_LIMIT:
            return ""
        return str(super().get_preserved_filters(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = clean_line(search_term.strip())
        if not term:
            return queryset, False
        if "\0" in term:
            # PostgreSQL holds no such text.
            return queryset.none(), False
        fields = [SearchableField.parse(text) for text in self.get_search_fields(request)]
        condition, is_cut = search(self.model, fields, term)
        if is_cut:
            messages.warning(request, _("Too many matches. Enter more characters."))
        return (queryset.none() if condition is None else queryset.filter(condition)), False

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to what the audit trail says about the object."""
        obj: Model | None = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        trail = reverse("admin:accounts_auditevent_changelist", current_app=self.admin_site.name)
        return HttpResponseRedirect(
            f"{trail}?target_type={self.opts.label_lower}&target_id={obj.pk}"
        )


def person(request: HttpRequest) -> User:
    """Return the member of staff who acts."""
    if not isinstance(request.user, User):
        raise TypeError("the administration is for people who are signed in")
    return request.user


class ReadOnlyInline(PlainInline):
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
