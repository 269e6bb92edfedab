"""Finds marked comparisons in English text: `like`, `as ... as`, `as if`, `as though`, `as it were`. No model, no
grammar: a word list for each thing that looks like a comparison and is none.

What it cannot do, plainly: it knows English only; a comparison without a mark ("the Lord is my shepherd", "he flies as
an eagle") is not found, nor any other figure; it cannot tell a comparison that is meant from one that is true ("she
swims like her brother"). Measured on sentences of our own in tests/pipeline/extract/comparison_sentences.py.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 200_000
"""Of one text that are looked at; a verse has some hundreds."""

LONGEST_SIDE = 8
"""Words of what is compared, and of what it is compared with, that are kept."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A marked comparison: what is compared (`target`) with what (`vehicle`), in what (`ground`, may be empty).

    `start` and `end` are the place of `quote` in the text. `confidence` is how often such a mark was right on our own
    sentences, in 0..1.
    """

    mark: str
    target: str
    vehicle: str
    ground: str
    quote: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int

    @property
    def low(self) -> str:
        return self.text.lower()


@dataclass(frozen=True, slots=True)
class _Mark:
    """The words of a mark, the place of the last of them, how sure it is, and what is said to be alike."""

    words: str
    end: int
    confidence: float
    ground: str = ""


_WORDS = re.compile(r"[^\W\d_]+(?:['\u2019\u02bc-][^\W\d_]+)*|\d+")
_SENTENCE = re.compile(r"[^.!?;:\u2026\n]+")
_BREAK = re.compile('[,()\\[\\]"\u201c\u201d\u2014\u2013]|--')


def words_of(words: str) -> frozenset[str]:
    """Return the words of a list that is written with spaces."""
    return frozenset(words.split())


ARTICLES = words_of("a an the")
DETERMINERS = ARTICLES | words_of("my your his her its our their some any no every each another one's")
PRONOUNS = words_of(
    "i me you he him she it we us they them this that these those mine yours hers ours theirs who whom what which "
    "myself yourself himself herself itself ourselves themselves everyone everybody anyone anybody someone "
    "somebody"
)
NUMBERS = words_of(
    "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty "
    "hundred thousand million half twice"
)
BE = words_of(
    "am is are was were be been being isn't aren't wasn't weren't 's 're i'm you're he's she's it's we're they're"
)
HAVE = words_of("have has had having haven't hasn't hadn't i've you've we've they've")
MODALS = words_of(
    "would i'd you'd he'd she'd we'd they'd wouldn't will won't i'll you'll he'll she'll we'll they'll can can't "
    "cannot could couldn't shall should shouldn't may might must do does did don't doesn't didn't to"
)
ADVERBS_OF_WISH = words_of(
    "really also always never still not just actually quite rather certainly probably surely both all"
)
PAST = words_of(
    "went came stood ran fell rose shone sang spoke said flew grew burned burnt shook broke bent hung lay lit "
    "swept blew crept clung wept slept felt became made kept left held cut hit beat ate drank drove rode wore "
    "tore sat fought rang sank swam spun sprang stung swung drew threw knew saw heard gave took set shut spread "
    "burst cast struck stuck built lost found told sold bought brought caught taught thought got began bound "
    "wound ground dealt dwelt leapt slid hid"
)
PLURAL_PEOPLE = words_of("people men women children folk police most many few others both")
PERCEPTION = words_of(
    "look looks looked looking sound sounds sounded sounding seem seems seemed feel feels felt feeling appear "
    "appears appeared smell smells smelled smelt taste tastes tasted"
)
VAGUE = words_of("something anything nothing things stuff somewhere anywhere more less much exactly one ones places")
NO_LIKENESS = words_of("so how when where why manner not if")
PHRASES_WITH_LIKE = words_of("the in of or such unlike and")
OBJECTS = words_of("him them it me us her")
EMPTY_SUBJECTS = words_of("it that this there what everything")
CLAUSE_STARTS = words_of(
    "and but for so because when while which who that where though although or yet then than until"
)
PREPOSITION_ENDS = words_of("at on in by from into over under before after among upon between during without within")


# "as soon as", "as well as": frames of time, amount and addition, none of which compares
FRAMES = words_of("soon well far much many few little often early late recently near possible least most")
FRAMES_OF_TIME = words_of("long quickly fast soon frequently regularly")
NO_VEHICLE = (
    PRONOUNS
    | NUMBERS
    | words_of(
        "possible ever usual before always needed necessary expected required planned promised described shown agreed "
        "follows regards though if when where how why whether there here now then can could may anyone previously "
        "yesterday today tomorrow last next previous first other others same rest old new not well is was to"
    )
)
SAYING = words_of("say says said think thinks thought hoped want wanted claim claims expected")
NOT_COMPARED = words_of("last first previous next same old new other others one ones rest usual two original current")
KIN = words_of(
    "brother sister father mother parents son daughter wife husband friend friends cousin colleague colleagues"
)

# in "white as snow" the first "as" is left out; only after adjectives that are used so
BARE = words_of(
    "white black red green blue yellow pale dark bright clear cold hot warm hard soft light heavy sharp smooth "
    "dry wet thin thick quick swift slow strong weak sweet bitter bold brave meek mild proud quiet silent still "
    "deaf blind dumb mute deep high tall old ancient fresh clean pure dead sober sly cunning wise stubborn gentle "
    "free rich poor good straight stiff steady solid sound tough tender fair fierce hungry happy mad rare plain "
    "flat firm busy calm innocent"
)


def comparisons(text: str) -> list[Comparison]:
    """Return the marked comparisons of an English text, in their order; places are characters into it."""
    found: list[Comparison] = []
    text = text[:MOST_CHARACTERS]
    for sentence in _SENTENCE.finditer(text):
        words = [_Word(each[0], each.start(), each.end()) for each in _WORDS.finditer(text, *sentence.span())]
        found += _in_sentence(text, words)
    return found


def _in_sentence(text: str, words: Sequence[_Word]) -> Iterator[Comparison]:
    """Yield what is found; no word belongs to two comparisons."""
    free = 0  # the first word behind what was found
    for place, word in enumerate(words):
        if place < free:
            continue
        if word.low == "as":
            mark = _as(text, words, place)
        elif word.low == "like" and _is_preposition(text, words, place):
            mark = _Mark("like", place, 0.85)
        else:
            continue
        last = _end_of_vehicle(text, words, mark) if mark else 0
        if mark and last > mark.end:
            yield _compared(text, words, mark, begin=place, last=last, free=free)
            free = last + 1


def _as(text: str, words: Sequence[_Word], place: int) -> _Mark | None:
    """Return what begins a comparison at this "as", if anything does."""
    following = [each.low for each in words[place + 1 : place + 6]]
    if following[:1] in (["if"], ["though"]) and len(following) > 2:
        is_meant = not _is_conjecture(words, place) and not _breaks(text, words, place + 1)
        return _Mark(f"as {following[0]}", place + 1, 0.8) if is_meant else None
    if following[:2] == ["it", "were"] and len(following) > 3:
        return None if _breaks(text, words, place + 2) else _Mark("as it were", place + 2, 0.8)
    if (second := _second_as(words, place)) is not None:
        if not _is_vehicle(text, words, second) or _is_frame(words, place, second):
            return None
        ground = " ".join(each.text for each in words[place + 1 : second])
        return _Mark("as ... as", second, 0.9, ground)
    before = words[place - 1].text if place else ""
    is_whole = place > 1 and words[place - 2].low in ("as", "so")
    if before.lower() in BARE and not is_whole and _is_bare_noun(text, words, place):
        return _Mark("as", place, 0.75, before)
    return None


def _second_as(words: Sequence[_Word], place: int) -> int | None:
    """Return the place of the second "as" of "as white as", with one to three words between."""
    for second in range(place + 2, min(place + 5, len(words))):
        if words[second].low == "as":
            return second
    return None


def _is_frame(words: Sequence[_Word], place: int, second: int) -> bool:
    """Whether "as X as" says when, how much or what besides, and compares nothing."""
    between = [word.low for word in words[place + 1 : second]]
    if any(word in FRAMES or word in NUMBERS or word.isdigit() for word in between):
        return True
    after = words[second + 1].low if second + 1 < len(words) else ""
    if after.isdigit():
        return True
    if between[0] in FRAMES_OF_TIME:
        # "as long as a river" and "as fast as lightning" compare, "as long as the meeting lasts" does not
        return after not in ("a", "an") and not (between[0] in ("fast", "quickly") and after not in DETERMINERS)
    return False


def _is_vehicle(text: str, words: Sequence[_Word], mark: int) -> bool:
    """Whether what follows the mark can be what something is compared with, and not a measure or a clause."""
    if mark + 1 >= len(words) or _breaks(text, words, mark):
        return False
    after = [word.low for word in words[mark + 1 : mark + 5]]
    if after[0] in NO_VEHICLE or after[0].isdigit() or after[0] in BE or after[0] in MODALS or after[0] in HAVE:
        return False
    if _is_of_its_kind(after):
        return False
    # "as good as you think": a pronoun is turned away above; "as cheap as people say" ends in a verb of saying
    return not any(word in SAYING for word in after[1:3])


def _is_of_its_kind(after: Sequence[str]) -> bool:
    """Whether something is compared with another of its kind, as "the first one" or "his brother": that is a fact."""
    noun = next((word for word in after if word not in DETERMINERS), "")
    return (noun in NOT_COMPARED and after[0] not in ("a", "an")) or (
        after[0] in DETERMINERS - ARTICLES and noun in KIN
    )


def _is_bare_noun(text: str, words: Sequence[_Word], place: int) -> bool:
    if _breaks(text, words, place) or words[place + 1].low in NO_VEHICLE:
        return False
    after = [word.low for word in words[place + 1 : place + 4]]
    if after[0] in DETERMINERS:
        return after[0] in ("a", "an") or (after[0] == "the" and len(after) > 1 and after[1] not in NOT_COMPARED)
    is_clause = len(after) > 1 and (after[1] in BE or after[1] in HAVE or after[1] in MODALS or after[1] in PAST)
    return not is_clause and not after[0].endswith("ing")


def _is_conjecture(words: Sequence[_Word], place: int) -> bool:
    """Whether "as if" follows "it looks", "there seems": a guess at what is so."""
    if not place or words[place - 1].low not in PERCEPTION:
        return False
    subject = words[place - 2].low if place > 1 else "it"
    return subject in EMPTY_SUBJECTS or subject in MODALS or words[place - 1].low.startswith(("seem", "appear"))


def _is_preposition(text: str, words: Sequence[_Word], place: int) -> bool:
    """Whether "like" compares, and is not the verb, an example, a filler or part of a phrase."""
    if place + 1 >= len(words) or _breaks(text, words, place):
        return False  # ", like," and at the end
    before = [word.low for word in words[max(0, place - 4) : place]]
    after = [word.low for word in words[place + 1 : place + 7]]
    no_thing = after[0] in PRONOUNS | NUMBERS | MODALS | BE | NO_LIKENESS or after[0].isdigit()
    if no_thing or _is_of_its_kind(after):
        return False
    if not before or _breaks(text, words, place - 1):
        return _opens_a_comparison(words, place)
    if before[-1] in PERCEPTION:
        return _is_seen_as(before, after)
    return not _is_liked(before) and not _is_example(text, words, place)


def _is_liked(before: Sequence[str]) -> bool:
    """Whether "like" is the verb, or of a phrase, by the words before it."""
    last = before[-1]
    if last in PHRASES_WITH_LIKE or last in VAGUE or last in MODALS:
        return True
    if last in PRONOUNS or (last in ADVERBS_OF_WISH and len(before) > 1 and before[-2] in PRONOUNS | MODALS):
        return last not in OBJECTS or not _has_verb(before[:-1])
    return _is_verb_of(before)


def _opens_a_comparison(words: Sequence[_Word], place: int) -> bool:
    """Whether "Like a lion, he ..." compares; "Like many users, I ..." and "Like all of you" do not."""
    after = words[place + 1].low
    return after in ARTICLES or after not in words_of(
        "most many all other others every each several both any some you me"
    )


def _is_seen_as(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether "looked like a ghost" compares: not "it looks like a bug", "feel like eating"."""
    subject = before[-2] if len(before) > 1 else "it"
    if after[0].endswith("ing") or before[-1].startswith("seem"):
        return False
    if subject in EMPTY_SUBJECTS | MODALS | words_of("i you we") and before[-1] not in words_of(
        "sounded smelled smelt tasted"
    ):
        return before[-1] == "felt" and after[0] in ("a", "an")
    return not any(word in BE or word in MODALS or word in HAVE for word in after[1:4])


def _is_example(text: str, words: Sequence[_Word], place: int) -> bool:
    """Whether "cities like Paris", "tools like hammers and saws" name examples: after a plural a name, or a list."""
    last = words[place - 1].low
    is_plural = last.endswith("s") and not last.endswith(("ss", "us", "is")) and last not in BE | HAVE
    if not is_plural or len(last) < 4:
        return False
    following = words[place + 1]
    if following.text[0].isupper():
        return True
    # 80: a list of examples begins with two of at most three words each
    end = text.find(".", following.start, following.start + 80)
    stretch = text[following.start : end if end >= 0 else following.start + 80]
    parts = re.split(r", (?:and |or )?| and | or ", stretch)
    return len(parts) > 1 and all(len(part.split()) <= 3 for part in parts[:2]) and following.low not in ARTICLES


def _is_verb_of(before: Sequence[str]) -> bool:
    """Whether a noun before "like" is who likes: a plural or a name with no verb before it."""
    last = before[-1]
    if last in BE or last in HAVE or last in PAST or last.endswith(("ed", "ing", "ly")):
        return False
    is_plural = (last.endswith("s") and not last.endswith(("ss", "us", "is"))) or last in PLURAL_PEOPLE
    return is_plural and not _has_verb(before[:-1]) and len(before) < 4


def _has_verb(words: Sequence[str]) -> bool:
    return any(
        word in BE or word in HAVE or word in PAST or word in MODALS or word.endswith(("ed", "ing")) for word in words
    )


def _breaks(text: str, words: Sequence[_Word], place: int) -> bool:
    """Whether a comma, a bracket or a quote mark stands between a word and the next."""
    if place + 1 >= len(words):
        return True
    return bool(_BREAK.search(text, words[place].end, words[place + 1].start))


def _end_of_vehicle(text: str, words: Sequence[_Word], mark: _Mark) -> int:
    """Return the place of the last word of what something is compared with; that of the mark if nothing is."""
    is_clause, mark_end = mark.words in ("as if", "as though"), mark.end
    last = mark_end
    most = LONGEST_SIDE * (2 if is_clause else 1)
    for place in range(mark_end + 1, min(len(words), mark_end + 1 + most)):
        low = words[place].low
        if place > mark_end + 1 and _breaks(text, words, place - 1):
            break
        is_late = place > mark_end + 2
        if (
            is_late
            and not is_clause
            and (low in CLAUSE_STARTS or low in PREPOSITION_ENDS or low in BE or low in PRONOUNS)
        ):
            break
        if low == "as" and place > mark_end + 1:
            break
        last = place
    while last > mark_end and words[last].low in DETERMINERS | CLAUSE_STARTS:
        last -= 1
    return last


def _compared(text: str, words: Sequence[_Word], mark: _Mark, *, begin: int, last: int, free: int) -> Comparison:
    """Return the comparison whose mark is words[begin..mark.end] and whose vehicle ends at `last`."""
    first = begin
    while first > free and begin - first < LONGEST_SIDE and not _breaks(text, words, first - 1):
        if words[first - 1].low in CLAUSE_STARTS and begin - first > 1:
            break
        first -= 1
    while first < begin and words[first].low in CLAUSE_STARTS:
        first += 1
    target, ground = _target(text, words, first, begin)
    start, end = words[first].start, words[last].end
    vehicle = " ".join(text[words[mark.end + 1].start : end].split())
    return Comparison(mark.words, target, vehicle, mark.ground or ground, text[start:end], start, end, mark.confidence)


def _target(text: str, words: Sequence[_Word], first: int, begin: int) -> tuple[str, str]:
    """Return what is compared, and the verb or adjective it is compared in, as far as words alone tell."""
    if first == begin:
        return "", ""
    for place in range(begin - 1, first - 1, -1):
        low = words[place].low
        if low in BE:
            ground = " ".join(word.text for word in words[place + 1 : begin])
            return text[words[first].start : words[place - 1].end] if place > first else "", ground
        if low in PAST or low in PERCEPTION or (low.endswith("ed") and len(low) > 3):
            target = text[words[first].start : words[place - 1].end] if place > first else ""
            return " ".join(target.split()), words[place].text
    return " ".join(text[words[first].start : words[begin - 1].end].split()), ""
