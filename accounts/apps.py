"""The accounts app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Registers the accounts app."""

    name = "accounts"
    verbose_name = _("Customers and people")

    def ready(self) -> None:
        """Listen to the sign-in library, and know what takes two people."""
        import_module("accounts.receivers")
        import_module("accounts.proposals")
