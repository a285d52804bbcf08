"""Adds of everything that a migration may add: what is lost on the way back, and what is not."""

from django.db import migrations, models

from accounts.models.folded import FoldedField

KEEP_LANGUAGE = (
    "ALTER TABLE agents_agent ADD COLUMN IF NOT EXISTS language text NOT NULL DEFAULT ''"
)
FILL = "UPDATE agents_agent SET badge = '7', badge_key = '7' WHERE id = (SELECT min(id) FROM agents_agent)"


def forget_shifts(apps, schema_editor):
    """What only the author of the migration could describe."""


class Migration(migrations.Migration):
    dependencies = [("agents", "0005_row_security")]

    operations = [
        migrations.CreateModel("Shift", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("agent", "badge", models.CharField(max_length=8, default="")),
        migrations.AddField("agent", "desk", models.CharField(max_length=8, default="")),
        migrations.AddField("agent", "badge_key", FoldedField("badge", default="")),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(KEEP_LANGUAGE, migrations.RunSQL.noop)],
            [migrations.AddField("agent", "language", models.TextField(default=""))],
        ),
        migrations.AddIndex("agent", models.Index(fields=["badge"], name="agents_agent_badge_idx")),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL("INSERT INTO agents_shift DEFAULT VALUES", "DELETE FROM agents_shift"),
        migrations.RunPython(migrations.RunPython.noop, forget_shifts),
    ]
