"""The reason for a decision on a credit may be as long as its form allows.

PostgreSQL changes the type without touching the rows. On the way back, longer reasons are cut.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_orders_by_date")]

    operations = [
        migrations.AlterField(
            model_name="credit",
            name="reason",
            field=models.TextField(blank=True, verbose_name="reason"),
        ),
        migrations.RunSQL(
            migrations.RunSQL.noop,
            "UPDATE billing_credit SET reason = left(reason, 200) WHERE length(reason) > 200",
        ),
    ]
