"""Files of agents on their way in."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from accounts.models.acts import done_by_person, not_done, person_field
from accounts.models.users import User
from accounts.models.work import BackgroundWork
from agents.enums import ImportMode, ImportStatus
from agents.models.guards import PLACE_FIXED, SAME_ACCOUNT


class AgentImport(BackgroundWork):
    """A file that was sent, what is wrong with it, and what became of it.

    Rows are written in turns, in the order of the file, and each turn moves `written` in its own
    transaction: exactly the first `written` of `total` rows are imported, whatever happened to
    the process. `added` of them were new agents. `done` rows have been gone through by the check;
    `problems` and `preview` are what it found in the rows that were not written then. `content`
    is emptied once all rows are written, or when the file has been left lying.

    A large file is checked by a job while it is `sent`, and written by one while it is `waiting`.
    """

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="agent_imports",
        verbose_name=_("account"),
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="agent_imports",
        verbose_name=_("application"),
    )
    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField(_("content"), null=True)
    mode = models.CharField(_("mode"), max_length=8, choices=ImportMode)
    status = models.CharField(_("status"), max_length=8, choices=ImportStatus)
    total = models.PositiveIntegerField(_("rows"), default=0)
    done = models.PositiveIntegerField(_("rows processed"), default=0)
    # The database has the defaults too, for statements that leave the columns out.
    written = models.PositiveIntegerField(_("rows imported"), default=0, db_default=0)
    added = models.PositiveIntegerField(_("agents added"), default=0, db_default=0)
    problems = models.JSONField(_("problems"), default=list)
    preview = models.JSONField(_("preview"), default=dict)
    created_at = models.DateTimeField(_("sent"))
    created_by = person_field(_("sent by"), blank=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    started_by = person_field(_("started by"))

    objects: ClassVar[models.Manager["AgentImport"]] = models.Manager()

    class Meta:
        verbose_name = _("import of agents")
        verbose_name_plural = _("imports of agents")
        indexes = [
            models.Index(fields=["account", "application", "-id"]),
            models.Index(
                fields=["account", "application"],
                condition=Q(status="waiting"),
                name="agents_import_waiting_idx",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(mode__in=ImportMode.values, status__in=ImportStatus.values),
                name="agents_import_words_known",
            ),
            models.CheckConstraint(
                condition=Q(status="done", finished_at__isnull=False)
                | (~Q(status="done") & Q(finished_at=None)),
                name="agents_import_finished_when_done",
            ),
            models.CheckConstraint(
                condition=not_done("started") | done_by_person("started"),
                name="agents_import_started_by_person",
            ),
            models.CheckConstraint(
                condition=Q(done__lte=F("total")), name="agents_import_done_within_total"
            ),
            models.CheckConstraint(
                condition=Q(added__lte=F("written"), written__lte=F("total")),
                name="agents_import_written_within_total",
            ),
        ]
        triggers = [PLACE_FIXED, SAME_ACCOUNT]

    def __str__(self) -> str:
        return self.file_name

    @property
    def remaining(self) -> int:
        """How many rows are not written yet."""
        return self.total - self.written

    @property
    def person(self) -> User | None:
        """Who started the writing, or before that who sent the file."""
        return self.started_by or self.created_by

    @property
    def is_waiting(self) -> bool:
        """Whether it is being checked or written, or is about to be."""
        return self.status in {ImportStatus.SENT, ImportStatus.WAITING}

    @property
    def is_stopped(self) -> bool:
        """Whether only a part of the rows is written, and no job is writing the others."""
        return self.written > 0 and self.status in {ImportStatus.FAULTY, ImportStatus.CHECKED}

    @property
    def phase(self) -> str:
        """What its page looks like: the status, and `running` once a job has written rows."""
        return "running" if self.is_waiting and self.written else self.status

    @property
    def is_checking(self) -> bool:
        """Whether rows are gone through by a check, before they are written."""
        return self.done < self.total

    @property
    def progress(self) -> int:
        """How many rows the present phase has gone through: the check, then the writing."""
        return self.done if self.is_checking or self.status == ImportStatus.SENT else self.written
