"""Markup to plain text, once, when a message is imported.

What only markup tells is kept as plain text tells it: a quotation gets the mark `>` in front of its lines, a
signature the line `-- ` above it, so that everything after this reads plain text alone.
"""

import html
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_OPEN_COST = 5_000_000
MAX_FORMAT_COST = 300_000
"""Where the elements open at each tag, summed over the tags, come to more than this, the tags are only cut out.

Building the tree costs that much: 300 kB of nested <div> took 20 s, 60 kB of <b id=..><p> 30 s, since a parser opens
in every paragraph again what was never closed of <b> and its kind. A long mail of a mail program comes to 100,000.
"""

_KNOWN = (
    "html|head|body|title|meta|link|style|div|p|br|hr|span|table|thead|tbody|tr|td|th|ul|ol|li|a|b|i|u|s|em|strong|font"
    "|small|center|img|blockquote|pre|code|section|article|h[1-6]|o:p|sup|sub|label|button"
)
_TAG = re.compile(rf"<(/?)(?:{_KNOWN})(?=[\s/>])[^<>]{{0,2000}}>", re.IGNORECASE)
_BLOCK_TAG = re.compile(r"<(?:br|/p|/div|/td|/li|/table|/blockquote|/h[1-6]|hr)\s{0,5}/?>", re.IGNORECASE)
_BEGINS = re.compile(rf"\s{{0,200}}(?:<!doctype html|<!--|<(?:{_KNOWN})[\s/>])", re.IGNORECASE)
_BREAK_INSIDE = re.compile(r"[^\s<>]<br\s{0,5}/?>|<br\s{0,5}/?>[^\s<>]", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{3,8}|[AEIOUaeiou](?:uml|acute|grave));"
)
_ESCAPED_TAG = re.compile(r"&lt;/?(?:p|div|br|span|html|body|table)\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_NAMED_TAG = re.compile(r"<(/?)([a-z][a-z0-9:]{0,20})", re.IGNORECASE)
_FORMATS = frozenset(["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"])
_NOT_NESTED = frozenset([
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "source", "td", "th", "tr", "wbr",
])  # fmt: skip
_CODE = "```"

_DROPPED = frozenset(("script", "style", "head", "title", "noscript", "template", "svg", "math", "iframe", "object"))
_BLOCKS = frozenset([
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p",
    "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
])  # fmt: skip
_APART = frozenset(
    ["p", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre"]
)  # an empty line stands around these
_SIGNATURES = re.compile(
    r"gmail_signature|moz-signature|applemailsignature|ms-outlook-mobile-signature|\bsignature\b|yahoo-signature",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s{0,5}:\s{0,5}none", re.IGNORECASE)
_DASHES = ("--", "—", "–")
_BLANKS = re.compile(r"[ \t\r\n\f\xa0]+")


def plain_text(text: str) -> str:
    """Return a message as plain text: its markup rendered, or the text as it came if it holds none."""
    if "<" in text and is_html(text):
        return _rendered(text)
    if "&" in text and _ENTITY.search(text):
        decoded = html.unescape(text)
        escaped_markup = _ESCAPED_TAG.search(text) and is_html(decoded)
        return _rendered(decoded) if escaped_markup else decoded.replace("\xa0", " ")
    return text


def is_html(text: str) -> bool:
    """Return whether a text is markup, and not one that only mentions a tag or holds a line of code.

    It is if it begins with a tag, or has tags that end a block or line at least twice, or one closing tag of a block,
    or a break between two words. Tags that HTML does not know (`<v Cara>`, `List<String>`) never count.
    """
    if _BEGINS.match(text):
        return True
    if _CODE in text or not _TAG.search(text):
        return False
    ends = _BLOCK_TAG.findall(text)
    return len(ends) >= 2 or any(tag.startswith("</") for tag in ends) or bool(_BREAK_INSIDE.search(text))


def _rendered(markup: str) -> str:
    markup = markup.replace("\0", "")
    if is_costly(markup):
        return _tidy(without_tags(markup).split("\n"))
    return _Writer().write(LexborHTMLParser(markup).root)


def without_tags(markup: str) -> str:
    """Return markup with its tags cut out, a line for each: for what no tree is built of."""
    return html.unescape(_ANY_TAG.sub("\n", markup))


def is_costly(markup: str, deepest: int = 1 << 20) -> bool:
    """Return whether building the tree could take far more time than its size says, or it is deeper than `deepest`."""
    open_tags: dict[str, int] = {}
    depth = formats = cost = format_cost = 0
    for found in _NAMED_TAG.finditer(markup):
        closes, tag = bool(found[1]), found[2].lower()
        if tag not in _NOT_NESTED and (not closes or open_tags.get(tag)):
            step = -1 if closes else 1
            open_tags[tag] = open_tags.get(tag, 0) + step
            depth += step
            formats += step * (tag in _FORMATS)
        cost += depth
        format_cost += formats
        if cost > MAX_OPEN_COST or format_cost > MAX_FORMAT_COST or depth > deepest:
            return True
    return False


class _Writer:
    """Writes the text of a tree line by line. It walks without recursion, so that no depth is too deep."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quotes = 0
        self._preformatted = 0

    def write(self, root: LexborNode | None) -> str:
        node, above = root, list[LexborNode]()
        while node is not None:
            child = node.child if self._enter(node) else None
            if child is not None:
                above.append(node)
                node = child
                continue
            self._leave(node)
            while (following := node.next) is None and above:
                node = above.pop()
                self._leave(node)
            node = following if above else None
        self._end_line()
        return _tidy(self._lines)

    def _enter(self, node: LexborNode) -> bool:
        """Write what stands before a node's children; False if they are not wanted."""
        if node.is_text_node:
            self._write_text(node.text_content or "")
            return False
        if not node.is_element_node:
            return True
        tag, attributes = node.tag or "", node.attributes
        if tag in _DROPPED or _HIDDEN.search(attributes.get("style") or ""):
            return False
        if tag == "br":
            self._end_line(is_break=True)
        elif tag in ("td", "th") and self._line:
            self._line.append(" ")
        elif tag in _BLOCKS:
            self._begin_block(tag)
        if _SIGNATURES.search(f"{attributes.get('class')} {attributes.get('id')} {attributes.get('data-smartmail')}"):
            self._end_line()
            self._lines.append(self._marked("-- "))
        return True

    def _begin_block(self, tag: str) -> None:
        self._end_line()
        if tag in _APART:
            self._lines.append(self._marked(""))
        if tag == "hr":
            self._lines.append(self._marked("_" * 32))
        elif tag == "li":
            self._line.append("- ")
        self._quotes += tag == "blockquote"
        self._preformatted += tag == "pre"

    def _leave(self, node: LexborNode) -> None:
        """Write what stands after a node."""
        tag = node.tag or ""
        if not node.is_element_node or tag not in _BLOCKS or _HIDDEN.search(node.attributes.get("style") or ""):
            return
        self._end_line()
        self._quotes -= tag == "blockquote"
        self._preformatted -= tag == "pre"
        if tag in _APART:
            self._lines.append(self._marked(""))

    def _write_text(self, text: str) -> None:
        if self._preformatted:
            *whole, rest = text.split("\n")
            for line in whole:
                self._line.append(line)
                self._end_line(is_break=True)
            self._line.append(rest)
            return
        text = _BLANKS.sub(" ", text)
        if text != " " or self._line:
            self._line.append(text)

    def _end_line(self, *, is_break: bool = False) -> None:
        line = "".join(self._line).strip()
        self._line = []
        # many signatures begin with the dashes that their markup already stands for
        if line in _DASHES and self._lines and self._lines[-1].endswith("-- "):
            return
        if line or is_break:
            self._lines.append(self._marked(line))

    def _marked(self, line: str) -> str:
        return f"{'>' * min(self._quotes, 9)} {line}" if self._quotes else line


def _tidy(lines: list[str]) -> str:
    """Join lines, never two empty ones in a row, none at the ends; the line `-- ` keeps its blank."""
    kept: list[str] = []
    for line in lines:
        line = "-- " if line == "-- " else line.strip()
        if line.strip("> ") or (kept and kept[-1].strip("> ")):
            kept.append(line)
    while kept and not kept[-1].strip("> "):
        kept.pop()
    return "\n".join(kept)
