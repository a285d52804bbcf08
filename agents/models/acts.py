"""Acts on many agents, which continue in the background."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import WorkStatus
from accounts.models import Account, Application
from accounts.models.acts import person_field
from accounts.models.users import User
from accounts.models.work import BackgroundWork
from agents.enums import ActName
from agents.models.guards import PLACE_FIXED, SAME_ACCOUNT


class AgentAct(BackgroundWork):
    """An act on the agents with the keys `agents`, and how far it has come.

    Agents are changed in turns, in the order of their keys, and each turn moves `done` in its own
    transaction: exactly the first `done` of `total` agents have been gone through, whatever
    happened to the process. For those of them in `unchanged` there was nothing to change, or they
    were gone. `options` is what the person chose, as `agents.services.acts` reads it.
    """

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="agent_acts",
        verbose_name=_("account"),
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="agent_acts",
        verbose_name=_("application"),
    )
    name = models.CharField(_("act"), max_length=8, choices=ActName)
    options = models.JSONField(_("options"), default=dict)
    agents = ArrayField(models.BigIntegerField(), verbose_name=_("agents"))
    total = models.PositiveIntegerField(_("number of agents"))
    done = models.PositiveIntegerField(_("agents processed"), default=0)
    unchanged = ArrayField(
        models.BigIntegerField(), default=list, blank=True, verbose_name=_("not changed")
    )
    status = models.CharField(_("status"), max_length=8, choices=WorkStatus)
    undoes = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="undone_by",
        verbose_name=_("undoes"),
    )
    created_at = models.DateTimeField(_("started"))
    created_by = person_field(_("started by"), blank=False)

    objects: ClassVar[models.Manager["AgentAct"]] = models.Manager()

    class Meta:
        verbose_name = _("act on many agents")
        verbose_name_plural = _("acts on many agents")
        indexes = [
            models.Index(fields=["account", "application", "-id"]),
            models.Index(
                fields=["account", "application"],
                condition=Q(status="waiting"),
                name="agents_act_waiting_idx",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(name__in=ActName.values, status__in=WorkStatus.values),
                name="agents_act_words_known",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", finished_at=None)
                | (~Q(status="waiting") & Q(finished_at__isnull=False)),
                name="agents_act_finished_at_its_end",
            ),
            models.CheckConstraint(
                condition=Q(done__lte=F("total"), total__gt=0),
                name="agents_act_done_within_total",
            ),
            models.CheckConstraint(
                condition=Q(agents__len=F("total"), unchanged__len__lte=F("done")),
                name="agents_act_counts_its_agents",
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | Q(done=F("total")), name="agents_act_done_with_all"
            ),
            models.CheckConstraint(
                condition=~Q(status="canceled") | Q(done=0), name="agents_act_canceled_with_none"
            ),
            models.CheckConstraint(
                condition=Q(status="stopped") ^ Q(reason=""), name="agents_act_reason_of_a_stop"
            ),
        ]
        triggers = [PLACE_FIXED, SAME_ACCOUNT]

    def __str__(self) -> str:
        return f"{self.get_name_display()} ({self.total})"

    @property
    def changed(self) -> int:
        """How many agents it has changed so far."""
        return self.done - len(self.unchanged)

    @property
    def person(self) -> User | None:
        """Who began it."""
        return self.created_by

    @property
    def is_waiting(self) -> bool:
        """Whether it continues, or is still to begin."""
        return self.status == WorkStatus.WAITING

    @property
    def phase(self) -> str:
        """What its page looks like: `waiting`, `running`, or the status in which it ended."""
        return "running" if self.is_waiting and self.done else self.status
