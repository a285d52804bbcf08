"""The people of the demo, and the words that its made-up agents are named with."""

import random
from dataclasses import dataclass

#: A domain that no one can own, so that no mail ever leaves for it.
DOMAIN = "example.com"

# fmt: off
_GIVEN = [
    "Aiko", "Amara", "Anders", "Beatriz", "Bo", "Carmen", "Chen", "Dalia", "Dmitri", "Elena",
    "Emeka", "Farah", "Felix", "Giulia", "Hana", "Hugo", "Ines", "Ivan", "Jia", "Joao", "Kaito",
    "Karin", "Lars", "Leila", "Lin", "Mateo", "Mei", "Mina", "Nadia", "Noah", "Olga", "Omar",
    "Pia", "Priya", "Qiang", "Rosa", "Samir", "Sofia", "Tariq", "Uma", "Viktor", "Wei", "Xin",
    "Yara", "Yusuf", "Zoe",
]
# fmt: on
# fmt: off
_FAMILY = [
    "Abe", "Adeyemi", "Bauer", "Castillo", "Chen", "Costa", "Dubois", "Eriksen", "Fischer",
    "Garcia", "Haddad", "Ito", "Jensen", "Kaya", "Kim", "Kowalski", "Li", "Lopez", "Mancini",
    "Meyer", "Moreau", "Nair", "Novak", "Okafor", "Petrov", "Rao", "Rossi", "Santos", "Sato",
    "Schmidt", "Silva", "Singh", "Suzuki", "Tanaka", "Torres", "Wang", "Weber", "Yilmaz",
    "Zhang", "Zhou",
]
# fmt: on


@dataclass(frozen=True)
class Person:
    """Someone who can sign in to the demo."""

    key: str
    name: str
    #: The groups of staff that this person is in; customers are in none.
    groups: tuple[str, ...] = ()

    @property
    def is_staff(self) -> bool:
        """Whether this person works in the administration."""
        return bool(self.groups)

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.key}@{DOMAIN}"


_TRADES = ("Support", "Billing operations", "Refund review", "Compliance")

PEOPLE = (
    Person("olivia.owner", "Olivia Owner"),
    Person("felix.finance", "Felix Finance"),
    Person("maya.manager", "Maya Manager"),
    Person("victor.viewer", "Victor Viewer"),
    Person("mei.owner", "Mei Owner"),
    # Two of each trade, since no one approves what they did themselves.
    Person("sam.staff", "Sam Staff", groups=_TRADES),
    Person("sue.staff", "Sue Staff", groups=_TRADES),
    Person("carl.catalog", "Carl Catalog", groups=("Catalog",)),
    Person("cora.catalog", "Cora Catalog", groups=("Catalog",)),
    Person("ada.admin", "Ada Admin", groups=("Administrators",)),
    Person("abel.admin", "Abel Admin", groups=("Administrators",)),
)


def make_names(count: int, seed: int) -> list[str]:
    """Return names for agents; the same seed gives the same names."""
    chance = random.Random(seed)  # noqa: S311 - names, not secrets
    return [f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}" for _ in range(count)]
