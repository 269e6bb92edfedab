"""Pages that answer 200 and are none: what they look like. Most are short, so length comes first, then words.

A page with much to say is never taken for a shell because one of these words occurs in it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from pipeline.models.company import PageOutcome

PARKING_HOSTS: Final = (
    "sedoparking.com", "sedo.com", "parkingcrew.net", "bodis.com", "hugedomains.com", "dan.com", "afternic.com",
    "undeveloped.com", "above.com", "parklogic.com", "uniregistry.com", "domainmarket.com", "buydomains.com",
    "squadhelp.com", "atom.com", "porkbun.com", "namebright.com", "parking.godaddy.com", "forsale.godaddy.com",
    "domain-for-sale.com", "sav.com", "domainname.de", "united-domains.de",
)  # fmt: skip
LOGIN_HOSTS: Final = ("accounts.google.com", "login.microsoftonline.com", "login.live.com", "auth0.com", "okta.com")

FEW, SOME, MANY = 40, 150, 400
"""Words. Below FEW there is no content; up to SOME a phrase decides; up to MANY a telling title does."""


def _phrases(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


_PARKED: Final = _phrases(
    r"domain (?:name )?(?:\S+ )?(?:is|may be|could be) (?:now )?(?:for sale|available for purchase|parked)",
    r"buy this domain",
    r"domain is parked",
    r"parked (?:free|domain|page)",
    r"this domain (?:has expired|is registered)",
    r"domain (?:has )?expired",
    r"make an offer (?:on|for) this domain",
    r"inquire about this domain",
    r"related (?:searches|links)\s*:?\s*$",
    r"diese domain (?:steht|ist) (?:zum verkauf|zu verkaufen|geparkt|käuflich)",
    r"domain (?:zu verkaufen|kaufen)",
    r"ce (?:nom de )?domaine est (?:à vendre|en vente|parqué)",
    r"este dominio (?:está|esta) (?:en venta|a la venta|à venda|aparcado)",
    r"questo dominio è in vendita",
    r"deze domeinnaam is te koop",
    r"website coming soon.{0,80}(?:hosting|registrar|domain)",
    r"future home of",
    r"account (?:has been )?suspended",
    r"default web ?(?:site )?page",
    r"welcome to nginx",
    r"apache2? (?:\w+ )?default page",
    r"index of /$",
)
_NOT_FOUND: Final = _phrases(
    r"\b404\b",
    r"page (?:was |is |could |can )?(?:not|n.t) (?:be )?(?:found|available|exist)",
    r"page not found",
    r"(?:page|content|file|resource|link) (?:you (?:are|were) looking for|you requested)[^.]{0,60}"
    r"(?:not|n.t|no longer|moved|removed|missing)",
    r"(?:we|we're|sorry)[^.]{0,40}(?:can.?t|could ?n.t|cannot|unable to) find (?:that|the|this) page",
    r"(?:page|url|link|file|address) (?:\S+ ){0,6}(?:doesn.t|does not|no longer) exists?",
    r"seite (?:wurde )?(?:leider )?nicht gefunden",
    r"seite existiert nicht",
    r"page (?:introuvable|non trouvée)",
    r"cette page n.existe pas",
    r"página no (?:encontrada|existe)",
    r"no se (?:ha encontrado|encuentra) la página",
    r"pagina non trovata",
    r"pagina niet gevonden",
    r"página não encontrada",
    r"sidan (?:kunde inte hittas|hittades inte)",
    r"nie znaleziono strony",
    r"страница не найдена",
    r"ページが見つかりません",
    r"页面不存在",
    r"找不到页面",
)
_LOGIN: Final = _phrases(
    r"\b(?:sign|log) ?in\b",
    r"\blog ?on\b",
    r"members only",
    r"\banmelden\b",
    r"\beinloggen\b",
    r"se connecter",
    r"connexion",
    r"iniciar sesión",
    r"\baccedi\b",
    r"\binloggen\b",
    r"\bentrar\b",
    r"logga in",
    r"zaloguj",
    r"войти",
    r"ログイン",
    r"登录",
)
_PAYWALL: Final = _phrases(
    r"subscribe (?:now )?to (?:continue|keep|read|unlock|access)",
    r"(?:for|to) subscribers only",
    r"subscriber[- ]only",
    r"(?:already a|become a) subscriber",
    r"this (?:article|content|story|page) is (?:reserved )?for (?:paying |our )?"
    r"(?:subscribers|members)",
    r"unlock (?:this|the full) (?:article|story)",
    r"(?:free )?articles? (?:left|remaining) this month",
    r"to (?:continue|read) (?:reading|on|more)[^.]{0,40}(?:subscri|membership)",
    r"nur für abonnenten",
    r"mit (?:einem )?abo weiterlesen",
    r"jetzt abonnieren",
    r"réservé aux abonnés",
    r"abonnez-vous pour lire",
    r"solo para suscriptores",
    r"suscríbete para",
    r"riservato agli abbonati",
    r"alleen voor abonnees",
)
_CONSENT: Final = _phrases(
    r"(?:accept|agree to|consent to|allow)[^.]{0,40}cookies?",
    r"cookies?[^.]{0,60}(?:accept|consent|agree|allow|continue)",
    r"before you continue",
    r"we value your privacy",
    r"manage (?:your )?(?:consent|preferences|choices)",
    r"cookies? (?:akzeptieren|zustimmen)",
    r"accepter (?:les |et )?(?:cookies|continuer)",
    r"tout accepter",
    r"aceptar (?:las |todas las )?cookies",
    r"accetta (?:i |tutti i )?cookie",
    r"alle cookies accepteren",
)
_ABOUT_CONSENT: Final = _phrases(
    r"cookie|consent|privacy|einwillig|datenschutz|confidential|privacidad|vie privée",
)
_SCRIPT: Final = _phrases(
    r"(?:enable|activate|turn on|allow|requires?|needs?|without|switch on|install)[^.]{0,40}java ?script",
    r"java ?script[^.]{0,60}(?:enable|disabled|required|turned off|aktivier|activ|habilit|attiv|necess|erforderlich)",
    r"^(?:loading|please wait)[\s.…]*$",
)
_CHALLENGE: Final = _phrases(
    r"checking (?:your browser|if the site connection is secure)",
    r"verif(?:y|ying) (?:that )?you are (?:a )?human",
    r"just a moment\.\.\.",
    r"attention required",
    r"access (?:to this page )?(?:has been )?denied",
    r"are you a robot",
    r"unusual traffic",
    r"request (?:was )?(?:blocked|unsuccessful)",
    r"ddos protection",
    r"enable cookies and reload",
    r"complete the (?:captcha|security check)",
    r"not available in your (?:region|country)",
    r"403 forbidden",
)


DENSE: Final = re.compile("[\u3040-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Shell:
    """What a page is instead of content, and by what that was seen."""

    outcome: str
    why: str


@dataclass(frozen=True)
class Look:
    """What is looked at: where the page was in the end, its title, its text and all that can be seen of it."""

    host: str
    title: str
    text: str
    seen: str
    tree: LexborHTMLParser
    scripts: int = 0
    noscript: str = ""

    @cached_property
    def words(self) -> int:
        """Words of the text; signs of scripts without spaces count as half a word each."""
        dense = 0 if self.text.isascii() else len(DENSE.findall(self.text))
        return len(self.text.split()) + dense // 2

    @cached_property
    def has_password(self) -> bool:
        return self.tree.css_first("input[type=password]") is not None

    def first(self, pattern: re.Pattern[str]) -> str:
        """Return the first words that fit, of the title or what can be seen; empty if none do."""
        # the beginning only: a shell says at once what it is, and patterns cost nothing on a long page
        found = pattern.search(self.title) or pattern.search(self.seen[:6000])
        return found[0].strip()[:80] if found else ""


def shell_of(look: Look) -> Shell | None:
    """Return what the page is instead of content; None for a page that says something."""
    for judge in _JUDGES:
        if found := judge(look):
            return found
    if not any(map(str.isalnum, look.text)):
        if look.scripts:
            return Shell(PageOutcome.NEEDS_JAVASCRIPT, "it contains scripts but no text")
        return Shell(PageOutcome.EMPTY, "it contains no text")
    return None


def is_about_consent(text: str) -> bool:
    """Return whether a short text asks for consent to cookies, and so tells nothing of whose page it is."""
    return len(text) <= 600 and bool(_CONSENT.search(text) or _ABOUT_CONSENT.search(text[:200]))


def _is_under(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)


def _parked(look: Look) -> Shell | None:
    if _is_under(look.host, PARKING_HOSTS):
        return Shell(PageOutcome.PARKED, f"it leads to {look.host}")
    if look.words <= SOME and (phrase := look.first(_PARKED)):
        return Shell(PageOutcome.PARKED, f"it says {phrase!r}")
    return None


def _soft_404(look: Look) -> Shell | None:
    if look.words <= MANY and (found := _NOT_FOUND.search(look.title)):
        return Shell(PageOutcome.SOFT_404, f"its title says {found[0]!r}")
    heading = look.tree.css_first("h1")
    said = heading.text()[:200] if heading else ""
    if look.words <= SOME and (found := _NOT_FOUND.search(said)):
        return Shell(PageOutcome.SOFT_404, f"its heading says {found[0]!r}")
    if look.words <= FEW and (found := _NOT_FOUND.search(look.text)):
        return Shell(PageOutcome.SOFT_404, f"it says {found[0]!r}")
    return None


def _challenge(look: Look) -> Shell | None:
    if look.words <= SOME // 2 and (phrase := look.first(_CHALLENGE)):
        return Shell(PageOutcome.BLOCKED, f"it says {phrase!r}")
    return None


def _login(look: Look) -> Shell | None:
    if _is_under(look.host, LOGIN_HOSTS):
        return Shell(PageOutcome.LOGIN, f"it leads to {look.host}")
    if look.has_password and look.words <= SOME:
        return Shell(PageOutcome.LOGIN, "it asks for a password and says little else")
    if (
        look.words <= FEW
        and (phrase := look.first(_LOGIN))
        and (look.tree.css_first("form") or _LOGIN.search(look.title))
    ):
        return Shell(PageOutcome.LOGIN, f"it says {phrase!r} and little else")
    return None


def _paywall(look: Look) -> Shell | None:
    if look.words <= SOME and (phrase := look.first(_PAYWALL)):
        return Shell(PageOutcome.PAYWALL, f"it says {phrase!r}")
    return None


def _cookie_wall(look: Look) -> Shell | None:
    if look.words <= 2 * FEW and (phrase := look.first(_CONSENT)) and _left_without(look.text, _CONSENT) < FEW // 2:
        return Shell(PageOutcome.COOKIE_WALL, f"it says {phrase!r} and little else")
    return None


def _left_without(text: str, pattern: re.Pattern[str]) -> int:
    """Return the words in sentences that do not speak of it."""
    sentences = re.split(r"(?<=[.!?])\s+|\n", text)
    return sum(len(one.split()) for one in sentences if not pattern.search(one) and not _ABOUT_CONSENT.search(one))


def _needs_javascript(look: Look) -> Shell | None:
    if look.words > FEW:
        return None
    said = look.first(_SCRIPT) or (found[0] if (found := _SCRIPT.search(look.noscript)) else "")
    if said and (look.words <= FEW // 2 or _SCRIPT.search(look.text)):
        return Shell(PageOutcome.NEEDS_JAVASCRIPT, f"it says {said.strip()[:80]!r}")
    return None


_JUDGES: tuple[Callable[[Look], Shell | None], ...] = (
    _parked, _soft_404, _challenge, _login, _paywall, _cookie_wall, _needs_javascript,
)  # fmt: skip
