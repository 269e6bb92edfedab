"""Which conversations of a help desk are worth reading."""

import pytest

from pipeline.sources.live.quality import Quality, has_substance


@pytest.mark.parametrize(
    "text",
    [
        "The export stops after ten rows.", "Hello, the export stops after ten rows.", "I can't log in to my account",
        "Der Export bricht nach zehn Zeilen "
        "ab.", "L'export s'arrête après dix lignes.", "ログインできません。", "我无法登录我的账户",
        "Hi! I have a question: why was I charged twice?", "Please refund the second payment",
    ],
)  # fmt: skip
def test_what_says_something_has_substance(text: str) -> None:
    assert has_substance(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hi", "", "?", "Hello there, how are you today?", "Hi team, I have a quick question please",
        "Is anyone there? Can you help me?",
        "Guten Tag, ich habe eine "
        "Frage", "Bonjour, j'ai besoin d'aide s'il vous plaît", "Hola, buenas tardes, tengo una pregunta",
        "Buongiorno, ho bisogno di aiuto per favore", "Goedemiddag, ik heb een vraag", "Olá, bom dia, preciso de ajuda",
        "こんにちは。質問があります。", "你好，请问有人吗", "ok thanks", "12345678901234567890"[:10],
    ],
)  # fmt: skip
def test_a_greeting_has_none(text: str) -> None:
    assert not has_substance(text)


def said(*messages: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "text": text} for role, text in messages]


def test_a_conversation_is_kept_for_what_the_customer_says_first_or_later() -> None:
    quality = Quality()
    matter = "The export stops after ten rows."
    assert quality.keeps(said(("customer", matter)))
    assert quality.keeps(said(("customer", "Hi"), ("agent", "Hello, what is it?"), ("customer", matter)))
    assert quality.keeps(said(("bot", "Welcome! How can we help you today?"), ("customer", matter)))
    assert not quality.keeps(said(("customer", "Hi"), ("agent", matter), ("customer", "ok, thank you")))
    assert not quality.keeps(said(("agent", f"News for you: {matter}")))
    assert not quality.keeps(said(("customer", f"Hi\n\nOn 5 May 2026, Shop <a@b.example> wrote:\n> {matter}")))
    assert (quality.kept, quality.recovered, quality.left_out.total()) == (1, 2, 3)
    left_out, kept = quality.sentences()
    assert left_out.startswith("Left out 3 conversations: ")
    assert kept.startswith("Kept 2 conversations that start with")
