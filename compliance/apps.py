"""The compliance app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ComplianceConfig(AppConfig):
    """Registers the compliance app."""

    name = "compliance"
    verbose_name = _("Compliance")
