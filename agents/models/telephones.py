"""SIP telephones: desk telephones that register with a password of their own."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from agents import rules
from agents.models.agents import Agent
from agents.models.guards import PLACE_FIXED, SAME_ACCOUNT, fitting_license, number_free_in
from agents.models.querysets import HolderQuerySet
from billing.enums import LicenseKind
from billing.models import License


class SipTelephone(models.Model):
    """A telephone that registers over SIP; one that works holds one SIP license.

    The password is shown once, when it is made, and kept as a hash. A telephone that is bound
    to an agent holds a license: taking that away unbinds first.
    """

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="sip_telephones",
        verbose_name=_("account"),
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="sip_telephones",
        verbose_name=_("application"),
    )
    label = models.CharField(_("name"), max_length=rules.NAME_LENGTH)
    extension = models.CharField(_("extension"), max_length=6)
    password = models.CharField(_("password hash"), max_length=128)
    password_set_at = models.DateTimeField(_("password set"))
    #: Annotated by `with_licenses`.
    is_superseded: bool
    license = models.OneToOneField(
        License,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="telephone",
        verbose_name=_("license"),
    )
    agent = models.OneToOneField(
        Agent,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="telephone",
        verbose_name=_("agent"),
    )
    created_at = models.DateTimeField(_("registered"))
    updated_at = models.DateTimeField(_("changed"))

    objects: ClassVar[HolderQuerySet["SipTelephone"]] = HolderQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("SIP telephone")
        verbose_name_plural = _("SIP telephones")
        indexes = [
            models.Index(
                fields=["account", "application", "license"], name="agents_telephone_license_idx"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                F("account"),
                F("application"),
                Collate("extension", "C"),
                name="agents_telephone_extension_once",
            ),
            models.CheckConstraint(
                condition=Q(extension__regex=rules.EXTENSION_PATTERN),
                name="agents_telephone_extension_form",
            ),
            models.CheckConstraint(
                condition=~Q(label="") & ~Q(password=""), name="agents_telephone_fields_filled"
            ),
            models.CheckConstraint(
                condition=Q(agent=None) | Q(license__isnull=False),
                name="agents_telephone_bound_has_license",
            ),
        ]
        triggers = [
            PLACE_FIXED,
            SAME_ACCOUNT,
            fitting_license(LicenseKind.SIP),
            number_free_in("agents_agent"),
            pgtrigger.Trigger(
                name="same_application",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("agent_id"),  # type: ignore[no-untyped-call]
                func="""
                    IF NEW.agent_id IS NOT NULL AND NOT EXISTS (
                        SELECT FROM agents_agent WHERE id = NEW.agent_id
                        AND application_id = NEW.application_id) THEN
                        RAISE EXCEPTION 'agent % and telephone % are of different applications',
                            NEW.agent_id, NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.extension})"
