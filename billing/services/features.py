"""What an application may use: its edition's features, once its numbers may be connected."""

from datetime import datetime

from billing.enums import Edition
from billing.services.catalog import find_feature_table


def has_feature(edition: str, key: str, now: datetime) -> bool:
    """Whether an edition has a feature, by the table in force. Unknown keys are not had."""
    for feature in find_feature_table(now):
        if feature.key == key:
            return feature.in_premium if edition == Edition.PREMIUM else feature.in_essential
    return False
