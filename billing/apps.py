"""The billing app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    """Registers the billing app."""

    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        """Know what takes two people."""
        for noun in ("catalog", "packages", "grants"):
            import_module(f"billing.{noun}.proposals")
