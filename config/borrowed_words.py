"""Words of the libraries that their own Chinese lacks, or says otherwise than the console does.

Nothing imports this: `make messages` reads it, so that the console's own catalog, which comes
before theirs, has them.
"""

from django.utils.translation import gettext_noop as _
from django.utils.translation import ngettext_lazy

DJANGO_ADMIN = (
    _("Model name"),
    _("Add link"),
    _("Change or view list link"),
)

#: Django's own "10 月" is read as October.
DJANGO_TIMES = (ngettext_lazy("%(num)d month", "%(num)d months", "num"),)

#: allauth leaves the word "Email" as it is.
ALLAUTH = (
    _("Add Email"),
    _("Add Email Address"),
    _("Change Email"),
    _("Confirm Email Address"),
    _("Current email"),
    _("Do you really want to remove the selected email address?"),
    _("Email Address"),
    _("Email Addresses"),
    _("Email Changed"),
    _("Email Confirmation"),
    _("Email Removed"),
    _("Email address %(deleted_email)s has been removed from your account."),
    _("Please Confirm Your Email Address"),
    _("Primary"),
    _("Primary email address set."),
    _("Re-send Verification"),
    _("Removed email address %(email)s."),
    _("The following email addresses are associated with your account:"),
    _("Verify Your Email Address"),
    _("You cannot activate two-factor authentication until you have verified your email address."),
    _("You cannot remove your primary email address (%(email)s)."),
    _("You have confirmed %(email)s."),
    _("Your email has been confirmed."),
)
