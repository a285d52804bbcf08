"""Who acts in the demo, and when it is told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from config.demo.people import make_names


@dataclass(frozen=True)
class Cast:
    """The users of the demo, by the key of `config.demo.people`, and the time of telling."""

    users: dict[str, User]
    now: datetime
    seed: int

    def ago(self, days: float) -> datetime:
        """Return an instant before the present."""
        return self.now - timedelta(days=days)

    def names(self, count: int, salt: int) -> list[str]:
        """Return made-up names, the same for the same seed."""
        return make_names(count, self.seed * 1000 + salt)
