"""Mail to an address: for people who sign in, sign up or are invited (part of the outbox)."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import MailState


class OutgoingMail(models.Model):
    """One written message on its way to an address, which need not belong to a user.

    It waits while `next_attempt_at` is set. Its words may hold a secret link, so they are kept
    no longer than they are needed: until it has gone, or until `expires_at`, after which it
    would be of no use and is not sent.
    """

    kind = models.CharField(_("kind"), max_length=64)
    to = models.EmailField(_("recipient"))
    subject = models.CharField(_("subject"), max_length=255)
    text = models.TextField(_("text"), blank=True)
    html = models.TextField("HTML", blank=True)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("obsolete after"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)

    objects: ClassVar[models.Manager["OutgoingMail"]] = models.Manager()

    class Meta:
        verbose_name = _("sign-in email")
        verbose_name_plural = _("sign-in emails")
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="accounts_mail_due",
            ),
            # What staff look for.
            models.Index(fields=["to", "-id"], name="accounts_mail_to"),
            # What failed or is stuck, and what still holds words that are no longer needed.
            models.Index(
                fields=["created_at"],
                condition=Q(sent_at=None),
                name="accounts_mail_unsent",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(next_attempt_at=None, text="", html=""),
                name="accounts_mail_sent_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    def state_at(self, now: datetime) -> MailState:
        """Return what has become of the message by `now`."""
        if self.sent_at:
            return MailState.SENT
        if self.expires_at <= now:
            return MailState.EXPIRED
        return MailState.WAITING if self.next_attempt_at else MailState.GIVEN_UP
