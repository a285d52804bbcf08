"""Agents and skill groups are compared, found and sorted by folded columns."""

from django.db import migrations, models

import accounts.models.folded

PLACE = ("account_id", "application_id")
AGENT_KEYS = {"name_key": False, "staff_number_key": True, "email_key": True}


def fill(apps, schema_editor):
    accounts.models.folded.fill_keys(apps.get_model("agents", "Agent"), PLACE, AGENT_KEYS)
    group = apps.get_model("agents", "SkillGroup")
    accounts.models.folded.fill_keys(group, PLACE, {"name_key": True})


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_texts_folded"),
        ("agents", "0002_imports"),
    ]

    operations = [
        migrations.AddField(
            "agent", "name_key", accounts.models.folded.FoldedField("name", null=True)
        ),
        migrations.AddField(
            "agent",
            "staff_number_key",
            accounts.models.folded.FoldedField("staff_number", null=True),
        ),
        migrations.AddField(
            "agent", "email_key", accounts.models.folded.EmailKeyField("email", null=True)
        ),
        migrations.AddField(
            "skillgroup", "name_key", accounts.models.folded.FoldedField("name", null=True)
        ),
        migrations.RemoveIndex("agent", "agents_agent_name_idx"),
        migrations.RemoveConstraint("agent", "agents_agent_staff_number_once"),
        migrations.RemoveConstraint("agent", "agents_agent_email_once"),
        migrations.RemoveConstraint("skillgroup", "agents_skill_group_name_once"),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField("agent", "name_key", accounts.models.folded.FoldedField("name")),
        migrations.AlterField(
            "agent", "staff_number_key", accounts.models.folded.FoldedField("staff_number")
        ),
        migrations.AlterField("agent", "email_key", accounts.models.folded.EmailKeyField("email")),
        migrations.AlterField("skillgroup", "name_key", accounts.models.folded.FoldedField("name")),
        migrations.AddIndex(
            "agent",
            models.Index(
                fields=["account", "application", "name_key", "id"], name="agents_agent_name_idx"
            ),
        ),
        migrations.AddConstraint(
            "agent",
            models.UniqueConstraint(
                fields=["account", "application", "staff_number_key"],
                name="agents_agent_staff_number_once",
            ),
        ),
        migrations.AddConstraint(
            "agent",
            models.UniqueConstraint(
                fields=["account", "application", "email_key"], name="agents_agent_email_once"
            ),
        ),
        migrations.AddConstraint(
            "skillgroup",
            models.UniqueConstraint(
                fields=["account", "application", "name_key"], name="agents_skill_group_name_once"
            ),
        ),
    ]
