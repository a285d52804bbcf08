"""Publishing a dated version with its rows, whatever it is of."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Model

from accounts.models import User
from accounts.models.versions import DatedVersion
from accounts.services.audit import Event, record


@transaction.atomic
def publish_version(
    version: DatedVersion,
    rows: Sequence[Model],
    *,
    event: Event,
    by: User | None,
    now: datetime,
) -> None:
    """Write a version that has no number yet, the `rows` that belong to it, and the event.

    The rows are of one model, and refer to the version already.
    """
    model = type(version)
    newest = model.objects.order_by("-version").values_list("version", flat=True).first()
    version.version = (newest or 0) + 1
    version.published_at, version.published_by = now, by
    version.save(force_insert=True)
    type(rows[0])._default_manager.bulk_create(rows)
    record([event], account=None, by=by, now=now)
