"""The text of a page without its menus, and whether it is a page at all: parked, a login, a wall, an empty shell.

Pure: bytes go in. resiliparse takes the text out, more than a thousand pages a processor second; where it finds none,
all visible text is taken. What it leaves out and we look for is put beside it: announcements (`role=alert`, banners,
windows that open over a page), which stand in front, and lists of news, quotations and the small print at the end, in
which a company has to say that it is in administration.
"""

import html as entities
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Final
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from pipeline.models.company import PageOutcome
from pipeline.sources.own_words.html import is_costly, without_tags
from pipeline.sources.parsing import encodings
from pipeline.sources.parsing.encodings import UnknownEncoding
from pipeline.sources.websites import shells

LONGEST_TEXT: Final = 200_000
"""Characters of a page's text that are kept: forty times as long as a long article."""

LONGEST_NOTICE: Final = 2_000

_MAGIC: Final = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b", b"RIFF", b"\x00\x00\x00")
_META_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_HEADER_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
DEEPEST: Final = 500
"""Elements within elements. Browsers stop at 512; parsers take a minute for 100 kB of 20,000."""

_NOTICES: Final = (
    "[role=alert], [role=status], [role=banner] p, [class*=announcement], [class*=notice], [class*=banner], "
    "[class*=banner] p, [class*=alert], [class*=topbar], [class*=top-bar], [class*=ribbon], [class*=callout], "
    "[id*=announcement], [id*=notice], [id*=banner], dialog p, [role=dialog] p, [class*=popup] p, [class*=modal] p, "
    "aside p, marquee, body > div, body > p, body > section > p, body > strong, body > center"
)
"""Where announcements stand. What lies directly in the body counts too: a strip over the header may be called anything.
"""

_OF_A_PAGE: Final = "main, header, article, nav, form, h1, h2"
"""Elements that no notice has in it: what has one is the page, or a good part of it."""

_BESIDE: Final = "li, blockquote, figcaption, footer p, [class*=footer] p, footer small, [class*=footer] small"
_MENUS: Final = "nav li, header li, [class*=menu] li, [class*=nav] li, [role=navigation] li, [class*=breadcrumb] li"
MOST_BESIDE: Final = 200
"""Elements of a page that are looked at beside its content."""

FEWEST_WORDS: Final = 4
"""What has fewer is an entry of a menu, or a link to the imprint."""

LONG_LINE: Final = 40
"""Characters from which on a line that comes again is told once. Short ones, such as an address, may mean two."""

_OF_NOBODY: Final = re.compile(r"(?:©|\(c\)|copyright|all rights reserved|alle rechte)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """What a body turned out to be. `text` has one line a paragraph, and is empty unless the outcome is ok."""

    outcome: str
    detail: str = ""
    text: str = ""
    title: str = ""


def read_page(body: bytes, content_type: str, url: str) -> Page:
    """Return what a body is, asked for at `url` after redirects. Any bytes will do; none raises."""
    if not body.strip():
        return Page(PageOutcome.EMPTY, "its body is empty")
    if body.startswith(_MAGIC) or not _is_markup(body, content_type):
        return Page(PageOutcome.NOT_HTML, "its body is not HTML")
    html = decoded(body, content_type)
    if is_costly(html, DEEPEST):
        html = "".join(f"<p>{entities.escape(line)}</p>" for line in without_tags(html).split("\n") if line.strip())
    tree = LexborHTMLParser(html)
    scripts = len(tree.css("script[src], script:not([type]), script[type=module]"))
    noscript = _line(" ".join(node.text() for node in tree.css("noscript")[:5]))[:2000]
    heading = tree.css_first("title")
    title = _line(heading.text() if heading else "")[:300]
    seen = visible_text(tree)
    text = text_of(html, tree, seen)
    host = urlsplit(url).hostname or ""
    look = shells.Look(host, title, text, seen, tree, scripts, noscript)
    if found := shells.shell_of(look):
        return Page(found.outcome, found.why, title=title)
    return Page(PageOutcome.OK, text=text, title=title)


def _is_markup(body: bytes, content_type: str) -> bool:
    head = body[:4096].lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n\0")
    if head.count(b"\0") > len(head) // 4 and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return b"<\0" in body[:200] or b"\0<" in body[:200]
    lowered = head.lower()
    return content_type.startswith("text/html") or lowered.startswith(b"<") or b"<html" in lowered


# --- Letters ------------------------------------------------------------------------------------------------------


def decoded(body: bytes, content_type: str) -> str:
    """Return a body as text: by a byte order mark, the header, the page's own word, else by its letters.

    A name counts only if the bytes are really written so: a wrong header is common. Bytes that fit nothing become
    replacement characters.
    """
    for mark, codec in encodings.MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    for name in _named(body, content_type):
        try:
            return body.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    try:
        found = encodings.choose(lambda: [body])
        return "".join(encodings.decoded([body], found)).encode("utf-8", "replace").decode()
    except (UnknownEncoding, LookupError, UnicodeError):
        return body.decode(next(_known(_named(body, content_type)), "utf-8"), "replace")


def _named(body: bytes, content_type: str) -> Iterator[str]:
    """Yield the encodings that the header and the page name, as browsers understand the names."""
    if found := _HEADER_CHARSET.search(content_type):
        yield _codec(found[1])
    if meta := _META_CHARSET.search(body[:4096]):
        yield _codec(meta[1].decode("ascii"))


def _codec(name: str) -> str:
    """Return Python's codec for a web name: there `iso-8859-1` and `ascii` are windows-1252 (WHATWG Encoding)."""
    lowered = name.lower()
    return {
        "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "iso-8859-9": "cp1254",
        "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "ks_c_5601-1987": "cp949", "euc-kr": "cp949",
    }.get(lowered, lowered)  # fmt: skip


def _known(names: Iterator[str]) -> Iterator[str]:
    for name in names:
        try:
            "".encode(name)
        except LookupError:
            continue
        yield name


# --- Text ---------------------------------------------------------------------------------------------------------


def text_of(html: str, tree: LexborHTMLParser, seen: str) -> str:
    """Return the text of a page, a line a paragraph: its announcements, its content, what stands beside that."""
    lines = _once(_lines(_extractor()(html)) or _lines(seen))
    content = " ".join(lines)  # an entry of a list, or a quotation, may stand within a longer line
    notices = _whole(line for line in _told(tree, _NOTICES, _OF_A_PAGE) if line not in content)
    beside = _whole(line for line in _told(tree, _BESIDE, "nav, form") if line not in content)
    return "\n".join([*notices, *lines, *beside])[:LONGEST_TEXT].replace("\0", "")


def _whole(told: Iterable[str]) -> list[str]:
    """Return the lines without those that stand within one before: an element is told before the elements in it."""
    kept: list[str] = []
    for line in told:
        if not any(line in longer for longer in kept):
            kept.append(line)
    return kept


def _once(lines: list[str]) -> list[str]:
    """Return the lines without those that come again: many pages hold a block twice, for telephones and for others."""
    first = {line: place for place, line in reversed(list(enumerate(lines)))}
    return [line for place, line in enumerate(lines) if len(line) < LONG_LINE or first[line] == place]


@cache
def _extractor() -> Callable[[str], str]:
    """Return resiliparse's way from a page to its text. It is loaded only now, by those who read pages."""
    from resiliparse.extract.html2text import extract_plain_text

    return partial(extract_plain_text, main_content=True, list_bullets=False, alt_texts=False, comments=False)


def visible_text(tree: LexborHTMLParser) -> str:
    """Return all text of a page that a reader could see, a line a block."""
    body = tree.body
    if body is None:
        return ""
    tree.strip_tags(["script", "style", "noscript", "template", "svg", "iframe"])
    return "\n".join(_lines(body.text(separator="\n")))


def _told(tree: LexborHTMLParser, selector: str, without: str) -> Iterator[str]:
    """Yield the texts of elements that say something of their own: no menus, no questions about cookies, nothing that
    has an element of `without` in it.
    """
    menus = {node.mem_id for node in tree.css(_MENUS)} if "li" in selector.split(", ") else set()
    for node in tree.css(selector)[:MOST_BESIDE]:
        if node.mem_id in menus:
            continue
        text = _line(node.text(separator=" "))
        has_words = text.count(" ") >= FEWEST_WORDS - 1 or shells.DENSE.search(text)
        if not 20 <= len(text) <= LONGEST_NOTICE or not has_words or _OF_NOBODY.match(text):
            continue
        is_comment = "comment" in (node.attributes.get("class") or "")
        if not is_comment and not node.css_first(without) and not shells.is_about_consent(text):
            yield text


def _lines(text: str) -> list[str]:
    return [line for each in text.splitlines() if (line := _line(each))]


def _line(text: str) -> str:
    return " ".join(text.split())
