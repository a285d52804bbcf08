"""The refund policy's trace in words, in the active language.

For each rule and each code: the fact that decided, and what would be needed. Texts are looked up
when they are shown, so a stored trace follows the reader's language.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.instants import write_moment
from billing.enums import RefundRuleOutcome
from billing.refunds.trace import RefundRule, RefundTrace, RuleResult

Text = str | Promise
#: Turns the kind and number of a refund, violation or order into a link.
Link = Callable[[str, str], SafeString]


@dataclass(frozen=True)
class RuleWords:
    """One rule for a reader: its name, what was found, what would be needed, where it is from."""

    rule: str
    outcome: RefundRuleOutcome
    title: str
    fact: str
    needed: str
    source: str
    staff_note: str = ""

    @property
    def tone(self) -> str:
        """How the outcome feels, for its badge."""
        return _TONES[self.outcome]


TITLES: Mapping[RefundRule, Text] = {
    RefundRule.PAID_PACKAGE: _("Active paid package"),
    RefundRule.WINDOW: _("Within the refund window"),
    RefundRule.PREPAID: _("Prepaid from the start"),
    RefundRule.ONE_PER_ENTITY: _("First full refund of the company"),
    RefundRule.PROMOTION: _("Not excluded by a promotion"),
    RefundRule.GUIDELINES: _("Connect guidelines followed"),
    RefundRule.NOT_ABNORMAL: _("No unusual activity"),
    RefundRule.NOTHING_IN_FLIGHT: _("No other open order or refund"),
}

_GUIDE_REFUND = _("Purchase Guide, Refund Guide")
_GUIDE_CONNECT = _("Purchase Guide, Telephone Service Connect Guidelines")
_OWN = _("This console's refund policy")

SOURCES: Mapping[RefundRule, Text] = {
    RefundRule.PAID_PACKAGE: _GUIDE_REFUND,
    RefundRule.WINDOW: _GUIDE_REFUND,
    RefundRule.PREPAID: _GUIDE_REFUND,
    RefundRule.ONE_PER_ENTITY: _GUIDE_REFUND,
    RefundRule.PROMOTION: _GUIDE_REFUND,
    RefundRule.GUIDELINES: _GUIDE_CONNECT,
    RefundRule.NOT_ABNORMAL: _GUIDE_REFUND,
    RefundRule.NOTHING_IN_FLIGHT: _OWN,
}

_FACTS: Mapping[tuple[RefundRule, str], Text] = {
    (RefundRule.PAID_PACKAGE, "paid"): _("This is a paid package that has not ended."),
    (RefundRule.PAID_PACKAGE, "trial"): _("This is a trial. No package was bought for it."),
    (RefundRule.PAID_PACKAGE, "released"): _("The package has been released."),
    (RefundRule.PAID_PACKAGE, "refunded"): _("The package has already been refunded."),
    (RefundRule.PAID_PACKAGE, "terminated"): _(
        "The package ended when the account was terminated."
    ),
    (RefundRule.WINDOW, "no_purchase"): _("There is no purchase to count from."),
    (RefundRule.WINDOW, "inside"): _(
        "Bought on %(purchased_at)s. The window is open until %(ends_at)s (%(days)s days)."
    ),
    (RefundRule.WINDOW, "over"): _(
        "Bought on %(purchased_at)s. The window of %(days)s days ended at %(ends_at)s."
    ),
    (RefundRule.PREPAID, "from_the_start"): _("The package has been prepaid from the start."),
    (RefundRule.PREPAID, "switched"): _("The package was switched from postpaid to prepaid."),
    (RefundRule.ONE_PER_ENTITY, "unused"): _("The company has not used its one full refund."),
    (RefundRule.ONE_PER_ENTITY, "used"): _("The company has used its one full refund. %(own)s"),
    (RefundRule.ONE_PER_ENTITY, "held"): _(
        "A refund request of the company is under review and holds its one full refund. %(own)s"
    ),
    (RefundRule.PROMOTION, "none_against"): _("No promotion on this package excludes a refund."),
    (RefundRule.PROMOTION, "not_refundable"): _(
        "Bought in a promotion that excludes refunds: %(names)s."
    ),
    (RefundRule.GUIDELINES, "clean"): _("The account has no standing violation."),
    (RefundRule.GUIDELINES, "violation"): _(
        "The account has a standing Serious or Severe violation: %(numbers)s. Whether "
        "the agents were used makes no difference."
    ),
    (RefundRule.GUIDELINES, "restricted"): _("The account's service is restricted: %(status)s."),
    (RefundRule.GUIDELINES, "investigated"): _("A violation is under investigation: %(numbers)s."),
    (RefundRule.GUIDELINES, "warned"): _("The account has a standing warning: %(numbers)s."),
    (RefundRule.NOT_ABNORMAL, "usual"): _("Nothing needs a check."),
    (RefundRule.NOT_ABNORMAL, "needs_check"): _("This request needs a check by our staff."),
    (RefundRule.NOTHING_IN_FLIGHT, "nothing_open"): _("No order or refund is open on the package."),
    (RefundRule.NOTHING_IN_FLIGHT, "open"): _("Still open on the package: %(open)s."),
}

_NEEDED: Mapping[tuple[RefundRule, str], Text] = {
    (RefundRule.PAID_PACKAGE, "trial"): _("A trial is free and ends automatically."),
    (RefundRule.PAID_PACKAGE, "released"): _("Only a package that has not ended can be refunded."),
    (RefundRule.PAID_PACKAGE, "refunded"): _("There is nothing left to refund."),
    (RefundRule.PAID_PACKAGE, "terminated"): _(
        "The measure would have to be overturned on appeal."
    ),
    (RefundRule.WINDOW, "no_purchase"): _("A package bought within the window."),
    (RefundRule.WINDOW, "over"): _("The request had to be made before the window ended."),
    (RefundRule.PREPAID, "switched"): _("Only packages that were prepaid from the start qualify."),
    (RefundRule.ONE_PER_ENTITY, "used"): _("Each company has one full refund of this product."),
    (RefundRule.ONE_PER_ENTITY, "held"): _("Withdraw the other request, or wait for its decision."),
    (RefundRule.PROMOTION, "not_refundable"): _("The promotion's terms prevail."),
    (RefundRule.GUIDELINES, "violation"): _("The violation would have to be overturned on appeal."),
    (RefundRule.GUIDELINES, "restricted"): _("The measure would have to be overturned on appeal."),
    (RefundRule.GUIDELINES, "investigated"): _(
        "Our staff take the case into account when they decide."
    ),
    (RefundRule.GUIDELINES, "warned"): _(
        "Our staff take the warning into account when they decide."
    ),
    (RefundRule.NOT_ABNORMAL, "needs_check"): _("Our staff will review it and answer you here."),
    (RefundRule.NOTHING_IN_FLIGHT, "open"): _(
        "Pay or cancel the order, or withdraw the other request."
    ),
}

_UNKNOWN_FACT = _("This could not be established.")
_UNKNOWN_NEEDED = _("Our staff will review it and answer you here.")


def _moment(value: str, tz: ZoneInfo, *, last: bool = False) -> str:
    """Say an instant in the billing zone; of an end that is exclusive, the last second."""
    instant = datetime.fromisoformat(value) - timedelta(seconds=1 if last else 0)
    return write_moment(instant.astimezone(tz))


def _plain(_kind: str, number: str) -> str:
    return number


def _join(kind: str, numbers: Iterable[str], link: Callable[[str, str], str]) -> SafeString:
    """Return numbers as HTML, each a link where `link` makes one."""
    return SafeString(", ".join(conditional_escape(link(kind, number)) for number in numbers))


#: What the lists of numbers in a result's facts are numbers of.
_KINDS: Mapping[tuple[RefundRule, str], str] = {
    (RefundRule.ONE_PER_ENTITY, "own"): "refund",
    (RefundRule.GUIDELINES, "numbers"): "violation",
}


def _shown_numbers(
    result: RuleResult, tz: ZoneInfo, link: Callable[[str, str], str]
) -> dict[str, str]:
    """Return the numbers of a result as they stand in its sentence."""
    shown = {key: str(value) for key, value in result.numbers.items()}
    for key, value in result.numbers.items():
        if key.endswith("_at"):
            shown[key] = _moment(value, tz, last=key == "ends_at")
        elif isinstance(value, list | tuple):
            kind = _KINDS.get((result.rule, key), "")
            shown[key] = _join(kind, value, link if kind else _plain)
    if result.code == "open":
        orders, refunds = result.numbers["orders"], result.numbers["refunds"]
        parts = [("order", orders), ("refund", refunds)]
        shown["open"] = SafeString(", ".join(_join(k, each, link) for k, each in parts if each))
    if "status" in result.numbers:
        shown["status"] = _status(result.numbers["status"])
    return shown


def _status(value: str) -> str:
    words: Mapping[str, Callable[[], Text]] = {
        "suspended": lambda: _("suspended"),
        "terminated": lambda: _("terminated"),
        "blocked": lambda: _("blocked"),
    }
    return str(words[value]()) if value in words else value


def _staff_note(result: RuleResult) -> str:
    numbers: Mapping[str, Any] = result.staff_numbers
    if result.rule == RefundRule.NOT_ABNORMAL:
        hold = _("yes") if numbers.get("has_hold") else _("no")
        return str(_("Recent refund requests: %(asks)s. Refund hold: %(hold)s.")) % {
            "asks": numbers.get("recent_asks"),
            "hold": hold,
        }
    if numbers.get("all"):
        return str(_("Refunds of the company: %(all)s.")) % {"all": ", ".join(numbers["all"])}
    return ""


def _fact(result: RuleResult, tz: ZoneInfo, link: Callable[[str, str], str]) -> SafeString:
    """Return the sentence on the fact that decided, as HTML."""
    text = str(_FACTS.get((result.rule, result.code), _UNKNOWN_FACT))
    numbers = _shown_numbers(result, tz, link)
    escaped = {key: conditional_escape(value) for key, value in numbers.items()}
    return SafeString((conditional_escape(text) % escaped).strip())


def describe_rule(
    result: RuleResult, *, tz: ZoneInfo, for_staff: bool = False, link: Link | None = None
) -> RuleWords:
    """Return one result in words; what only staff may know is left out unless asked for.

    With `link`, the numbers of refunds, violations and orders lead to their pages.
    """
    key = (result.rule, result.code)
    return RuleWords(
        rule=result.rule.value,
        outcome=result.outcome,
        title=str(TITLES[result.rule]),
        fact=_fact(result, tz, link or _plain),
        needed=str(_NEEDED.get(key, _UNKNOWN_NEEDED if result.code == "unknown" else "")),
        source=str(SOURCES[result.rule]),
        staff_note=_staff_note(result) if for_staff else "",
    )


def describe_trace(
    trace: RefundTrace, *, tz: ZoneInfo, for_staff: bool = False, link: Link | None = None
) -> list[RuleWords]:
    """Return the whole trace in words: failed rules first, then those that need a review."""
    results = sorted(trace.results, key=lambda result: _URGENCY[result.outcome])
    return [describe_rule(result, tz=tz, for_staff=for_staff, link=link) for result in results]


_TONES = {
    RefundRuleOutcome.FAIL: "danger",
    RefundRuleOutcome.REVIEW: "warning",
    RefundRuleOutcome.PASS: "good",
}
_URGENCY = {
    RefundRuleOutcome.FAIL: 0,
    RefundRuleOutcome.REVIEW: 1,
    RefundRuleOutcome.PASS: 2,
}


def explain_refusal(trace: RefundTrace, *, tz: ZoneInfo, link: Link | None = None) -> SafeString:
    """Say in one sentence why the trace refuses the refund, and whether more rules fail."""
    failed = trace.failed()
    first, more = failed[0], len(failed) - 1
    if (first.rule, first.code) == (RefundRule.WINDOW, "over"):
        reason = conditional_escape(_explain_window(first, tz))
    else:
        reason = _fact(first, tz, link or _plain)
    if not more:
        return reason
    others = ngettext("%(count)s more rule is not met.", "%(count)s more rules are not met.", more)
    return SafeString(f"{reason} {conditional_escape(others % {'count': more})}")


def _explain_window(result: RuleResult, tz: ZoneInfo) -> str:
    """Name the last day of the window; the stored end is exclusive."""
    ended_at = datetime.fromisoformat(result.numbers["ends_at"]) - timedelta(seconds=1)
    return str(_("The %(days)s-day window ended on %(day)s.")) % {
        "days": result.numbers["days"],
        "day": date_format(ended_at.astimezone(tz), "DATE_FORMAT"),
    }
