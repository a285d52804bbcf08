"""What staff do to customers and colleagues only as two: members, rights, companies, measures."""

from accounts.proposals import companies, people  # noqa: F401 - each registers its proposals
