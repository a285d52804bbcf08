"""Django's migrate as the owner of the tables; no rows are lost on the way back unasked."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connection
from django.db.migrations import Migration
from django.db.models.signals import pre_migrate

from config.migration_losses import find_losses


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--allow-data-loss",
            nargs="+",
            default=[],
            metavar="APP.MIGRATION",
            help="go back over these migrations even if rows are lost; otherwise migrate refuses "
            "and names them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; raise CommandError before anything is changed where rows would be lost."""
        named = set(options.pop("allow_data_loss"))
        if settings.DATABASE_OWNER:
            # Also for the rows that migrations write, which do not name a database.
            connection.close()
            connection.settings_dict |= settings.DATABASE_OWNER

        def refuse_losses(
            plan: Iterable[tuple[Migration, bool]], using: str, **kwargs: Any
        ) -> None:
            losses = [loss for loss in find_losses(plan, using) if loss.migration not in named]
            if losses:
                told = "\n".join(f"  {loss.migration}: {loss.what}" for loss in losses)
                raise CommandError(
                    f"Nothing was changed. Going back would lose:\n{told}\n"
                    "Take a backup; --allow-data-loss followed by these migrations loses it."
                )

        if options["fake"]:
            super().handle(*args, **options)
            return
        # Django tells its plan here, before the first step. Any app with models will do.
        sender = apps.get_app_config("accounts")
        pre_migrate.connect(refuse_losses, sender=sender, weak=False)
        try:
            super().handle(*args, **options)
        finally:
            pre_migrate.disconnect(refuse_losses, sender=sender)
