"""What all work has in common that a person leaves to a background job."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.models.users import User


class BackgroundWork(models.Model):
    """A row that a job works off, and whose page shows how far it is.

    `reason` says what stopped it, in the person's language. `watched_at` is when that person's
    page last asked how far it is. `accounts.services.background` reads and writes these columns.
    """

    reason = models.TextField(_("reason"), blank=True, default="", db_default="")
    watched_at = models.DateTimeField(_("last viewed"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def person(self) -> "User | None":
        """Who left it to a job, and is told of its end; empty where the system did."""
        raise NotImplementedError

    @property
    def is_waiting(self) -> bool:
        """Whether it continues, or is still to begin."""
        raise NotImplementedError

    @property
    def phase(self) -> str:
        """What its page looks like. When this changes, the whole page is shown again."""
        raise NotImplementedError
