"""Which model is asked, where, and with which key: from the settings, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings

from pipeline.extract.llm.faults import RunFault
from pipeline.sources.live.outbound import ForbiddenAddress, Reach, check_url

HIDDEN = "***"


class NotConfigured(RunFault):
    """The settings do not say which model to ask, or in a way that cannot be."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model behind an address. The key is not part of what is printed."""

    base_url: str
    model: str
    key: str = field(repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The address that paths are added to: without what stands behind a question mark."""
        return self.base_url.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """What goes along with each request in its address, as the `api-version` of Azure's older addresses."""
        return dict(parse_qsl(urlsplit(self.base_url).query))

    @property
    def host(self) -> str:
        """Who is asked, for the pace that all workers share."""
        return urlsplit(self.base_url).netloc

    def without_key(self, text: str) -> str:
        """Return a text in which the key does not stand, however a provider may have quoted it."""
        return text.replace(self.key, HIDDEN) if self.key else text


def target() -> Target:
    """Return what the settings say; NotConfigured names what is missing or wrong."""
    if not settings.LLM_MODEL:
        raise NotConfigured(
            "LLM_MODEL is not set. Set it to the name of the language model, and LLM_BASE_URL to the address of its API"
        )
    try:
        check_url(settings.LLM_BASE_URL, Reach(internal=True))
    except ForbiddenAddress as error:
        raise NotConfigured(f"LLM_BASE_URL cannot be used: {error}") from error
    return Target(base_of(settings.LLM_BASE_URL), settings.LLM_MODEL, _key(), settings.LLM_EXTRA_BODY)


def base_of(url: str) -> str:
    """Return an address as `Target.base_url` has it; the whole address of chat completions, as portals show it, too."""
    address, mark, query = url.partition("?")
    return address.rstrip("/").removesuffix("/chat/completions") + mark + query


def _key() -> str:
    """Return the key: from a file where one is named, which may change while workers run, or from the environment."""
    if not settings.LLM_API_KEY_FILE:
        return str(settings.LLM_API_KEY)
    try:
        return Path(settings.LLM_API_KEY_FILE).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise NotConfigured(f"LLM_API_KEY_FILE cannot be read: {why}") from None
