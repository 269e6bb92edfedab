"""Words of which a sentence has one that says how a company fares: what has none is not looked at any closer.

A sieve and no judge: it passes a good quarter of the sentences of a page, and 97 of 100 that tell something
(`test_hardly_a_telling_sentence_falls_through_the_sieve`). Reading a sentence by its meaning costs milliseconds, this
costs microseconds.
"""

from functools import cache
from typing import Any, Final

# Patterns with " | " between them. Letters are those of any alphabet, and a pattern matches whole words.

ENGLISH: Final = r"""
clos(?:e|es|ed|ing|ure) | shut(?:s|ting|ters?)? | ceas(?:e|es|ed|ing) | wind(?:s|ing)?[ -](?:up|down) |
wound[ -](?:up|down) | dissol\w+ | farewell | good-?bye | bye | no longer | no more | never again |
not (?:be )?(?:open|back|reopen|renew|continue|accept|tak)\w* | any ?more | will be (?:gone|none) | discontinu\w+ |
retir\w+ | liquidat\w+ | insolv\w+ | bankrupt\w* | administrators? | in administration | into administration |
receiver\w* | creditors? | debts? | chapter (?:7|11|15) | trustees? | court | judge | petition\w* | tribunal |
moratorium | restructur\w+ | reorgani[sz]\w+ | going concern | default\w* | acqui\w+ | bought | buy(?:s|ing)? |
buy-?outs? | buyers? | purchas\w+ | sold | sell(?:s|ing)? | sale | tak(?:e|es|en|ing) over | take-?over | took over
| merg\w+ | join(?:s|ed|ing)? | part of | own(?:s|ed|ers?|ership) | belongs? | subsidiar\w+ | parent | shares |
shareholders? | stakes? | transfer\w* | hands | combin\w+ | unite[sd]? | lay(?:ing)?[ -]offs? | laid off |
redundan\w+ | jobs? | roles? | positions? | posts | workforce | headcount | lay-?offs? | let(?:ting)? go |
part(?:s|ed|ing)? (?:ways|with|company) | dismiss\w* | furlough\w* | severance | downsiz\w* | cut(?:s|ting)? |
eliminat\w* | CEO | CFO | COO | CTO | chief | directors? | chair(?:man|woman|person)? | president | founders? |
managing | general manager | successors? | succe(?:ed|eds|eded|ssion) | step(?:s|ped|ping)? (?:down|back|aside|away)
| resign\w* | appoint\w* | helm | reins | baton | interim | hand(?:s|ed|ing)?(?: \w+){0,3} (?:over|back|to) |
leadership | rais(?:e|es|ed|ing) | funding | round | invest\w* | re-?launch\w* | re-?open\w* | rebrand\w* |
new (?:name|owners?|home|parent|boss|chapter) | switch(?:es|ed)?(?: \w+){0,3} off | turn(?:s|ed)?(?: \w+){0,3} off |
shut down | off-?line | read-only | erased | deleted | keys | landlord | lease | withdraw\w* | giv(?:e|es|ing) up |
everything must go | for good | for ever | forever | (?:the|its) end | comes? to an end | come to an end | an end |
final\w* | (?:our|the|my|its|one|very) last |
last (?:day|week|orders?|order|time|service|show|issue|train|box|boxes|copies|copy) | the lights | goes dark |
go dark | dark | disband\w* | wip(?:e|es|ed) | refund\w* | vouchers? | gift cards? | insolvency | estate | claims? |
affairs | undertaking | engagements? | control of | privatel?y? | wholly | majority | dispensed | surplus | at risk
| given notice | notice | consultation | smaller | fewer | shrink\w* | short-time | are left | is left | left the |
leav(?:e|es|ing) | to run | runs? the | run by | in charge | the run | lead(?:s)? the | led by | sunset |
out of (?:money|road|runway|cash|business) | (?:won['’]t|will not) be | no further | archive | a day | towel |
auction\w* | journey | the plug | disconnected | stop(?:s|ped|ping)? | ends? | ended | ending |
(?:hand|give|gave|give)[ns]? back | carry on | can(?:not|['’]t| not|not) (?:go on|pay|continue|meet|be honou?red) |
could(?:n['’]t| not) (?:make|find|raise|pay) | administration | bust | possession | rescue |
now (?:a|an|the|part|called|run|owned|with) | company is now | becom(?:e|es|ing) | together | operated by |
pass(?:es|ed)? (?:to|on) | swallowed | absorbed | snapped up | start work | (?:moves?|moving) (?:over|on|to) |
powered by | decision | decided | hardest | reduc\w* | affected | impacted | sent home | called back | treasurer |
head of | at the head | vacancy | vacant | grant | crowdfunding | credit | welcome to (?:the|our) new | back | again
| thank you for | there were | where yesterday | numbers | terminat\w* | released | liabilities | mothballed |
decommissioned | lapses? | license | licence | stake | offer | bid | holding | group | taken on | taken out |
not needed | half price | another supplier | years? (?:at|in|of) | from (?:monday|now on|today|the first) | as of |
since (?:monday|may|march) | changes? | changing | voted | vote |
new (?:\w+ )?(?:chief|director|ceo|head|chair|president|managing|general|leader\w*|management) | board | rector |
principal | passed away | death of | died
"""

OTHER_LANGUAGES: Final = r"""
schlie(?:ß|ss)\w* | geschlossen | schluss | schlussverkauf | räumungs\w* | geschäftsaufgabe | betriebsaufgabe |
aufgeb\w* | aufgelöst | auflösung | ein(?:ge)?stell\w+ | insolven\w* | zahlungsunfähig | konkurs\w* | amtsgericht |
gläubiger\w* | sachwalter | verwalter\w* | verwaltung | übernom\w+ | übernimmt | übernahme | fusion\w* |
verschmolz\w+ | verschmelzung | verkauft | gekauft | erwirbt | erworben | gehör\w+ | anteile | beteiligung\w* |
inhaber\w* | stellen | stellenabbau | arbeitsplätze | entlass\w* | kündigung\w* | kurzarbeit | sozialplan | abbau |
belegschaft | geschäftsführ\w* | vorst[aä]nd\w* | nachfolge\w* | ruhestand | rente | altersgründen | abschied |
verabschied\w* | auf wiedersehen | adieu | letzt\w+ | endgültig | für immer | zum letzten mal | dauerhaft |
teil (?:der|von) | ferm(?:e|ons|é|ée|ent|eture|er) | définiti\w* | cess(?:e|é|ation|er|ons) | liquidation |
redressement | sauvegarde | faillite | créanc\w+ | mandataire | rach(?:at|ète|etée?s?) | rejoint | acquis\w* |
fusionn?\w* | cédé\w* | repris\w* | reprend | repreneur | capital | licenci\w* | suppress\w+ | supprim\w* | postes |
emplois | plan social | directeur | directrice | président\w* | pdg | succède | quitte | retraite | rideau | adieux?
| dernier\w* | dernière\w* | cerr\w+ | cierr\w+ | ces(?:e|ado|a) | jubila\w* | concurso | acreedores | quiebra |
liquidaci\w+ | adquiri\w* | compra | comprad\w* | vendid\w* | grupo | manos | despid\w+ | despedi\w* | ere | erte |
plantilla | puestos | director\w* | consejer\w* | nombrad\w* | dimi\w+ | última? | chiud\w+ | chius\w+ | cessa\w* |
falliment\w* | fallit\w* | concordato | curatore | acquisi\w+ | venduta? | gruppo | licenzia\w* | esuber\w* |
cassa integrazione | amministrat\w* | dimission\w* | ultimo | pensione | sluit\w* | gesloten | stoppen |
opheffing\w* | failliet | faillissement | surseance | curator | overgenomen | overname | onderdeel van | verkocht |
ontslag\w* | ontslagen | banen | arbeidsplaatsen | treedt | bestuur\w* | laatste | encerr\w+ | insolvência |
falência | adquirid\w* | demiti\w* | geben | hören wir auf | hören auf | macht dicht | dicht | weitergeführt |
trennen | kürzt | leitung | leitet | spitze | führung\w* | chef\w* | finanzierung\w* | kapital | verlässt |
ausgeschieden | angeschlossen | schutzschirm\w* | sanierung | eigenverwaltung | révérence | séparer | dirige |
direction | fondateur | cède | contrôle | partie (?:de|du) | levée? | lève | s'arrête | prescindir | reducir | cargo
| president\w* | direttore | vertice | riaprir\w* | ritiriamo | passata | directie\w* | neemt | weer open |
riapri\w* | reabr\w* | neustart | wieder\w* | réouverture | diretor\w* | direktør | prezes | vd | blir | stäng\w* |
lukk\w* | legger ned | konkurs | köpts | opkøb\w* | varsl\w* | nedbemann\w* | zamyka\w* | upadłość | zwaln\w* |
kończ\w* | končíme | uzavřen\w* | zavír\w*
"""
"""German, French, Spanish, Italian, Dutch, Portuguese, and the commonest of the Nordic languages, Polish and Czech."""


_LETTER: Final = r"[a-z0-9\x{DF}-\x{17F}]"
"""Of Latin alphabets, in small letters: all letters there are would make of the words a program of megabytes."""

_MEMORY: Final = 64 << 20
"""Bytes that re2 may use for what it finds out while it looks; too few, and it becomes slow."""


@cache
def _sieve() -> Any:
    """Return all words as one pattern. A set of one, for a set only says whether it matches, and not where: half of the
    time of a search goes into places that nobody asks for."""
    import re2  # this profile alone needs it

    joined = f"{ENGLISH} | {OTHER_LANGUAGES}".replace("\n", " ")
    words = "|".join(word.strip().casefold() for word in joined.split(" | ") if word.strip(" |"))
    options = re2.Options()
    options.max_mem = _MEMORY
    options.never_capture = True
    sieve = re2.Set.SearchSet(options)
    sieve.Add(f"(?:^|[^a-z])(?:{words.replace(chr(92) + 'w', _LETTER)})(?:[^a-z\\x{{DF}}-\\x{{17F}}]|$)")
    sieve.Compile()
    return sieve


def may_tell(text: str) -> bool:
    """Whether a text has one of the words, whatever their case."""
    return bool(_sieve().Match(text.casefold()))
