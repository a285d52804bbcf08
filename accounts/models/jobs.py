"""Background jobs, as the administration shows them."""

from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob


class Job(ProcrastinateJob):
    """A job of procrastinate's; `accounts.services.jobs` changes its state."""

    class Meta:
        proxy = True
        verbose_name = _("background job")
        verbose_name_plural = _("background jobs")

    def __str__(self) -> str:
        return f"{self.task_name} #{self.pk}"
