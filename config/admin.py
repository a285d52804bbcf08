"""What the administration shows of the libraries' tables; found by its name."""

from config.staff import rights

__all__ = ["rights"]
