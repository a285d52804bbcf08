"""Entities, accounts, members, applications and restrictions in the administration."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import AddThroughService, LeanAdmin, ReadOnlyInline, object_action, person
from accounts.forms.tenants import (
    AccountForm,
    EntityCorrectionForm,
    EntityForm,
    MemberForm,
    MemberRoleForm,
    RenameForm,
    RestrictForm,
)
from accounts.models import (
    Account,
    Application,
    Entity,
    Membership,
    Proposal,
    Restriction,
)
from accounts.services.proposals import propose
from accounts.services.restrictions import STAFF_CASE
from accounts.services.tenants import register_entity, rename_account
from accounts.services.turns import fingerprint

Data = Mapping[str, Any]


class AccountRows(ReadOnlyInline):
    show_change_link = True
    model = Account
    fields = ["uin", "name", "status", "created_at"]


class MemberRows(ReadOnlyInline):
    show_change_link = True
    model = Membership
    fields = ["user", "role", "created_at"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")


@admin.register(Entity)
class EntityAdmin(AddThroughService, LeanAdmin):
    """Legal persons."""

    list_display = ["name", "kind", "registration_number", "created_at"]
    search_fields = ["^name", "^registration_number"]
    inlines = [AccountRows]
    add_form = EntityForm

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> Entity:
        return register_entity(**data, by=person(request), now=now)

    @object_action(
        label=_("Correct"),
        permission="accounts.change_entity",
        form=EntityCorrectionForm,
        proposes=True,
    )
    def correct(self, request: HttpRequest, obj: Entity, data: Data, now: datetime) -> Proposal:
        """Fix what is recorded."""
        new = {name: data[name] for name in ("name", "kind", "registration_number")}
        return propose(
            "entity.correct",
            target=obj,
            payload=new,
            reason=data["reason"],
            by=person(request),
            now=now,
        )


@admin.register(Account)
class AccountAdmin(AddThroughService, LeanAdmin):
    """Accounts; each one's page shows the whole customer (`settings.ACCOUNT_SECTIONS`)."""

    list_display = ["uin", "name", "entity", "status", "created_at"]
    list_filter = ["status"]
    list_select_related = ["entity"]
    search_fields = ["^uin", "^name", "^entity__name", "^entity__registration_number"]
    add_form = AccountForm
    add_proposes = True

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> Proposal:
        return propose(
            "account.open",
            target=data["entity"],
            payload={"name": data["name"], "user": data["user"].pk},
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("entity")

    def fingerprint(self, obj: Account) -> str:
        # A second measure may leave the status as it is.
        measures = Restriction.objects.filter(account=obj).order_by("pk")
        return fingerprint(obj, list(measures.values_list("pk", "ended_at")))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        read = import_string(settings.ACCOUNT_SECTIONS)
        context["customer"] = read(account=kwargs["obj"], user=person(request), now=timezone.now())
        return super().render_change_form(request, context, *args, **kwargs)

    @object_action(label=_("Rename"), permission="accounts.change_account", form=RenameForm)
    def rename(
        self, request: HttpRequest, obj: Account, data: Data, now: datetime
    ) -> str | Promise:
        """Give it another name."""
        rename_account(account=obj, **data, by=person(request), now=now)
        return _("The account was renamed.")

    @object_action(
        label=_("Restrict"),
        permission="accounts.restrict_account",
        form=RestrictForm,
        consequence=_(
            "All agents of the account go out of service immediately, and it cannot "
            "pay, buy, renew, refund or activate. If an account is blocked, no account "
            "of its company can activate applications. For a breach of the connect "
            "guidelines, act on the violation instead."
        ),
        proposes=True,
        is_danger=True,
    )
    def restrict(self, request: HttpRequest, obj: Account, data: Data, now: datetime) -> Proposal:
        """Take a measure that belongs to no violation."""
        return propose(
            "account.restrict",
            account=obj,
            target=obj,
            payload={"measure": data["measure"]},
            reason=data["reason"],
            by=person(request),
            now=now,
        )


@admin.register(Membership)
class MembershipAdmin(AddThroughService, LeanAdmin):
    """Who is in which account."""

    list_display = ["user", "account", "role", "created_at"]
    list_select_related = ["user", "account"]
    search_fields = ["^user__email", "^user__name", "^account__uin", "^account__name"]
    add_form = MemberForm
    add_proposes = True

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> Proposal:
        return propose(
            "member.add",
            account=data["account"],
            payload={"user": data["user"].pk, "role": data["role"]},
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    def _propose(
        self, request: HttpRequest, kind: str, obj: Membership, data: Data, now: datetime
    ) -> Proposal:
        role = {"role": data["role"]} if "role" in data else {}
        return propose(
            kind,
            account=obj.account,
            target=obj,
            payload={"user": obj.user_id, "from": obj.role, **role},
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    @object_action(
        label=_("Change the role"),
        permission="accounts.change_membership",
        form=MemberRoleForm,
        proposes=True,
    )
    def change_role(
        self, request: HttpRequest, obj: Membership, data: Data, now: datetime
    ) -> Proposal:
        """Give the member another role."""
        return self._propose(request, "member.role", obj, data, now)

    @object_action(
        label=_("Remove"),
        permission="accounts.delete_membership",
        consequence=_("The person can no longer open this account."),
        proposes=True,
        is_danger=True,
    )
    def remove(self, request: HttpRequest, obj: Membership, data: Data, now: datetime) -> Proposal:
        """Take the member out of the account."""
        return self._propose(request, "member.remove", obj, data, now)


@admin.register(Application)
class ApplicationAdmin(LeanAdmin):
    """Applications; customers activate them."""

    list_display = ["sdkappid", "name", "account", "activated_at"]
    list_select_related = ["account"]
    search_fields = ["=sdkappid", "^name", "^account__uin", "^account__name"]


@admin.register(Restriction)
class RestrictionAdmin(LeanAdmin):
    """Measures against accounts, with their beginnings and ends."""

    list_display = ["case_number", "account", "measure", "started_at", "ended_at", "is_annulled"]
    list_select_related = ["account"]
    search_fields = ["=case_number", "^account__uin", "^account__name"]

    @object_action(
        label=_("Lift"),
        permission="accounts.restrict_account",
        consequence=_(
            "The account gets back what this measure took away. Measures that belong to a "
            "violation are ended there."
        ),
        is_available=lambda obj: obj.ended_at is None and obj.case_number.startswith(STAFF_CASE),
        proposes=True,
    )
    def lift(self, request: HttpRequest, obj: Restriction, data: Data, now: datetime) -> Proposal:
        """End a measure that belongs to no violation."""
        return propose(
            "restriction.lift",
            account=obj.account,
            target=obj,
            reason=data["reason"],
            by=person(request),
            now=now,
        )
