"""What customers choose on billing's pages, cleaned."""
