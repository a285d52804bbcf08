"""News for people: shown in the console, and sent by email from here (the outbox)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.tenants import Account


class Notification(models.Model):
    """One piece of news of an account for one person.

    `kind` names its templates and `params` what they need. It waits to be sent while
    `next_attempt_at` is set; one that is for the console only never is. `dedupe_key` lets a
    repeated event reach each person once.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notifications",
        verbose_name=_("recipient"),
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="notifications", verbose_name=_("account")
    )
    kind = models.CharField(_("kind"), max_length=48)
    params = models.JSONField(_("details"), default=dict, blank=True)
    path = models.CharField(_("page"), max_length=200, blank=True)
    dedupe_key = models.CharField(_("key"), max_length=120, blank=True)
    created_at = models.DateTimeField(_("created"))
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [
            models.Index(fields=["user", "-id"], name="accounts_notification_user"),
            models.Index(
                fields=["user"], condition=Q(read_at=None), name="accounts_notification_unread"
            ),
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="accounts_notification_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "dedupe_key"],
                condition=~Q(dedupe_key=""),
                name="accounts_notification_once",
            ),
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(next_attempt_at=None),
                name="accounts_notification_sent_is_done",
            ),
            models.CheckConstraint(
                condition=Q(read_at=None) | Q(read_at__gte=F("created_at")),
                name="accounts_notification_read_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
