"""How people come to an account: by an invitation, or by opening one of their own."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import EntityKind, InvitationState, Role
from accounts.models.acts import done_by_person, not_done, person_field
from accounts.models.tenants import Account


class Invitation(models.Model):
    """An offer of a role to anyone who owns an email address.

    The link in the message holds a secret of which only the hash is kept, so that the rows open
    no door. Sending it again makes a new secret, and the old link is invalid.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="invitations", verbose_name=_("account")
    )
    email = models.EmailField(_("email address"))
    role = models.CharField(_("role"), max_length=16, choices=Role)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("invited by"),
    )
    created_at = models.DateTimeField(_("invited"))
    sent_at = models.DateTimeField(_("last sent"))
    expires_at = models.DateTimeField(_("valid until"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = person_field(_("accepted by"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [models.Index(fields=["email"], name="accounts_invitation_email_idx")]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="accounts_invitation_one_open_per_address",
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="accounts_invitation_role_known"
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(withdrawn_at=None),
                name="accounts_invitation_ends_once",
            ),
            models.CheckConstraint(
                condition=not_done("accepted") | done_by_person("accepted"),
                name="accounts_invitation_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="accounts_invitation_expires_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def state_at(self, now: datetime) -> InvitationState:
        """Say what has become of the invitation by `now`."""
        if self.accepted_at:
            return InvitationState.ACCEPTED
        if self.withdrawn_at:
            return InvitationState.WITHDRAWN
        return InvitationState.OPEN if now < self.expires_at else InvitationState.EXPIRED


class PendingAccount(models.Model):
    """What someone who signed up wants opened as soon as the email address is confirmed.

    Nothing is registered before that: no one can take a company's number under an address that
    is not theirs, nor learn from the answer which addresses have a sign-in.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="pending_account",
        verbose_name=_("user"),
    )
    entity_name = models.CharField(_("company name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=16, choices=EntityKind)
    registration_number = models.CharField(_("registration number"), max_length=64)
    account_name = models.CharField(_("account name"), max_length=100)
    created_at = models.DateTimeField(_("requested"))

    class Meta:
        verbose_name = _("pending account")
        verbose_name_plural = _("pending accounts")

    def __str__(self) -> str:
        return self.account_name
