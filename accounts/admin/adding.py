"""Adding an object in the administration: a page with a form, and one service call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.admin.actions import ObjectActions, page_of, say_that_it_waits
from accounts.admin.generics import PlainAdmin
from accounts.admin.object_action import run_action
from accounts.forms.staff import ActionForm
from accounts.models import Proposal


class AddThroughService(ObjectActions):
    """Lets staff add an object by a service call, for people with the model's add permission."""

    add_form: type[ActionForm]
    add_label: str | Promise = ""
    #: Whether adding one only prepares what a second person then decides on.
    add_proposes = False

    def add_consequence(self) -> str:
        """Return what follows from adding one, told before it is done."""
        return ""

    def announce(self, request: HttpRequest, obj: Any) -> None:
        """Tell that `obj` was added; override where adding it is not the whole story."""
        messages.success(request, _("Added: %(object)s") % {"object": obj})

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Any:
        """Call the service that adds one, with the clean data of `add_form`; return the object."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        return PlainAdmin.has_add_permission(self, request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_sent = request.method == "POST"
        form = self.add_form(request.POST, request.FILES) if is_sent else self.add_form()
        if is_sent:
            obj = run_action(form, lambda data: self.add_object(request, data, timezone.now()))
            if isinstance(obj, Proposal):
                say_that_it_waits(request)
                return HttpResponseRedirect(page_of(obj))
            if obj is not None:
                self.announce(request, obj)
                return HttpResponseRedirect(self.address("change", quote(obj.pk)))
        context = {
            "title": self.add_label or _("Add %(name)s") % {"name": self.opts.verbose_name},
            "action": None,
            "proposes": self.add_proposes,
            "consequence": self.add_consequence(),
            "form": form,
            "back": self.address("changelist"),
        }
        return self.render_act(request, context, 422 if is_sent else 200)
