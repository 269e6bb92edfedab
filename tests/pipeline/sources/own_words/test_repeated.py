"""What many conversations share word for word, and what they only happen to write alike."""

from collections.abc import Iterable, Sequence

import pytest

from pipeline.sources.own_words.reading import left_out, left_out_of_thread
from pipeline.sources.own_words.repeated import MAX_COUNTED, PassageCounter, Repeated
from pipeline.sources.own_words.spans import own_parts
from pipeline.sources.repetition import count_repeated

PROBLEMS = (
    "The invoice of {} lists my plan two times.",
    "The export to a table stops after row {}.",
    "My parcel {} never came to my door.",
    "I cannot open the file number {} on my phone.",
    "The link to choose a new password ended in error {}.",
    "Video {} has no sound on the large screen.",
)
FRAMES = {
    "an angry frame": (
        "I am very angry and deeply disappointed by you. Nobody has ever treated me like this in all my years.",
        "Solve this today or you will hear from my lawyer.",
    ),
    "a frame in German": (
        "Ich bin sehr verärgert und von Ihrem Dienst zutiefst enttäuscht. So etwas habe ich in zehn Jahren noch nie "
        "erlebt.",
        "Ich verlange heute eine Lösung.",
    ),
    "a frame in Japanese": (
        "いつもお世話になっております。このたびは御社のサービスについて大変困っておりますので、"
        "至急ご確認をお願いいたします。",
        "本日中にご回答ください。",
    ),
    "the announcement of a call": (
        "Thank you for calling Example. This call may be recorded for training. Your data is kept as our policy "
        "says. " * 3,
        "",
    ),
    "a form's frame": (
        "This request was sent with the form on example.com by somebody who has signed in with a password.\n",
        "",
    ),
    "with a number of its own": (
        "",
        "\nTicket 4711 was opened by the mail gateway of Example Widgets, do not change this line please.",
    ),
}


def counted(conversations: Iterable[Sequence[tuple[str, str]]]) -> Repeated:
    """Return what is repeated in conversations of (role, text)."""
    counter = PassageCounter()
    for messages in conversations:
        spans = left_out_of_thread(messages)
        counter.add([(role, text, left) for (role, text), left in zip(messages, spans, strict=True)])
    return Repeated.from_json([passage.as_json() for passage in counter.passages()])


def read(text: str, repeated: Repeated, role: str = "customer") -> str:
    parts = own_parts(text, left_out(text, role=role, repeated=repeated))
    return " ".join(" ".join(text[start:end] for start, end in parts).split())


@pytest.mark.parametrize(("before", "after"), FRAMES.values(), ids=FRAMES.keys())
def test_a_long_frame_around_different_problems_is_left_out(before: str, after: str) -> None:
    said = [PROBLEMS[number % 6].format(number) for number in range(42)]
    texts = [f"{before} {problem} {after.replace('4711', str(number))}" for number, problem in enumerate(said)]
    repeated = counted([("customer", text)] for text in texts)
    assert [read(text, repeated) for text in texts] == said


@pytest.mark.parametrize(
    "complaint",
    [
        "I can't log in.",
        "I can't log in",
        "The app crashes when I upload a photo.",
        "ログインできません。",
        "Ich kann mich seit heute nicht mehr anmelden.",
        "I have tried to sign in since this morning and every time it only tells me that something went wrong, "
        "please help.",
    ],
)
def test_a_complaint_that_many_write_in_the_same_words_is_read(complaint: str) -> None:
    others = [PROBLEMS[number % 6].format(number) for number in range(30)]
    texts = [complaint] * 40 + [f"Hello, {complaint}" for _ in range(5)] + others
    repeated = counted([("customer", text)] for text in texts)
    assert repeated == Repeated()
    assert left_out(complaint, repeated=repeated) == ()


def test_a_short_complaint_beside_other_words_is_read() -> None:
    texts = [f"I can't log in. {PROBLEMS[number % 6].format(number)}" for number in range(60)]
    assert counted([("customer", text)] for text in texts) == Repeated()


def test_a_short_complaint_above_everybodys_legal_notice_is_read() -> None:
    footer = "Example Widgets delivers to all places on earth but not to the moon, and it never has, not even in 1969."
    said = ["I can't log in." if number % 2 else PROBLEMS[number % 6].format(number) for number in range(60)]
    texts = [f"{problem}\n\n{footer}" for problem in said]
    repeated = counted([("customer", text)] for text in texts)
    assert [read(text, repeated) for text in texts] == said


def test_problems_of_which_there_are_six_are_read() -> None:
    """Each sentence is in a sixth of 1,200 conversations, with different words around it."""
    texts = [
        f"Hi, {PROBLEMS[n % 6].format(0)} It happened to number {'abcdefghijk'[n % 11] * 3} again." for n in range(1200)
    ]
    repeated = counted([("customer", text)] for text in texts)
    assert not [text for text in texts if PROBLEMS[texts.index(text) % 6].format(0) not in read(text, repeated)]


def test_an_agents_template_is_left_out_and_an_agents_own_sentence_read() -> None:
    template = "Thank you for contacting Example. We will get back to you soon."
    threads = [
        [("customer", PROBLEMS[n % 6].format(n)), ("agent", f"{template} I have looked at case {'abcdef'[n % 6] * 4}.")]
        for n in range(30)
    ]
    repeated = counted(threads)
    assert read(threads[0][1][1], repeated, role="agent") == "I have looked at case aaaa."
    assert read(template, repeated, role="agent") == ""
    assert read(template, repeated, role="customer") == template  # a customer may quote it


def test_few_conversations_are_too_few_to_tell() -> None:
    before, after = FRAMES["an angry frame"]
    assert counted([("customer", f"{before} {PROBLEMS[n].format(n)} {after}")] for n in range(5)) == Repeated()


def test_a_message_of_nothing_but_repeated_passages_is_read() -> None:
    before, after = FRAMES["an angry frame"]
    texts = [f"{before} {PROBLEMS[n % 6].format(n)} {after}" for n in range(42)]
    repeated = counted([("customer", text)] for text in texts)
    assert repeated.of_customers
    assert left_out(f"{before} {after}", repeated=repeated) == ()


def test_what_is_remembered_is_bounded_and_a_template_is_found_all_the_same() -> None:
    before, after = FRAMES["an angry frame"]
    counter = PassageCounter()
    for number in range(3000):
        own = " ".join(f"{letter}{number} word." for letter in "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq")
        own = own.replace(str(number), "".join(chr(97 + int(digit)) for digit in str(number)))
        counter.add([("customer", f"{before} {own} {after}", ())])
        assert len(counter._texts) <= MAX_COUNTED + 200
    keys = Repeated.from_json([passage.as_json() for passage in counter.passages()])
    assert read(f"{before} My parcel is lost. {after}", keys) == "My parcel is lost."


def test_to_look_only_at_what_holds_something_frequent_changes_nothing() -> None:
    """Counting all sentences first, then looking closely at few conversations, finds what looking at all does."""
    greeting = "Thank you for writing to us, we answer within a day."
    conversations = []
    for number in range(60):
        text = f"{PROBLEMS[number % 6].format(number)}\n\n> quoted {number}\n\n--\nAnn {number}"
        messages = [{"role": "customer", "text": text}]
        if number % 3 == 0:
            messages.append({"role": "agent", "text": f"{greeting} Yours, Bo"})
        conversations.append(messages)
    whole = PassageCounter()
    for messages in conversations:
        whole.add([(turn["role"], turn["text"], left_out(turn["text"], role=turn["role"])) for turn in messages])
    assert count_repeated(conversations) == whole.passages()
    assert greeting in {passage.text for passage in whole.passages()}
