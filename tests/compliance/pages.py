"""How tests of pages sign in, name addresses and read what stands on a page."""

import html
import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import Customer

HEADERS: dict[str, dict[str, str]] = {"plain": {}, "htmx": {"HX-Request": "true"}}


def address(name: str, customer: Customer, **kwargs: Any) -> str:
    return reverse(f"compliance:{name}", kwargs={"uin": customer.account.uin, **kwargs})


def read(response: Any) -> str:
    """What a reader sees of a page, in one line."""
    body = re.sub(r"<(script|style|template)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("\xa0", " ").split())


def count_queries(client: Client, url: str) -> int:
    """How much a page asks of the database, the second time that it is shown."""
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)
