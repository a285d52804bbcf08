"""Names as people write them: one idea of what is equal, in Python, in the table and on pages."""

from urllib.parse import parse_qs

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts import text
from accounts.paging import PagePosition, read_page
from agents.fields import AGENT_FIELDS
from agents.listing import SORT_ORDERS, AgentFilter, agents_of
from agents.models import Agent
from tests.factories import NOW, Customer, make_agent
from tests.tiers import sample

#: Texts, and whether they are the same to a person who looks at them.
SAME: list[tuple[str, str, bool]] = [
    ("ΟΔΟΣ", "οδος", True),
    ("ΟΔΟΣ", "οδοσ", True),
    ("STRASSE", "straße", True),
    ("İzmir", "izmir", True),
    ("ISPARTA", "ısparta", True),
    ("ﬁne", "FINE", True),
    ("ＦＯＲＭ１", "form1", True),
    ("ﾊﾟｰﾄ", "パート", True),
    ("E\u0301cole", "école", True),
    ("FORM\u200b1", "FORM1", True),
    ("FORM1\u200e", "FORM1", True),
    ("FO\u200dRM1", "FORM1", True),
    ("FORM1\ufe0f", "FORM1", True),
    ("王\u3000芳", "王 芳", True),
    ("Li\u00a0 Wei", "li wei", True),
    ("Ada", "Ana", False),
    ("École", "Ecole", False),
    ("王芳", "王 芳", False),
    ("FORM1", "FORM2", False),
    ("1", "l", False),
]

#: The value that was typed, and what is kept of it.
KEPT: list[tuple[str, str]] = [
    ("  Ada\u3000", "Ada"),
    ("\ufeffAda\u200b", "Ada"),
    ("Li\u202eWei\u202c", "LiWei"),
    ("co\u00adop", "coop"),
    ("王\u3000芳", "王\u3000芳"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("A\u200cB", "AB"),
    ("A\u200dB", "AB"),
    ("ක්\u200dර", "ක්\u200dර"),
    ("👩\u200d💻 Ada", "👩\u200d💻 Ada"),
    ("❤\ufe0f", "❤\ufe0f"),
    ("A\ufe0f", "A"),
    ("葛\U000e0100", "葛\U000e0100"),
    ("E\u0301", "É"),
]


@pytest.mark.parametrize(("one", "other", "is_same"), SAME)
def test_python_and_the_table_agree_on_what_is_the_same(
    customer: Customer, one: str, other: str, is_same: bool
) -> None:
    assert (text.fold(one) == text.fold(other)) is is_same
    agent = make_agent(customer.application, name=one, staff_number=one)
    own = agents_of(customer.account.pk, customer.application.pk)
    assert (list(AgentFilter(search=other).apply(own, NOW)) == [agent]) is is_same
    if is_same:
        with pytest.raises(IntegrityError), transaction.atomic():
            make_agent(customer.application, staff_number=other)
    else:
        make_agent(customer.application, staff_number=other)


@pytest.mark.parametrize(("typed", "kept"), KEPT)
def test_what_shows_nothing_is_left_out_of_a_name(typed: str, kept: str) -> None:
    assert AGENT_FIELDS["name"].clean(typed) == kept
    assert text.fold(typed) == text.fold(kept)


INVISIBLE = ["\u200b", "\u202e\u202c", "\u3164", "\u2800", "\u0301", "\ufe0f"]
BROKEN = ["A\nB", "A\0", "A\u2028B", "\ud800", "A\ufffdB", "\ufdd0", "a\x85b"]


@pytest.mark.parametrize("name", [*INVISIBLE, *BROKEN])
def test_a_name_that_shows_nothing_or_breaks_the_line_is_refused(name: str) -> None:
    for field in ("name", "staff_number"):
        with pytest.raises(ValidationError):
            AGENT_FIELDS[field].clean(name)


@given(st.text(max_size=12))
@example("İ̇̇")
@example("I\u200c\u0307")
@settings(max_examples=sample(300, 20_000), deadline=None)
def test_cleaning_and_folding_twice_is_once(line: str) -> None:
    for function in (text.clean_line, text.clean_code, text.fold, text.clean_email):
        assert function(function(line)) == function(line)
    assert text.fold(text.clean_line(line)) == text.fold(line)
    assert text.fold(text.clean_code(line)) == text.fold(line)


PHONES = {
    "+86 138 0013 8000": "+8613800138000",
    "0086-138-0013-8000": "+8613800138000",
    "+1 (415) 555-0100": "+14155550100",
    "+49 30 1234 001": "+49301234001",
    "+49 (0)30 1234001": "+49301234001",
    "+49/30.1234.001": "+49301234001",
    "＋８６１３８００１３８０００": "+8613800138000",
    "\u202a+8613800138000\u202c": "+8613800138000",
    "tel:+86-138-0013-8000": "+8613800138000",
    "'+8613800138000": "+8613800138000",
    '="+8613800138000"': "+8613800138000",
    "+33\u00a01\u202f23‑45–67 89": "+33123456789",
    "+٤٩٣٠١٢٣٤٥٦": "+4930123456",
}


@pytest.mark.parametrize(("typed", "kept"), PHONES.items())
def test_a_phone_number_may_be_written_in_the_usual_ways(typed: str, kept: str) -> None:
    assert AGENT_FIELDS["phone"].clean(typed) == kept


@pytest.mark.parametrize("typed", ["8613800138000", "+14155550100x12", "+0123456", "+12", "+1+1"])
def test_what_is_no_phone_number_with_its_country_code_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="country code"):
        AGENT_FIELDS["phone"].clean(typed)


def test_an_address_is_one_however_it_is_written(customer: Customer) -> None:
    agent = make_agent(customer.application, email="Ada@bücher.example")
    assert agent.email_key == "ada@xn--bcher-kva.example"
    for twin in ("ADA@BÜCHER.example", "ada@xn--bcher-kva.example", "ada\u200b@bücher.example"):
        assert text.email_key(twin) == agent.email_key
    clean = AGENT_FIELDS["email"].clean
    assert clean("ada\u200b@bücher.exam\u2060ple\ufeff") == "ada@bücher.example"
    assert clean("ａｄａ＠example.com") == "ada@example.com"
    for bad in ("ada@" + "ü" * 60 + ".example." + "ü" * 60 + "." + "ü" * 120, "ada@b\nc.example"):
        with pytest.raises(ValidationError):
            clean(bad)


def test_a_key_is_saved_with_its_source(customer: Customer) -> None:
    agent = make_agent(customer.application, name="Ada")
    agent.name = "ΟΔΟΣ"
    agent.save(update_fields=["name"])
    agent.refresh_from_db()
    assert agent.name_key == "οδοσ"


# --- Paging --------------------------------------------------------------------------------

NAMES = [
    *("王\u3000芳", "Li\u00a0Wei", "می\u200cخواهم", "👩\u200d💻", "O'Brien", 'A "B"', "50% & more"),
    *(
        "a+b",
        "#1",
        "?x=1",
        "שלום",
        "İzmir",
        "\u2009thin\u2009",
        "<b>",
        "a\\b",
        "日本",
        "\U0001f1e8",
    ),
]


def keys_by_link(customer: Customer, sort: str, start: str) -> list[int]:
    """Follow the links of the pages from one end to the other."""
    rows = agents_of(customer.account.pk, customer.application.pk)
    way = "next" if start == "" else "previous"
    query, seen = start, []
    for _page in range(100):
        values = {name: texts[0] for name, texts in parse_qs(query.lstrip("?")).items()}
        page = read_page(rows, SORT_ORDERS[sort], PagePosition.from_query(values), "", size=3)
        keys = [agent.pk for agent in page.rows]
        seen += keys if way == "next" else keys[::-1]
        query = getattr(page, way)
        if not query:
            return seen
    raise AssertionError(f"the {way} links do not end")


@pytest.mark.parametrize("sort", ["name", "staff_number", "email"])
def test_every_name_leads_to_the_next_page_and_back(customer: Customer, sort: str) -> None:
    for name in NAMES:
        make_agent(customer.application, name=name, staff_number=name)
    everyone = set(Agent.objects.values_list("pk", flat=True))
    forward = keys_by_link(customer, sort, "")
    assert (len(forward), set(forward)) == (len(NAMES), everyone)
    assert keys_by_link(customer, sort, "?page=last") == forward[::-1]


def is_allowed(name: str) -> bool:
    try:
        return bool(AGENT_FIELDS["name"].clean(name))
    except ValidationError:
        return False


@pytest.mark.django_db
@given(names=st.lists(st.text(min_size=1, max_size=8).filter(is_allowed), min_size=4, max_size=12))
@settings(
    max_examples=sample(15, 1_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_any_allowed_name_is_reached_and_found(customer: Customer, names: list[str]) -> None:
    with transaction.atomic():
        for name in names:
            make_agent(customer.application, name=AGENT_FIELDS["name"].clean(name))
        forward = keys_by_link(customer, "name", "")
        assert len(forward) == len(set(forward)) == len(names)
        assert keys_by_link(customer, "name", "?page=last") == forward[::-1]
        own = agents_of(customer.account.pk, customer.application.pk)
        for name in names:
            found = AgentFilter(search=name).apply(own, NOW)
            assert text.fold(name) in {agent.name_key for agent in found}
        transaction.set_rollback(True)
    assert not Agent.objects.exists()
