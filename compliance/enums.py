"""Words of compliance with a fixed set of values."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    """How grave a behavior is, from the lightest to the gravest (connect guidelines)."""

    VIOLATION = "violation", _("Violation")
    SERIOUS = "serious", _("Serious violation")
    SEVERE = "severe", _("Severe violation")

    @property
    def rank(self) -> int:
        """1 for the lightest; a higher rank prevails over a lower one."""
        return list(Severity).index(self) + 1


class ViolationMeasure(models.TextChoices):
    """What staff do about a verified violation, from the mildest to the hardest."""

    WARN = "warn", _("Warning")
    SUSPEND = "suspend", _("Service suspended")
    TERMINATE = "terminate", _("Service terminated")
    BLOCK = "block", _("Account blocked")


class ReportSource(models.TextChoices):
    """Who brought a violation to the staff's notice."""

    CUSTOMER_COMPLAINT = "customer_complaint", _("Complaint of a called party")
    CARRIER = "carrier", _("Carrier")
    REGULATOR = "regulator", _("Regulator")
    INSPECTION = "inspection", _("Own inspection")


class CaseState(models.TextChoices):
    """Where a violation case stands; `compliance.transitions` says what leads where."""

    REPORTED = "reported", _("Reported")
    INVESTIGATING = "investigating", _("Under investigation")
    VERIFIED = "verified", _("Verified")
    DISMISSED = "dismissed", _("Dismissed")
    ACTIONED = "actioned", _("Measure taken")
    APPEALED = "appealed", _("Appealed")
    UPHELD = "upheld", _("Upheld after appeal")
    OVERTURNED = "overturned", _("Overturned")


#: A violation counts against the account in these states.
STANDING_STATES = (
    CaseState.VERIFIED,
    CaseState.ACTIONED,
    CaseState.APPEALED,
    CaseState.UPHELD,
)
#: Nothing is decided yet in these.
OPEN_STATES = (CaseState.REPORTED, CaseState.INVESTIGATING)


class AppealState(models.TextChoices):
    """What became of an appeal; `compliance.transitions` says what leads where."""

    OPEN = "open", _("Waiting for a decision")
    UPHELD = "upheld", _("Violation upheld")
    OVERTURNED = "overturned", _("Violation overturned")


class EntryKind(models.TextChoices):
    """What an entry of the screening table lists."""

    PROHIBITED = "prohibited", _("Prohibited service")
    SCENARIO = "scenario", _("Scenario of an industry")


class EntryRule(models.TextChoices):
    """When an entry of the screening table is refused."""

    ALWAYS = "always", _("Always")
    COLD = "cold", _("With cold or blind calling")


class Direction(models.TextChoices):
    """Who places the calls of a business."""

    INBOUND = "inbound", _("Inbound only: people call you")
    OUTBOUND = "outbound", _("Outbound only: you call people")
    BOTH = "both", _("Both inbound and outbound")


class NumberSource(models.TextChoices):
    """Where the numbers that a business calls come from."""

    NONE = "none", _("No numbers are called")
    CUSTOMERS = "customers", _("Own customers who gave their number")
    SIGN_UP = "sign_up", _("People who asked to be called, such as through a form")
    PUBLIC = "public", _("Public directories or websites")
    THIRD_PARTY = "third_party", _("Bought or received from a third party")
    OTHER = "other", _("Somewhere else")


class ConnectionState(models.TextChoices):
    """Where a connection request stands; `compliance.transitions` says what leads where."""

    REVIEW = "review", _("Under review")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    REVOKED = "revoked", _("Approval revoked")


class FileKind(models.TextChoices):
    """The kinds of file that evidence may be, each known by how its content begins."""

    PDF = "application/pdf", _("PDF document")
    PNG = "image/png", _("PNG picture")
    JPEG = "image/jpeg", _("JPEG picture")
    GIF = "image/gif", _("GIF picture")
    WEBP = "image/webp", _("WebP picture")
    HEIC = "image/heic", _("HEIC picture")
    AVIF = "image/avif", _("AVIF picture")
    BMP = "image/bmp", _("BMP picture")
    TIFF = "image/tiff", _("TIFF picture")
    MP3 = "audio/mpeg", _("MP3 recording")
    WAV = "audio/wav", _("WAV recording")
    OGG = "audio/ogg", _("Ogg recording")
    AMR = "audio/amr", _("AMR recording")
    MP4 = "video/mp4", _("MP4 recording")
    TEXT = "text/plain", _("Plain text")


class HistoryAct(models.TextChoices):
    """What the history of a case may tell; the transitions of a case are among it."""

    REPORT = "report", _("Reported")
    INVESTIGATE = "investigate", _("Investigation started")
    AMEND = "amend", _("Record corrected")
    VERIFY = "verify", _("Verified as a violation")
    DISMISS = "dismiss", _("Dismissed: it was no violation")
    ACT = "act", _("Measure taken, and notice given")
    LIFT = "lift", _("Suspension lifted")
    APPEAL = "appeal", _("Appealed")
    UPHOLD = "uphold", _("Appeal decided: the violation stands")
    OVERTURN = "overturn", _("Appeal decided: the violation is overturned")
    ATTACH_EVIDENCE = "attach_evidence", _("Evidence added")
    DISCLOSE_EVIDENCE = "disclose_evidence", _("Evidence shown to the customer")
    HIDE_EVIDENCE = "hide_evidence", _("Evidence hidden from the customer")
