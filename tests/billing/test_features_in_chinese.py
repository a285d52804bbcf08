"""The comparison of the editions speaks Chinese to those who do, from the table's own words."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import override

from accounts.errors import Refused
from billing.catalog.publishing import publish_feature_table
from billing.models import Feature
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def words(feature: Feature) -> list[str]:
    found = [feature.label, feature.group_label, feature.note_label]
    return [word for word in [*found, feature.essential_label, feature.premium_label] if word]


def test_every_word_of_the_first_table_has_its_chinese() -> None:
    features = Feature.objects.filter(table__version=1)
    assert len(features) == 43

    with override("zh-hans"):
        chinese = [word for feature in features for word in words(feature)]
    english = [word for feature in features for word in words(feature)]

    assert len(chinese) == len(english)
    assert [word for word in chinese if word.isascii()] == []
    assert [word for word in english if not word.isascii()] == []


def test_the_public_comparison_is_in_the_readers_language(client: Client) -> None:
    chinese = client.get("/editions/", headers={"accept-language": "zh-CN"}).content.decode()
    english = client.get("/editions/").content.decode()

    assert ("号码隐藏" in chinese, "Number masking" in chinese) == (True, False)
    assert ("号码隐藏" in english, "Number masking" in english) == (False, True)


def table(zh: Any) -> dict[str, Any]:
    file: Path = settings.BASE_DIR / "billing/data/feature_table.json"
    data: dict[str, Any] = json.loads(file.read_text())
    data["groups"][0]["features"][0]["zh"] = zh
    return data


def test_a_table_without_chinese_falls_back_to_english() -> None:
    version = publish_feature_table(data=table({}), effective_at=NOW, by=None, now=NOW)

    with override("zh-hans"):
        assert version.features.get(position=1).label == "Inbound/outbound calls"


@pytest.mark.parametrize("zh", [{"nmae": "呼入"}, ["呼入"], "呼入"], ids=repr)
def test_words_in_an_unexpected_form_are_refused(zh: Any) -> None:
    with pytest.raises(Refused) as refused:
        publish_feature_table(data=table(zh), effective_at=NOW, by=None, now=NOW)
    assert refused.value.code == "bad_form"
