"""Words with a fixed set of values about agents and SIP telephones."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class AgentRole(models.TextChoices):
    """What an agent does in the contact center."""

    ADMINISTRATOR = "administrator", _("Administrator")
    INSPECTOR = "inspector", _("Quality inspector")
    AGENT = "agent", _("Agent")


class ServiceState(models.TextChoices):
    """Whether an agent or a telephone works, or the first thing that keeps it from working.

    The obstacles stand in the order in which they are named: the agent's own first, then what a
    license lacks, last what concerns the whole account. Never stored; see `agents.policy`.
    """

    DISABLED = "disabled", _("Disabled")
    NO_LICENSE = "no_license", _("No license")
    LICENSE_ENDED = "license_ended", _("License ended")
    PACKAGE_ENDED = "package_ended", _("Package ended")
    ACCOUNT_RESTRICTED = "account_restricted", _("Account restricted")
    IN_SERVICE = "in_service", _("In service")


class ImportMode(models.TextChoices):
    """What an import does with a staff number that the application has already."""

    ADD = "add", _("Add new agents only (existing staff numbers are rejected)")
    UPDATE = "update", _("Add new agents and update existing ones by staff number")


class ImportStatus(models.TextChoices):
    """How far an import has come."""

    SENT = "sent", _("Not checked yet")
    FAULTY = "faulty", _("Has problems")
    CHECKED = "checked", _("Ready")
    WAITING = "waiting", _("In progress")
    DONE = "done", _("Imported")


class ActName(models.TextChoices):
    """What is done to many agents in the background."""

    ASSIGN = "assign", _("Assign licenses")
    FREE = "free", _("Free licenses")
    CHANGE = "change", _("Change agents")
    ENABLE = "enable", _("Enable agents")
    DISABLE = "disable", _("Disable agents")
    DELETE = "delete", _("Delete agents")
