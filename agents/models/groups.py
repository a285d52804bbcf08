"""Skill groups: who answers which calls."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from accounts.models.folded import FoldedField, FoldingModel
from agents import rules
from agents.models.guards import PLACE_FIXED, SAME_ACCOUNT


class SkillGroup(FoldingModel):
    """A named group of an application's agents."""

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="skill_groups",
        verbose_name=_("account"),
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="skill_groups",
        verbose_name=_("application"),
    )
    name = models.CharField(_("name"), max_length=rules.GROUP_NAME_LENGTH)
    name_key = FoldedField("name")
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("skill group")
        verbose_name_plural = _("skill groups")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "application", "name_key"], name="agents_skill_group_name_once"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="agents_skill_group_name_filled"),
        ]
        triggers = [PLACE_FIXED, SAME_ACCOUNT]

    def __str__(self) -> str:
        return self.name


class SkillGroupMember(models.Model):
    """An agent's place in a skill group of the same application."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False, related_name="+")
    group = models.ForeignKey(
        SkillGroup, on_delete=models.CASCADE, db_index=False, related_name="members"
    )
    agent = models.ForeignKey(
        "agents.Agent", on_delete=models.CASCADE, related_name="group_memberships"
    )

    objects: ClassVar[models.Manager["SkillGroupMember"]] = models.Manager()

    class Meta:
        verbose_name = _("skill group member")
        verbose_name_plural = _("skill group members")
        constraints = [
            models.UniqueConstraint(fields=["group", "agent"], name="agents_group_member_once")
        ]
        triggers = [
            pgtrigger.Trigger(
                name="same_application",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF NOT EXISTS (
                        SELECT FROM agents_agent a
                        JOIN agents_skillgroup g ON g.application_id = a.application_id
                        WHERE a.id = NEW.agent_id AND g.id = NEW.group_id
                          AND g.account_id = NEW.account_id) THEN
                        RAISE EXCEPTION 'agent % and skill group % are of different applications',
                            NEW.agent_id, NEW.group_id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.group_id} · {self.agent_id}"
