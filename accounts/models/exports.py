"""Files that people asked for and a background job makes."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import WorkStatus
from accounts.models.acts import person_field
from accounts.models.tenants import Account
from accounts.models.users import User
from accounts.models.work import BackgroundWork


class Export(BackgroundWork):
    """A file with the rows that `options` choose, and how far it has come.

    `kind` is one of the setting `EXPORTS`. `total` is the number of rows when it was asked for,
    `done` how many are read. The file is written once, with the last step, and belongs to the
    person who asked.
    """

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="exports",
        verbose_name=_("account"),
    )
    kind = models.CharField(_("kind"), max_length=16)
    options = models.JSONField(_("options"), default=dict)
    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(_("content"), null=True)
    total = models.PositiveIntegerField(_("rows"))
    done = models.PositiveIntegerField(_("rows read"), default=0)
    status = models.CharField(_("status"), max_length=8, choices=WorkStatus)
    created_at = models.DateTimeField(_("requested"))
    created_by = person_field(_("requested by"), blank=False)

    objects: ClassVar[models.Manager["Export"]] = models.Manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        indexes = [
            models.Index(fields=["account", "-id"], name="accounts_export_account_idx"),
            models.Index(F("created_at"), name="accounts_export_age_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=WorkStatus.values), name="accounts_export_words_known"
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", finished_at=None)
                | (~Q(status="waiting") & Q(finished_at__isnull=False)),
                name="accounts_export_finished_at_its_end",
            ),
            models.CheckConstraint(
                condition=Q(status="done") ^ Q(content=None), name="accounts_export_file_when_done"
            ),
            models.CheckConstraint(
                condition=Q(status="stopped") ^ Q(reason=""),
                name="accounts_export_reason_of_a_stop",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def person(self) -> User | None:
        """Who asked for it."""
        return self.created_by

    @property
    def is_waiting(self) -> bool:
        """Whether it is being made, or is about to be."""
        return self.status == WorkStatus.WAITING

    @property
    def phase(self) -> str:
        """What its page looks like."""
        return self.status
