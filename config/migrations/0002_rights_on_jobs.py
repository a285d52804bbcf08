"""Give the groups of staff their rights on background jobs. Going back leaves them."""

from django.db import migrations

from config.staff.groups import write_groups


def write(apps, schema_editor):
    write_groups(apps)


class Migration(migrations.Migration):
    dependencies = [("config", "0001_initial"), ("accounts", "0003_jobs")]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
