from django.db import migrations

# Kept by another package, which has no index for what staff look for. Few rows are in it, so it
# is written in no time.
ADD_INDEX = """
    CREATE INDEX IF NOT EXISTS accounts_job_failed ON procrastinate_jobs (id)
    WHERE status = 'failed'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_command_runs"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.CreateModel(
            name="Job",
            fields=[],
            options={
                "verbose_name": "background job",
                "verbose_name_plural": "background jobs",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("procrastinate.procrastinatejob",),
        ),
        migrations.RunSQL(ADD_INDEX, "DROP INDEX accounts_job_failed"),
    ]
