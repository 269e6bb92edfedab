# ruff: noqa: E501 (a page is easier to compare on few lines)
"""The text of a page is what it tells, however it is laid out: no menus, no questions about cookies."""

import pytest

from pipeline.sources.websites.text import read_page

MENU = '<header><nav><ul><li><a href="/a">Boats menuword</a></li><li><a href="/b">About menuword</a></li></ul></nav></header>'
FOOT = '<footer><div><a href="/i">Imprint footword</a></div><p>© 2026 Larch Boats GmbH footword</p></footer>'
COOKIES = '<div id="cookie-consent" class="cookie-banner"><p>We use cookies cookieword to improve your visit.</p></div>'
STORY = "".join(f"<p>Paragraph {n} tells how kayak {n} is planned, built and tested in spring.</p>" for n in range(4))


def page(body: str, *, menu: str = MENU, foot: str = FOOT) -> str:
    return f"<!doctype html><html><head><title>Boats</title></head><body>{COOKIES}{menu}{body}{foot}</body></html>"


LAYOUTS = {
    "an article": page(f"<main><article><h1>News of May</h1>{STORY}<p>The yard will close in June.</p></article></main>"),
    "a sentence alone": page('<div class="hero"><h1>Goodbye</h1><div>News of May: the yard will close in June.</div></div>'),
    "a list": page("<main><h1>News of May</h1><ul><li>Branch Kiel stays open for you.</li><li>The yard will close in June."
                   "</li></ul></main>"),
    "headlines": page('<main><h1>News of May</h1><ul><li><a href="/1">The yard will close in June</a></li></ul></main>'),
    "a bar above": page(f"<main><h1>News of May</h1>{STORY}</main>",
                        menu=f'<div class="announcement-bar"><p>The yard will close in June.</p></div>{MENU}'),
    "a window over it": page(f'<main><h1>News of May</h1>{STORY}</main><div class="modal"><p>The yard will close in June.</p></div>'),
    "a strip of text": page(f"<main><h1>News of May</h1>{STORY}</main>",
                            menu=f'<div class="strip">From us: the yard will close in June.</div>{MENU}'),
    "a state": page(f"<main><h1>News of May</h1>{STORY}</main>",
                    menu=f'<header><div role="status">From us: the yard will close in June.</div>{MENU}</header>'),
    "a banner without a paragraph": page(f"<main><h1>News of May</h1>{STORY}</main>",
                                         menu=f'{MENU}<section class="site-banner"><b>From us:</b> the yard will close in June.</section>'),
    "the small print": page(f"<main><h1>News of May</h1>{STORY}</main>", foot="<footer><p>The yard will close in June.</p></footer>"),
    "of a builder of pages": page('<div class="el-section"><div class="el-text"><div>News of May</div></div><div><h2>'
                                  "The yard will close in June</h2></div></div>"),
    "questions": page("<main><h1>News of May</h1><dl><dt>When?</dt><dd>The yard will close in June.</dd></dl></main>"),
    "a quotation": page(f"<main><h1>News of May</h1>{STORY}<blockquote>The yard will close in June.</blockquote></main>"),
}  # fmt: skip


@pytest.mark.parametrize("html", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_it_keeps_what_is_told(html: str) -> None:
    text = read_page(html.encode(), "text/html; charset=utf-8", "https://boats.example/").text
    assert "News of May" in text
    assert "he yard will close in June" in text
    assert {"menuword", "footword", "cookieword"}.isdisjoint(text.split())
    lines = text.splitlines()
    assert len(lines) == len(set(lines)), "a line stands in it twice"


@pytest.mark.parametrize(
    "body",
    ["<div>" * 20_000, "<table><tr><td>" * 5_000, "<b id=1><p>" * 3_000, "<ul><li>" * 20_000],
    ids=["elements", "tables", "formats", "lists"],
)
def test_a_page_of_elements_within_elements_costs_no_minutes(body: str) -> None:
    """Parsers need a minute for each of these: their time grows with the square of the depth."""
    found = read_page(f"<html><body>{body}The yard will close in June.".encode(), "text/html", "https://boats.example/")
    assert (found.outcome, found.text) == ("ok", "The yard will close in June.")
