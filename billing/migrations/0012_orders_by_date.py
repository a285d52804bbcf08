"""Lists of orders are in the order of the dates that they print."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("billing", "0011_zero_refunds_use_no_right")]

    operations = [
        AddIndexConcurrently(
            "order",
            models.Index(fields=["account", "-created_at", "-id"], name="billing_order_dated_idx"),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(fields=["payer", "-created_at", "-id"], name="billing_order_asked_idx"),
        ),
    ]
