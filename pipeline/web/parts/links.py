"""Addresses that somebody stored: with a conversation, a page, a ticket."""

from urllib.parse import urlsplit


def is_link(address: str) -> bool:
    """Whether an address that somebody stored leads to the web; nothing else becomes a link."""
    try:
        return urlsplit(address).scheme in ("http", "https")
    except ValueError:
        return False
