"""Gives the features their Chinese words; those of the first table come from its file.

Going back leaves the column, with what it holds, for the next time forward. The database has a
default for it, so that programs that do not know the column can still add features.
"""

import json
from pathlib import Path

from django.db import migrations, models

DATA = Path(__file__).resolve().parent.parent / "data"


def fill_first_table(apps, schema_editor):
    """Put the file's words to the rows of the first table that have none."""
    data = json.loads((DATA / "feature_table.json").read_text())
    words = {
        row["key"]: {"group": group["group_zh"], **row["zh"]}
        for group in data["groups"]
        for row in group["features"]
    }
    rows = list(apps.get_model("billing", "Feature").objects.filter(table__version=1, words_zh={}))
    for row in rows:
        row.words_zh = words.get(row.key, {})
    # Published rows are never changed; this completes them once.
    schema_editor.execute("ALTER TABLE billing_feature DISABLE TRIGGER USER")
    apps.get_model("billing", "Feature").objects.bulk_update(rows, ["words_zh"])
    schema_editor.execute("ALTER TABLE billing_feature ENABLE TRIGGER USER")


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_due_indexes_by_state")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    model_name="feature",
                    name="words_zh",
                    field=models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Of group, name, note, essential and premium; what is missing stays English.",
                        verbose_name="words in Chinese",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE billing_feature"
                    " ADD COLUMN IF NOT EXISTS words_zh jsonb NOT NULL DEFAULT '{}'",
                    migrations.RunSQL.noop,
                ),
            ],
        ),
        migrations.RunPython(fill_first_table, migrations.RunPython.noop),
    ]
