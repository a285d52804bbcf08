"""What no one means to send: values, whole requests and headers that break careless programs."""

from base64 import urlsafe_b64encode
from typing import Any

NUL = "\0"


def _cursor(text: str) -> str:
    """Return a place in a list of agents, as its links carry it."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


#: By name, so that a failure can be read and replayed. A list stands for several values under
#: one name, `None` for a field that is not sent at all.
VALUES: dict[str, str | list[str] | None] = {
    "missing": None,
    "empty": "",
    "blanks": "   ",
    "NUL": NUL,
    "NUL inside": f"a{NUL}b",
    "lone surrogate": "\ud800",
    "noncharacter": "\ufffe\uffff",
    "control characters": "".join(map(chr, range(1, 32))),
    "line breaks": "a\r\nb\u2028c\u2029d\x85e",
    "header injection": "x\r\nSet-Cookie: hostile=1",
    "zero": "0",
    "minus one": "-1",
    "minus zero": "-0",
    "plus": "+1",
    "fraction": "1.5",
    "one point zero": "1.0",
    "comma": "1,5",
    "exponent": "1e9",
    "huge exponent": "1e999999",
    "tiny exponent": "1e-999999",
    "not a number": "NaN",
    "signaling": "sNaN",
    "infinity": "Infinity",
    "minus infinity": "-inf",
    "hexadecimal": "0x1F",
    "underscores": "1_000",
    "2**31": "2147483648",
    "2**63": "9223372036854775808",
    "40 digits": "9" * 40,
    "5,000 digits": "9" * 5_000,
    "many decimals": "0." + "3" * 60,
    "Arabic digits": "\u0663\u0664",
    "full-width digits": "\uff11\uff12",
    "superscript digit": "\u00b2",
    "Roman numeral": "\u2167",
    "Han number": "\u4e09",
    "true": "true",
    "null": "null",
    "JSON array": "[1,2]",
    "JSON object": '{"a": {"b": 1}}',
    "deep brackets": "[" * 3_000,
    "open brackets": "(a" * 2_000,
    "several values": ["1", "2", "1"],
    "several hostile values": [NUL, "-1", ""],
    "2,000 values": ["1"] * 900,
    "right to left": "\u202eabc\u202c\u200f",
    "zero width": "a\u200bb\u200dc\ufeff",
    "combining": "Z" + "\u0300" * 400,
    "emoji": "\U0001f469\u200d\U0001f52c" * 20,
    "sharp s and dotted I": "ß İ ς ŉ ǰ",
    "unassigned": "\U000e0fff",
    "100 kB": "x" * 100_000,
    "100 kB of Han": "\u738b" * 33_000,
    "100 kB of blanks": " " * 100_000,
    "10,000 lines": "a\n" * 10_000,
    "HTML": "<script>alert(1)</script>",
    "attribute": '" onfocus=alert(1) autofocus x="',
    "SQL": "' OR 1=1; DROP TABLE accounts_user; --",
    "LIKE": "%_\\%",
    "backslash": "\\",
    "template": "{{ 7*7 }}{% debug %}${7*7}#{7*7}",
    "percent format": "%s%(x)s%n%d{0}{x!r}",
    "prototype": "__proto__",
    "lookup": "id__in",
    "path traversal": "../../../../etc/passwd",
    "encoded traversal": "..%2f..%2fetc%2fpasswd%00.png",
    "file URL": "file:///etc/passwd",
    "script URL": "javascript:alert(1)",
    "other site": "//evil.example/x",
    "broken URL": "http://[",
    "view name": "nosuchview",
    "formula": "=cmd|' /C calc'!A0",
    "year 0": "0000-00-00",
    "year 1": "0001-01-01",
    "last year": "9999-12-31",
    "year 10,000": "10000-01-01",
    "no such day": "2026-02-30",
    "date in Arabic digits": "\u0662\u0660\u0662\u0666-01-01",
    "first instant": "0001-01-01T00:00:00",
    "last instant": "9999-12-31T23:59:59",
    "hour skipped": "2026-03-29T02:30",
    "leap second": "2016-12-31T23:59:60",
    "UUID of zeros": "00000000-0000-0000-0000-000000000000",
    "broken UUID": "{6fa459ea-ee8a-3ca4-894e-}",
    "UIN": "100000000001",
    "e-mail": "a@b",
    "email with NUL": f"a{NUL}@example.com",
    "long email": "a" * 250 + "@example.com",
    "signed text": "eyJhIjoxfQ:1abcde:AAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "cursor with a surrogate": _cursor('["\\ud800",1]'),
    "cursor with NUL": _cursor('["a\\u0000",1]'),
    "cursor beyond": _cursor(f'["a",{10**30}]'),
    "cursor of an object": _cursor('{"a": 1}'),
    "all": "all",
}

#: What is put into the query as it stands, percent signs and all.
RAW_QUERIES = {
    "encoded NUL": "%00",
    "encoded surrogate": "%ED%A0%80",
    "overlong": "%C0%AF",
    "half a character": "%E7%8E",
    "broken percent": "%ZZ%",
    "encoded twice": "%2500",
    "Latin-1": "%FF%FE",
    "semicolons": "1;2&&=&=1&",
}

#: What stands in for a number or key of a path.
PATH_PARTS = {
    "zero": "0",
    "minus one": "-1",
    "2**63": "9223372036854775808",
    "40 digits": "9" * 40,
    "5,000 digits": "9" * 5_000,
    "Arabic digits": "%D9%A3",
    "NUL": "%00",
    "NUL behind a number": "1%00",
    "surrogate": "%ED%A0%80",
    "Latin-1": "%FF",
    "traversal": "..%2F..%2Fadmin",
    "dots": "..",
    "quoted": "_5F_00_2F",
    "quoted badly": "_ZZ_",
    "text": "nosuch",
    "line break": "1%0A",
    "HTML": "%3Cb%3E",
    "long": "x" * 3_000,
}

_FORM = "application/x-www-form-urlencoded"
_PARTS = "multipart/form-data; boundary=b"


def _part(head: str, body: str = "1", end: str = "\r\n--b--\r\n") -> bytes:
    return f"--b\r\n{head}\r\n\r\n{body}{end}".encode("utf-8", "surrogatepass")


#: Bodies with their content types that no form makes.
BODIES: dict[str, tuple[str, bytes]] = {
    "unknown charset": (f"{_FORM}; charset=nope", b"a=1"),
    "Latin-1": (f"{_FORM}; charset=latin-1", b"a=\xff"),
    "UTF-7": (f"{_FORM}; charset=utf-7", b"a=+AGE-"),
    "UTF-16": (f"{_FORM}; charset=utf-16", "a=1".encode("utf-16")),
    "no text encoding": (f"{_FORM}; charset=hex", b"a=1"),
    "encoding that always fails": (f"{_FORM}; charset=undefined", b"a=1"),
    "parts in Latin-1": (f"{_PARTS}; charset=latin-1", _part('Content-Disposition: x; name="a"')),
    "parts in hex": (f"{_PARTS}; charset=hex", _part('Content-Disposition: form-data; name="a"')),
    "parts, undefined": (f"{_PARTS}; charset=undefined", _part("Content-Disposition: form-data")),
    "empty charset": (f"{_FORM}; charset=", b"a=1"),
    "not UTF-8": (_FORM, b"a=\xff\xfe\x00&\xff=1"),
    "no boundary": ("multipart/form-data", b"--b\r\n\r\n"),
    "empty boundary": ("multipart/form-data; boundary=", b"--\r\n\r\n"),
    "long boundary": (f"multipart/form-data; boundary={'b' * 300}", b"--b"),
    "boundary of another script": ("multipart/form-data; boundary=\xc3\xa4", b"--\xc3\xa4"),
    "truncated parts": (_PARTS, _part('Content-Disposition: form-data; name="a"', end="")),
    "truncated head": (_PARTS, b"--b\r\nContent-Dispo"),
    "no parts": (_PARTS, b""),
    "part without a name": (_PARTS, _part("Content-Disposition: form-data")),
    "part without a head": (_PARTS, _part("X: y")),
    "broken base64": (
        _PARTS,
        _part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64', "!"),
    ),
    "charset of a part": (
        _PARTS,
        _part('Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=nope'),
    ),
    "file name with NUL": (
        _PARTS,
        _part('Content-Disposition: form-data; name="attachments"; filename="a\0.png"'),
    ),
    "file name of dots": (
        _PARTS,
        _part('Content-Disposition: form-data; name="file"; filename=".."'),
    ),
    "encoded file name": (
        _PARTS,
        _part("Content-Disposition: form-data; name=\"file\"; filename*=nope''%FF"),
    ),
    "2,000 fields": (_FORM, b"&".join(b"f%d=1" % number for number in range(2_000))),
    "1,500 parts": (
        _PARTS,
        b"".join(
            _part(f'Content-Disposition: form-data; name="f{number}"', end="\r\n")
            for number in range(1_500)
        ),
    ),
    "200 files": (
        _PARTS,
        b"".join(
            _part(f'Content-Disposition: form-data; name="f"; filename="{number}"', end="\r\n")
            for number in range(200)
        ),
    ),
    "3 MB": (_FORM, b"a=" + b"x" * 3_000_000),
    "JSON": ("application/json", b'{"__proto__": {"a": [1]}}'),
    "broken JSON": ("application/json", b"{" * 10_000),
    "text": ("text/plain", b"a=1"),
    "no type": ("", b"a=1"),
    "odd type": ("multipart/;;;=;charset", b"a=1"),
}

#: Headers that a browser, or someone in its place, may send.
HEADERS: dict[str, dict[str, str]] = {
    "unknown charset of a GET": {"Content-Type": "text/html; charset=nope"},
    "failing charset of a GET": {"Content-Type": "text/html; charset=hex"},
    "languages": {"Accept-Language": "zz-\xff,,;q=,*;q=9" + ",a" * 500},
    "accepts nothing": {"Accept": "nonsense"},
    "accepts oddly": {"Accept": "text/*;q=x, */;;=,"},
    "present page": {"HX-Request": "true", "HX-Current-URL": "http://[::1"},
    "present page with NUL": {"HX-Request": "true", "HX-Current-URL": "http://testserver/\0"},
    "present page elsewhere": {"HX-Request": "true", "HX-Current-URL": "//evil.example/"},
    "encoded HTMX": {
        "HX-Request": "true",
        "HX-Target": "%ED%A0%80",
        "HX-Target-URI-AutoEncoded": "true",
    },
    "boosted": {"HX-Request": "true", "HX-Boosted": "true"},
    "history": {"HX-Request": "true", "HX-History-Restore-Request": "true"},
    "referrer": {"Referer": "http://[", "Origin": "null"},
    "forwarded": {"X-Forwarded-For": "\xff, 1", "X-Forwarded-Proto": "gopher"},
    "request id": {"X-Request-ID": "a" * 9_000},
    "range": {"Range": "bytes=-1,9-0"},
    "dates": {"If-Modified-Since": "Thu, 99 Foo 9999 99:99:99 GMT", "If-None-Match": '"'},
    "cookies": {"Cookie": 'sessionid="\\000"; csrftoken=\xff; theme=<b>; django_language=\0'},
    "method override": {"X-HTTP-Method-Override": "DELETE"},
    "encoding": {"Accept-Encoding": "gzip;q=x, br;;"},
}

#: Query parameters that some list reads, though no link of the walked pages carries them.
PARAMETERS = (
    *("q", "p", "o", "e", "all", "_popup", "_to_field", "_changelist_filters", "_facets"),
    *("page", "before", "after", "sort", "back", "next", "part", "on", "show", "format"),
    *("id", "pk__in", "id__gte", "status__exact", "kind__exact", "state__exact", "is_staff__exact"),
    *("created_at__gte", "created_at__year", "account__id__exact", "target_type", "target_id"),
    *("app_label", "model_name", "field_name", "term", "application", "edition", "kind", "count"),
    *("since", "until", "who", "what", "text", "fund", "status", "group", "undo", "token"),
)


def describe(value: Any) -> str:
    """Return a value in a form that fits one line."""
    text = repr(value)
    return text if len(text) < 120 else f"{text[:100]}… ({len(text)} characters)"
