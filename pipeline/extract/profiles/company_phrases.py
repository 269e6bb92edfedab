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

    def matches(self, text: str, names: re.Pattern[str] | None) -> Iterator[re.Match[str]]:
        """Yield where the phrase stands in a sentence about the company whose name `names` finds."""
        return compiled(self.pattern, names.pattern if names else "").finditer(text)


@lru_cache(maxsize=8192)
def compiled(pattern: str, name: str) -> re.Pattern[str]:
    """Return a phrase's pattern for a company of this name, itself a pattern; empty for an unknown one."""
    name = name or r"(?!)"
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
    r"\b(?:the|this) (?:company|business|firm|shop|store|studio|agency|practice|restaurant|bakery|"
    r"brewery|startup|organi[sz]ation|"
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
    rf"\b(?:non|mai|senza|né)\b{_GAP}{{0,5}}[ '’-]*$",
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
    r"\b(?:mitbewerber\w*|wettbewerber\w*|konkurrent\w*|viele|andere|kunden?|unternehmen)\b(?:\W+\w+){0,4}\W*$",
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
    r"\b(?:auto|self)-?clos",
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


def _closing() -> Iterator[Phrase]:
    def say(pattern: str, needs: str, confidence: float = 0.85, subject: bool = False) -> Phrase:
        return Phrase("closing", pattern, tuple(needs.split("|")), confidence, _NOT_THE_COMPANY, subject)

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
        r"\b(?:fermeture définitive|cess(?:e|er|ation|é|ons) (?:d['’]|notre |nos |son |ses |"
        r"toute )?(?:activités?)|ferm(?:e|ons|er|é)\w* (?:ses|nos) portes|définitivement fermée?)",
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
)


def _layoffs() -> Iterator[Phrase]:
    def say(pattern: str, needs: str, confidence: float = 0.82, subject: bool = True) -> Phrase:
        return Phrase("layoffs", pattern, tuple(needs.split("|")), confidence, _NOT_LAYOFFS, subject)

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
        rf"ing) us)\b[^.]{{0,40}}\b(?:\d+|many|some|several|a third|a quarter|half|a number|talented|"
        rf"valued|%|percent|per cent|most)\b[^.]{{0,40}}\b{people}\b(?:[^.]{{0,20}}\bgo\b)?",
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
        r"\b(?:entlass\w+|stellenabbau|stellen (?:ab|streichen|gestrichen)|"
        r"betriebsbedingte\w* kündigung\w*|personalabbau|kurzarbeit|bau(?:t|en) \d+ stellen ab|"
        r"mitarbeiter\w* (?:entlassen|kündigen|trennen))\b",
        "entlass|stellen|kündig|personalabbau|kurzarbeit|mitarbeiter",
        subject=False,
    )
    yield say(
        r"\b(?:licenciements?|suppressions? (?:de |d['’])?(?:postes?|emplois?)|plan social|"
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
    r"head of the company|general manager|managing partner|director general|co-?founders?|"
    r"founders?|geschäftsführer\w*|vorstand\w*|"
    r"vorstandsvorsitzende\w*|directeur général|directrice générale|pdg|director(?:a)? general|"
    r"consejer[oa] delegad[oa]|"
    r"amministrat(?:ore|rice) delegat[oa]|directeur|algemeen directeur)"
)
_NOT_OUR_CHIEF: Final = _any(
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


# --- Good news ----------------------------------------------------------------------------------------------------


_NOT_OUR_MONEY: Final = _any(
    r"\b(?:charity|fundrais\w+|crowdfunding (?:tips|guide)|how|students?|research|grants? (?:for|"
    r"programme)|scholarship|your|donat\w+|"
    r"apply for|bake sale|marathon|awareness|portfolio|startups? we|we (?:invest|fund)|clients?)\b",
)


def _good_news() -> Iterator[Phrase]:
    def fund(pattern: str, needs: str, confidence: float = 0.82, subject: bool = True) -> Phrase:
        return Phrase("funding", pattern, tuple(needs.split("|")), confidence, _NOT_OUR_MONEY, subject)

    def again(pattern: str, needs: str, confidence: float = 0.75, subject: bool = True) -> Phrase:
        return Phrase("relaunch", pattern, tuple(needs.split("|")), confidence, None, subject)

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


PHRASES: Final = (*_closing(), *_insolvency(), *_acquisition(), *_layoffs(), *_leadership(), *_good_news())
