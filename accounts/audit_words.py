"""What this app's audit verbs mean, in words. Every app may have a module of this name.

`SENTENCES` tells for each verb what happened to `%(target)s` (also `%(from)s` and `%(to)s`);
`STATES` names the states that events go from and to; `SUBJECTS` names the nouns that verbs begin
with; `INTERNAL` holds verbs that only staff read. Customers read no verb without a sentence.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.enums import AccountStatus, Measure, Role

SENTENCES: dict[str, str | Promise] = {
    "account.opened": _("Account %(target)s opened"),
    "account.renamed": _("Account renamed: now %(target)s"),
    "account.restricted": _("Measure taken, case %(target)s: %(to)s"),
    "account.restriction_lifted": _("Measure lifted, case %(target)s"),
    "account.restriction_annulled": _("Measure found to be wrong and annulled, case %(target)s"),
    "account.status_changed": _("Account status: from %(from)s to %(to)s"),
    "application.activated": _("Application %(target)s activated"),
    "entity.registered": _("Company %(target)s registered"),
    "entity.corrected": _("Details of company %(target)s corrected"),
    "export.begun": _("Export asked for: %(target)s"),
    "export.canceled": _("Export canceled: %(target)s"),
    "export.done": _("Export made: %(target)s"),
    "export.stopped": _("Export stopped: %(target)s"),
    "invitation.accepted": _("%(target)s accepted the invitation"),
    "invitation.resent": _("Invitation sent to %(target)s again"),
    "invitation.sent": _("%(target)s invited as %(to)s"),
    "invitation.withdrawn": _("Invitation of %(target)s withdrawn"),
    "job.canceled": _("Background job %(target)s canceled"),
    "job.repeated": _("Background job %(target)s run again"),
    "mail.repeated": _("Email %(target)s sent again"),
    "member.added": _("%(target)s became a member: %(to)s"),
    "member.left": _("%(target)s left the account"),
    "member.removed": _("%(target)s removed from the account"),
    "member.role_changed": _("Role of %(target)s changed from %(from)s to %(to)s"),
    "proposal.approved": _("Proposal %(target)s approved"),
    "proposal.made": _("Proposal %(target)s prepared"),
    "proposal.rejected": _("Proposal %(target)s rejected"),
    "proposal.withdrawn": _("Proposal %(target)s withdrawn"),
    "user.deactivated": _("Sign-in of %(target)s deactivated"),
    "user.erased": _("%(target)s erased"),
    "user.exported": _("Data of %(target)s downloaded"),
    "user.reactivated": _("Sign-in of %(target)s reactivated"),
    "user.registered": _("User %(target)s created"),
    "user.rights_changed": _("Staff rights of %(target)s changed"),
    "user.second_factor_reset": _("Two-factor sign-in of %(target)s reset"),
    "user.signed_out": _("%(target)s signed out everywhere"),
}

STATES: dict[str, str | Promise] = {
    **dict(AccountStatus.choices),
    **dict(Measure.choices),
    **dict(Role.choices),
}

#: The acts themselves are told to customers; how staff came to them is not.
INTERNAL = frozenset(
    {
        "job.canceled",
        "job.repeated",
        "proposal.approved",
        "proposal.made",
        "proposal.rejected",
        "proposal.withdrawn",
    }
)

SUBJECTS: dict[str, str | Promise] = {
    "account": _("Account"),
    "application": _("Applications"),
    "entity": _("Companies"),
    "export": _("Exports"),
    "invitation": _("Invitations"),
    "mail": _("Emails"),
    "member": _("Members"),
    "proposal": _("Proposals"),
    "user": _("Users"),
}
