# ruff: noqa: E501 (a pattern is read best on few lines)
"""The phrases by which companies say how they fare, and the words around them that make them mean something else.

`{us}` in a phrase stands for the company: we, us, our, its name, or the company; `{co}` for its name or the company.
English first; the commonest phrases of German, French, Spanish, Italian, Dutch and Portuguese stand below, where a
page in them says what no page in English does. A person is asked to look at what is found, so a phrase that is mostly
right is good enough.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_US: Final = (
    r"(?:we|us|our(?: \w+){0,2}|(?:the|this|our) (?:company|business|firm|shop|store|studio|"
    r"agency|practice|restaurant|startup|"
    r"bakery|café|cafe|brewery|gallery|team|organi[sz]ation|group|brand|charity|factory|family business)|NAME)"
)

_CO: Final = (
    r"(?:(?:the|this|our|its|their) (?:\w+ )?(?:company|business|firm|shop|store|studio|"
    r"agency|practice|restaurant|bakery|startup|"
    r"roastery|brewery|gallery|factory|farm|hotel|clinic|school|school|shares)|NAME)"
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way to say a signal. `confidence` is that of a page on which it stands, rightly, in a plain sentence.

    `needs` are words of which one occurs in every match, to look quickly; `unless` makes it mean something else;
    `needs_subject` where it is said of others as well, so that the sentence must name the company.
    """

    signal: str
    pattern: str
    needs: tuple[str, ...]
    confidence: float = 0.8
    unless: re.Pattern[str] | None = None
    needs_subject: bool = False
    also: tuple[re.Pattern[str], ...] = ()
    """What has to stand in the sentence as well, wherever: a loose phrase by itself says too little."""

    def matches(self, text: str, names: re.Pattern[str] | None) -> Iterator[re.Match[str]]:
        """Yield where the phrase stands in a sentence about the company whose name `names` finds."""
        return compiled(self.pattern, names.pattern if names else "").finditer(text)


@lru_cache(maxsize=8192)
def compiled(pattern: str, name: str) -> re.Pattern[str]:
    """Return a phrase's pattern for a company of this name, itself a pattern; empty for an unknown one."""
    name = name or r"(?!)"
    pattern = pattern.replace("[^.]", r"(?:[^.]|(?<=\d)\.)")  # the dot of a date ends no sentence
    pattern = pattern.replace("{us}", _US.replace("NAME", name)).replace("{co}", _CO.replace("NAME", name))
    return re.compile(pattern, re.IGNORECASE)


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


# --- The sentence around a phrase ---------------------------------------------------------------------------------

FIRST_PERSON: Final = _any(
    r"\b(?:we|we've|we're|we'll|us|our|ours|wir|uns|unsere?\w*|nous|notre|nos|nosotros|"
    r"nuestr[oa]s?|noi|nostr[oaie]|wij|we|onze|"
    r"ons|nós|noss[oa]s?)\b",
)
THE_COMPANY: Final = _any(
    r"\b(?:the|this) (?:\w+ ){0,2}(?:company|business|firm|shop|store|studio|agency|practice|restaurant|bakery|"
    r"brewery|startup|organi[sz]ation|plant|branch|mill|hotel|clinic|court|directors?|shareholders|trustees|"
    r"group|brand|charity|factory|board|founders?|owners?|management|administrators?|liquidators?)\b",
    r"\b(?:das|die|der|dem|des) (?:unternehmens?|firma|geschäft|gesellschaft|betrieb|laden|"
    r"geschäftsführung|insolvenzverwalter\w*)\b",
    r"\b(?:la|l'|le) ?(?:société|entreprise|magasin|boutique|administrateur)\b",
    r"\b(?:la|el) (?:empresa|compañía|sociedad|tienda|negocio)\b",
    r"\b(?:la|l'|il) ?(?:azienda|società|impresa|negozio)\b",
    r"\b(?:het|de) (?:bedrijf|onderneming|winkel|zaak|curator)\b",
    r"\ba (?:empresa|sociedade|loja)\b",
)
_GAP: Final = r"(?:[ '’-]+(?!(?:and|but|so|because|while|although|und|aber|sondern|mais|pero|ma|maar|mas)\b)[\w’'-]+)"
"""A word between the denial and what is denied: no other clause begins there."""

DENIAL: Final = _any(
    rf"\b(?:not|never|without|nor|neither|avoid(?:ed|ing)?|den(?:y|ies|ied|ying)|instead of|rather than|far from|"
    rf"rumou?rs?|false|untrue|no (?:plans?|intention|need|question|talk|thought)|nobody|none of|stop(?:ped)? short of|"
    rf"contrary to|prevent(?:ed|s|ing)?|survived?|despite)\b(?! only){_GAP}{{0,7}}[ '’-]*$",
    rf"n['’]t\b(?! only){_GAP}{{0,7}}[ '’-]*$",
    r"\bno\W+(?!longer|more)(?:\w+\W+){0,3}$",
    rf"\b(?:nicht|kein\w*|niemals|ohne|weder|statt|dementier\w*|gerüchte?)\b{_GAP}{{0,7}}[ '’-]*$",
    rf"\b(?:ne|n['’]\w+|pas|sans|jamais|aucune?|démenti\w*|rumeurs?)\b{_GAP}{{0,5}}[ '’-]*$",
    rf"\b(?:no|nunca|sin|ni|desmient\w*|rumores)\b{_GAP}{{0,5}}[ '’-]*$",
    rf"\b(?:non|(?<!\d )(?<!\d\. )(?<!en )(?<!fin )(?-i:mai)(?! \d)|senza|né)\b{_GAP}{{0,5}}[ '’-]*$",  # no month of May
    rf"\b(?:niet|geen|nooit|zonder)\b{_GAP}{{0,6}}[ '’-]*$",
    rf"\b(?:não|nunca|sem)\b{_GAP}{{0,5}}[ '’-]*$",
)
DENIED_AFTER: Final = _any(
    r"^[^.;]{0,50}\b(?:is|are|was|were) (?:not true|untrue|false|wrong|unfounded|exaggerated|"
    r"nonsense|a hoax|a myth|off the table)",
    r"^[^.;]{0,30}\b(?:never happened|was avoided|were avoided|has been averted|is not planned|are not planned)",
    r"^[^.;]{0,20}\b(?:nicht\b|kein\w*\b)",
    r"^ (?:pas|niet|geen)\b",
)
CONDITION: Final = _any(
    r"\b(?:the|this|his|her) (?:novel|film|play|book|series|story|exhibition) (?:tells|shows|follows|is about)\b",
    r"\b(?:wir (?:beraten|begleiten)|we (?:advise|help|support))\b",
    r"\b(?:predict\w*|forecast\w*|detect\w*|monitor\w*|track(?:s|ing)|stud(?:y|ies) (?:of|on|"
    r"how)|survey|statistics|novel|film|"
    r"at risk|if|in (?:the|any) (?:unlikely )?event|in case|in (?:the )?case of|whether|unless|"
    r"suppose|imagine|what happens when|"
    r"when (?:a|an|your|another|one|any|some) \w+|how to|guide to|tips? (?:for|on)|help(?:s|"
    r"ing)? (?:\w+ ){0,4}(?:avoid|"
    r"through|facing|with|navigate|who|that|in|survive)|risk(?:s)? (?:of|that)|threat of|"
    r"protect\w* (?:\w+ ){0,3}(?:from|against)|"
    r"insur\w+|might|could|would|may (?:be|also|have|transfer|disclose|share|sell|undergo|become)|"
    r"should (?:we|you|the|a|an|it|one)|"
    r"including (?:in connection with|without limitation)|as (?:a )?part of (?:a|any)|in connection with (?:a|any)|"
    r"such as (?:a|an|in)|for example|e\.g\.|falls|im falle?|wenn|sofern|en cas (?:de|d['’])|si (?:vous|une?|l['’])|"
    r"en caso de|in caso di|in geval van|em caso de|wie sie|ratgeber|learn (?:how|what|why)|"
    r"the (?:history|story) of)\b",
)
ABOUT_OTHERS: Final = _any(
    r"\b(?:competitors?|rivals?|many|some|other|several|most|these|those|their|his|her|"
    r"former (?:employer|company)|suppliers?|"
    r"(?:a|an|one|another|any|every|your|my) (?:\w+ ){0,2}(?:company|business|firm|startup|"
    r"employer|client|customer|bank|bakery|"
    r"shop|store|supplier|brand|retailer|airline|restaurant)|clients?|customers?|(?:tech|retail|"
    r"local|small|big|fintech|the) "
    r"(?:giants?|companies|businesses|firms|startups|banks|industry|sector|market|retailers)|"
    r"companies|startups|businesses)"
    r"\b(?:\W+\w+){0,6}\W*$",
    r"\b(?:mitbewerber\w*|wettbewerber\w*|konkurrent\w*|viele|andere|kunden?|unternehmen|inhaber|unternehmer)\b(?:\W+\w+){0,4}\W*$",
    r"\b(?:concurrents?|beaucoup|d['’]autres|clients?|entreprises)\b(?:\W+\w+){0,4}\W*$",
    r"\b(?:competidor\w*|muchas|otras|clientes|empresas)\b(?:\W+\w+){0,4}\W*$",
)

# --- Closing ------------------------------------------------------------------------------------------------------

_NOT_THE_COMPANY: Final = _any(
    r"\bclosing (?:the )?(?:gaps?|loops?|deals?|sales?|rounds?|dates?|times?|hours?|remarks|"
    r"ceremony|speech|session|costs?|prices?|"
    r"bell|keynote|argument|balance|line|chapter|statement|tickets?|the books|tab|tag|bracket|"
    r"day of (?:the )?(?:fair|festival))",
    r"\b(?:applications?|registrations?|nominations?|submissions?|entries|voting|polls?|bids?|"
    r"the deal|the transaction|the round|"
    r"the call|the market|markets|deadline|enrol\w+|offer|survey|ticket sales) (?:will )?(?:be )?clos(?:e|es|ed|ing)\b",
    r"\bclos(?:e|ed|es|ing) (?:a|the|our|its|this|their|an?) (?:[$€£]?[\w.-]+ ){0,3}(?:round|deal|"
    r"funding|series|seed|transaction|"
    r"acquisition|investment|issue|ticket|gap|loop|sale|books|financing)",
    r"\b(?:holidays?|christmas|easter|new year|bank holiday|public holiday|thanksgiving|weekend|"
    r"sundays?|mondays?|lunch|summer break|"
    r"stocktak\w+|inventory|maintenance|refurbish\w+|renovation|training|company (?:outing|retreat)|snow|storm|weather|"
    r"construction works?|feiertag\w*|weihnacht\w*|ostern|betriebsferien|betriebsausflug|inventur|"
    r"umbau|urlaub|sommerpause|"
    r"vacances|congés|inventaire|vacaciones|festivos?|ferie|vakantie|feestdag\w*)\b",
    r"\b(?:api|endpoints?|version|v\d|v\.\d|plug-?in|feature|beta|add-?on|extension|legacy|"
    r"old (?:app|site|portal|dashboard|forum|"
    r"website|version|interface|login|system|office|warehouse)|sdk|integration|forum|newsletter|"
    r"mailing list|data ?cent(?:er|re)|"
    r"server|widget|android|ios|windows|internet explorer|python 2|program(?:me)? for|app store|"
    r"tool ?bar|module|playground|comments?"
    r"|chat ?room|wi-?fi|hot ?line|phone line|tab|browser|laptop|computer|machine|reactor|"
    r"plant valve|valve|switch|engine)\b",
    r"\b(?:road|street|bridge|lane|school|pool|park|beach|border|tunnel)s? (?:is|are|was|were|will be)? ?clos",
    r"\b(?:rights?|licen[cs]e|agreement|obligations?|warranty|subscription|"
    r"access) (?:\w+ ){0,6}(?:cease|end|terminate)s?\b",
    r"\b(?:one|two|three|a few|some|several) (?:of our )?(?:days?|weeks?|hours?)\b",
    r"\bfrom \d{1,2}(?::\d\d)? ?(?:am|pm|to|until|–|-)",
    r"\b\d{1,2}(?:[:.]\d\d)? ?(?:am|pm|uhr)\b",
    r"\b(?:auto|self|soft)-?clos",
    r"\b(?:vormieter\w*|zu vermieten|previous tenant|to let)\b",
    r"\bwir (?:beraten|begleiten|unterstützen)\b|\bwe (?:advise|help|support)\b",
    r"\bdoors? (?:\w+ )?clos\w+ (?:quietly|softly|gently|automatically|smoothly|slowly|behind|when|at \d|before)",
    r"\b(?:cabinet|kitchen|garage|car|sliding|oven|lift|front|fridge|barn|shower|cupboard|drawer|door) (?:\w+ )?"
    r"(?:doors? )?(?:close|closer|closing|shut)",
    r"\b(?:film|show|concert|match|festival|curtain|performance|season)s? (?:\w+ ){0,2}(?:begin|start)",
    r"\b(?:alarm|water|gas|power|tap|valve)\b",
    r"\breopen",
    r"\bstays? open\b",
    r"\bcloses? to\b",
)
_NOT_CLOSING_IT: Final = (
    r"(?! (?:to (?:the|our|your|you|public)|with|enough|relationship|contact|cooperation|"
    r"partner|look|eye|attention|watch|"
    r"friend|knit|collaborat|\d{1,2}(?::\d\d)? ?(?:am|pm)|early|late|your|a |an |eyes|"
    r"deals?\b|tickets?\b|more\b|sales\b|between\b|"
    r"off\b|out\b|(?:the|our) (?!doors|business|company|shop|store|studio|practice|firm|"
    r"service|platform|restaurant|café|cafe|bakery|"
    r"brewery|agency|gallery|factory|office|branch|chapter|operation|production|roastery|farm|"
    r"hotel|clinic|school|whole|entire|site)))"
)
_OURS: Final = (
    r"(?:operations?|business(?:es)?|doors|company|service(?:s)?|shop|store(?:s)?|trading|"
    r"activit(?:y|ies)|platform|studio|practice|"
    r"agency|restaurant|café|cafe|bakery|brewery|production|publication|gallery|office(?:s)?|"
    r"branch(?:es)?|factory|site|site for good|"
    r"website|everything|NAME|{us})"
)


_LAST: Final = ("last", "final")
_WITHOUT_REASON: Final = _any(
    r"\b(?:gap|film|show|concert|season|alarm|deal|road|street|bridge|lane|path|trail|tunnel|border|pool|park(?:ing)?|api|"
    r"endpoint|version|plug-?in|feature|beta|extension|forum|newsletter|mailing list|server|widget|account|module|model|"
    r"importer|window|lid|valve|wound|deal|warranty|subscription|licen[cs]e)s?\b",
)
"""Where `for good` and its like say what is meant, only these make it something else."""


def _closing() -> Iterator[Phrase]:
    def say(pattern: str, needs: str, confidence: float = 0.85, subject: bool = False) -> Phrase:
        return Phrase("closing", pattern, tuple(needs.split("|")), confidence, _NOT_THE_COMPANY, subject)

    def ends(pattern: str, needs: str, confidence: float = 0.8, subject: bool = False) -> Phrase:
        return Phrase("closing", pattern, tuple(needs.split("|")), confidence, _WITHOUT_REASON, subject)

    yield ends(
        r"\b(?:clos|shut|go(?:es|ing)?|turn|lock|stopp?|fall|switch)\w*\b[^.]{0,40}\b(?:for good|for ever|forever)\b",
        "for good|for ever|forever",
    )
    yield ends(
        r"\b(?:schlie|schliess|mach|sperr|beend|hör)\w*\b[^.]{0,80}\b(?:für immer|endgültig|dauerhaft)\b",
        "für immer|endgültig|dauerhaft",
    )
    yield ends(
        r"\b(?:st[äe]ng\w*|lukk\w*|lägg\w* ner|legg\w* ned|slår igen|slår vi igen)\b[^.]{0,60}\b(?:för gott|for godt|"
        r"for altid|for alltid|dörr\w*|dør\w*|verksamhet\w*|virksomhed\w*|butik\w*)\b",
        "stäng|steng|lukk|lägg|legg|slår",
    )
    yield ends(
        r"\b(?:zamykamy|kończymy|likwidujemy)\b[^.]{0,60}\b(?:działalność|sklep|firmę|na zawsze|ostatecznie)\b|"
        r"\bkončíme\b[^.]{0,40}\b(?:činnost|provoz|nadobro)\b|\bzavíráme\b[^.]{0,40}\b(?:nadobro|navždy)\b",
        "zamykamy|kończymy|likwidujemy|končíme|zavíráme",
    )
    yield ends(
        r"\b(?:serve|welcome|see|bake|brew|pour|print|teach|open|cook|pull|light|fire)\w*\b[^.]{0,30}"
        r"\b(?:our|its|the|their|your|a) (?:very )?(?:last|final) (?!week|month|year|call|train|time you|few|minute)\w+",
        "|".join(
            f"{whose} {which}" for whose in ("our", "its", "the", "their", "your", "a", "very") for which in _LAST
        ),
        confidence=0.7,
        subject=True,
    )
    yield ends(
        r"\b(?:letzter|letzte|letzten) (?:verkaufs|öffnungs|arbeits|betriebs|markt)tage?\b|"
        r"\b(?:unser|mein) letzter tag\b|\bdernier jour d['’]ouverture\b|\búltimo día (?:de apertura|abiertos)\b|"
        r"\bultimo giorno di (?:apertura|attività)\b|\blaatste (?:openings|verkoop)dag\b",
        "letzte|dernier jour|último día|ultimo giorno|laatste",
        confidence=0.75,
    )
    yield ends(
        r"\b(?:wir|ich) geh\w* in (?:rente|den ruhestand)\b|\b(?:keine[nr]?|ohne) nachfolger\w*\b|"
        r"\bnachfolger\b[^.]{0,40}\bnicht gefunden\b|\bnos jubilamos\b|\bno hay relevo\b|"
        r"\bpartons à la retraite\b|\bsans repreneur\b|\bandiamo in pensione\b|\bgaan met pensioen\b",
        "rente|ruhestand|nachfolger|jubilamos|relevo|retraite|repreneur|pensione|pensioen",
        confidence=0.65,
    )
    yield ends(
        r"\bhang(?:s|ing)? up (?:our|the|her|his|their|my) (?:apron|scissors|tools|hat|boots|keys|whisk)\w*\b|"
        r"\b(?:curtain|rideau|telón|sipario|vorhang)\b[^.]{0,20}\b(?:falls|fall|tombe|cae|cala|fällt)\b|"
        r"\bbaiss\w+ (?:le|notre) rideau\b|\bbajamos la persiana\b|\btir\w+ sa révérence\b|\bcall(?:ing)? it a day\b|"
        r"\bov(?:en|ens) go cold\b|\blights (?:go|went) out for\b",
        "hang up|hangs up|hanging up|curtain|rideau|telón|sipario|vorhang|persiana|révérence|it a day|ens go cold|en go cold|"
        "out for",
        confidence=0.6,
    )
    yield ends(
        r"\b(?:the |our )?lease\b[^.]{0,20}\b(?:will not|won['’]t|has not|was not|is not) (?:be(?:en)? )?renewed\b",
        "lease",
        confidence=0.65,
    )
    yield ends(
        r"\b(?:trading|production|operations?|deliveries|work) (?:has |have |was |were )?(?:stopped|ended|halted)\b",
        "stopped|ended|halted",
        confidence=0.75,
        subject=True,
    )
    yield ends(
        r"\b(?:shop|store|branch|office|plant|site|factory|studio|restaurant|clinic|mill|depot|warehouse|works)\b"
        r"(?: (?:in|at|on) [\w' -]{2,30}?)? (?:shuts|closes|will (?:shut|close)|is (?:shutting|closing)|will not (?:re)?open)"
        r"(?: down)?\b(?= (?:its doors|on (?!mon|tue|wed|thu|fri|sat|sun|bank|public)|at the end|by the|in (?:jan|feb|mar|apr|may|"
        r"jun|jul|aug|sep|oct|nov|dec|spring|summer|autumn)|this (?:month|spring|summer|autumn)|next|after|again|for good))",
        "shuts|closes|will shut|will close|is shutting|is closing|will not open|will not reopen",
        confidence=0.7,
    )

    yield say(r"\bclos(?:e|es|ed|ing) (?:\w+ )?doors\b", "doors", confidence=0.9)
    yield say(
        r"\b(?:doors|shutters|chapter) (?:\w+ ){0,3}(?:closed?|shut|come (?:down|to (?:a close|an end)))\b",
        "doors|shutters|chapter",
    )
    yield say(
        rf"{{us}}\b(?:[ ,'’-]+(?!if\b)\w+){{0,4}}?[ '’-]+(?:(?:is|are|am|re|be|been|was|were|"
        rf"being)(?: \w+ly| now| also| soon)? (?:closing|"
        rf"shutting|winding (?:down|up)|closed|shut|wound (?:down|up)|dissolved|disbanded|folding|"
        rf"discontinued|sunset\w*|"
        rf"shuttered|going away)|(?:will|to|must|ll)(?: \w+ly| now| also| soon)? (?:close|shut|"
        rf"wind (?:down|up)|cease|dissolve|"
        rf"disband|fold|sunset)|(?:has|have|had|ve)(?: \w+ly| now| also)? (?:closed|shut|"
        rf"wound (?:down|up)|ceased|folded|dissolved|"
        rf"disbanded))\b(?: down)?{_NOT_CLOSING_IT}",
        "clos|shut|wind|wound|dissol|disband|fold|discontinued|sunset|shuttered|going away|cease",
        confidence=0.8,
    )
    yield say(
        rf"\b(?:decided|decision|chosen|choice|call|time|plan(?:s|ned|ning)?|going|forced|ha[sd]|"
        rf"have|able|intends?|ready|set) to "
        rf"(?:\w+ (?:and |to )?){{0,3}}(?:close|shut|wind (?:down|up)|cease)\b(?: down)?{_NOT_CLOSING_IT}",
        "close|shut|wind|cease",
        subject=True,
    )
    yield say(
        r"\b(?:operations?|activities|activity|trading|production|services?|publication) (?:will |"
        r"have |has |is |are |to )?"
        r"(?:cease|ceasing|ceased|be (?:discontinued|wound (?:down|up)|closed)|come to an end|"
        r"wind(?:ing)? down|been discontinued|"
        r"end(?:s|ing)? on)\b",
        "operation|activit|trading|production|service|publication",
        subject=True,
    )
    yield say(
        r"\b(?:web ?site|site|service|app|platform|servers?|accounts?)\b[^.]{0,15}\b(?:go(?:es|"
        r"ing)? (?:offline|dark|away)|be "
        r"(?:taken offline|switched off|turned off|shut off|deleted))\b",
        "offline|dark|away|switched off|turned off|shut off|deleted",
        confidence=0.65,
    )
    yield say(
        r"\b(?:journey|adventure|story|road|chapter|ride|run) (?:\w+ ){0,2}(?:ends?|has ended|"
        r"is over|comes? to an end|came to an end|"
        r"has come to an end)\b|\bend of the (?:road|line) for\b|\bend of (?:our|the) (?:journey|"
        r"road|story|adventure)\b|"
        r"\bran out of (?:money|cash|funding|runway)\b",
        "end|over|ran out",
        confidence=0.7,
        subject=True,
    )
    yield say(r"\bclosed until further notice\b|\bclosed indefinitely\b", "until further|indefinitely", confidence=0.75)
    yield say(
        r"\b(?:schließen|schliessen|schließe|schliesst|schließt)\b (?:wir|ich|das|die|der|"
        r"unser\w*)\b[^.]{0,40}\b(?:geschäft|laden|"
        r"werkstatt|betrieb|türen|pforten|restaurant|unternehmen|büro|praxis|café|filiale|tore)\w*",
        "schlie",
    )
    yield say(
        r"\b(?:stoppen|stopt|houdt|houden|sluit|sluiten)\b[^.]{0,30}\b(?:ermee|mee op|definitief|deuren)\b",
        "stop|houd|sluit",
    )
    yield say(
        r"\b(?:clos(?:e|es|ed|ing)|shut(?:s|ting)?) (?:down )?(?:for good|permanently|forever|indefinitely)\b",
        "clos|shut",
        confidence=0.9,
    )
    yield say(
        r"\b(?:permanently|definitively|officially|forever) (?:closed?|closing|shut(?:ting)?|dissolved)\b",
        "permanently|definitively|officially|forever",
    )
    yield say(
        r"\b(?:clos(?:e|es|ed|ing)|shut(?:s|ting)?) (?:down )?(?:our|the|its|all|both) (?:\w+ ){0,2}"
        + _OURS.replace("NAME|{us}", "doors"),
        "clos|shut",
        subject=True,
    )
    yield say(
        r"\b(?:ceas(?:e|es|ed|ing)|end(?:s|ed|ing)?|discontinu\w+|suspend(?:s|ed|ing)?|stopp?(?:s|ed|"
        r"ing)?) (?:all |our |its |the |any )*(?:\w+ )?(?:operations?|business|trading|activit(?:y|"
        r"ies)|"
        r"production|services?|publication)\b",
        "operation|business|trading|activit|production|service|publication",
        confidence=0.85,
        subject=True,
    )
    yield say(r"\b(?:ceas(?:e|es|ed|ing)) (?:trading|to (?:trade|exist|operate))\b", "ceas", confidence=0.9)
    yield say(
        r"\bno longer (?:\w+ )?(?:trading|trad(?:e|es)|in business|operating|operat(?:e|es)|exists?|"
        r"in operation|taking (?:new )?(?:orders|customers|clients|patients|bookings)|"
        r"accepting (?:new )?(?:orders|customers|clients|patients|bookings)|open (?:to|for))\b",
        "no longer",
        confidence=0.8,
    )
    yield say(r"\b(?:going|gone|went|go|goes) out of business\b", "out of business", confidence=0.9)
    yield say(
        r"\bclosing[- ]down(?: sale)?\b|\bclosure of (?:the |our )?(?:company|business|shop|store|"
        r"firm|practice|studio)\b",
        "closing|closure",
        confidence=0.8,
    )
    yield say(
        r"\b(?:announce|regret|sad|sadly|heavy hearts?|difficult decision|hard decision|"
        r"sorry)\b[^.]{0,120}\b(?:clos(?:e|ing|ure)|shut(?:ting)?(?: down)?|wind(?:ing)? down|"
        r"sunset\w*|end of)\b",
        "announce|regret|sad|heavy heart|decision|sorry",
        confidence=0.85,
    )
    yield say(
        r"\b(?:our|the) (?:very )?(?:last|final) (?:day|week|month|chapter|order|orders|issue|"
        r"edition)(?: of (?:business|trading|operation|operations|service))?\b[^.]{0,40}\b(?:is|"
        r"will be|was|on)\b",
        "last|final",
        confidence=0.65,
        subject=True,
    )
    yield say(
        r"\b(?:sunset(?:s|ting|ted)?|retir(?:e|es|ing)|discontinu\w+|shutter(?:s|ed|ing)?) (?:the |"
        r"our )?(?:service|platform|product line|company|business|NAME|{us})\b",
        "sunset|retir|discontinu|shutter",
        confidence=0.8,
    )
    yield say(
        r"\b(?:say|said|saying|time (?:to say|for)|bid(?:ding)?) (?:goodbye|farewell)\b|"
        r"\bend of an era\b|\bthank(?:s| you) (?:to everyone |to all |all )?for (?:\w+ ){0,3}(?:\d+|"
        r"many|wonderful|amazing|great) (?:\w+ )?years\b",
        "goodbye|farewell|era|thank",
        confidence=0.55,
        subject=True,
    )
    yield say(
        r"\b(?:wir|das geschäft|unser\w* (?:laden|geschäft|betrieb|werkstatt|restaurant|unternehmen|"
        r"büro)|die firma)\b[^.]{0,60}\b(?:schließen|schliesst|schließt|geschlossen|aufgeben|"
        r"aufgegeben|auflösen|aufgelöst)\b(?! \w*lücke)",
        "schlie|geschlossen|aufg|auflös|aufgelöst",
    )
    yield say(
        r"\b(?:geschäftsaufgabe|betriebsaufgabe|geschäftsauflösung|räumungsverkauf|stellt? (?:den|"
        r"ihren|seinen|unseren) (?:geschäfts)?betrieb ein|geschäftsbetrieb (?:\w+ ){0,3}eingestellt|"
        r"für immer geschlossen|dauerhaft geschlossen|endgültig (?:geschlossen|schließen))",
        "aufgabe|auflösung|räumung|betrieb|geschlossen|endgültig",
    )
    yield say(
        r"\b(?:fermeture définitive|cess(?:e|er|ation|é|ons|ent) (?:\w+ment )?(?:d['’]|notre |nos |son |ses |"
        r"leur |toute )?(?:activités?)|ferm(?:e|ons|er|é)\w* (?:ses|nos) portes|définitivement fermée?)",
        "ferm|cess|définitive",
    )
    yield say(
        r"\b(?:cierr[ae]\w* (?:definitiv\w+|(?:sus|nuestras) puertas)|cierre definitivo|"
        r"ces[eoa]\w* (?:de )?(?:sus |nuestras? |la )?(?:actividad|operaciones)|"
        r"cerramos (?:definitivamente|nuestras puertas)|cerrado (?:definitiva|permanente)mente)",
        "cierr|cese|cesa|cerr",
    )
    yield say(
        r"\b(?:chiud\w+ (?:definitivamente|i battenti|per sempre|l['’]attività)|cessa(?:zione|ta|to|"
        r"re)? (?:dell['’]|l['’]|la |ogni )?attività|chiusura definitiva|abbiamo chiuso)",
        "chiu|cessa",
    )
    yield say(
        r"\b(?:stopp?(?:t|en) (?:ermee|met (?:ons|het) bedrijf)|"
        r"sluit(?:en)? (?:\w+ ){0,3}(?:definitief|deuren)|definitief gesloten|bedrijfsbeëindiging|"
        r"opheffingsuitverkoop)",
        "stop|sluit|gesloten|beëindiging|opheffing",
    )
    yield say(
        r"\b(?:encerra\w* (?:definitivamente |as |suas |nossas |o )*(?:atividades|portas|operações)|"
        r"fech\w+ (?:definitivamente|as portas))",
        "encerra|fech",
    )
    yield say(
        r"\b(?:cannot|can ?not|can['’]t|could not|couldn['’]t|unable to|not able to|no way to|"
        r"not be able to) (?:\w+ )?(?:continue|carry on|go on|keep going|"
        r"survive)\b(?! (?:without|until|unless))",
        "continue|carry on|go on|keep going|survive",
        confidence=0.65,
        subject=True,
    )
    yield say(
        r"\b(?:will not|won['’]t|cannot|not) (?:be )?(?:re-?open(?:ing)?|open(?:ing)? again|"
        r"renewing? our lease|return)\b(?! (?:until|before|calls))",
        "open|lease|return",
        confidence=0.65,
        subject=True,
    )
    yield say(
        r"\b(?:open|shut|close|serve|bake|doors)\w*\b[^.]{0,50}\bfor the (?:very )?last time\b|"
        r"\b(?:öffne\w*|schließ\w*|sind|backen|kochen)\b[^.]{0,60}"
        r"\bzum letzten mal\b|\bpour la dernière fois\b|\bpor última vez\b|"
        r"\bper l['’]ultima volta\b|\bvoor de laatste keer\b",
        "last time|letzten mal|dernière fois|última vez|ultima volta|laatste keer",
        confidence=0.65,
    )


# --- Insolvency ---------------------------------------------------------------------------------------------------

_ADVICE: Final = _any(
    r"\b(?:lawyers?|attorneys?|solicitors?|advis(?:e|ers?|ors?|ing|ory)|consult\w*|"
    r"practitioners? (?:in|for)|law (?:firm|practice)|"
    r"specialis\w+|specializ\w+|expert(?:s|ise)? in|insurance|counsel|course|seminar|webinar|"
    r"guide|whitepaper|blog|book|chapter \d+ of|"
    r"software for|clients? (?:in|facing|through)|creditors? (?:of|against) (?:other|insolvent)|"
    r"act(?:s|ing)? as (?:\w+,? ){0,3}(?:administrators?|liquidators?|trustees?|receivers?)|companies in distress|"
    r"(?:with|using) our (?:\w+ )?(?:software|tools?|platform|help|services?)|mit unserer? \w+|debt help|iva\b|"
    r"fachanwalt|beratung|insolvenzrecht|"
    r"cabinet|avocats?|abogados?|advocaten?|avvocat\w+)\b",
    r"\bchapter (?:7|11)\b(?=[^.]{0,30}(?:of (?:the|this|our) (?:book|guide|course)|: [A-Z]|"
    r"introduc|explains|covers|describes))",
    r"\b(?:system|network|database|site) administrators?\b",
    r"\b(?:employee|data|tax|office|system|server|database|user|account|drug|oral|business|public|"
    r"website|network|student|linux|cloud) administration\b",
)
_INSOLVENT: Final = (
    r"insolven\w+|bankrupt\w*|chapter (?:7|11)|receivership|(?:in|into|out of|enter\w*|gone into|"
    r"went into) (?:voluntary )?administration|"
    r"(?:voluntary|compulsory|creditors['’]?|into|in) liquidation|liquidators?|"
    r"administrators? (?:have been|has been|were|was)? ?appointed|"
    r"(?:winding[- ]up|wind[- ]up) (?:petition|order)|protection from (?:its|our) creditors|"
    r"creditor protection|debt moratorium|ceased? payments"
)


def _insolvency() -> Iterator[Phrase]:
    def say(pattern: str, needs: str, confidence: float = 0.85, subject: bool = True) -> Phrase:
        return Phrase("insolvency", pattern, tuple(needs.split("|")), confidence, _ADVICE, subject)

    words = "insolven|bankrupt|chapter|receivership|administrat|liquidat|winding|wind|creditor|moratorium|payments"
    yield say(rf"\b(?:{_INSOLVENT})\b", words, confidence=0.75)
    yield say(
        rf"\b(?:fil(?:e|es|ed|ing)|petition(?:ed|s)?|declar(?:e|es|ed|ing)|enter(?:s|ed|ing)?|went|"
        rf"gone|placed|put|forced) (?:\w+ ){{0,3}}(?:{_INSOLVENT})\b",
        words,
        confidence=0.88,
    )
    yield say(
        r"\b(?:administrators?|liquidators?|receivers?|insolvency practitioners?) (?:of|have been|"
        r"has been|were|was|from|acting|at|is|are)\b",
        "administrator|liquidator|receiver|practitioner",
        confidence=0.85,
    )
    yield say(
        r"\b(?:insolvenz(?:antrag|verfahren|verwalter\w*)?|insolvent|zahlungsunfähig\w*|konkurs\w*|"
        r"in liquidation|i\. ?l\.|schutzschirmverfahren)\b",
        "insolven|zahlungsunfähig|konkurs|liquidation|schutzschirm",
        confidence=0.8,
        subject=False,
    )
    yield say(
        r"\b(?:redressement judiciaire|liquidation judiciaire|dépôt de bilan|procédure de sauvegarde|"
        r"cessation de paiements?|en faillite)\b",
        "judiciaire|bilan|sauvegarde|cessation|faillite",
        subject=False,
    )
    yield say(
        r"\b(?:concurso de acreedores|en (?:quiebra|bancarrota|liquidación)|declarad[oa] insolvente|"
        r"suspensión de pagos)\b",
        "concurso|quiebra|bancarrota|liquidación|insolvente|suspensión",
        subject=False,
    )
    yield say(
        r"\b(?:fallimento|concordato preventivo|liquidazione (?:giudiziale|coatta|volontaria)|"
        r"in amministrazione (?:controllata|straordinaria))\b",
        "falliment|concordato|liquidazione|amministrazione",
        subject=False,
    )
    yield say(
        r"\b(?:faillissement|failliet|surseance van betaling|curator(?:en)? (?:is|zijn|aangesteld))\b",
        "faillis|failliet|surseance|curator",
        subject=False,
    )
    yield say(
        r"\b(?:recuperação judicial|em (?:falência|insolvência)|pedido de insolvência)\b",
        "judicial|falência|insolvência",
        subject=False,
    )
    yield say(
        r"\bappoint\w* (?:\w+ ){0,3}(?:administrators?|liquidators?|receivers?|insolvency practitioners?)\b",
        "appoint",
        confidence=0.85,
    )
    yield say(
        rf"\b(?-i:[A-Z])\w+(?: \w+)? (?:files|filed|has filed|enters|entered|goes|went) (?:for|"
        rf"into) (?:\w+ )?(?:{_INSOLVENT})\b",
        words,
        confidence=0.85,
    )


# --- Acquisition --------------------------------------------------------------------------------------------------

_OTHER_ACQUIRING: Final = _any(
    r"\b(?:customer|user|talent|data|image|signal|land|property|skill|knowledge|language|client|"
    r"patient|art|traffic|lead|leads|art|"
    r"donor|student|member|museum|library|site|news?letter|subscriber|device|sample) acquisition",
    r"\bacquir(?:e|es|ed|ing) (?:new )?(?:customers?|users?|skills?|knowledge|talent|experience|"
    r"data|clients?|taste|a taste|members|habits?|a reputation|domain|rights|land|images?|"
    r"signals?|art|works?|donors|leads)\b",
    r"\bacquired (?:taste|skill|immun|brain|language|resistance)",
)


def _acquisition() -> Iterator[Phrase]:
    def say(
        pattern: str,
        needs: str,
        confidence: float = 0.85,
        subject: bool = True,
        unless: re.Pattern[str] | None = _OTHER_ACQUIRING,
    ) -> Phrase:
        return Phrase("acquisition", pattern, tuple(needs.split("|")), confidence, unless, subject)

    yield say(
        r"\b(?:(?:been|be|being|was|were|are|is|get|got|getting) (?:\w+ )?)(?:acquired|"
        r"bought(?: out)?|taken over|purchased|absorbed|sold) (?:by|to)\b",
        "acquired|bought|taken over|purchased|absorbed|sold",
        confidence=0.85,
    )
    yield say(r"\b(?:acquired|bought|taken over) by [A-Z]", "acquired|bought|taken over", confidence=0.75)
    yield say(
        r"\b(?:join(?:s|ed|ing)?|becom(?:e|es|ing)|became|(?:is|are|now|am) (?:now |officially |"
        r"proudly )?)(?: forces with| a)? ?(?:part of|a subsidiary of|a division of|a member of|"
        r"an? \w+ company\b|owned by)(?: the)? (?-i:[A-Z])",
        "part of|subsidiary|division|member of|company|owned by",
        confidence=0.75,
    )
    yield say(
        r"{us}\b[^.]{0,30}\b(?:(?:is|are|has|have|will|to) (?:be )?)?(?:join(?:s|ed|"
        r"ing)?) (?-i:[A-Z]\w+)(?: (?:group|family|holding\w*)|,|\.|$| and| to\b| as\b)",
        "join",
        confidence=0.7,
    )
    yield say(
        r"\b(?:acquir(?:es?|ed|ing)|buys?|bought|takes? over|took over|to (?:acquire|buy)|"
        r"(?:acquisition|takeover|purchase|buyout) of|merg(?:e|es|ed|ing|er) with) (?:all of |"
        r"the majority of |a majority (?:stake )?(?:in|of) )?{us}\b(?! (?:own|first|new|second|third))",
        "acqui|buy|bought|take|took|purchase|merg",
        confidence=0.85,
        unless=_any(_OTHER_ACQUIRING.pattern, r"\bbuy(?:s|ing)? (?:our|us)\b", r"\bbought our\b"),
    )
    yield say(
        r"\b(?:merg(?:e|es|ed|ing|er)) (?:with|into|of)\b|\b(?:our|the) (?:merger|takeover|"
        r"acquisition|buyout) (?:by|with|was|has|is|will|closes)\b|\bagreed to (?:be|a) (?:acquired|"
        r"merge|takeover|merger|sale)\b|\b(?:definitive|merger|"
        r"purchase) agreement\b[^.]{0,60}\b(?:acquir|merg|sale|sold|by)",
        "merg|takeover|acqui|buyout|agreed|agreement",
        confidence=0.8,
        unless=_any(
            _OTHER_ACQUIRING.pattern,
            r"\b(?:pull request|branch(?:es)?|git|cells?|duplicates?|contacts?|records?|lanes?|traffic|"
            r"files?|tables?|pdfs?|accounts?|tradition|design|art|technology|science)\b",
        ),
    )
    yield say(
        r"\b(?:change|new) (?:of|in) (?:ownership|owners?|control)\b|\b(?:under|has|have|"
        r"our) (?:a )?new (?:ownership|owners?)\b",
        "ownership|owner|control",
        confidence=0.7,
    )
    yield say(
        r"\b(?:wurde|werden|wird|worden|sind|ist)\b[^.]{0,60}\b(?:übernommen|aufgekauft|"
        r"verkauft an)\b|\b(?:übernahme durch|teil der [A-Z]\S+(?:-| )(?:gruppe|group)|gehör(?:t|"
        r"en) (?:nun|jetzt|künftig) zu|fusion(?:ier\w+)? mit)",
        "übern|aufgekauft|verkauft|teil der|gehör|fusion",
        confidence=0.75,
        subject=False,
    )
    yield say(
        r"\b(?:rachetée?s? par|(?:a|ont|été) (?:acquise?|rachetée?)s? par|rejoint le groupe|"
        r"fusionn\w+ avec|rachat (?:de la société )?par)",
        "rachet|acquis|rejoint|fusionn|rachat",
        subject=False,
    )
    yield say(
        r"\b(?:(?:ha|hemos) sido (?:adquirid|comprad)[oa]s? por|adquirid[oa] por|se (?:une|"
        r"integra) (?:a|en) (?-i:[A-Z])|fusión con|pasa a formar parte de)",
        "adquirid|comprad|se une|se integra|fusión|formar parte",
        subject=False,
    )
    yield say(
        r"\b(?:(?:è stat[oa]|siamo stati) acquisit[oai] da|acquisit[oa] da|entra a far parte|fusione con)",
        "acquisit|far parte|fusione",
        subject=False,
    )
    yield say(
        r"\b(?:overgenomen door|onderdeel (?:geworden )?van (?-i:[A-Z])|fusie(?:ert)? met|overname door)",
        "overgenomen|onderdeel|fusie|overname",
        subject=False,
    )
    yield say(
        r"\b(?:foi (?:adquirid|comprad)[oa] (?:pela|pelo|por)|passa a fazer parte)",
        "adquirid|comprad|fazer parte",
        subject=False,
    )
    yield say(
        r"\b(?:acquir\w*|buy(?:s|ing)?|bought|purchas\w+|takes?|took) (?:(?:all|the|over|of|a|an|\d+ ?%|majority|minority|"
        r"controlling|remaining|outstanding|issued) ?){0,5}(?:shares?|stock|stake|equity|assets|interest|control) (?:of|in|from)"
        r" (?:\w+ ){0,2}?{us}",
        "share|stock|stake|equity|asset|interest|control",
        confidence=0.85,
    )
    yield say(
        r"\bhat\b[^.]{0,60}{us}[^.]{0,40}\b(?:gekauft|übernommen|erworben)\b|\b(?:ha|han|hemos) (?:comprado|adquirido|vendido)"
        r"\b[^.]{0,60}{co}|\b(?:a|ont|avons) (?:racheté|acquis|repris|vendu)\b[^.]{0,60}{co}|\bha (?:acquisito|comprato|"
        r"rilevato)\b[^.]{0,60}{co}|\bheeft\b[^.]{0,60}{co}[^.]{0,30}\b(?:gekocht|overgenomen)\b|\b(?:comprou|adquiriu)\b"
        r"[^.]{0,60}{co}",
        "gekauft|übernommen|erworben|comprado|adquirido|vendido|racheté|acquis|repris|vendu|comprato|rilevato|gekocht|overgenomen|"
        "comprou|adquiriu",
        confidence=0.8,
        subject=False,
    )
    yield say(r"\bnow an? (?-i:[A-Z])\w+(?: (?-i:[A-Z])\w+){0,2} company\b", "company", confidence=0.75, subject=False)
    yield say(
        r"\b(?:sold|sell(?:s|ing)?|sale of) (?:{co}|all shares in {co}|"
        r"the majority of {co})(?: to\b| is\b| was\b|$|[.,])",
        "sold|sell|sale",
        confidence=0.82,
    )
    yield say(r"\bnew owners?\b[^.]{0,40}\b(?:take|took|takes|taken|will|have|has)\b", "new owner", confidence=0.7)
    yield say(
        r"\bcomplet(?:es|ed|ing) (?:the |its )?(?:acquisition|takeover|purchase|merger|"
        r"sale) of {co}",
        "complet",
        confidence=0.85,
    )


# --- Layoffs ------------------------------------------------------------------------------------------------------

_NOT_LAYOFFS: Final = _any(
    r"\b(?:layoff|redundancy|redundant) (?:insurance|calculator|checker|advice|rights|law|policy|"
    r"pay calculator|(?:power|server|data|storage|backup|system|network)s?)\b",
    r"\b(?:data|network|storage|server|power|disk|geo-?) ?redundan\w+",
    r"\bredundan(?:t|cy|cies) (?:data|storage|server|power|backup|network|array|copies|"
    r"infrastructure|systems?|links?|code)",
    r"\b(?:reduc\w+|cut\w*) (?:your|their) (?:staff|workforce|headcount|team)",
    r"\b(?:let(?:ting)? go of (?:the|your|stress|fear|worry|perfection|control|old|past|what|guilt|things|it))",
    r"\bjob cuts? (?:steel|metal|wood)",
    r"\bfunction cuts?\b",
    r"\b(?:begleiten|beraten|unterstützen) (?:wir )?(?:unternehmen|arbeitgeber|betriebe|sie)\b|\bwir (?:begleiten|beraten)\b",
)


def _layoffs() -> Iterator[Phrase]:
    def say(pattern: str, needs: str, confidence: float = 0.82, subject: bool = True) -> Phrase:
        return Phrase("layoffs", pattern, tuple(needs.split("|")), confidence, _NOT_LAYOFFS, subject)

    some = (
        r"\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
        r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|(?:a |one )?hundred\w*|dozens?|"
        r"thousands?|many|some|several|a third|a quarter|half|a number|talented|valued|%|percent|per cent|most"
    )
    people = (
        r"(?:people|employees?|colleagues?|staff|team ?mates?|team members?|workers?|jobs?|positions?|"
        r"roles?|workforce|headcount|team|workers)"
    )

    yield say(
        r"\b(?:lay(?:s|ing)? off|laid[- ]off|layoffs?|lay-offs?|redundancies|made redundant|"
        r"making \w+ (?:\w+ )?redundant|job cuts?|job losses|mass dismissals?|retrench\w+|"
        r"furlough(?:ed|ing)?)\b",
        "lay|laid|redundan|job cut|job loss|dismissal|retrench|furlough",
    )
    yield say(
        rf"\b(?:reduc(?:e|es|ed|ing)|cut(?:s|ting)?|shrink(?:s|ing)?|downsiz\w+|eliminat\w+|"
        rf"slash\w*|axe[ds]?|axing|shed(?:s|ding)?|"
        rf"scal(?:e|ed|ing) back) (?:back |down |on )?(?:(?:about|around|roughly|nearly|almost|"
        rf"over|more|than|up|to|some|approximately|"
        rf"the|size|of|our|its|their|a|an|all|\d[\d.,]*|%|percent|per cent|third|quarter|half|"
        rf"tenth|fifth|global|total|entire|overall|"
        rf"remaining|company-?wide|corporate|many|several|hundreds|thousands|dozens)[ %]*){{0,9}}{people}\b"
        rf"(?! (?:turnover|churn|costs?|time|fatigue|stress|burnout|absen\w+|workload|effort|"
        rf"errors?|training|onboarding|easier|less|more))",
        "reduc|cut|shrink|downsiz|eliminat|slash|axe|axing|shed|scal",
        confidence=0.75,
    )
    yield say(
        r"\b(?:workforce|headcount|staff(?:ing)?|personnel|job|force) (?:reductions?|cuts?|"
        r"cutbacks?|downsizing|losses)\b|"
        r"\breductions? (?:in|of) (?:the |our |its |\w+ )?(?:workforce|headcount|staff|force|personnel|jobs)\b",
        "reduction|cut|downsizing|losses",
        confidence=0.75,
        subject=False,
    )
    yield say(
        r"\bmak(?:e|es|ing)\b[^.]{0,40}\bredundant\b|\bmade (?:[\d,.]+|\w+) (?:\w+ ){0,3}redundant\b",
        "redundant",
    )
    yield say(
        rf"\b(?:let(?:ting)?|part(?:ed|ing)? (?:ways )?(?:company )?with|sa(?:y|ying|id) goodbye to|"
        rf"dismiss\w*|terminat\w+|affect(?:s|ed|ing)?|lose|losing|leav(?:e|es|"
        rf"ing) us)\b[^.]{{0,40}}\b(?:{some})\b[^.]{{0,40}}\b{people}\b(?:[^.]{{0,20}}\bgo\b)?",
        "let|part|goodbye|dismiss|terminat|affect|los|leav",
        confidence=0.68,
    )
    yield say(
        rf"\b(?:\d+|many|some|several|a third|a quarter|half|a number|most) (?:%|percent|"
        rf"per cent)?\W?(?:of (?:our|the|its) )?(?:\w+ )?{people}\b[^.]{{0,40}}\b(?:will be leaving|"
        rf"will leave|are leaving|will be affected|are affected|be let go|lost their jobs|will go|"
        rf"to go|will lose|have to leave)\b",
        "leav|affected|let go|lost their|will go|to go|lose",
        confidence=0.75,
    )
    yield say(
        r"\b(?:restructur\w+|reorgani[sz]\w+|rightsiz\w+)\b[^.]{0,80}\b(?:jobs?|roles?|positions?|"
        r"staff|workforce|headcount|employees|team members|colleagues)\b",
        "restructur|reorgani|rightsiz",
        confidence=0.68,
    )
    yield say(
        rf"\b(?:posts|jobs|roles|positions|people|staff)\b[^.]{{0,20}}\b(?:may|could|will|are to|are expected to|might|"
        rf"set to) (?:go|be lost|disappear|be cut|be axed|be made redundant)\b|\b(?:loses?|losing|lost|cuts?|sheds?) "
        rf"(?:{some}) (?:of (?:its|our|the|their) (?:[\w,]+ )?)?(?:jobs|posts|staff|people|employees|workers)\b",
        "will go|may go|could go|to go|might go|lost|disappear|cut|axed|redundant|lose|losing|shed",
        confidence=0.72,
        subject=False,
    )
    yield say(
        r"\bconsultation\b[^.]{0,40}\b(?:staff|employees|redundanc\w*|colleagues|workforce|unions?|workers)\b",
        "consultation",
        confidence=0.65,
    )
    yield say(
        r"\b(?:entlass\w+|stellenabbau|stellen (?:ab|streichen|gestrichen)|"
        r"betriebsbedingte\w* kündigung\w*|personalabbau|kurzarbeit|bau(?:t|en) \d+ stellen ab|"
        r"mitarbeiter\w* (?:entlassen|kündigen|trennen))\b",
        "entlass|stellen|kündig|personalabbau|kurzarbeit|mitarbeiter",
        subject=False,
    )
    yield say(
        r"\b(?:licenciements?|suppressions? (?:de |d['’])?(?:\d+ )?(?:postes?|emplois?)|plan social|"
        r"plan de sauvegarde de l['’]emploi|supprim\w+ \d+ (?:postes|emplois))",
        "licenciement|suppression|plan |supprim",
        subject=False,
    )
    yield say(
        r"\b(?:despidos?(?: colectivos?)?|expediente de regulación|recorte de (?:plantilla|personal|"
        r"empleos)|reducción de plantilla)\b",
        "despido|expediente|recorte|plantilla",
        subject=False,
    )
    yield say(
        r"\b(?:licenziament[oi]|esuberi|taglio del personale|cassa integrazione)\b",
        "licenziament|esuberi|taglio|cassa",
        subject=False,
    )
    yield say(
        r"\b(?:ontslag(?:ronde|en)?|banen (?:schrappen|verlies|verdwijnen)|reorganisatie|afvloeiing)\b",
        "ontslag|banen|reorganisatie|afvloei",
        subject=False,
    )
    yield say(
        r"\b(?:demissões|demissão (?:coletiva|em massa)|despedimentos?(?: coletivos?)?|corte de pessoal)\b",
        "demiss|despediment|corte",
        subject=False,
    )
    yield say(
        r"\bloss of (?:\w+ ){0,2}(?:\d[\d,.]*|hundreds of|thousands of|dozens of|"
        r"all) (?:\w+ )?jobs\b",
        "loss of",
        confidence=0.75,
    )


# --- Leadership ---------------------------------------------------------------------------------------------------

_CHIEF: Final = (
    r"(?:ceo|cfo|coo|cto|chief (?:executive|financial|operating|technology|commercial)|"
    r"chief \w+(?: \w+)? officer|managing director|executive director|"
    r"president|chair(?:man|woman|person)?|"
    r"(?:finance|sales|technical|artistic|medical|operations|commercial|creative|marketing|sporting|music|hr) director|"
    r"head of the company|general manager|managing partner|director general|co-?founders?|"
    r"founders?|geschäftsführer\w*|vorstand\w*|"
    r"vorstandsvorsitzende\w*|directeur général|directrice générale|pdg|director(?:a)? general|"
    r"consejer[oa] delegad[oa]|"
    r"amministrat(?:ore|rice) delegat[oa]|directeur|algemeen directeur)"
)
_NOT_OUR_CHIEF: Final = _any(
    r"\b(?:looking for|seeking|recruit\w*|interviews? (?:take|will)|job description)\b|['’]s (?:assistant|office|secretary)\b",
    r"\bprevious post ?holder\b",
    r"\b(?:says|said|explains|comments|adds|writes|according to|interview with|podcast with|guest|"
    r"speaker|keynote|panel|client|customer|"
    r"course|coach\w*|training|workshop|vacanc\w+|apply now|guide|quote|testimonial|webinar|"
    r"vice[- ]president of (?:the )?(?:united states|country)|"
    r"president of the (?:united states|republic|country|"
    r"student|club|university)|prime minister|award|under 40|school|class)\b",
)


def _leadership() -> Iterator[Phrase]:
    def say(pattern: str, needs: str, confidence: float = 0.72, subject: bool = True) -> Phrase:
        return Phrase("leadership_change", pattern, tuple(needs.split("|")), confidence, _NOT_OUR_CHIEF, subject)

    chiefs = (
        "ceo|cfo|coo|cto|chief|director|president|chair|head of|manager|partner|founder|geschäftsführ|vorstand|"
        "directeur|directrice|pdg|consejer|amministrat"
    )
    yield say(
        rf"\b(?:step(?:s|ped|ping)? (?:down|aside|back|away)|resign\w*|depart\w*|retir(?:e[sd]?|"
        rf"ing|ement)|ousted|hand(?:s|ed|ing)? "
        rf"over|pass(?:es|ed|ing)? the baton)\b[^.]{{0,30}}\b(?:as|from|of|by|to)\b (?:\w+ ){{0,3}}{_CHIEF}\b",
        chiefs,
        confidence=0.75,
        subject=False,
    )
    yield say(
        rf"\b(?:replac(?:e[sd]?|ing)|succeed(?:s|ed|ing)?|dismiss(?:es|ed)|fir(?:es|ed)|sack(?:s|"
        rf"ed)|remov(?:es|ed)|oust(?:s|ed)) "
        rf"(?:(?:the|our|its|long-?time|founding|current|former|outgoing) ){{0,3}}{_CHIEF}\b",
        chiefs,
        confidence=0.75,
        subject=False,
    )
    yield say(
        rf"\b(?:nam(?:es|ed)|appoint(?:s|ed)|hir(?:es|ed)|elect(?:s|ed)|promot(?:es|"
        rf"ed)) (?-i:[A-Z])[\w.'-]+(?: [\w.'-]+){{0,3}}?,? (?:as |its |the |"
        rf"our |to |be |new |next |interim |acting )*{_CHIEF}\b",
        chiefs,
        confidence=0.78,
        subject=False,
    )
    yield say(
        r"\b(?:step(?:s|ped|ping)? (?:back|down|away|aside)|withdraw\w*|bows? out) from (?:the )?(?:day-to-day|daily|active|"
        r"management|running|business|board|company|helm)\b|\bfrom \w+,? (?:\S+ ){1,3}(?:runs|leads|heads) (?:the )?{co}",
        "step|withdraw|bow out|bows out|runs|leads|heads",
        confidence=0.7,
        subject=False,
    )
    yield say(
        rf"\b{_CHIEF} (?:transition|succession|change|departure|resignation|handover)\b|\b(?:will|"
        rf"to) (?:become|be|serve as|take over as|"
        rf"step up as) (?:(?:the|our|its|new|next|interim) ){{0,2}}{_CHIEF}\b",
        chiefs,
        confidence=0.72,
        subject=False,
    )
    yield say(rf"\b(?:interim|acting|incoming|outgoing) {_CHIEF}\b", chiefs, confidence=0.7, subject=False)
    yield say(
        rf"\b{_CHIEF},? (?:\w+ ){{0,3}}(?:is|are) (?:now )?(?:leaving|retiring|stepping|departing|"
        rf"handing|moving on)\b|\bleav(?:e|es|ing) "
        rf"{{co}}\b(?=.*)",
        chiefs,
        confidence=0.72,
        subject=True,
    )
    yield say(
        r"\b(?:verabschied\w*|ruhestand|nachfolge\w*|abberufen|"
        r"scheidet)\b[^.]{0,80}\b(?:geschäftsführ\w*|vorst[aä]nd\w*|chef\w*|"
        r"inhaber\w*|gründer\w*)\b|\b(?:geschäftsführ\w*|vorst[aä]nd\w*|inhaber\w*|"
        r"gründer\w*)\b[^.]{0,80}\b(?:verabschied\w*|ruhestand|"
        r"nachfolge\w*|abberufen|ausgeschieden)\b",
        "verabschied|ruhestand|nachfolge|abberufen|scheid",
        subject=False,
    )
    yield say(
        rf"\b{_CHIEF}\b[^.]{{0,60}}\b(?:step(?:s|ped|ping)? (?:down|aside|back|away)|resign\w*|"
        rf"depart(?:s|ed|ing|ure)?|retir(?:e[sd]?|ing|ement)|is leaving|leaves|has left|will leave|"
        rf"ousted|replaced|succeeded|hand(?:s|ed|ing)? over|passed away|moves on|moving on)\b",
        chiefs,
        confidence=0.78,
        subject=False,
    )
    yield say(
        rf"\b(?:appoint(?:s|ed|ing|ment of)?|nam(?:es|ed|ing)|hir(?:es|ed|ing)|welcom(?:e|es|ed|ing)|"
        rf"promot(?:es|ed|ing)|elect(?:s|ed)?|introduc(?:e|es|ed|ing)|join(?:s|ed|ing)?(?: us)?|"
        rf"tak(?:es?|ing) over|took over|assum(?:es|ed))\b[^.]{{0,60}}\b(?:as|to|role of|position of|"
        rf"be|become)\b(?: (?:the|our|its|a|new|interim|permanent|acting))* {_CHIEF}\b",
        chiefs,
        confidence=0.78,
        subject=False,
    )
    yield say(rf"\b(?:new|interim|acting|incoming|next) (?:\w+ )?{_CHIEF}\b", chiefs, confidence=0.72, subject=True)
    yield say(
        r"\b(?:leadership|management|executive|boardroom) (?:change|changes|transition|succession|"
        r"shake-?up|reshuffle)\b|\bchange (?:of|in|at) (?:the )?(?:leadership|management|top|helm)\b|"
        r"\b(?:new|under new) (?:leadership|management)(?: team)?\b",
        "leadership|management|executive|boardroom|helm|at the top",
        confidence=0.68,
    )
    yield say(
        r"\b(?:neue\w* (?:geschäftsführ\w+|vorstand\w*|chef\w*|leitung)|führungswechsel|wechsel (?:in|"
        r"an) der (?:geschäftsführung|spitze|führung)|(?:geschäftsführ\w+|"
        r"vorstand\w*)[^.]{0,50}(?:verlässt|tritt zurück|scheidet aus|übergibt|verabschiedet)|"
        r"(?:übernimmt|übernehmen)[^.]{0,30}geschäftsführung)\b",
        "geschäftsführ|vorstand|chef|leitung|führung|wechsel",
        subject=False,
    )
    yield say(
        r"\b(?:nouve(?:au|lle) (?:directeur|directrice|président\w*|pdg|dg)|"
        r"nomm[ée]e?s? (?:au poste de )?(?:directeur|directrice|président\w*|pdg)|"
        r"quitte (?:la direction|ses fonctions|la présidence))",
        "nouve|nomm|quitte",
        subject=False,
    )
    yield say(
        r"\b(?:nuev[oa] (?:director\w*|ceo|president\w*|consejer\w+)|nombrad[oa] (?:director\w*|ceo|"
        r"president\w*|consejer\w+)|(?:dimite|deja el cargo|renuncia)\b)",
        "nuev|nombrad|dimite|deja|renuncia",
        subject=False,
    )
    yield say(
        r"\b(?:nuov[oa] (?:amministrat\w+|ceo|presidente|direttore)|nominat[oa] (?:amministrat\w+|ceo|"
        r"presidente|direttore)|si dimette)",
        "nuov|nominat|dimette",
        subject=False,
    )
    yield say(
        r"\b(?:nieuwe (?:ceo|directeur|directie|bestuurder)|benoemd tot (?:ceo|directeur|bestuurder)|"
        r"treedt (?:terug|af))",
        "nieuwe|benoemd|treedt",
        subject=False,
    )


# --- Loosely ------------------------------------------------------------------------------------------------------

# What strangers write is never quite one of the phrases above. So what happens is also looked for by its words alone,
# wherever they stand in a sentence, with a confidence that is just enough to have somebody look.

_FOR_GOOD: Final = _any(
    r"\b(?:for good|for ever|forever|permanent\w*|for the (?:very )?(?:last|final) time|last (?:parcels?|orders?|guests?|"
    r"customers?)|find a successor|no successor|définitiv\w*|definitiv\w*|endgültig|für immer|dauerhaft|zum letzten mal|"
    r"para siempre|por última vez|per sempre|per l['’]ultima volta|voor (?:altijd|goed)|voor (?:de|het) laatst\w*|"
    r"pour toujours|pour la dernière fois|faute de repreneur|för gott|for godt|for altid|na zawsze|navždy)\b",
)
_SOME: Final = (
    r"\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|dozens?|thousands?|half|third|quarter"
)
_JOBS: Final = (
    r"jobs?|posts|roles|positions|employees|colleagues|workers|workforce|team ?mates|staff|arbeitsplätze|stellen|"
    r"mitarbeite\w*|beschäftigte\w*|postes|emplois|salariés|puestos|trabajadores|empleados|personas|posti|dipendenti|"
    r"lavoratori|banen|medewerkers|arbeidsplaatsen|postos|funcionários"
)
_COURT: Final = _any(
    r"\b(?:court|judge|granted|opened|filed|appointed|placed|petition\w*|declared|entered|order|gericht|amtsgericht|"
    r"eröffnet|beantragt|angemeldet|bestellt|tribunal|prononcé|placée?|juzgado|declarad[oa]|presentad[oa]|tribunale|dichiarat[oa]|"
    r"rechtbank|uitgesproken|aangevraagd|aangesteld)\b",
)
_BUYER: Final = _any(
    r"\b(?:group|gruppe|groupe|grupo|gruppo|holding|inc|ltd|gmbh|plc|llc|corp|networks?|systems?|capital|partners|"
    r"shares?|stake|contracts?|owners?|parent company|acquirer|buyer)\b",
)


def _loosely() -> Iterator[Phrase]:
    yield Phrase(
        "closing",
        r"\b(?:clos(?:e|es|ed|ing|ure)|shut(?:s|ting)?|wind(?:s|ing)? (?:up|down)|ceas\w+|fold(?:s|ing)?|pack(?:s|ing)? up|"
        r"retir(?:e|es|ing)|leav(?:e|es|ing)|schlie\w+|geschlossen|auf(?:geben|gegeben|hören)|eingestellt|ferm\w+|cess\w+|"
        r"arrêt\w+|cierr\w+|cerr\w+|cesa\w*|chiud\w+|chius\w+|sluit\w*|stopp?en|fech\w+|encerr\w+|stäng\w+|lukk\w+|"
        r"zamyka\w*|zavír\w*)\b",
        ("for good", "for ever", "forever", "permanent", "final time", "last time", "last parcel", "last order", "last guest",
         "last customer", "successor", "finitiv", "endgültig", "für immer", "dauerhaft", "letzten mal", "siempre", "última vez",
         "per sempre", "ultima volta", "voor altijd", "voor goed", "laatst", "toujours", "dernière fois", "faute de", "för gott",
         "for godt", "for altid", "na zawsze", "navždy"),
        0.6, _WITHOUT_REASON, also=(_FOR_GOOD,),
    )  # fmt: skip
    yield Phrase(
        "closing",
        r"\b(?:will|are|is|we)\b(?: \w+){0,3} (?:wind(?:ing)? (?:up|down)|shut(?:ting)? down|ceas(?:e|ing))\b|"
        r"\b(?:geschäfts)?betrieb\b[^.]{0,60}\beingestellt\b|\bferm\w+ définitivement\b",
        ("wind up", "wind down", "winding", "shut down", "shutting down", "ceas", "eingestellt", "définitivement"),
        0.6, _NOT_THE_COMPANY, needs_subject=True,
    )  # fmt: skip
    yield Phrase(
        "closing",
        r"\b(?:voted|decided|agreed|resolved|chose|have|had) to (?:bring|put|come)\b[^.]{0,40}\b(?:an end|to a close|to rest)\b|"
        r"\b(?:last|final) (?:guests?|customers?|parcels?|loaves|coffee|box(?:es)?|service|issue|harvest|pour)\b|"
        r"\b(?:letzte[rn]?|letztes) (?:kaffee|brot|gäste?|essen|ausgabe|runde|lieferung)\b|\bdanach ist schluss\b|"
        r"\bmachen wir\b[^.]{0,40}\b(?:dicht|zu)\b|\b(?:scheme|service|programme|club|business|label|shop) "
        r"(?:finishes|ends|comes to an end) (?:in|on|this|with|after)\b|\bwill be our farewell\b",
        ("an end", "to a close", "to rest", "letzte", "ist schluss", "machen wir", "finishes", "ends in", "ends on", "ends this",
         "ends with", "ends after", "be our farewell", *(f"{which} {what}" for which in _LAST for what in (
             "guest", "customer", "parcel", "loaves", "coffee", "box", "service", "issue", "harvest", "pour"))),
        0.58, _NOT_THE_COMPANY,
    )  # fmt: skip
    yield Phrase(
        "acquisition",
        r"\b(?:will be|now|be|becomes?|are|is) owned by\b|\b(?:pass(?:es|ed)?|come|went|moves?|change[sd]?) (?:in)?to (?:the )?"
        r"(?:hands|ownership) of\b|\b(?:pasa|pasan|pasó) a manos de\b|\bpasse (?:aux|entre les) mains\b|"
        r"\bpassa (?:nelle|in) mani\b|\bgeht (?:an|in den besitz|in die hände)\b|\bgaat over (?:naar|in handen)\b|"
        r"\b(?:come|comes|coming|joined?|joining) (?:together|forces) as (?-i:[A-Z])|\bnew parent (?:company|group)\b|"
        r"\bwe have sold the (?:building|premises|company|business|brand|shop|farm)\b",
        ("owned by", "hands of", "ownership of", "manos", "mains", "mani", "besitz", "hände", "geht an", "handen", "over naar",
         "together as", "forces as", "new parent", "have sold the"),
        0.66, _OTHER_ACQUIRING,
    )  # fmt: skip
    yield Phrase(
        "layoffs",
        r"\b(?:team|workforce|staff|headcount|company) (?:\w+ ){0,3}smaller\b|\bsmaller team\b|\b(?:night|day|late|third) shift "
        r"(?:will be |is |was )?(?:cut|ended|closed|scrapped)\b",
        ("smaller", "shift"),
        0.6, _NOT_LAYOFFS,
    )  # fmt: skip
    yield Phrase(
        "leadership_change",
        r"\b(?:cède|quitte|transmet|laisse|prend|reprend|confie)\b[^.]{0,30}\b(?:direction générale|direction|présidence|rênes|"
        r"les commandes)\b|\b(?:übergibt|übernimmt|gibt)\b[^.]{0,40}\b(?:leitung|geschäftsführung|vorsitz|staffelstab|ruder)\b|"
        r"\b(?:cede|asume|deja|toma)\b[^.]{0,30}\b(?:dirección|presidencia|riendas)\b|"
        r"\b(?:lascia|assume|passa)\b[^.]{0,30}\b(?:guida|presidenza|direzione|timone)\b",
        ("direction", "présidence", "rênes", "commandes", "leitung", "geschäftsführung", "vorsitz", "staffelstab", "ruder",
         "dirección", "presidencia", "riendas", "guida", "presidenza", "direzione", "timone"),
        0.62, _NOT_OUR_CHIEF,
    )  # fmt: skip
    yield Phrase(
        "insolvency",
        r"\b(?:insolv\w+|bankrupt\w*|winding[- ]up|liquidat\w+|administrators?|receiver\w*|konkurs\w*|faillite|redressement|"
        r"concurso|quiebra|fallimento|liquidazione|concordato|faillissement|curator|failliet|insolvência|falência)\b",
        ("insol", "bankrupt", "winding", "liquid", "administrator", "receiver", "konkurs", "faillite", "redressement", "concurso",
         "quiebra", "falliment", "concordato", "faillis", "curator", "failliet", "falência"),
        0.65, _ADVICE, also=(_COURT,),
    )  # fmt: skip
    yield Phrase(
        "layoffs",
        r"\b(?:cut(?:s|ting)?|los(?:e|es|ing|s)|axe[ds]?|redundan\w+|dismiss\w+|let go|part(?:ed|ing) ways|parted with|affected|"
        r"abbau\w*|abgebaut|gestrichen|streich\w*|wegfall\w*|entlass\w*|suppress\w+|supprim\w+|licenci\w+|despid\w+|despedi\w+|"
        r"afecta|ERE|ERTE|esuber\w*|licenzia\w+|tagli\w*|schrap\w*|ontsla\w*|demi(?:tir|ssões))\b",
        ("jobs", "posts", "roles", "positions", "employees", "colleagues", "worker", "workforce", "team mates", "teammates",
         "staff", "arbeitspl", "stellen", "mitarbeit", "beschäftigt", "postes", "emplois", "salari", "puestos", "trabajador",
         "emplead", "personas", "posti", "dipendent", "lavorator", "banen", "medewerker", "arbeidspl", "postos", "funcion"),
        0.58, _NOT_LAYOFFS, also=(_any(rf"\b(?:{_SOME})\b"), _any(rf"\b(?:{_JOBS})\b"), _any(
            r"\b(?:plant|factory|company|we|us|our|site|office|team|usine|entreprise|empresa|fábrica|werk|unternehmen|standort|"
            r"wir|azienda|stabilimento|fabriek|bedrijf|direction|management|union|ERE)\b")),
    )  # fmt: skip
    yield Phrase(
        "acquisition",
        r"\b(?:has|have|was|were|been|is|are|being) (?:now |just |recently |fully )?(?:taken over|acquired|bought|purchased)\b|"
        r"\b(?:taken over|acquires?|takes over|took over|acquired|bought) {us}\b",
        ("taken over", "takes over", "took over", "acquire", "bought", "purchased"),
        0.6, _OTHER_ACQUIRING, needs_subject=True, also=(_BUYER,),
    )  # fmt: skip


# --- Good news ----------------------------------------------------------------------------------------------------


_NOT_OUR_MONEY: Final = _any(
    r"\b(?:charity|fundrais\w+|crowdfunding (?:tips|guide)|how|students?|research|grants? (?:for|"
    r"programme)|scholarship|your|donat\w+|"
    r"apply for|bake sale|marathon|awareness|portfolio|startups? we|we (?:invest|fund)|clients?)\b",
)


_SEASONAL: Final = _any(
    r"\b(?:annuelle|hebdomadaire|congés|vacances|annual|season\w*|holidays?|weekly|betriebsferien|ruhetag|saison\w*|"
    r"vacaciones|ferie|vakantie|easter|christmas|lunch)\b",
)
"""Who closes for a while each year opens again; that is no news."""


def _good_news() -> Iterator[Phrase]:
    def fund(pattern: str, needs: str, confidence: float = 0.82, subject: bool = True) -> Phrase:
        return Phrase("funding", pattern, tuple(needs.split("|")), confidence, _NOT_OUR_MONEY, subject)

    def again(pattern: str, needs: str, confidence: float = 0.75, subject: bool = True) -> Phrase:
        return Phrase("relaunch", pattern, tuple(needs.split("|")), confidence, _SEASONAL, subject)

    money = (
        r"(?:[$€£]\s?\d[\d.,]*\s?(?:m|mm|k|bn|million|billion|mio|mln)?|\d[\d.,]*\s?(?:million|"
        r"billion|mio\.?|millionen|millions|millones|milioni|miljoen)\b)"
    )

    yield fund(
        rf"\b(?:rais(?:e|es|ed|ing)|secur(?:e|es|ed|ing)|clos(?:e|es|ed|ing)|land(?:s|ed)|receiv(?:e|"
        rf"es|ed)|announc(?:e|es|ed|ing)|complet(?:e|es|ed))\b[^.]{{0,60}}(?:{money}|series [a-f]\b|"
        rf"seed (?:round|funding|investment)|funding|investment round|venture (?:capital|debt)|"
        rf"financing round)",
        "rais|secur|clos|land|receiv|announc|complet",
    )
    yield fund(
        r"\b(?:series [a-f]|seed|pre-seed|growth|funding|financing|investment) round\b", "round", confidence=0.75
    )
    yield fund(
        rf"\b(?:finanzierungsrunde|kapitalerhöhung|wagniskapital|levée de fonds|lev(?:é|er|"
        rf"ons)\w* {money}|ronda de (?:financiación|inversión)|round di (?:finanziamento|investimento)|"
        rf"investeringsronde|rodada de investimento)",
        "runde|kapital|levée|lev|ronda|round di|ronde|rodada",
        subject=False,
    )
    yield again(
        r"\bre-?launch(?:es|ed|ing)?\b|\bre-?brand(?:s|ed|ing)?\b|\bre-?open(?:s|ed|ing)?\b",
        "launch|brand|open",
        confidence=0.72,
    )
    yield again(
        r"{us}(?:['’]re| are| is)? (?:officially |finally |proudly )?back (?:in business|online|with|"
        r"and|on|open)\b|\b(?:new chapter|fresh start|new era) (?:for|begins|starts|of|with)\b|"
        r"\b(?:launch(?:ed|ing|es)?|unveil(?:ed|ing|s)?|introduc(?:ed|ing|es)?) (?:our|the|a|"
        r"its) (?:all[- ])?(?:brand[- ])?new (?:website|site|brand|identity|look|store|shop|name)\b|"
        r"\b(?:under|has|have) a new name\b",
        "back|chapter|start|era|new",
        confidence=0.7,
    )
    yield again(
        r"\b(?:neustart|neueröffnung|wiedereröffnung|neuer (?:look|auftritt)|wieder (?:geöffnet|"
        r"eröffnet)|réouverture|refonte|reapertura|riapertura|heropening|reabertura)\b",
        "neu|wieder|réouv|refonte|reapert|riapert|herop|reabert",
        subject=False,
    )


PHRASES: Final = (*_closing(), *_insolvency(), *_acquisition(), *_layoffs(), *_leadership(), *_loosely(), *_good_news())
