"""Words with a fixed set of values that the whole project shares about tenants."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class EntityKind(models.TextChoices):
    """What a legal person is; only an enterprise may connect numbers (connect guidelines)."""

    ENTERPRISE = "enterprise", _("Enterprise")
    HOUSEHOLD = "household", _("Individual household")
    INDIVIDUAL = "individual", _("Individual")


class Role(models.TextChoices):
    """A member's place in an account."""

    OWNER = "owner", _("Owner")
    FINANCE = "finance", _("Finance")
    AGENT_MANAGER = "agent_manager", _("Agent manager")
    VIEWER = "viewer", _("Viewer")


class AccountStatus(models.TextChoices):
    """What an account may do; the strongest open restriction decides."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    TERMINATED = "terminated", _("Terminated")
    BLOCKED = "blocked", _("Blocked")


class Measure(models.TextChoices):
    """A restriction that staff put on an account, from the weakest to the strongest."""

    SUSPEND = "suspend", _("Suspend service")
    TERMINATE = "terminate", _("Terminate service")
    BLOCK = "block", _("Block the account")


#: The status that each measure brings, in rising strength.
STATUS_OF_MEASURE: dict[str, AccountStatus] = {
    Measure.SUSPEND: AccountStatus.SUSPENDED,
    Measure.TERMINATE: AccountStatus.TERMINATED,
    Measure.BLOCK: AccountStatus.BLOCKED,
}


class Theme(models.TextChoices):
    """How a user wants the console to look."""

    AUTO = "auto", _("As the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class InvitationState(models.TextChoices):
    """What has become of an invitation."""

    OPEN = "open", pgettext_lazy("invitation", "Open")
    EXPIRED = "expired", _("Expired")
    ACCEPTED = "accepted", _("Accepted")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class MailState(models.TextChoices):
    """What has become of a message to an address."""

    WAITING = "waiting", pgettext_lazy("email", "Waiting")
    SENT = "sent", pgettext_lazy("email", "Sent")
    GIVEN_UP = "given_up", pgettext_lazy("email", "Given up")
    EXPIRED = "expired", pgettext_lazy("email", "Expired unsent")


class ProposalState(models.TextChoices):
    """What has become of a proposal."""

    WAITING = "waiting", _("Waits for a second person")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")
