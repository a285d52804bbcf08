"""When each command that keeps the console going ran last."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CommandRun(models.Model):
    """The last finished run of one command; monitoring looks at its age.

    `failures` counts what went wrong in a run that reached its end: breaches, email that was not
    sent. A run that was interrupted leaves the earlier one standing.
    """

    command = models.CharField(_("command"), max_length=64, primary_key=True)
    finished_at = models.DateTimeField(_("finished"))
    failures = models.PositiveIntegerField(_("failures"), default=0)

    class Meta:
        verbose_name = _("run of a command")
        verbose_name_plural = _("runs of commands")

    def __str__(self) -> str:
        return self.command
