"""Contact-centre people."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from accounts.models.folded import EmailKeyField, FoldedField, FoldingModel
from agents import rules
from agents.enums import AgentRole
from agents.models.groups import SkillGroup, SkillGroupMember
from agents.models.guards import PLACE_FIXED, SAME_ACCOUNT, fitting_license, number_free_in
from agents.models.querysets import HolderQuerySet
from billing.enums import LicenseKind
from billing.models import License

_PLACE = (F("account"), F("application"))


class AgentQuerySet(HolderQuerySet["Agent"]):
    """Agents by what they are at an instant."""

    can_be_disabled = True


class Agent(FoldingModel):
    """A contact-centre person of an application; one who works holds one license.

    Whether the agent is in service is derived (`agents.policy`, `AgentQuerySet`). The unique key
    of `license` is what makes it impossible to give one license to two agents. A license that
    has ended may still be named here: it lets no one work, and is replaced at the next
    assignment.
    """

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="agents",
        verbose_name=_("account"),
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="agents",
        verbose_name=_("application"),
    )
    name = models.CharField(_("name"), max_length=rules.NAME_LENGTH)
    nickname = models.CharField(_("nickname"), max_length=rules.NAME_LENGTH)
    staff_number = models.CharField(_("staff number"), max_length=rules.STAFF_NUMBER_LENGTH)
    email = models.EmailField(_("email address"))
    name_key = FoldedField("name")
    staff_number_key = FoldedField("staff_number")
    email_key = EmailKeyField("email")
    phone = models.CharField(_("phone"), max_length=16, blank=True)
    role = models.CharField(_("role"), max_length=16, choices=AgentRole, default=AgentRole.AGENT)
    extension = models.CharField(_("extension"), max_length=6, blank=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    #: Annotated by `with_licenses`.
    is_superseded: bool
    license = models.OneToOneField(
        License,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="agent",
        verbose_name=_("license"),
    )
    groups = models.ManyToManyField(
        SkillGroup,
        through=SkillGroupMember,
        related_name="agents",
        blank=True,
        verbose_name=_("skill groups"),
    )
    created_at = models.DateTimeField(_("added"))
    updated_at = models.DateTimeField(_("changed"))

    objects: ClassVar[AgentQuerySet] = AgentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        # The two foreign keys in front have no index of their own: each of these begins so.
        indexes = [
            models.Index(
                fields=["account", "application", "name_key", "id"], name="agents_agent_name_idx"
            ),
            models.Index(
                *_PLACE, Collate("extension", "C"), F("id"), name="agents_agent_extension_idx"
            ),
            models.Index(fields=["account", "application", "id"], name="agents_agent_added_idx"),
            models.Index(fields=["account", "application", "role"], name="agents_agent_role_idx"),
            models.Index(
                fields=["account", "application", "id"],
                name="agents_agent_disabled_idx",
                condition=Q(is_enabled=False),
            ),
            models.Index(
                fields=["account", "application", "license"], name="agents_agent_license_idx"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "application", "staff_number_key"],
                name="agents_agent_staff_number_once",
            ),
            models.UniqueConstraint(
                fields=["account", "application", "email_key"], name="agents_agent_email_once"
            ),
            models.UniqueConstraint(
                fields=["account", "application", "extension"],
                condition=~Q(extension=""),
                name="agents_agent_extension_once",
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(nickname="") & ~Q(staff_number="") & ~Q(email=""),
                name="agents_agent_fields_filled",
            ),
            models.CheckConstraint(
                condition=Q(extension="") | Q(extension__regex=rules.EXTENSION_PATTERN),
                name="agents_agent_extension_form",
            ),
            models.CheckConstraint(
                condition=Q(phone="") | Q(phone__regex=rules.PHONE_PATTERN),
                name="agents_agent_phone_form",
            ),
            models.CheckConstraint(
                condition=Q(role__in=AgentRole.values), name="agents_agent_role_known"
            ),
        ]
        triggers = [
            PLACE_FIXED,
            SAME_ACCOUNT,
            fitting_license(LicenseKind.AGENT),
            number_free_in("agents_siptelephone"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.staff_number})"
