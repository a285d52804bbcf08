"""The groups may see mail to addresses, and administrators send it again."""

from django.db import migrations

from config.staff.groups import write_groups


def write(apps, schema_editor):
    write_groups(apps, is_complete=False)


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0002_staff_groups"),
        ("accounts", "0006_outgoing_mail"),
    ]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
