"""Give the groups of staff the right to export a person's data. Going back leaves it."""

from django.db import migrations

from config.staff.groups import write_groups


def write(apps, schema_editor):
    write_groups(apps)


class Migration(migrations.Migration):
    dependencies = [("config", "0002_rights_on_jobs"), ("accounts", "0004_right_to_export")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
