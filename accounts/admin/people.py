"""People who sign in, in the administration."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import AddThroughService, LeanAdmin, object_action, person
from accounts.admin.object_action import ObjectAction
from accounts.admin.tenants import MemberRows
from accounts.enums import MailState
from accounts.forms.tenants import PersonForm, StaffRightsForm
from accounts.models import (
    Invitation,
    Notification,
    OutgoingMail,
    PendingAccount,
    Proposal,
    User,
)
from accounts.services import people
from accounts.services.letters import write
from accounts.services.mail import repeat_mail
from accounts.services.personal_data import archive_name, export_person
from accounts.services.proposals import propose

Data = Mapping[str, Any]


class PlaceRows(MemberRows):
    """The accounts that a person is in."""

    fields = ["account", "role", "created_at"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account")


@admin.register(User)
class UserAdmin(AddThroughService, LeanAdmin):
    """People: customers and staff."""

    list_display = ["email", "name", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["^email", "^name"]
    fields = [
        "email",
        "name",
        "language",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups_named",
        "last_login",
        "date_joined",
        "erased_at",
    ]
    readonly_fields = ["groups_named"]
    inlines = [PlaceRows]
    add_form = PersonForm

    @admin.display(description=_("groups"))
    def groups_named(self, user: User) -> str:
        return ", ".join(gettext(group.name) for group in user.groups.order_by("name"))

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> User:
        return people.register_person(**data, by=person(request), now=now)

    @object_action(
        label=_("Deactivate"),
        permission="accounts.change_user",
        consequence=_("The person is signed out everywhere and can no longer sign in."),
        is_available=lambda obj: obj.is_active,
        is_danger=True,
    )
    def deactivate(
        self, request: HttpRequest, obj: User, data: Data, now: datetime
    ) -> str | Promise:
        """Keep the person out."""
        people.deactivate_user(user=obj, reason=data["reason"], by=person(request), now=now)
        return _("The person can no longer sign in.")

    @object_action(
        label=_("Reactivate"),
        permission="accounts.change_user",
        is_available=lambda obj: not obj.is_active and not obj.erased_at,
        proposes=True,
    )
    def reactivate(self, request: HttpRequest, obj: User, data: Data, now: datetime) -> Proposal:
        """Let the person in again."""
        return propose(
            "user.reactivate",
            target=obj,
            payload={"user": obj.pk},
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    @object_action(label=_("Sign out everywhere"), permission="accounts.change_user")
    def sign_out(self, request: HttpRequest, obj: User, data: Data, now: datetime) -> str | Promise:
        """End all sessions."""
        people.sign_out_everywhere(user=obj, reason=data["reason"], by=person(request), now=now)
        return _("All sessions have ended.")

    @object_action(
        label=_("Reset two-factor sign-in"),
        permission="accounts.change_user",
        consequence=_(
            "The authenticator app, passkeys and recovery codes stop working, and the "
            "password alone is enough to sign in. Make sure that you know who is "
            "asking."
        ),
        is_danger=True,
    )
    def reset_second_factor(
        self, request: HttpRequest, obj: User, data: Data, now: datetime
    ) -> str | Promise:
        """Help someone who has lost the second factor."""
        people.reset_second_factor(user=obj, reason=data["reason"], by=person(request), now=now)
        return _("The second factors were removed.")

    @object_action(
        label=_("Download personal data"),
        permission="accounts.export_user",
        consequence=_(
            "This downloads everything that is stored about the person, so that you can "
            "give it to them. Make sure that you know who is asking."
        ),
    )
    def export(self, request: HttpRequest, obj: User, data: Data, now: datetime) -> FileResponse:
        """Hand out what is stored about the person."""
        file = export_person(user=obj, reason=data["reason"], by=person(request), now=now)
        return FileResponse(file, as_attachment=True, filename=archive_name(obj))

    @object_action(
        label=_("Erase"),
        permission="accounts.change_user",
        consequence=_(
            "For people who ask to have their data erased. The name, the addresses, the "
            "roles and everything else about the person are permanently deleted. What "
            "they did stays, under a neutral name. The reason is kept as well, so do "
            "not name the person in it."
        ),
        is_available=lambda obj: not obj.erased_at,
        proposes=True,
        is_danger=True,
    )
    def erase(self, request: HttpRequest, obj: User, data: Data, now: datetime) -> Proposal:
        """Erase everything about the person."""
        return propose(
            "user.erase",
            target=obj,
            payload={"user": obj.pk},
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    def _is_out_of_reach(self, request: HttpRequest, user: User) -> bool:
        """Whether only those who give staff their rights may act: else helpers could take over."""
        return user.is_staff and not request.user.has_perm("auth.change_permission")

    def offered(self, request: HttpRequest, obj: User) -> list[tuple[ObjectAction, str]]:
        """Offer nothing on other staff to those who may not act on them."""
        return [] if self._is_out_of_reach(request, obj) else super().offered(request, obj)

    def _act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        user = self.get_object(request, unquote(object_id))
        if user is not None and self._is_out_of_reach(request, user):
            raise PermissionDenied
        return super()._act(request, object_id, name)

    @object_action(
        label=_("Staff rights"),
        permission="auth.change_permission",
        form=StaffRightsForm,
        is_available=lambda obj: not obj.erased_at,
        consequence=_(
            "Removing rights takes effect immediately. Granting rights takes effect when a "
            "second person has approved it."
        ),
    )
    def staff_rights(
        self, request: HttpRequest, obj: User, data: Data, now: datetime
    ) -> str | Promise | Proposal:
        """Let the person into the administration, or out."""
        if people.gives_rights(obj, is_staff=data["is_staff"], groups=data["groups"]):
            return propose(
                "staff.rights",
                target=obj,
                payload={"user": obj.pk, "groups": [group.name for group in data["groups"]]},
                reason=data["reason"],
                by=person(request),
                now=now,
            )
        people.change_staff_rights(user=obj, **data, by=person(request), now=now)
        return _("The rights were changed.")


@admin.register(Invitation)
class InvitationAdmin(LeanAdmin):
    """Offers of a role; owners send and withdraw them."""

    list_display = ["email", "account", "role", "invited_by", "expires_at", "accepted_at"]
    list_select_related = ["account", "invited_by"]
    search_fields = ["=email", "^account__uin", "^account__name"]


@admin.register(Notification)
class NotificationAdmin(LeanAdmin):
    """What people were told, and whether the email went out."""

    list_display = [
        "headline",
        "user",
        "account",
        "created_at",
        "sent_at",
        "attempts",
        "last_error",
    ]
    list_select_related = ["user", "account"]
    search_fields = ["^user__email", "^account__uin"]
    fields = [
        "user",
        "account",
        "headline",
        "text",
        "path",
        "created_at",
        "read_at",
        "attempts",
        "next_attempt_at",
        "sent_at",
        "last_error",
    ]
    readonly_fields = ["headline", "text"]

    @admin.display(description=_("headline"))
    def headline(self, notification: Notification) -> str:
        return write(notification).subject

    @admin.display(description=_("text"))
    def text(self, notification: Notification) -> str:
        return write(notification).text


@admin.register(OutgoingMail)
class OutgoingMailAdmin(LeanAdmin):
    """Mail about signing in and invitations; its words hold secret links and are never shown."""

    list_display = ["to", "subject", "state", "created_at", "sent_at", "attempts", "last_error"]
    search_fields = ["=to"]
    fields = [
        "to",
        "kind",
        "subject",
        "state",
        "created_at",
        "expires_at",
        "attempts",
        "next_attempt_at",
        "sent_at",
        "last_error",
    ]
    readonly_fields = ["state"]

    @admin.display(description=_("state"))
    def state(self, mail: OutgoingMail) -> str:
        return str(mail.state_at(timezone.now()).label)

    @object_action(
        label=_("Send again"),
        permission="accounts.change_outgoingmail",
        is_available=lambda obj: obj.state_at(timezone.now()) == MailState.GIVEN_UP,
    )
    def send_again(
        self, request: HttpRequest, obj: OutgoingMail, data: Data, now: datetime
    ) -> str | Promise:
        """Let a message that was given up be tried again."""
        repeat_mail(mail=obj, reason=data["reason"], by=person(request), now=now)
        return _("The email will be sent with the next run.")


@admin.register(PendingAccount)
class PendingAccountAdmin(LeanAdmin):
    """What people entered at sign-up, until they have verified their address."""

    list_display = ["user", "entity_name", "kind", "account_name", "created_at"]
    list_select_related = ["user"]
    search_fields = ["=user__email"]
