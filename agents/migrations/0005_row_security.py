from django.db import migrations

from accounts.row_policies import protect


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0004_import_started_at"),
        ("accounts", "0007_row_security"),
    ]

    operations = [
        protect(f"agents_{name}")
        for name in (
            "agent",
            "agentact",
            "agentimport",
            "siptelephone",
            "skillgroup",
            "skillgroupmember",
        )
    ]
