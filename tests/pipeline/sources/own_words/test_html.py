"""Markup to plain text: what is markup, what becomes of it, and that no markup takes long."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.own_words.html import plain_text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One&nbsp;&amp; two</p><p>three</p>", "One & two\n\nthree"),
        ("Hi,<br>the export stops<br/>Cara", "Hi,\nthe export stops\nCara"),
        ("<html><head><title>x</title><style>p{}</style></head><body>a<script>b()</script></body></html>", "a"),
        ("<div>a</div><div><b>b</b><i>c</i></div>", "a\nbc"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<table><tr><td>Name</td><td>Cara</td></tr><tr><th>x</th></tr></table>", "Name Cara\nx"),
        ("<p>a</p><blockquote>b<blockquote>c</blockquote></blockquote><p>d</p>", "a\n\n> b\n>\n>> c\n>\nd"),
        ("<div>a</div><div class='gmail_signature'>Cara</div>", "a\n-- \nCara"),
        ("<p>a<span style='display: none'>hidden</span></p>", "a"),
        ("<pre>x\n  y</pre>", "x\ny"),
        ("<p>a<img src=x alt=logo></p>", "a"),
        ("<!-- x --><p>a</p>", "a"),
        ("&lt;p&gt;One&lt;/p&gt;", "One"),
        ("Tom &amp; Cara&#39;s", "Tom & Cara's"),
        ("<P>ONE<BR>TWO</P>", "ONE\nTWO"),
        ("<p>日本語<br>テキスト</p>", "日本語\nテキスト"),
        ("<p></p>", ""),
    ],
)
def test_markup_becomes_the_text_that_a_person_sees(markup: str, text: str) -> None:
    lines = [line.rstrip() if line != "-- " else line for line in plain_text(markup).split("\n")]
    assert "\n".join(lines) == text


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d",
        "I use List<String> here",
        "<v Cara>Hello",
        "the <div> on my page is broken",
        "```\n<p>code</p>\n<p>code</p>\n```\nis shown wrongly",
        "AT&T and R&D",
        "<3",
        "<cara@example.org> wrote",
        "I typed <br> there",
        "",
    ],
)
def test_text_that_only_looks_like_markup_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    "markup",
    [
        "<div>x" * 50_000,
        "".join(f"<b id={number}><p>x" for number in range(20_000)),
        "".join(f"<b id={number}>" for number in range(300)) + "<p>x" * 100_000,
        "<b></i>" * 60_000 + "<p>x</p>",
        "<" * 300_000,
        "<p" + " a" * 150_000,
        "<!--" * 80_000,
        "<table><b>x" * 30_000,
        "<p>" + "&amp;" * 60_000,
    ],
)
def test_hostile_markup_is_read_without_building_its_tree(markup: str) -> None:
    """With the tree the first two alone would take minutes: more than the time a test may have."""
    assert len(plain_text(markup)) <= len(markup)


@given(text=st.text(alphabet="<>/&;pbdiv =\"'\n ax!-", max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_it_raise(text: str) -> None:
    assert isinstance(plain_text(text), str)
