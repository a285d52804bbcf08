"""What an application may use: its edition's features, once its numbers may be connected."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import Application
from billing.catalog.models import Feature
from billing.catalog.queries import find_feature_table
from billing.enums import Edition
from billing.packages.models import Package
from compliance.services.standing import has_approved_connection


class FeatureState(TextChoices):
    """Whether an application may use a feature, and if not, what stands against it first."""

    USABLE = "usable", _("Usable")
    WAITING = "waiting", _("Waiting for an approved connection request")
    OTHER_EDITION = "other_edition", _("Not in this edition")
    NO_PACKAGE = "no_package", _("Requires a package in service")
    RESTRICTED = "restricted", _("Off while the account is restricted")


@dataclass(frozen=True)
class FeatureUse:
    """One feature as an application finds it; `scope` is the edition's own, often empty."""

    feature: Feature
    state: FeatureState
    scope: str = ""


def is_in_edition(feature: Feature, edition: str) -> bool:
    """Whether an edition has a feature."""
    return feature.in_premium if edition == Edition.PREMIUM else feature.in_essential


def has_feature(edition: str, key: str, now: datetime) -> bool:
    """Whether an edition has a feature, by the current table. Unknown keys are not had."""
    return any(
        is_in_edition(feature, edition) for feature in find_feature_table(now) if feature.key == key
    )


def features_for(application: Application, now: datetime) -> list[FeatureUse]:
    """Return every feature of the current table, with whether the application may use it.

    Calling features wait until a connection request of the application is approved (ADR 0040).
    """
    package = Package.objects.filter(application=application).live(now).first()
    is_connected = has_approved_connection(application.pk)
    is_restricted = not application.account.is_in_good_standing
    return [
        _judge(feature, package, is_connected=is_connected, is_restricted=is_restricted)
        for feature in find_feature_table(now)
    ]


def _judge(
    feature: Feature, package: Package | None, *, is_connected: bool, is_restricted: bool
) -> FeatureUse:
    if package is None:
        return FeatureUse(feature, FeatureState.NO_PACKAGE)
    if not is_in_edition(feature, package.edition):
        return FeatureUse(feature, FeatureState.OTHER_EDITION)
    is_premium = package.edition == Edition.PREMIUM
    scope = feature.premium_label if is_premium else feature.essential_label
    if is_restricted:
        return FeatureUse(feature, FeatureState.RESTRICTED, scope)
    if feature.is_calling and not is_connected:
        return FeatureUse(feature, FeatureState.WAITING, scope)
    return FeatureUse(feature, FeatureState.USABLE, scope)
