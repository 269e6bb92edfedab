"""Which conversations of a help desk are worth reading: those in which a customer says what it is about.

A customer opens it, with at least MIN_CHARACTERS that are more than a greeting; or it opens otherwise (a bot, an agent,
a bare "Hello"), and the customer says so later.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.models.wording import counted
from pipeline.sources.own_words.reading import left_out_of_thread
from pipeline.sources.own_words.spans import own_parts

CUSTOMER = "customer"
MIN_CHARACTERS = 20

_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_GREETING = re.compile(
    r"\b(?:hi+|hello+|hey+|hiya|howdy|yo|good (?:morning|afternoon|evening|day)|greetings|dear (?:team|sir|madam"
    r"|support)|there|team|everyone|"
    r"(?:is )?any(?:one|body)(?: here| there| online| available| home)*|(?:can|could|may) (?:you|someone|somebody"
    r"|anyone|i) (?:please )?(?:help(?: me)?|assist(?: me)?|ask(?: you)?"
    r"(?: something| a question)?|talk to (?:someone|an? (?:agent|human|person)))|i (?:have|need|got|ve got) (?:a "
    r"|some |your )?(?:quick )?(?:question|problem|issue|query|help|assistance|support)s?|"
    r"(?:a )?(?:quick )?question|help(?: me| please)?|please|thanks?|thank you|support"
    r"|how are you(?: doing)?(?: today)?|hope you(?: are|'re|re) (?:well|doing well)|"
    r"hallo|guten (?:tag|morgen|abend)|moin|servus|grüß gott|grüezi|(?:ist )?(?:da )?jemand(?: da| hier)?"
    r"|können sie mir (?:bitte )?helfen|kannst du mir (?:bitte )?helfen|"
    r"ich (?:habe|hätte|brauche) (?:eine? |mal eine )?(?:kurze )?(?:frage|problem|hilfe)|eine frage|bitte|danke"
    r"|zusammen|"
    r"bonjour|bonsoir|salut|coucou|j['’]ai (?:une question|un problème|besoin d['’]aide)|(?:pouvez"
    r"|pourriez)[- ]vous m['’]aider|il y a quelqu['’]un|quelqu['’]un|une question|"
    r"s['’]il vous plaît|svp|merci|madame|monsieur|hola|buen(?:os|as) (?:días|tardes|noches)|(?:pueden?"
    r"|podrían?) ayudarme|tengo una (?:pregunta|duda|consulta)|tengo un problema|"
    r"necesito ayuda|hay alguien(?: ahí| aquí)?|una (?:pregunta|consulta)|por favor|gracias|ciao|salve|buon(?:giorno"
    r"|asera| pomeriggio)|ho (?:una domanda|un problema|bisogno di aiuto)|"
    r"c['’]è qualcuno|per favore|grazie|goede(?:morgen|middag|navond|ndag)|goeie(?:morgen|middag|navond)|dag"
    r"|ik heb (?:een )?(?:vraag|probleem|hulp nodig)|kunt u mij (?:alstublieft )?helpen|"
    r"is er iemand|alstublieft|dank(?: u| je)?|olá|oi|bom dia|boa (?:tarde|noite)|(?:alguém|tem alguém) (?:aí|aqui"
    r"|online)|tenho uma (?:pergunta|dúvida)|tenho um problema|"
    r"preciso de ajuda|(?:pode|podem) me ajudar|obrigad[oa]|שלום|היי|בוקר טוב|ערב טוב|יש לי שאלה|אפשר עזרה|תודה)\b|"
    r"こんにちは|こんばんは|おはようございます|はじめまして|お世話になっております|質問があります|すみません"
    r"|よろしくお願いします|你好|您好|在吗|有人吗|请问|早上好|有问题想问|我有(?:一)?个问题",
    re.IGNORECASE,
)


def has_substance(text: str) -> bool:
    """Return whether a text says more than a greeting, in at least MIN_CHARACTERS; a Chinese one counts as three."""
    if _length(text) < MIN_CHARACTERS:
        return False
    rest = " ".join(re.findall(r"[^\W_]+", _GREETING.sub(" ", text[:5000])))
    return _length(rest) >= MIN_CHARACTERS // 2


def _length(text: str) -> int:
    text = " ".join(text.split())
    return len(text) + 2 * (0 if text.isascii() else len(_WIDE.findall(text)))


@dataclass(slots=True)
class Quality:
    """Judges conversations and counts what it decided, to be told with the import."""

    kept: int = 0
    recovered: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def keeps(self, messages: Sequence[Mapping[str, str]]) -> bool:
        """Return whether a conversation is worth reading."""
        threads = [(message["role"], message["text"]) for message in messages]
        own = [
            (role, "\n".join(text[start:end] for start, end in own_parts(text, spans)))
            for (role, text), spans in zip(threads, left_out_of_thread(threads), strict=True)
        ]
        opens, text = own[0] if own else ("", "")
        if opens == CUSTOMER and has_substance(text):
            self.kept += 1
            return True
        if any(role == CUSTOMER and has_substance(said) for role, said in own[1:]):
            self.recovered += 1
            return True
        has_customer = any(role == CUSTOMER for role, _ in own)
        why = "with little more than a greeting" if has_customer else "without a word from the customer"
        self.left_out[why] += 1
        return False

    def sentences(self) -> list[str]:
        """Return what to tell of it; nothing where every conversation was kept."""
        told = []
        if self.left_out:
            why = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.most_common())
            told.append(f"Left out {counted(self.left_out.total(), 'conversation')}: {why}.")
        if self.recovered:
            told.append(
                f"Kept {counted(self.recovered, 'conversation')} that start with a greeting, a bot or an agent, "
                "because the customer says more later."
            )
        return told
