"""The groups of staff. Going back leaves them, and who is in them."""

from django.db import migrations

from config.staff.groups import write_groups


def write(apps, schema_editor):
    write_groups(apps, is_complete=False)


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0001_cache_table"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("accounts", "0004_indexes_of_staff_search"),
        ("agents", "0002_imports"),
        ("billing", "0008_indexes_of_staff_filters"),
        ("compliance", "0003_history_words"),
    ]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
