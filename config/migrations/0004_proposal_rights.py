"""The groups see what waits for a second person; billing operations withdraw coupons."""

from django.db import migrations

from config.staff.groups import write_groups


def write(apps, schema_editor):
    write_groups(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0003_mail_rights"),
        ("accounts", "0007_proposals"),
        ("billing", "0014_four_eyes"),
    ]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
