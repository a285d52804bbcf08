"""The first rule book, screening table and flag words, read from `compliance/data/`."""

import json
from datetime import UTC, datetime
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data" / "guidelines.json"
#: Long before any case, so that demo data may lie in the past.
EFFECTIVE = datetime(2024, 1, 1, tzinfo=UTC)


def load_rule_book(apps, schema_editor):
    data = json.loads(DATA.read_text())
    book = apps.get_model("compliance", "RuleBook").objects.create(
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
    data = json.loads(DATA.read_text())
    word.objects.bulk_create([word(word=text) for text in data["flag_words"]])
