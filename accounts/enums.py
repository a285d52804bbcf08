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

    AUTO = "auto", _("Same as the device")
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
    EXPIRED = "expired", pgettext_lazy("email", "Expired before sending")


class JobState(models.TextChoices):
    """What has become of a background job, as procrastinate stores it."""

    WAITING = "todo", pgettext_lazy("job", "Waiting")
    RUNNING = "doing", pgettext_lazy("job", "Running")
    SUCCEEDED = "succeeded", pgettext_lazy("job", "Done")
    FAILED = "failed", pgettext_lazy("job", "Failed")
    CANCELED = "cancelled", pgettext_lazy("job", "Canceled")
    ABORTED = "aborted", pgettext_lazy("job", "Aborted")


class JobEvent(models.TextChoices):
    """What happened to a background job, as procrastinate stores it."""

    DEFERRED = "deferred", pgettext_lazy("job event", "Queued")
    STARTED = "started", pgettext_lazy("job event", "Started")
    DEFERRED_FOR_RETRY = "deferred_for_retry", pgettext_lazy("job event", "Queued again")
    FAILED = "failed", pgettext_lazy("job event", "Failed")
    SUCCEEDED = "succeeded", pgettext_lazy("job event", "Done")
    CANCELED = "cancelled", pgettext_lazy("job event", "Canceled")
    ABORT_REQUESTED = "abort_requested", pgettext_lazy("job event", "Abort requested")
    ABORTED = "aborted", pgettext_lazy("job event", "Aborted")
    SCHEDULED = "scheduled", pgettext_lazy("job event", "Not before this time")
    RETRIED = "retried", pgettext_lazy("job event", "Run again by staff")


class ProposalState(models.TextChoices):
    """What has become of a proposal."""

    WAITING = "waiting", _("Awaiting approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


class WorkStatus(models.TextChoices):
    """How work stands that was left to a background job."""

    WAITING = "waiting", _("In progress")
    DONE = "done", _("Done")
    CANCELED = "canceled", _("Canceled")
    STOPPED = "stopped", _("Stopped")
