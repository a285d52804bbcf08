"""The first rule book, screening table and flag words, from `compliance/data/`; and numbers."""

import json
from datetime import UTC, datetime
from pathlib import Path

from django.db import migrations

DATA = Path(__file__).resolve().parent.parent / "data" / "guidelines.json"
#: Long before any case, so that demo data may lie in the past.
EFFECTIVE = datetime(2024, 1, 1, tzinfo=UTC)


def load_rule_book(apps, schema_editor):
    book_model = apps.get_model("compliance", "RuleBook")
    # Published versions cannot be deleted, so going back leaves them, and coming again finds them.
    if book_model.objects.filter(version=1).exists():
        return
    data = json.loads(DATA.read_text())
    book = book_model.objects.create(
        version=1, effective_at=EFFECTIVE, published_at=EFFECTIVE, note=data["note"]
    )
    handling = {
        row["key"]: {name: value for name, value in row.items() if name != "key"}
        for row in data["severities"]
    }
    behaviour = apps.get_model("compliance", "Behaviour")
    behaviour.objects.bulk_create(
        [behaviour(book=book, **row, **handling[row["severity"]]) for row in data["behaviours"]]
    )


def load_screening_table(apps, schema_editor):
    entry = apps.get_model("compliance", "ScreeningEntry")
    if entry.objects.exists():
        return
    data = json.loads(DATA.read_text())
    entry.objects.bulk_create(
        [
            entry(kind="prohibited", rule="always", position=position, **row)
            for position, row in enumerate(data["prohibited_services"], start=1)
        ]
    )
    industry_model = apps.get_model("compliance", "Industry")
    for place, row in enumerate(data["industries"], start=1):
        industry = industry_model.objects.create(
            name=row["name"], name_zh=row["name_zh"], position=place
        )
        entry.objects.bulk_create(
            [
                entry(
                    kind="scenario",
                    industry=industry,
                    name=scenario["name"],
                    name_zh=scenario["name_zh"],
                    rule=scenario["refused"],
                    position=position,
                )
                for position, scenario in enumerate(row["scenarios"], start=1)
            ]
        )


def load_flag_words(apps, schema_editor):
    word = apps.get_model("compliance", "FlagWord")
    if word.objects.exists():
        return
    data = json.loads(DATA.read_text())
    word.objects.bulk_create([word(word=text) for text in data["flag_words"]])


class Migration(migrations.Migration):
    """Loads them, and adds the sequences that case and request numbers are drawn from.

    Going back leaves the sequences, so no number is ever given out twice.
    """

    dependencies = [("compliance", "0001_initial")]

    operations = [
        migrations.RunPython(load_rule_book, migrations.RunPython.noop),
        migrations.RunPython(load_screening_table, migrations.RunPython.noop),
        migrations.RunPython(load_flag_words, migrations.RunPython.noop),
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS compliance_violation_number_seq START 1000001",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE IF NOT EXISTS compliance_connection_number_seq START 1000001",
            migrations.RunSQL.noop,
        ),
    ]
