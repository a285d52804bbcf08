"""The compliance app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ComplianceConfig(AppConfig):
    """Registers the compliance app."""

    name = "compliance"
    verbose_name = _("Compliance")

    def ready(self) -> None:
        """Know what takes two people."""
        import_module("compliance.proposals")
