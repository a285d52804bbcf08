"""What this app's audit verbs mean, in words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from compliance.enums import AppealState, CaseState, ConnectionState

SENTENCES: dict[str, str | Promise] = {
    "violation.reported": _("Violation %(target)s reported"),
    "violation.taken_up": _("Investigation of violation %(target)s started"),
    "violation.amended": _("Record of violation %(target)s corrected"),
    "violation.verified": _("Violation %(target)s verified"),
    "violation.dismissed": _("Violation %(target)s dismissed"),
    "violation.actioned": _("Measure taken on violation %(target)s"),
    "violation.measure_lifted": _("Suspension by violation %(target)s lifted"),
    "violation.appealed": _("Violation %(target)s appealed"),
    "violation.upheld": _("Violation %(target)s upheld"),
    "violation.overturned": _("Violation %(target)s overturned"),
    "violation.evidence_attached": _("Evidence added to violation %(target)s"),
    "violation.evidence_disclosed": _("Evidence of violation %(target)s shown to the customer"),
    "violation.evidence_hidden": _("Evidence of violation %(target)s hidden from the customer"),
    "appeal.submitted": _("Appeal %(target)s submitted"),
    "appeal.decided": _("Appeal %(target)s decided: %(to)s"),
    "connection.requested": _("Connection request %(target)s made: %(to)s"),
    "connection.approved": _("Connection request %(target)s approved"),
    "connection.refused": _("Connection request %(target)s refused"),
    "connection.withdrawn": _("Connection request %(target)s withdrawn"),
    "connection.revoked": _("Approval of connection request %(target)s revoked"),
    "evidence.read": _("Evidence file %(target)s downloaded by staff"),
    "rule_book.published": _("%(target)s published"),
    "industry.added": _("Industry %(target)s added"),
    "industry.changed": _("Industry %(target)s changed"),
    "screening_entry.added": _("Screening entry %(target)s added"),
    "screening_entry.changed": _("Screening entry %(target)s changed"),
    "flag_word.added": _("Flag word %(target)s added"),
    "flag_word.changed": _("Flag word %(target)s changed"),
}

STATES: dict[str, str | Promise] = {
    **dict(AppealState.choices),
    **dict(CaseState.choices),
    **dict(ConnectionState.choices),
}

SUBJECTS: dict[str, str | Promise] = {
    "appeal": _("Appeals"),
    "connection": _("Connection requests"),
    "violation": _("Violations"),
}

#: How staff handle evidence is not the customer's to read; the tables are no one's account.
INTERNAL = {
    "flag_word.added",
    "flag_word.changed",
    "industry.added",
    "industry.changed",
    "rule_book.published",
    "screening_entry.added",
    "screening_entry.changed",
    "evidence.read",
    "violation.amended",
    "violation.evidence_attached",
    "violation.evidence_disclosed",
    "violation.evidence_hidden",
}
