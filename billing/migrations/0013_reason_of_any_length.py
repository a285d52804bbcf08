"""The reason for a decision on a credit may be as long as its form allows.

PostgreSQL changes the type without touching the rows. Going back fails where a reason is longer.
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
    ]
