"""The local reader on conversations about one matter and about several, in a message, a thread and a long channel."""

import numpy as np
import pytest

from pipeline.extract.local import LocalExtractor
from pipeline.extract.profiles.support import SUPPORT
from pipeline.extract.themes import Reading
from pipeline.ledger.transcript import Message, Transcript

TWO = [
    ("booking_page_blank", "Our booking page is blank. Also, the receipt printer prints every line twice."),
    ("ticket_not_received", "My ticket has not arrived. Another thing: the seat map crashes on my tablet."),
    ("charged_twice", "I was charged twice and the app crashes when I scan a barcode."),
    ("refund_missing", "I still have not received my refund.\n\nSecondly, how do I change the name on the parcel?"),
    ("export_fails", "1. The export fails with every file.\n2. Text reminders are not sent to our guests."),
    ("search_slow", "The search is very slow. By the way, could you add a dark mode to the timetable?"),
]


@pytest.fixture(scope="module")
def extractor() -> LocalExtractor:
    return LocalExtractor()


def transcript(*texts: str) -> Transcript:
    """Make a conversation from its messages: those that begin with "A:" are the agent's."""
    messages = (
        Message("agent", text.removeprefix("A:").strip()) if text.startswith("A:") else Message("customer", text)
        for text in texts
    )
    return Transcript("c-1", tuple(messages))


def reading(extractor: LocalExtractor, conversation: Transcript) -> tuple[Reading, np.ndarray]:
    (answer,) = extractor.read([conversation], SUPPORT)
    vectors = np.frombuffer(answer.vectors, np.float32).reshape(-1, extractor.dimension)
    return Reading.model_validate_json(answer.text), vectors


@pytest.mark.parametrize(("first", "text"), TWO)
def test_it_finds_two_problems_in_a_message(extractor: LocalExtractor, first: str, text: str) -> None:
    found, vectors = reading(extractor, transcript(text))
    assert len(found.themes) == 2
    assert found.themes[0].signature == first
    assert found.themes[1].signature != first
    one, other = (theme.quotes[0] for theme in found.themes)
    assert text.find(one) < text.find(other)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


# Told in one breath, in lists, numbered, announced: whatever names the two.
SEVERAL = [
    "I was charged twice for May, and the app crashes when I open the camera.",
    "My invoice shows the wrong address, and the export button does nothing.",
    "Two things: the password reset mail never arrives, and my photos are rotated after upload.",
    "Hi, two problems today.\n- The calendar shows every meeting twice\n- I cannot print labels from the shipping page",
    "1. The discount code is rejected at checkout\n2. Push notifications arrive hours late",
    "First, the search finds nothing since the update. Second, our invoice has the wrong VAT rate.",
    "The delivery never arrived. Besides that, your chat window freezes my browser.",
    "My subscription was renewed although I cancelled it. On top of that, the login page says my account is locked.",
    "How do I change my billing address? While I'm here, can you tell me how to export my contacts?",
    "The printer does not connect to the tablet. Apart from that, I need a refund for the broken scanner.",
    "Please cancel my gym membership. And another thing, the shower in the men's room is broken.",
    "The import of my contacts fails with an error. Separately, my card was declined when I tried to upgrade.",
    "I have two questions. Where can I download my receipts? And how can I add a second user to my account?",
    "The video has no sound on my phone. In addition, I never received the confirmation email for my booking.",
    "The room was double booked last night plus the wifi code you sent is invalid.",
    "Firstly my parcel is damaged, secondly the return label cannot be downloaded.",
    "a) dark mode makes the text unreadable b) the backup stopped running last week",
    "My card was charged twice; the driver also never showed up.",
    "The report is missing the last week. Unrelated: the logo on our login page is blurry.",
    "The coupon didn't work and I also can't find the unsubscribe link anywhere.",
    "Our receipts are printed without a logo, and the loyalty points of my mother disappeared.",
    "Three issues: the lift is stuck on floor two, the intercom crackles, and the bins were not emptied.",
    "The tour was cancelled without notice. Also my voucher code says expired.",
    "I have a couple of questions.\n1) Is breakfast included?\n2) Can I bring my dog?",
    "The headset won't pair with my laptop. One more thing: the charging case arrived cracked.",
    "I never got my refund for the cancelled flight and your app logs me out every hour.",
    "* fonts look tiny on my tablet\n* sound is gone after the last update\n* I was billed for a plan I never ordered",
]


@pytest.mark.parametrize("text", SEVERAL)
def test_it_finds_several_problems_however_they_are_joined(extractor: LocalExtractor, text: str) -> None:
    found, _ = reading(extractor, transcript(text))
    assert len(found.themes) > 1
    assert all(theme.quotes[0] in text for theme in found.themes)


ONE = [
    "The app crashes when I open the camera. Also, it crashes when I close it again.",
    "I was charged twice for my subscription. Also, I have already written to you about this on Monday.",
    "My parcel has not arrived. It was due last week and I need it for a wedding. Also attached is the receipt.",
    "The export fails. I tried another browser and I restarted everything. Also I checked the settings.",
    "The search is slow and it does not find anything.",
    "I forgot my password and can not log in.",
    "The invitation link for my colleague has expired and she can not open the rota.",
    "How do I move a booking to another day and can I do that on my phone?",
    # each has an "and", a list, a "first" or a "two" that joins nothing
    "The app is slow and crashes when I open the camera.",
    "I restarted the tablet and cleared the cache, and the sync still fails.",
    "I ordered a bike and a helmet and neither has arrived.",
    "The page loads forever and then shows an error.",
    "I was charged twice for May, and I want the second payment back.",
    "My card was declined and the booking was not confirmed.",
    "I logged out and in again and the messages are still missing.",
    "First I opened the settings, second I pressed export, then the app crashed.",
    "Two things I tried: restarting the phone, and reinstalling the app. The camera still does not open.",
    "The invoice shows the wrong address, and my accountant needs a correct one by Friday.",
    "I can't log in on my laptop and I can't log in on my phone either.",
    "The parcel is late and nobody answers the phone about it.",
    "Steps:\n1. Open the calendar\n2. Press on a meeting\n3. The screen stays white",
    "The password reset mail never arrives, and I checked the spam folder.",
    "On top of being late, the driver had the wrong address for our parcel.",
    "I need to book a table for two and a high chair for the baby.",
    "We have offices in Rome and Milan, and in both the printer does not connect.",
    "My parcel arrived damaged and the box was open and wet.",
    "How do I add a user and give them access to the billing page?",
    "The search is broken: it finds nothing for names, and nothing for numbers.",
    "The lift is stuck, and it has been stuck since Monday.",
    "We booked two rooms and a cot but the confirmation shows only one room.",
    "My headset won't pair with my laptop. It also won't pair with my phone.",
    "The courier left the box outside and the rain ruined the books.",
    "I can see the invoice but I cannot download it, and my boss is waiting.",
    "There are two problems with this form: it rejects my postcode and then it clears all the fields.",
    "I paid for a year and now it says my plan has expired.",
    "The alarm does not ring, and I was late for work twice because of it.",
    "Is breakfast included and at what time is it served?",
    "Hello, the timer resets itself. We noticed on Tuesday. The kitchen depends on it. Can you help? Thanks, Joe",
]


@pytest.mark.parametrize("text", ONE)
def test_it_does_not_tear_one_problem_apart(extractor: LocalExtractor, text: str) -> None:
    found, _ = reading(extractor, transcript(text))
    assert len(found.themes) == 1


def test_it_finds_what_a_thread_turns_to(extractor: LocalExtractor) -> None:
    found, _ = reading(
        extractor,
        transcript(
            "Since the update all invoices show the wrong amount, they have no tax any more.",
            "A: Thank you, we have corrected the tax rate for your country. Please print the invoices again.",
            "Great, the amounts are right now.",
            "A: Is there anything else I can do for you?",
            "Can you tell me how to invite a new colleague to our shared calendar?",
            "A: Under team, press invite.",
        ),
    )
    assert len(found.themes) == 2
    assert "colleague" in found.themes[1].quotes[0]


TOPICS = (
    "The espresso machine leaks water again, number {}.",
    "Can somebody tell me how to book the meeting room on floor {}?",
    "The door badge of colleague {} does not open the garage.",
    "Payroll paid me {} hours too little this month.",
)


def test_it_finds_more_than_one_theme_in_a_long_channel(extractor: LocalExtractor) -> None:
    texts = [TOPICS[number % 4].format(number) for number in range(5_000)]
    found, _ = reading(extractor, transcript(*texts))
    assert 2 <= len(found.themes) <= 8
    assert found.left_out


def test_each_theme_of_several_lies_near_the_same_problem_told_alone(extractor: LocalExtractor) -> None:
    crash, charge = "The app crashes when I scan a barcode.", "I was charged twice for the parking ticket."
    _, alone = reading(extractor, transcript(crash))
    _, both = reading(extractor, transcript(f"{charge} Also, {crash[0].lower()}{crash[1:]}"))
    assert both[1] @ alone[0] > 0.8
    assert both[1] @ alone[0] > both[0] @ alone[0] + 0.2


LATE = (
    "You have reached the front desk of our theatre, and calls are recorded so that we can train staff. We will ask "
    "for your seat number first. Please have the card ready that you used to pay. Visit our bar before the show. "
)


def test_it_reads_to_the_end(extractor: LocalExtractor) -> None:
    """What is said after 2,000 words of introduction decides where the vector lies."""
    intro = " ".join(LATE.replace("theatre", f"theatre {number}") for number in range(40))
    asked = ("Caller: I was charged twice for my seat.", "Caller: The lift to the balcony is stuck.")
    vectors = [reading(extractor, transcript(intro + one))[1][0] for one in asked]
    plain = [reading(extractor, transcript(one))[1][0] for one in asked]
    assert vectors[0] @ plain[0] > vectors[1] @ plain[0] + 0.1
    assert vectors[1] @ plain[1] > vectors[0] @ plain[1] + 0.1
    found, _ = reading(extractor, transcript(intro + asked[0]))
    assert found.themes[0].quotes[0] == asked[0]


ANGRY = (
    "I am furious. This is the worst company I have ever dealt with. {} I have been a paying customer for six years. "
    "Fix this now or I will tell everybody and call my lawyer!!! Are you kidding me?"
)


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        ("export_missing", "The export is missing rows."),
        ("charged_twice", "You charged me twice."),
        ("calendar_sync_stuck", "The calendar sync is stuck."),
    ],
)
def test_anger_is_not_the_problem(extractor: LocalExtractor, signature: str, problem: str) -> None:
    found, vectors = reading(extractor, transcript(ANGRY.format(problem)))
    (theme,) = found.themes
    assert theme.signature == signature
    assert theme.quotes == [problem]
    _, calm = reading(extractor, transcript(problem))
    assert vectors[0] @ calm[0] > 0.7


def test_anger_alone_is_still_heard(extractor: LocalExtractor) -> None:
    found, _ = reading(extractor, transcript("This is the worst service I have ever had!"))
    assert found.filtered_because == ""
    assert found.themes[0].confidence < 0.5


def test_it_reads_only_what_is_its_authors_own(extractor: LocalExtractor) -> None:
    text = "The export fails.\n> The calendar sync is stuck and all events are gone.\nSince Monday."
    quoted = (text.index(">"), text.index("Since"), "quoted")
    with_quote = Transcript("c-1", (Message("customer", text, left_out=(quoted,)),))
    found, vectors = reading(extractor, with_quote)
    without, alone = reading(extractor, transcript("The export fails.\nSince Monday."))
    assert found.themes == without.themes
    assert vectors.tobytes() == alone.tobytes()
