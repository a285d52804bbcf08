"""The app that puts the others together."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    """Registers start pages, demo data and the checks of the running environment."""

    name = "config"
    verbose_name = _("Console")

    def ready(self) -> None:
        """Register the system checks, and send faults and traces where a setting says so."""
        from config import checks, reporting  # noqa: F401, PLC0415 - checks register when imported

        reporting.start_reporting()
