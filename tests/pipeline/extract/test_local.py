"""The local reader on small hand-made conversations of many trades."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.extract.base import Answer
from pipeline.extract.local import LocalExtractor
from pipeline.extract.profiles.support import SUPPORT
from pipeline.extract.themes import ProposedTheme, Reading
from pipeline.ledger.transcript import Message, Transcript

CLEAR = 0.5
"""What separates a named problem of a named feature from a text of which only the topic is known."""


@pytest.fixture(scope="module")
def extractor() -> LocalExtractor:
    return LocalExtractor()


def conversation(*texts: str, key: str = "c-1") -> Transcript:
    """Make a conversation from its messages: those that begin with "A:" are the agent's."""
    messages = (
        Message("agent", text.removeprefix("A:").strip()) if text.startswith("A:") else Message("customer", text)
        for text in texts
    )
    return Transcript(key, tuple(messages))


def answers(extractor: LocalExtractor, transcripts: Sequence[Transcript]) -> list[Answer]:
    return list(extractor.read(transcripts, SUPPORT))


def reading(extractor: LocalExtractor, *texts: str) -> Reading:
    (answer,) = answers(extractor, [conversation(*texts)])
    return Reading.model_validate_json(answer.text)


def theme(extractor: LocalExtractor, *texts: str) -> ProposedTheme:
    (found,) = reading(extractor, *texts).themes
    return found


CATEGORIES = [
    ("product_issue", "The app crashes every time I open the camera."),
    ("product_issue", "Search results show up twice since the last update."),
    ("product_issue", "Our playlist disappeared overnight, all 300 songs."),
    ("product_issue", "The map takes 40 seconds to load, it used to be instant."),
    ("product_issue", "Reminder emails are not being sent to anybody since Monday."),
    ("product_issue", "Calendar sync is stuck, nothing changed there for three days."),
    ("product_issue", "The printer label comes out blank."),
    ("product_issue", "The kitchen display froze in the middle of the lunch rush"),
    ("product_issue", "Exported file has broken characters instead of umlauts."),
    ("product_issue", "the search filter does not work on my tablet"),
    ("product_issue", "My parcel has not arrived, it was due last week."),
    ("product_issue", "Two guests were given the same room last night!"),
    ("how_to_question", "How do I export my contacts to a spreadsheet?"),
    ("how_to_question", "Is there a way to merge two playlists?"),
    ("how_to_question", "Where can I download the manual for this camera?"),
    ("how_to_question", "Is it possible to print several labels at once?"),
    ("how_to_question", "Could you explain how to share a folder with my class?"),
    ("how_to_question", "How can I track my parcel?"),
    ("how_to_question", "What do I need to do to move a booking to another day? How would I do that?"),
    ("feature_request", "It would be great if the timer had a dark mode."),
    ("feature_request", "Feature request: export of the guest list as PDF."),
    ("feature_request", "Please add support for Portuguese subtitles."),
    ("feature_request", "Are there any plans to offer a tablet version?"),
    ("feature_request", "I'd love it if I could sort the list by price."),
    ("feature_request", "We wish the report had a column for the branch."),
    ("account_issue", "I can't log in, it says my password is wrong."),
    ("account_issue", "My account is locked after three attempts."),
    ("account_issue", "The invitation link for my colleague has expired."),
    ("account_issue", "I lost my phone and with it the authenticator codes for my login."),
    ("account_issue", "The password reset email never arrives."),
    ("account_issue", "How do I reset my password?"),
    ("account_issue", "Someone hacked my account, please help."),
    ("billing_question", "I was charged twice for my subscription this month."),
    ("billing_question", "Where is my refund? It was promised two weeks ago."),
    ("billing_question", "Why is there an extra fee on my invoice?"),
    ("billing_question", "My card payment was declined at the hotel."),
    ("billing_question", "How much does a transfer to Norway cost?"),
    ("billing_question", "The exchange rate for my withdrawal was wrong."),
    ("billing_question", "How do I get a refund for the second ticket?"),
    ("billing_question", "I cancelled in May but I am still being charged."),
    ("configuration_help", "How do I change the time zone in the settings?"),
    ("configuration_help", "Where can I turn off notifications for one group?"),
    ("configuration_help", "How do I set up the integration with our accounting software?"),
    ("configuration_help", "Which permissions do I need to give to a trainee?"),
    ("general_inquiry", "Hello there!"),
    ("general_inquiry", "Thanks so much, have a great weekend!"),
    ("general_inquiry", "Automatic reply: I am out of the office until 4 May."),
    ("general_inquiry", "Just wanted to say that you are all stars, thank you."),
    ("spam", "Dear Sir, we are a leading manufacturer of LED lamps, best price. Kindly share your WhatsApp number."),
    ("spam", "We do SEO: your website is not on page one of the search. Reply YES for a free audit."),
    ("spam", "Congratulations, you have won the lottery! Click the link below to claim your prize."),
]


@pytest.mark.parametrize(("category", "text"), CATEGORIES)
def test_it_finds_the_category(extractor: LocalExtractor, category: str, text: str) -> None:
    assert reading(extractor, text).category == category


SIGNATURES = [
    ("calendar_sync_stuck", "The calendar sync is stuck."),
    ("calendar_duplicates", "Every event in my calendar appears twice."),
    ("text_reminder_not_sent", "Text reminders were not sent yesterday."),
    ("refund_missing", "I still have not received my refund."),
    ("refund_missing", "Where is my refund?"),
    ("app_crashes", "The app crashes when I open it."),
    ("booking_page_blank", "The booking page is blank."),
    ("card_declined", "My card was declined in a shop."),
    ("card_payment_declined", "Why was my card payment declined?"),
    ("card_not_received", "My new card still hasn't arrived."),
    ("card_stolen", "My card has been stolen!"),
    ("password_forgotten", "I forgot my password."),
    ("account_locked_out", "My account is locked."),
    ("invitation_expired", "The invitation has expired."),
    ("exchange_rate_wrong", "The exchange rate is wrong."),
    ("subscription_charged_twice", "I was charged twice for my subscription."),
    ("search_slow", "The search is very slow."),
    ("room_double_booked", "Two guests had the same room."),
    ("invoice_wrong_amount", "The invoice shows the wrong amount."),
    ("photo_upload_fails", "Photo upload fails with every file."),
    ("rota_publish_fails", "I can't publish the rota."),
    ("export_broken_characters", "The export has weird characters in it."),
    ("email_in_spam", "All your emails land in spam."),
    ("payment_pending", "My payment is still pending."),
    ("transfer_not_recognized", "There is a transfer I don't recognise."),
    ("how_to_export_contact", "How do I export my contacts?"),
    ("how_to_change_address", "How can I change my address?"),
    ("how_to_merge_playlist", "Is there a way to merge two playlists?"),
    ("how_to_get_refund", "How do I get a refund?"),
    ("dark_mode_request", "Please add a dark mode."),
    ("guest_list_request", "It would be great if the guest list had more columns."),
    ("card_time", "When will my card come?"),
    ("delivery_status", "What is the status of my delivery?"),
    ("transfer_cost", "How much does a transfer cost?"),
    ("account_cancel", "I want to close my account."),
    ("calendar_slow", "the calander is slow"),
]


@pytest.mark.parametrize(("signature", "text"), SIGNATURES)
def test_it_names_feature_then_symptom(extractor: LocalExtractor, signature: str, text: str) -> None:
    assert theme(extractor, text).signature == signature


@pytest.mark.parametrize("text", [text for _, text in SIGNATURES])
def test_it_is_sure_enough_of_a_named_problem(extractor: LocalExtractor, text: str) -> None:
    assert theme(extractor, text).confidence >= CLEAR


@pytest.mark.parametrize("text", ["hm", "it happened again??", "what now", "I need help", "see attachment"])
def test_it_is_not_sure_of_what_says_nothing(extractor: LocalExtractor, text: str) -> None:
    found = theme(extractor, text)
    assert found.confidence < CLEAR
    assert found.signature


LONG = conversation(
    "Hello team,\nI hope you are well. Since Tuesday the loyalty points of our guests vanish after check-out. "
    "Mrs. Bell lost 2,400 of them. We run version 3.2.\n\nKind regards,\nAlice Meadows\nFront office",
    "A: Hi Alice, thanks for writing. Do the points vanish for every guest?\nBob",
    "Yes. Thank you!",
)


def test_it_quotes_the_customer_verbatim_without_greeting_and_signature(extractor: LocalExtractor) -> None:
    (answer,) = answers(extractor, [LONG])
    (found,) = Reading.model_validate_json(answer.text).themes
    assert found.quotes[0] == "Since Tuesday the loyalty points of our guests vanish after check-out."
    assert 1 <= len(found.quotes) <= 2
    assert all(LONG.text.find(quote) >= 0 for quote in found.quotes)
    assert not any(word in " ".join(found.quotes) for word in ("Hello", "regards", "Alice", "Bob"))


def test_it_sums_up_in_one_clean_sentence(extractor: LocalExtractor) -> None:
    assert theme(extractor, "hi, so the till prints every receipt twice").summary == (
        "The till prints every receipt twice."
    )


def test_it_cuts_a_long_sentence_cleanly(extractor: LocalExtractor) -> None:
    text = "the scanner fails " + "whenever the courier hands over a parcel that is wet and cold and heavy " * 8
    found = theme(extractor, text)
    assert len(found.summary) <= 200
    assert found.summary.endswith("…")
    assert text.find(found.quotes[0]) == 0


def test_it_takes_what_the_customer_opens_with_for_the_matter(extractor: LocalExtractor) -> None:
    found = theme(
        extractor,
        "The receipt printer prints blank pages since we moved it to the bar.",
        "A: Could you send a photo?",
        "My phone crashed, wait. Here it is.",
    )
    assert found.signature == "receipt_printer_blank"


def test_it_reads_on_while_the_customer_only_greets(extractor: LocalExtractor) -> None:
    found = theme(extractor, "hello", "A: Hello, how can I help?", "My ticket was cancelled and nobody told me.")
    assert found.signature == "ticket_cancelled"


FILTERED = [
    ("thanks or praise", "Just wanted to say thank you to Priya, she is a star."),
    ("small talk", "hi"),
    ("small talk", "Good morning everyone, happy Friday!"),
    ("small talk", "ok thanks bye"),
    ("small talk", "test"),
    ("automatic reply", "I am out of office until Monday. For urgent matters call reception."),
    ("no words", "👍👍"),
    ("unasked offer", "Hi Sir, I visited your website. 50 backlinks only 99$. Waiting for your positive reply"),
    ("unasked offer", "FINAL NOTICE. Your domain listing is overdue. Remit payment within 24h using the link below."),
    ("unasked offer", "Dear business owner, you are pre-approved for working capital. Bad credit ok."),
    ("unasked offer", "Big fan of your blog! I'd love to contribute a guest article with one do-follow link."),
]


@pytest.mark.parametrize(("reason", "text"), FILTERED)
def test_it_filters_what_asks_for_nothing_and_says_why(extractor: LocalExtractor, reason: str, text: str) -> None:
    (answer,) = answers(extractor, [conversation(text)])
    found = Reading.model_validate_json(answer.text)
    assert reason in found.filtered_because
    assert not SUPPORT.category(found.category).goes_on
    assert found.themes == []
    assert answer.vectors == b""


def test_it_filters_what_was_meant_for_somebody_else(extractor: LocalExtractor) -> None:
    found = reading(
        extractor,
        "Hi Sandra, here are the minutes of last night.",
        "A: I think this was meant for somebody else.",
        "Oh, so sorry!",
    )
    assert "by mistake" in found.filtered_because


KEPT = [
    "Thanks for nothing, my order is still missing.",
    "You are great, but the app crashes.",
    "help",
    "Hi, please fix this asap",
    "I found your site by a search engine and the page does not load",
    "I won a voucher in your game but the code is not accepted",
    "Dear Sir or Madam, my bitcoin purchase was declined.",
    "My Instagram integration lost 200 followers in the report, is that a bug?",
    "Do you offer a money back guarantee?",
    "I got an email that was meant for another client, sorry to bother you but what about our privacy?",
    "While I am out of the office, who can approve requests for me?",
    "love it. but how do i change the colour",
]


@pytest.mark.parametrize("text", KEPT)
def test_it_keeps_whatever_may_be_a_request(extractor: LocalExtractor, text: str) -> None:
    assert reading(extractor, text).filtered_because == ""


ODD = [
    conversation(""),
    conversation(),
    conversation("   \n\n  "),
    conversation("🙂🙂🙂"),
    conversation("?!?!"),
    conversation("\x00\ufffd\u200b"),
    conversation("A: Hello, your ticket was closed.", "A: The printer problem is solved by an update."),
    conversation("שלום, הכרטיס שלי עדיין לא הגיע כבר שבועיים. אפשר לבדוק מה קורה?"),
    conversation("Hallo, meine Rechnung vom März ist falsch, bitte korrigieren Sie den Betrag."),
    conversation("この予約ページは表示されません。助けてください。"),
    conversation("مرحبا، لم يصلني البريد الإلكتروني"),
    conversation("1234567890 " * 50),
    conversation("no_spaces_" * 3000),
    conversation("(((((" * 2000 + "not " * 2000),
]


@pytest.mark.parametrize("odd", ODD)
def test_it_answers_odd_input(extractor: LocalExtractor, odd: Transcript) -> None:
    (answer,) = answers(extractor, [odd])
    found = Reading.model_validate_json(answer.text)
    assert len(answer.vectors) == 4 * 384 * len(found.themes)
    assert bool(found.themes) != bool(found.filtered_because)
    for proposed in found.themes:
        assert proposed.signature
        assert proposed.signature.replace("_", "").isalnum()
        assert all(quote in odd.text for quote in proposed.quotes)


def test_it_is_not_sure_of_another_language(extractor: LocalExtractor) -> None:
    german = "Hallo, meine Rechnung vom März ist falsch, bitte korrigieren Sie den Betrag und schicken Sie eine neue."
    assert theme(extractor, german).confidence < CLEAR


def test_it_reads_a_megabyte(extractor: LocalExtractor) -> None:
    found = theme(extractor, "The export fails. " + "And then some more text follows. " * 32_000)
    assert found.signature == "export_fails"


def _bits(answer: Answer) -> tuple[str, bytes]:
    return answer.text, answer.vectors


@pytest.mark.parametrize("chunk", [1, 7, 500])
def test_its_answers_do_not_depend_on_the_batch(extractor: LocalExtractor, chunk: int) -> None:
    transcripts = [conversation(text) for _, text in (*CATEGORIES, *SIGNATURES)] + [LONG, *ODD]
    transcripts = transcripts[:: 8 if chunk == 1 else 1]  # each chunk loads the model
    whole = [_bits(answer) for answer in answers(extractor, transcripts)]
    backwards = transcripts[::-1]
    pieces = [backwards[start : start + chunk] for start in range(0, len(backwards), chunk)]
    again = [_bits(answer) for piece in pieces for answer in answers(LocalExtractor(), piece)]
    assert again[::-1] == whole


def test_its_answer_is_json_with_a_vector_a_theme(extractor: LocalExtractor) -> None:
    (answer,) = answers(extractor, [LONG])
    assert len(json.loads(answer.text)["themes"]) == 1
    vector = np.frombuffer(answer.vectors, dtype=np.float32)
    assert vector.shape == (extractor.dimension,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert answer.input_tokens > 10


def test_it_names_its_version_and_the_space_of_its_vectors(extractor: LocalExtractor) -> None:
    assert (extractor.name, extractor.version) == ("local", "local-4")
    assert (extractor.model, extractor.dimension) == ("all-MiniLM-L6-v2-int8", 384)


def test_every_category_it_can_give_is_one_of_the_profile() -> None:
    known = {category.name for category in SUPPORT.categories}
    assert {category for category, _ in CATEGORIES} == known
