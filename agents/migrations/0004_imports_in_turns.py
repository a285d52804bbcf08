"""Imports remember how many rows are written, and how many of those were new agents.

An import that was done under the former release has written all of its rows.
"""

from django.db import migrations, models

FINISHED = """
    UPDATE agents_agentimport
    SET written = total, added = LEAST(total, COALESCE((preview ->> 'added')::integer, 0))
    WHERE status = 'done'
"""


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_texts_folded")]

    operations = [
        migrations.AddField(
            "agentimport",
            "written",
            models.PositiveIntegerField(db_default=0, default=0, verbose_name="rows imported"),
        ),
        migrations.AddField(
            "agentimport",
            "added",
            models.PositiveIntegerField(db_default=0, default=0, verbose_name="agents added"),
        ),
        migrations.RunSQL(FINISHED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "agentimport",
            models.CheckConstraint(
                condition=models.Q(
                    ("added__lte", models.F("written")), ("written__lte", models.F("total"))
                ),
                name="agents_import_written_within_total",
            ),
        ),
    ]
