"""The pages of acts of staff on one object; `object_action` says what an act is.

A page remembers the state of the object that it showed. Sent twice, or after a colleague's act, it
changes nothing but is shown again, since what is asked for may no longer be meant.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.admin.generics import PlainAdmin
from accounts.admin.object_action import ObjectAction, run_action
from accounts.errors import Refused
from accounts.forms.staff import ActionForm
from accounts.models import Account, Proposal
from accounts.services.proposals import KINDS, find_waiting
from accounts.services.second_person import refusal_for
from accounts.services.turns import fingerprint, take_turn


def page_of(obj: Model) -> str:
    """Return the address of an object's page in the administration."""
    meta = obj._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(obj.pk,))


def say_that_it_waits(request: HttpRequest) -> None:
    """Say that an act was only prepared."""
    messages.warning(request, _("Sent for approval. Nothing was changed yet."))


def _account_of(obj: Any) -> Account | None:
    """Return the customer's account that the object is, or belongs to."""
    account = obj if isinstance(obj, Account) else getattr(obj, "account", None)
    return account if isinstance(account, Account) else None


class ObjectActions(PlainAdmin):
    """Gives a ModelAdmin the pages and buttons of its methods marked with `object_action`."""

    object_action_template = "admin/object_action.html"

    @property
    def object_actions(self) -> dict[str, ObjectAction]:
        """All acts by name, in the order of their names' appearance in the class."""
        found: dict[str, ObjectAction] = {}
        for base in reversed(type(self).__mro__):
            for member in vars(base).values():
                action = getattr(member, "object_action", None)
                if isinstance(action, ObjectAction):
                    found[action.name] = action
        return found

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any | None:
        """Return the object, taking an empty `_to_field` of the address for none at all.

        Django would look for a field without a name, and answer 500.
        """
        return super().get_object(request, object_id, from_field or None)

    def offered(self, request: HttpRequest, obj: Any) -> list[tuple[ObjectAction, str]]:
        """Return the acts that this person may do on `obj`, each with its address."""
        return [
            (action, self.address("act", quote(obj.pk), action.name))
            for action in self.object_actions.values()
            if self._may(request, action, obj) and not self._refusal(request, action, obj)
        ]

    def withheld(self, request: HttpRequest, obj: Any) -> list[tuple[ObjectAction, Refused]]:
        """Return the acts that another person has to do, each with the reason."""
        return [
            (action, refusal)
            for action in self.object_actions.values()
            if self._may(request, action, obj)
            and (refusal := self._refusal(request, action, obj)) is not None
        ]

    def _may(self, request: HttpRequest, action: ObjectAction, obj: Any) -> bool:
        return bool(request.user.has_perm(action.permission) and action.is_available(obj))

    def _refusal(self, request: HttpRequest, action: ObjectAction, obj: Any) -> Refused | None:
        """Return why another person has to do this; each answer is looked up once per request."""
        account, maker = _account_of(obj), action.maker(obj)
        known: dict[Any, Refused | None] = request.__dict__.setdefault("_refusals", {})
        key = (account and account.pk, maker)
        if key not in known:
            known[key] = refusal_for(
                by=request.user,  # type: ignore[arg-type]
                maker_ids=[maker],
                account=account,
                now=timezone.now(),
            )
        return known[key]

    def act_facts(self, obj: Any) -> list[tuple[str | Promise, Any]]:
        """Return what an act's page says of `obj`, as (name, value); override for more.

        Someone who decides must read on the page which customer it is about.
        """
        account = _account_of(obj)
        if account is None:
            return []
        facts: list[tuple[str | Promise, Any]] = [
            (_("Customer"), account),
            (_("Company"), account.entity),
        ]
        application = getattr(obj, "application", None)
        return [*facts, (_("Application"), application)] if application else facts

    def fingerprint(self, obj: Any) -> str:
        """Return what tells the present state of `obj` from any other; override for more."""
        return fingerprint(obj)

    def get_urls(self) -> list[URLPattern]:
        acts = path(
            "<path:object_id>/act/<slug:name>/",
            self.admin_site.admin_view(self.act_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_act",
        )
        return [acts, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            context["object_actions"] = self.offered(request, obj)
            context["withheld_actions"] = self.withheld(request, obj)
            waiting = find_waiting(obj, timezone.now())
            context["proposals"] = [(page_of(row), KINDS[row.kind].label) for row in waiting]
        return super().render_change_form(request, context, *args, **kwargs)

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        """Ask for what the act needs, then do it through its service."""
        if request.method != "POST":
            return self._act(request, object_id, name)
        if self.get_object(request, unquote(object_id)) is None:
            # Nothing to take turns on; the key may be no text that PostgreSQL knows.
            raise Http404
        with transaction.atomic():
            take_turn(model=self.model, key=unquote(object_id))
            return self._act(request, object_id, name)

    def _act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        obj = self.get_object(request, unquote(object_id))
        action = self.object_actions.get(name)
        if obj is None or action is None:
            raise Http404
        if not self.has_view_permission(request, obj) or not request.user.has_perm(
            action.permission
        ):
            raise PermissionDenied
        back = self.address("change", quote(obj.pk))
        if not action.is_available(obj):
            messages.error(request, _("This is no longer possible, so nothing was changed."))
            return HttpResponseRedirect(back)
        if refusal := self._refusal(request, action, obj):
            return self._render_action(
                request, action, obj=obj, form=None, back=back, refusal=refusal, status=403
            )
        return self._ask_and_do(request, action, obj, back)

    def _ask_and_do(
        self, request: HttpRequest, action: ObjectAction, obj: Any, back: str
    ) -> HttpResponseBase:
        now = timezone.now()
        # A form that was sent already has prepared something, which changes nothing of the object.
        waiting = list(find_waiting(obj, now).values_list("pk", flat=True))
        seen = self.fingerprint(obj)
        if waiting:
            seen = fingerprint(obj, seen, waiting)
        page: dict[str, Any] = {"obj": obj, "seen": seen, "back": back}
        if request.method != "POST":
            return self._render_action(request, action, form=action.form(target=obj), **page)
        form = action.form(request.POST, request.FILES, target=obj)
        if request.POST.get("seen", seen) != seen:
            form.add_error(
                None, _("This was changed in the meantime. Review it, then decide again.")
            )
            return self._render_action(request, action, form=form, **page, status=409)
        done = run_action(form, lambda data: action.perform(self, request, obj, data, now))
        if done is None:
            return self._render_action(request, action, form=form, **page, status=422)
        if isinstance(done, FileResponse):
            return done
        if isinstance(done, Proposal):
            say_that_it_waits(request)
        else:
            messages.success(request, str(done))
        return HttpResponseRedirect(back)

    def _render_action(
        self,
        request: HttpRequest,
        action: ObjectAction,
        *,
        obj: Model,
        form: ActionForm | None,
        back: str,
        seen: str = "",
        refusal: Refused | None = None,
        status: int = 200,
    ) -> HttpResponse:
        context = {
            "title": action.label,
            "action": action,
            "proposes": action.proposes,
            "object": obj,
            "facts": self.act_facts(obj),
            "seen": seen,
            "form": form,
            "refusal": refusal,
            "back": back,
        }
        return self.render_act(request, context, status)

    def render_act(
        self, request: HttpRequest, context: Mapping[str, Any], status: int
    ) -> HttpResponse:
        """Show the page of an act, or of adding an object."""
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return render(request, self.object_action_template, {**shared, **context}, status=status)

    def address(self, page: str, *args: str) -> str:
        """Return the address of a page of this model in the administration."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)
