"""The patterns the local reader knows: tables, no code.

They are regular expressions over *plain* text: lower case, words separated by one space, no punctuation, every
negation spelled "not" ("isn't", "wont", "never", "no longer" -> "is not", "will not", "not", "not"). Nothing here
belongs to one product: these are the ways in which people speak of any service.
"""

# ruff: noqa: SIM905 - lists of words are read as text

# fmt: off
# --- what goes wrong: (symptom, weight, pattern); heavier is more telling, earlier wins a tie -------------------------

_PAY = (
    r"(?:charged|charge|billed|bill|debited|paid|took|taken|deducted|withdrawn|payment"
    r"|payments|invoiced)"
)
_PEOPLE = (
    r"(?:people|persons|names|kids|pupils|gents|clients|customers|patients|guests|users"
    r"|bookings|appointments|parties|families|men|women|ladies|gentlemen)"
)
_GET = (
    r"(?:get|gets|got|getting|receive|receives|received|receiving|arrive|arrives|arrived"
    r"|arriving|come|comes|came|coming|reach|reached|delivered)"
)
_SHOW = (
    r"(?:show|shows|showing|shown|showed|appear|appears|appeared|appearing|display|displayed"
    r"|displaying|visible|listed|reflected|posted)"
)
_UPDATE = (
    r"(?:update|updates|updating|updated|sync|syncs|syncing|synced|refresh|refreshes"
    r"|refreshing|refreshed)"
)
_SEND = r"(?:send|sends|sent|sending|go out|going out|gone out|went out|goes out)"
_DAY = r"(?:hour|hours|hr|hrs|day|days)"

SYMPTOMS = (
    ("charged_twice", 4, rf"{_PAY} (?:\w+ ){{0,5}}(?:twice|two times|double|2 times|again)\b"),
    ("charged_twice", 4,
        r"\b(?:double|duplicate|duplicated) (?:charge|charges|charged|payment|payments"
        r"|transaction|billing|billed)"),
    ("charged_twice", 4,
        r"\b(?:two|2) (?:identical |separate |same )?(?:charges|payments|transactions)\b"
        r"|\bcharging (?:me |us )?(?:twice|double)"),
    ("double_booked", 4,
        r"\bdoubl\w+ (?:book\w*|up on)"
        r"|\bbooked (?:\w+ ){0,2}(?:twice|double)\b"
        r"|\boverbook\w*"),
    ("double_booked", 4, rf"\b(?:two|2|both) (?:\w+ ){{0,2}}{_PEOPLE} (?:\w+ ){{0,6}}(?:same|at once|one slot)\b"),
    ("double_booked", 4,
        rf"\b(?:has|have|had|got) (?:two|2) (?:\w+ )?{_PEOPLE} (?:\w+ ){{0,3}}(?:at|for|on|in"
        r"|both)\b"
        r"|\bsold twice\b"
        rf"|\btwo {_PEOPLE} (?:\w+ ){{0,6}}both\b"
        r"|\bbook(?:ed|s|ing)? (?:\w+ )?over\b"),
    ("double_booked", 3,
        r"\b(?:same|one) (?:slot|time slot|chair|room|table)\b"
        r"|\bon top of each other\b"),
    ("broken_characters", 4,
        r"\b(?:weird|strange|funny|garbled|broken|wrong|odd) (?:characters?|symbols?|letters?"
        r"|accents?)\b"
        r"|\bgibberish\b"),
    ("in_spam", 4,
        r"\b(?:goe?s?|going|went|lands?|landing|landed|ends?|ended|ending|arrives?|arriving|is"
        r"|are|was|were|sits?|sitting|marked|flagged|treated|found|straight|delivered|put|puts"
        r"|thrown|eleven|them|it) (?:\w+ ){0,3}(?:in|into|to|as) (?:\w+ ){0,3}(?:spam|junk"
        r"|unwanted email)\b"),
    ("bounces", 4, r"\bbounc(?:e|es|ed|ing)\b"),
    ("locked_out", 4,
        r"\block(?:ed|s|ing)? (?:\w+ ){0,2}out\b"
        r"|\baccount (?:is |was |has been |got )?(?:locked|suspended|blocked)\b"
        r"|\blocked account\b"),
    ("wrong_time", 4,
        r"\bwrong (?:time|times|hour|hours|timezone|date|day)\b"
        r"|\btimes? (?:\w+ ){0,2}(?:wrong|off|incorrect)\b"),
    ("wrong_time", 4,
        rf"\b(?:one|an|1|two|2|\d+) {_DAY} (?:too )?(?:early|late|off|out|ahead|behind|different"
        r"|wrong|slow|fast|earlier|before|later than)\b"
        r"|\b\d+ ?hrs? (?:early|late|off|out|ahead|behind|before)\b"
        r"|\b\d\d? \d\d instead of \d"
        rf"|\b(?:moved|shifted) (?:\w+ ){{0,2}}{_DAY}\b"),
    ("wrong_time", 3,
        r"\b(?:moved|shifted|slid|slipped|jumped) (?:\w+ ){0,4}(?:hours?|back|forward|up)\b"
        r"|\b(?:should|must) be \d\d?(?: \d\d)? (?:but|not)\b"
        r"|\bclocks? (?:change\w*|went|go|going|broke)\b"
        r"|\bdaylight savings?\b"
        r"|\btime change\b"
        r"|\bsummer ?time ended\b"),
    ("wrong_amount", 4,
        r"\bovercharg\w+"
        r"|\b(?:charged|paid|billed) (?:\w+ ){0,3}(?:too much|more than|extra|wrong)"
        r"|\bwrong (?:amount|price|total|sum|figure)s?\b"),
    ("wrong_amount", 4,
        r"\b(?:amount|price|total|invoice|bill|cash|figures?|numbers?"
        r"|sums?) (?:\w+ ){0,3}(?:wrong|incorrect|not match|not add up|too high|off)\b"
        r"|\bnot (?:add up|match)\b"),
    ("crashes", 4,
        r"\bcrash\w*"
        r"|\bforce clos\w+"
        r"|\bkeeps? (?:stopping|closing|shutting|quitting)\b"
        r"|\bclos(?:es|ed) (?:itself|by itself|on its own)\b"
        r"|\bshuts (?:itself |down|off)"
        r"|\bnot (?:even )?(?:open|start|launch)\b"
        r"|\bquits\b"),
    ("declined", 4,
        r"\bdeclin\w+"
        r"|\brejected\b"
        r"|\brefused\b"
        r"|\bnot (?:been )?accept(?:ed|ing|s)?\b"),
    ("expired", 4,
        r"\bexpir\w+"
        r"|\balready (?:been )?used\b"
        r"|\bused up\b"
        r"|\blink (?:is |was )?(?:invalid|dead)\b"
        r"|\bnot valid\b"
        r"|\binvalid\b"),
    ("refund_missing", 4,
        r"\bnot (?:\w+ ){0,4}(?:refund|refunded|money back)\b"
        r"|\brefund (?:\w+ ){0,6}(?:not|missing|waiting)\b"
        r"|\b(?:where|when) (?:\w+ ){0,3}(?:refund|money back)\b"
        r"|\bwaiting (?:\w+ ){0,4}refund\b"),
    ("disconnects", 4,
        r"\bdisconnect\w*"
        r"|\bconnection (?:\w+ )?(?:lost|dropped|drops|broken)\b"
        r"|\blost (?:access|connection)\b"
        r"|\b(?:falls|fell|falling|drops|dropped|dropping) (?:off|out|again|more|it|every)\b"
        r"|\breconnect\w*"),
    ("logged_out", 4,
        r"\b(?:asks?|asking|wants?|makes?|prompts?|forces?) (?:\w+ )?(?:me|us|them|him|her"
        r"|everyone) to (?:login|reconnect|authenticate)\b"
        r"|\b(?:logged|logs|signed|signs|logging|signing|kicked|kicks|throws"
        r"|thrown) (?:\w+ ){0,2}out\b"),
    ("not_recognized", 4,
        r"\bnot (?:recogni[sz]e\w*|familiar|authori[sz]ed?|made by me|my transaction|mine)\b"
        r"|\bdid not (?:make|do|buy|order|authori[sz]e)\b"
        r"|\bunauthori[sz]ed\b"
        r"|\bunknown (?:charge|payment|transaction|withdrawal)s?"),
    ("compromised", 4,
        r"\bhack\w*"
        r"|\bcompromised\b"
        r"|\bfraud\w*"
        r"|\bscam\w*"
        r"|\bsomeone (?:else )?(?:is |has |was |might |may )?(?:been )?(?:us(?:ed|ing)|stole"
        r"|accessed)\b"),
    ("stolen", 4, r"\bstolen\b|\bstole\b|\btheft\b|\bmugged\b|\brobbed\b"),
    ("swallowed", 4,
        r"\bswallow\w*"
        r"|\b(?:machine|atm) (?:\w+ ){0,3}(?:ate|kept|took|retained)\b"
        r"|\bstuck in (?:the )?(?:atm|machine)\b"),
    ("cancelled", 3,
        r"\b(?:was|were|been|got|is|are|be|gets) cancell?ed\b"
        r"|\bcancell?ed (?:itself|by itself|without)\b"
        r"|\breverted\b"
        r"|\breversed\b"),
    ("repeated", 2,
        r"\brepeated\b"
        r"|\bsame thing again\b"
        r"|\bkeeps? (?:on )?(?:asking|happening|doing|coming back)\b"
        r"|\bcame back\b"),
    ("broken_characters", 4,
        r"\bmojibake\b"
        r"|\b(?:umlauts?|accents?|special characters?|question marks in)\b"),
    ("permission_denied", 4,
        r"\bnot have (?:the )?(?:permission|rights|access)\b"
        r"|\b(?:permission|access) denied\b"
        r"|\bnot (?:permitted|authorized to|allowed)\b"),
    ("timed_out", 4, r"\btim(?:e|es|ed|ing) ?out\b"),
    ("charged_after_cancellation", 4,
        r"\b(?:charged|billed|debited|took|taken|renewed) (?:\w+ ){0,10}(?:after|but|though"
        r"|although|even) (?:\w+ ){0,5}(?:cancel\w*|quit|closed|deleted)\b"
        r"|\bcancell?ed (?:\w+ ){0,14}(?:charged|billed|debited|left my account|still paying)\b"),
    ("mismatch", 3,
        r"\bnot (?:match|add up|tally|agree)\w*"
        r"|\bdiscrepanc\w+"
        r"|\bunexplained\b"
        r"|\b(?:higher|lower|more|less) than (?:\w+ ){0,3}(?:bank|payouts?|revenue|invoice|total"
        r"|report|statement)\b"),
    ("ignored", 3, r"\bignor(?:es|ed|ing)\b|\bnot respect\w*"),
    ("duplicates", 4,
        r"\bduplicat\w*(?! clean)"
        r"|\bdoubles\b"
        r"|\bdoubled\b"
        r"|\btripled\b"
        r"|\b(?:two|three|four|2|3|4|double|copies) of (?:each|every|everything|it|them|the same"
        r"|the|all)\b"
        r"|\b(?:as|in|at) (?:two|both|2) (?:events|entries|copies|places)\b"
        r"|\b(?:in|there|appears?|shows?|listed|shown|them|all|everything|everyone|each|every \w+"
        r"|is|are) (?:twice|two times|double)\b"),
    ("duplicates", 2,
        r"(?<!paying it )\btwice\b(?! (?:a|per|about|as|already|before))"
        r"|\btwo times\b"
        r"|\bdouble\b(?! (?:check|click|tap|room|bed|digit|time|figure))"
        r"|\bboth (?:the )?old (?:one )?and (?:the )?new\b"
        r"|\b(?:one|1) (?:with|from) (?:\w+ ){0,6}(?:one|1) (?:with|from|without)\b"),
    ("overwritten", 4,
        r"\boverw(?:rit|rote)\w*"
        r"|\b(?:resets?|reset) (?:itself|back|to)\b"
        r"|\bnot (?:save|saves|saved|saving|stick)\b"
        r"|\blost (?:on|when|after)\b"),
    ("forgotten", 3, r"\bforg[eo]t\w*\b(?! to)|\bnot remember\b"),
    ("no_availability", 4,
        r"\bno (?:free |available |open |more )?(?:times?|slots?|dates?|availability"
        r"|appointments?|openings|possibilities|rooms?)\b"
        r"|\bnothing (?:free|available|bookable)\b"
        r"|\bnot bookable\b"
        r"|\bunavailable\b"
        r"|\bfully booked\b"
        r"|\b(?:zero|shows? nothing|showing nothing) (?:possibilities|slots|times|availability"
        r"|to)\b"),
    ("not_updating", 4,
        rf"\bnot (?:\w+ ){{0,2}}{_UPDATE}\b"
        rf"|\bstill (?:says|say|shows|show|showing|has|had) (?:\w+ ){{0,4}}(?:old|same|last"
        r"|yesterday)"
        r"|\bout of sync\b"
        r"|\bout of date\b"
        r"|\bstopped (?:syncing|updating)\b"
        r"|\bupdated \d+ days ago\b"),
    ("not_sent", 4,
        rf"\bnot (?:being |been |be |getting )?{_SEND}\b"
        r"|\bstopped (?:sending|going out)\b"
        r"|\bno (?:\w+ )?(?:reminders?|texts?|sms|emails?|notifications?|messages?"
        rf"|alerts?) (?:\w+ ){{0,3}}(?:sent|since|out|today)\b"),
    ("not_received", 4,
        rf"\bnot (?:yet |even |actually |seem to |been |being |ever )*{_GET}\b(?! (?:to|charged"
        r"|paid|in|into|my head|back to|why|what)\b)"
        r"|\bnot (?:yet |been |ever )*(?:received|arrived|delivered|come|came|reached)\b"),
    ("not_received", 4,
        rf"\b(?:none|nobody|noone|no one|neither|half) (?:of \w+ )?(?:\w+ )?{_GET}\b"
        rf"|\b{_GET} (?:nothing|none|neither|silence)\b"
        r"|\b(?:has|have|had) nothing\b"
        r"|\bgoes to nobody\b"
        rf"|\bno \w+ {_GET}\b"),
    ("not_received", 3,
        r"\bnothing (?:\w+ ){0,3}(?:arrived|arrives|came|comes|received|reached|reaches|in (?:my "
        r"|the )?inbox)\b"
        r"|\bno sign of\b"
        r"|\bstill (?:waiting|awaiting)\b"
        r"|\bbeen waiting\b"
        r"|\bno (?:email|text|sms|message|code|letter|reply|mail|confirmation|link)\b"
        r"|\bnothing in (?:\w+ )?(?:junk|spam|inbox)\b"),
    ("not_showing", 3,
        rf"\bnot (?:yet |even |been |be |being )*{_SHOW}\b"
        r"|\binvisible\b"
        r"|\bgreyed out\b"),
    ("missing", 3,
        r"\bmissing\b"
        r"|\bdisappear\w*"
        r"|\bvanish\w*"
        r"|\b(?:is|are|has|have|was|were|all|just) gone\b"
        r"|\bnowhere\b"
        r"|\bwent missing\b"),
    ("missing", 3,
        r"\bnot (?:\w+ )?(?:there|here|in there|included)\b"
        r"|\bwhere (?:is|are|has|have|did|do) (?:my|our|all)\b"
        r"|\bcan not (?:find|see|locate)\b"
        r"|\bnot (?:find|see|locate)\b"),
    ("deleted", 3,
        r"\b(?:was|were|been|got|accidentally|by mistake|wrongly) (?:deleted|removed|erased)\b"
        r"|\bdeleted by (?:mistake|accident)\b"
        r"|\b(?:accidentally|mistakenly) (?:deleted|removed)\b"),
    ("lost", 3,
        r"\b(?:i|we|have|has|been|is|get|got|was|he|she) (?:\w+ )?lost\b"
        r"|\blost (?:my|our|the|a|his|her)\b"
        r"|\bmisplaced\b"
        r"|\bleft (?:my|our) \w+ (?:at|in|on)\b"),
    ("blocked", 3,
        r"\bblocked\b(?! out)"
        r"|\bfrozen account\b"
        r"|\bblocks (?:me|us)\b"
        r"|\brestricted\b"),
    ("stuck", 3,
        r"\bstuck\b"
        r"|\bfreez\w+"
        r"|\bfroze\b"
        r"|\bfrozen\b"
        r"|\bhangs\b"
        r"|\bhanging\b"
        r"|\bspins\b"
        r"|\bspinning\b"
        r"|\bnot respond\w*"
        r"|\bunresponsive\b"
        r"|\bloading forever\b"),
    ("slow", 3,
        r"\bslow\w*"
        r"|\blagg\w+"
        r"|\btakes? (?:\w+ )?(?:forever|ages|too long|so long)\b"
        r"|\b(?:takes?|took|for) (?:\w+ )?\d+ (?:seconds|secs?|minutes|mins)\b"
        r"|\btakes a minute\b"
        r"|\b\d+ secs?(?:onds)? (?:to|this|for|every|even)\b"
        r"|\bsluggish\b"),
    ("delayed", 3,
        r"\bdelay\w*"
        r"|\b(?:too|very|so) late\b"
        r""
        r"|\btaking (?:so|too|very) long\b"
        r"|\btakes? (?:til|till|until|hours|days)\b"
        r"|\btook (?:hours|days)\b"),
    ("pending", 3,
        r"\bpending\b"
        r"|\bnot (?:yet )?(?:processed|cleared|gone through|completed?)\b"
        r"|\bin progress\b"
        r"|\bunder review\b"),
    ("blank", 3,
        r"\bblank\b"
        r"|\bempty\b"
        r"|\bwhite (?:screen|page)\b"
        r"|\bblack screen\b"
        r"|\bnothing (?:loads|shows|appears|happens)\b"
        r"|\bnot load\w*"),
    ("damaged", 3,
        r"\bdamaged\b"
        r"|\bcracked\b"
        r"|\bsmashed\b"
        r"|\bsnapped\b"
        r"|\bdefective\b"
        r"|\bfaulty\b"),
    ("fee_unexpected", 3,
        r"\b(?:why|what) (?:\w+ ){0,6}(?:fees?|extra charge|surcharge)\b"
        r"|\b(?:extra|hidden|additional|unexpected) (?:\w+ )?(?:fees?|charges?|cost)\b"
        r"|\bcharged (?:a |an |me a |me an |us a )(?:\w+ )?fee\b"),
    ("fails", 3,
        r"\bfail\w*"
        r"|\bunsuccessful\w*"
        r"|\bnot (?:go|going|gone|went) through\b"),
    ("fails", 2,
        r"\bnot (?:\w+ )?(?:work|works|working|worked|function|functioning)\b"
        r"|\bstopped working\b"
        r"|\bbroken\b"
        r"|\bbroke\b"
        r"|\bdown (?:again|today|for)\b"
        r"|\bout of order\b"
        r"|\bfell over\b"
        r"|\bwent down\b"
        r"|\bdies\b"
        r"|\bdied\b"),
    ("error", 2,
        r"\berrors?\b"
        r"|\bexception\b"
        r"|\bsomething went wrong\b"
        r"|\berror code\b"),
    ("wrong", 2,
        r"\bwrong\b"
        r"|\bwrongly\b"
        r"|\bincorrect\w*"
        r"|\bnot (?:\w+ )?(?:correct|right|accurate)\b"
        r"|\bmessed up\b"
        r"|\bmistake\b"
        r"|\bmixed up\b"),
    ("fails", 2,
        r"\b(?:can|could|will) not (?:\w+ly |even |seem to |now |be |get )*(?P<verb>[a-z]+)"
        r"|\bnot (?:let|allow|letting|allowing) (?:me|us|you|him|her|them"
        r"|anyone)(?: to)? (?P<verb2>[a-z]+)"
        r"|(?<!i )(?<!we )(?<!you )\b(?:does|did|do|will|would) not (?:\w+ly )?(?P<verb3>[a-z]+)"),
    ("stopped", 2, r"(?<!i )(?<!we )\bstopped\b|\bquit (?:working|sending)\b"),
    ("problem", 1,
        r"\bproblems?\b"
        r"|\bissues?\b"
        r"|\btrouble\b"
        r"|\bbug\b"
        r"|\bglitch\w*"
        r"|\bbuggy\b"
        r"|\bacting up\b"
        r"|\bwhat is (?:wrong|going on|happening)\b"
        r"|\bwhat happened\b"),
    ("confusing", 1,
        r"\bconfus\w+"
        r"|\bnot understand\b"
        r"|\bmakes no sense\b"
        r"|\bmisleading\b"),
)

# --- what is asked ----------------------------------------------------------------------------------------------------

HOW_TO = (
    (
        r"\bhow (?:exactly )?(?:do|can|could|would|should|does|might|shall|will) (?:i|we|you|one"
        r"|he|she|they|someone|people|my \w+|our \w+) (?:\w+ly )?(?:go about "
        r"|be able to )?(?P<verb>[a-z]+)"
    ),
    r"\bhow to (?P<verb>[a-z]+)",
    (
        r"\b(?:is|was) there (?:\w+ ){0,2}(?:way|ways|option|possibility|means|trick"
        r"|setting) (?:for (?:me|us|them|you|\w+ \w+) )?(?:to|of|that i can|i can|that we can"
        r"|we can) (?P<verb>[a-z]+)"
    ),
    r"\b(?:is it|would it be|is that) possible (?:for (?:me|us|them) )?to (?P<verb>[a-z]+)",
    r"\bwhere (?:do|can|could|should|would) (?:i|we|you|one) (?:go to )?(?P<verb>[a-z]+)",
    (
        r"\bwhat (?:do|must|should|can) (?:i|we) (?:have to |need to )?do (?:\w+ )?(?:to|for|when"
        r"|if) (?P<verb>[a-z]+)"
    ),
    (
        r"\b(?:steps|process|procedure|instructions|guide|help) (?:i \w+ )?(?:to"
        r"|for) (?P<verb>[a-z]+)"
    ),
    (
        r"\b(?:explain|show|tell|teach|walk) (?:me|us) (?:\w+ )?(?:how|through"
        r"|where)(?: to)? (?P<verb>[a-z]+)"
    ),
    r"\bcan (?:i|we) (?:still |just |also |please |already |instead )?(?P<verb>[a-z]+)",
    r"\b(?:am i|are we) (?:able|allowed) to (?P<verb>[a-z]+)",
    r"\bwhat is the (?:best|easiest|right|quickest|correct|proper) way (?:to|of) (?P<verb>[a-z]+)",
)

FEATURE_REQUEST = (
    r"\bfeature (?:request|suggestion|idea)\b",
    r"\bplease add\b",
    (
        r"\b(?:can|could|would|will) you (?:please |kindly |not )?(?:add|build|introduce"
        r"|implement|consider)\b"
    ),
    (
        r"\b(?:would|wd) (?:be|make it) (?:\w+ )?(?:nice|great|lovely|good|useful|helpful|handy"
        r"|brilliant|fantastic|amazing|wonderful|perfect|cool|ideal)\b"
    ),
    r"\b(?:i|we) wish\b",
    (
        r"\b(?:would|d) (?:\w+ ){0,2}love (?:it if|if|an?|the (?:option|ability)|to be able"
        r"|to see)\b"
    ),
    r"\bwhat (?:i|we) (?:would |d )?(?:like|need|want) (?:most )?is\b",
    r"\bis there (?:an?|any) (?:\w+ ){0,2}(?:mode|theme|feature|roadmap|integration)\b",
    r"\bdo you plan\b",
    (
        r"\basking (?:\w+ ){0,4}for an? (?:\w+ ){0,2}(?:theme|mode|option|feature|view|button"
        r"|way)\b"
    ),
    r"\b(?:we|i) would want\b",
    r"\bany (?:plans?|chance) (?:to|for|of|on|you)\b",
    r"\bwould (?:like|love) to see\b",
    r"\bconsider adding\b",
    r"\bwill there be\b",
    r"\bon (?:the|your) roadmap\b",
    r"\bwhen (?:will|are|do) you (?:\w+ )?(?:support|add|adding|offer|have)\b",
    r"\b(?:a |my )?(?:suggestion|wishlist|wish list)\b",
    r"\b(?:vote|voting|upvote|plus one|1) for\b",
    r"\bwhy (?:is there|do you have|can we|can i) (?:no|not)\b",
    r"\bdo you (?:plan|intend) to\b",
    r"\bthere should be\b",
    r"\bit should be possible\b",
    (
        r"\b(?:we|i) (?:really |badly |desperately )?(?:want|need) (?:an? )?(?:option|ability|way"
        r"|feature|integration|export|button|possibility)\b"
    ),
    r"\bthe (?:option|ability|possibility) to\b",
)

_WANT = (
    r"\b(?:want|wanting|need|like|wanna|looking|help me|help us|could you|can you|would you"
    r"|please|let us|trying) (?:\w+ ){0,2}"
)

QUESTIONS = (  # (ending of the name, pattern): questions that are neither a how-to nor a problem
    ("time",
        r"\bwhen (?:will|do|does|can|should|is|are|did)\b"
        r"|\bhow (?:long|soon|quickly|fast|many days)\b"
        r"|\bwhat time\b"
        r"|\btime ?frame\b"),
    ("cost",
        r"\bhow much\b"
        r"|\bwhat (?:\w+ ){0,3}(?:fees?|cost|costs|price|prices|charge|charges|rate|rates)\b"
        r"|\b(?:is|are) there (?:a|an|any) (?:\w+ )?(?:fee|charge|cost)s?\b"
        r"|\b(?:be|being) charged\b"
        r"|\bdoes (?:it|this|that) cost\b"
        r"|\bcost of\b"
        r"|\bfees? (?:for|to)\b"),
    ("status",
        r"\bstatus\b"
        r"|\btrack\w*"
        r"|\bon (?:its|the) way\b"
        r"|\bany (?:news|update|updates)\b"
        r"|\bupdate on\b"),
    ("limit",
        r"\bhow many\b"
        r"|\blimits?\b"
        r"|\bmaximum\b"
        r"|\bminimum\b"
        r"|\bhow often\b"),
    ("supported",
        r"\b(?:do|does|will|are|is) (?:you|it|this|that|the \w+|your \w+) (?:\w+ )?(?:support"
        r"|supported|accept|accepted|offer|available|work in|work with|have|provide|allow)\b"
        r"|\b(?:which|what) (?:\w+ )?(?:countries|currencies|currency|cards|atms|places"
        r"|businesses|merchants|devices|languages)\b"),
    ("reason", r"\bwhy\b|\bwhat (?:is the )?reason\b|\bhow come\b"),
    ("change", rf"{_WANT}(?:change|changing|edit|modify|update|correct|switch|amend)\b"),
    ("cancel", rf"{_WANT}(?:cancel|canceling|cancelling|close|terminate|delete|unsubscribe)\b"),
    ("order",
        rf"{_WANT}(?:book|order|reserve|schedule|buy|find|get|rent|hire|purchase|play|plan)\b"
        r"|\bmake a(?:n)? (?:\w+ )?(?:reservation|appointment|booking|order)\b"),
)

# --- what does not go on ----------------------------------------------------------------------------------------------

SPAM = (  # (points, what it is, pattern); filtered from 3 points of at least two kinds
    (2, "search-engine marketing",
        r"\bseo\b"
        r"|\bbacklinks?\b"
        r"|\bpage one\b"
        r"|\b(?:first|1st) page\b"
        r"|\branking\b"
        r"|\b(?:organic|more|website|enough) traffic\b"
        r"|\bkeywords\b"
        r"|\bda \d+\b"
        r"|\bdomain authority\b"),
    (2, "guest posts",
        r"\bguest (?:post|posts|article|blog)\w*"
        r"|\bdo ?follow\b"
        r"|\bsponsored (?:post|article|content)\b"
        r"|\bper placement\b"
        r"|\blink (?:exchange|building|insertion)\b"),
    (2, "crypto or betting",
        r"\bbitcoin\b"
        r"|\bcrypto\w*"
        r"|\bairdrop\b"
        r"|\btokens? (?:sale|allocation)\b"
        r"|\b\w+ token\b"
        r"|\bwallet (?:address|and)\b"
        r"|\bto the wallet\b"
        r"|\bcasino\b"
        r"|\bbetting\b"
        r"|\bforex\b"
        r"|\bpresale\b"),
    (2, "a prize or easy money",
        r"\bcongratulations? (?:\w+ ){0,6}(?:selected|won|winner|chosen)\b"
        r"|\blottery\b"
        r"|\bhave won\b"
        r"|\bprize\b"
        r"|\binheritance\b"
        r"|\bbeneficiary\b"
        r"|\bnext of kin\b"
        r"|\bearn (?:\w+ ){0,4}(?:from home|per day|daily|a day)\b"
        r"|\bdouble your\b"
        r"|\bpassive income\b"),
    (2, "a business loan",
        r"\b(?:business|instant|pre approved|unsecured) (?:loan|loans|funding|credit line)\b"
        r"|\bworking capital\b"
        r"|\bloan offer\b"
        r"|\bfunding offer\b"
        r"|\bpre approved for\b"),
    (2, "an agency's offer",
        r"\b(?:we|i) (?:are|am|represent|run) (?:\w+ ){0,6}(?:agency|manufacturers?|suppliers?"
        r"|exporters?|freelancer|company building|outsourcing|developers|engineers company"
        r"|results driven)\b"
        r"|\bour (?:agency|developers|portfolio|factory|catalogu?e|database of)\b"
        r"|\b(?:our|qa|senior) (?:\w+ ){0,2}developers\b"
        r"|\bleading (?:manufacturer|supplier|provider)\b"),
    (2, "lists of contacts",
        r"\b(?:email|leads|contact|contacts|mailing|attendee|attendees) (?:list|lists|database)\b"
        r"|\bverified (?:emails|leads|contacts)\b"
        r"|\bqualified leads\b"
        r"|\blead generation\b"
        r"|\bfollowers\b"
        r"|\b(?:5 star|fake|positive|buy) reviews\b"),
    (2, "a false invoice or threat",
        r"\bfinal notice\b"
        r"|\bavoid suspension\b"
        r"|\bremit\b"
        r"|\b(?:domain|directory|trademark) (?:listing|renewal|registration|services)\b"
        r"|\bwill be (?:suspended|terminated|deactivated) (?:within|in|unless)\b"
        r"|\bwithin \d+ ?h(?:ours|rs)? (?:using|via|by)\b"
        r"|\bmailbox (?:is )?(?:full|quota)\b"
        r"|\bgift cards?\b"),
    (1, "a stranger's salutation",
        r"\bdear (?:sir|madam|founder|friend|owner|dear|business owner|website owner|webmaster"
        r"|ceo|beloved)\b"
        r"|\bhi sir\b"
        r"|\bsir mam\b"
        r"|\bgood morning dear\b"
        r"|\bhello dear\b"
        r"|\bgreetings of the day\b"
        r"|\bi hope this (?:email|message) finds you\b"),
    (1, "a sales pitch",
        r"\bfree (?:audit|quote|consultation|proposal|trial|demo|sample|samples|mockup)\b"
        r"|\bprice list\b"
        r"|\bbest price\b"
        r"|\bhourly rates?\b"
        r"|\bmoney back\b"
        r"|\bguarantee\w*"
        r"|\bonly \d+\b"
        r"|\blimited (?:to|time|offer|partner)\b"
        r"|\bdont miss\b"
        r"|\bnot miss\b"
        r"|\bact now\b"
        r"|\bspecial offer\b"
        r"|\bcompetitive (?:price|rates)\b"
        r"|\bcatalog\w*"
        r"|\bportfolio\b"
        r"|\bno collateral\b"
        r"|\bbad credit\b"
        r"|\bfixed price\b"
        r"|\bnda\b"
        r"|\b100 (?:unique|genuine|legal)\b"
        r"|\bboost your\b"
        r"|\bgrow your\b"
        r"|\broi\b"),
    (1, "asks for a call or reply",
        r"\b(?:schedule|book|hop on|jump on|quick) (?:a )?(?:\w+ ){0,3}call\b"
        r"|\breply yes\b"
        r"|\b(?:your|share) (?:\w+ )?whatsapp\b"
        r"|\bwaiting (?:for )?your (?:positive |kind )?(?:reply|response)\b"
        r"|\bkindly (?:share|revert|reply|click)\b"
        r"|\bkind perusal\b"
        r"|\bfloating this\b"
        r"|\btop of your inbox\b"
        r"|\bfollowing up on my (?:last|previous)\b"
        r"|\binterested in (?:a|our)\b"
        r"|\bare you the (?:owner|right person)\b"
        r"|\bright person\b"),
    (1, "a link to follow",
        r"\blink below\b"
        r"|\bclick (?:here|the link|below)\b"
        r"|\bunsubscribe\b"
        r"|\bopt out\b"
        r"|\breply stop\b"
        r"|\bvisit our (?:website|site|shop)\b"),
    (1, "found on the web",
        r"\b(?:visited|reviewing|came across|was on|found|browsing) (?:\w+ ){0,4}your (?:website"
        r"|site|company|business|blog|listing)\b"
        r"|\bfan of (?:\w+ ){0,3}blog\b"
        r"|\bbig fan\b"),
    (1, "sums in dollars",
        r"\b(?:usd|per hour)\b"
        r"|\bmillion (?:dollars|usd)\b"
        r"|\bdeposit \d"),
)

REFUSED_BY_AGENT = (
    r"\btake us off\b"
    r"|\bremove us from\b"
    r"|\bnot interested\b"
    r"|\bdo not (?:take|accept|buy|need|do) (?:guest|sponsored|unsolicited|any|paid)\b"
    r"|\bmarked as spam\b"
    r"|\bnot (?:from us|our invoice)\b"
    r"|\bunsolicited\b"
)

AUTOMATIC = (
    r"\bautomatic reply\b"
    r"|\bauto ?reply\b"
    r"|\bauto ?response\b"
    r"|\b(?:i am|we are|currently) (?:\w+ )?out of (?:the )?office\b"
    r"|\bundeliverable\b"
    r"|\bmail delivery (?:failed|subsystem)\b"
    r"|\bon (?:annual|maternity|parental) leave (?:until|till|from)\b"
    r"|\b(?:i am|we are) away (?:from|until|till)\b"
    r"|\bmessage will not be (?:read|forwarded)\b"
    r"|\bautomated (?:reply|response)\b"
    r"|\bthis mailbox is not monitored\b"
)

MISDIRECTED = r"\b(?:meant|intended) for (?:somebody|someone|another|a different)\b"

WRONG_ADDRESSEE = (
    r"\b(?:sorry|oops|ignore|apologies) (?:\w+ ){0,4}wrong (?:company|recipient|person|people|inbox|chat|window|tab)\b"
    r"|\bwrong (?:company|recipient|person|people|inbox|chat|window|tab) (?:\w+ ){0,2}(?:sorry|ignore|oops)\b"
)

NO_REQUEST = (
    r"\bno need to (?:reply|answer|respond)\b"
    r"|\bno (?:question|questions|problem|reply needed"
    r"|action needed|request)\b(?! with| at all)"
    r"|\bnothing (?:needed|to fix|wrong)\b"
    r"|\bjust (?:wanted|want|wanting|dropping|writing|a note|a quick note|popping in|saying"
    r"|checking if anyone|seeing if)\b (?:\w+ ){0,4}(?:say|thank|thanks|you|love|happy|hello"
    r"|hi|tell|anyone)\b"
    r"|\bjust saying (?:hi|hello|thanks)\b"
)

# A sentence made of these alone says nothing about a product.
SMALL_TALK = frozenset("""
hi hello hey hiya yo howdy greetings morning evening afternoon good day dear there all team everyone everybody
support folks guys sir madam again night happy merry new year christmas easter friday monday weekend holidays
holiday thanks thank you thx ta cheers many much so very a lot bunch million really appreciate appreciated it
great awesome perfect lovely brilliant cool nice ok okay yes no yep nope yeah bye goodbye see later soon have
the best regards kind warm take care welcome test testing pocket typed accident mistake ping anyone anybody is
are how doing today fine well sorry oops please ignore wishes your and to for of help time that this was were
one what up lol haha hahaha x xx xxx wow love star stars rock amazing wonderful job work keep congrats
congratulations hola bonjour hallo hej danke merci gracias tack ciao de nada tag guten god salut
""".split())

PRAISE = (
    r"\b(?:thank|thanks|star|stars|love|lovely|brilliant|amazing|great|awesome|saved (?:our"
    r"|my)|biscuits|cake|grateful|appreciate|kudos|well done|keep up|congrat\w*|happy"
    r"|anniversary|birthday|christmas|shout ?out|hats off|delighted|impressed|best)\b"
)

# --- greetings, closings and signatures in raw text -------------------------------------------------------------------

GREETING = (
    r"^(?:(?:hi|hello|hey|hiya|yo|howdy|dear|greetings|good (?:morning|afternoon|evening|day)"
    r"|morning|afternoon|evening|hola|bonjour|hallo|hej|hei|guten tag|goedemorgen"
    r"|buenos d[ií]as|salut|ciao|namaste)\b(?:[ ]+(?:there|all|team|everyone|support|folks"
    r"|guys|sir|madam|sir/madam|again|[A-Z][\w'-]+)){0,4}[ ]*(?:[,!.:;\u2013\u2014-]+|$)\s*)+"
)

CLOSING = (
    r"^(?:(?:kind|best|warm|many|with)?[ ]*(?:regards|wishes)|best|sincerely|yours(?: truly"
    r"| sincerely| faithfully)?|cheers|thanks|many thanks|thank you|thx|ta"
    r"|mit freundlichen gr[uü](?:ß|ss)en|cordialement|saludos|sent from my .*|--+"
    r"|[-\u2013\u2014][ ]?[A-Z]\w+)[ ]*[,.!]*$"
)

COURTESY = (
    r"^(?:(?:many |so much |ok |great |and |anyway )?(?:thanks|thank you|thx|ta|cheers|tack"
    r"|merci|danke|gracias)\b[^,;:]{0,40}|(?:please|pls) (?:help|advise|fix(?: it| this)?|sort it"
    r"|assist)\b.{0,12}|sort it out|any (?:help|ideas|advice)\b.{0,25}|help|urgent"
    r"|sorry (?:to|for|about)\b.{0,40}|(?:hope|trust) (?:you|this|all)\b.{0,40}|me again|bravo|(?:have an?"
    r"|enjoy) (?:your|the|nice|good|great|lovely|wonderful|pleasant|quiet|restful|fab"
    r"|brilliant|super|safe)\b.{0,30}|yes|no|ok|okay|done|sorted|perfect|great)[.!?,\s]*$"
)

# --- anger: what says how somebody feels, what they threaten and how long they have been loyal, not what is wrong -----

_ANY_SERVICE = (
    r"(?:service|company|experience|support|bank|shop|store|app|product|firm|business|website|hotline|people|place"
    r"|provider|system|treatment|customer service|customer support)"
)
_ANGER = (
    r"(?:disappoint\w*|angry|anger|furious|outraged|outrageous|disgust\w*|livid|fed up|appall\w*|frustrat\w*|fuming"
    r"|pissed(?: off)?|annoyed|annoying|unacceptable|ridiculous|scandal\w*|disgrace\w*|pathetic|shameful|shocking"
    r"|unbelievable|incredible|insane|absurd|laughable|a joke|not acceptable|not good enough|terrible|horrible|awful"
    r"|useless|hopeless|a nightmare|a mess|a shame)"
)
_THREAT = (
    r"(?:leave|leaving|quit|sue|complain|switch|go elsewhere|be gone|cancel everything|cancel my \w+|close my account"
    r"|take (?:my|our) (?:business|money|custom) elsewhere|take (?:legal )?action|report (?:you"
    r"|this)(?: to \w+(?: \w+)?)?"
    r"|tell (?:everybody|everyone|all my friends|my friends|the world|people|others)"
    r"|warn (?:everybody|everyone|others|people|my friends)"
    r"|(?:call|contact|see|speak to|talk to|involve|get|send) (?:my|a|our|the) (?:lawyers?|attorney|solicitor|police"
    r"|press|ombudsman|media|regulator)"
    r"|go to (?:the |a |your )?(?:press|police|media|papers|competition|competitor|court|ombudsman|lawyer|regulator)"
    r"|(?:leave|write|post) (?:you )?(?:a |an )?(?:\w+ )?(?:bad|negative|honest|one star|1 star) review)"
)
VENTING = (
    rf"\b(?:(?:am|are|is|feel|feeling|getting|was) )?(?:(?:so|very|extremely|really|absolutely|beyond"
    rf"|totally|completely"
    rf"|just|simply|utterly|truly|deeply|quite) )*{_ANGER}(?: (?:with|at|about|by|in) (?:you|this"
    rf"|your {_ANY_SERVICE}))?\b",
    rf"\b(?:worst|terrible|horrible|awful|disgraceful|lousy|rubbish|shitty|crappy|poor|bad) {_ANY_SERVICE}\b"
    r"(?: (?:i|we) have (?:ever )?(?:had|seen|used|experienced|known|dealt with))?(?: ever)?",
    r"\b(?:loyal|long ?time|faithful|paying|good|regular|valued|long standing) (?:customer|client|member|subscriber"
    r"|user)s?\b(?: (?:of yours|with you))?(?: (?:for|since) (?:\w+ ){0,4}(?:years?|months?|\d+))?",
    r"\b(?:customer|client|member|subscriber|user)s? (?:of yours )?(?:for|since) (?:\w+ ){0,4}(?:years?"
    r"|decades?|\d{4})\b",
    r"\b(?:i|we) (?:demand|insist on|expect|require) (?:an? |the |my |some )?(?:immediate |full |proper |quick |fast )*"
    r"(?:solution|answer|explanation|apology|response|reply|action|resolution|compensation|fix|help)s?\b",
    rf"\b(?:(?:or|otherwise|else|if not|and) )?(?:i|we) (?:will|am going to|are going to|shall|would"
    rf"|have to|am about to) "
    rf"(?:be )?(?:{_THREAT}|not (?:\w+ ){{0,4}}again)(?:(?: and| or) (?:i |we )?(?:will )?{_THREAT})*\b",
    r"\bnot (?:\w+ )?(?:shop|buy|order|book|come back|use you|recommend you|deal with you"
    r"|do business)(?: \w+){0,4} again\b",
    r"\bnot again\b|\bare you kidding(?: me)?\b|\byou must be (?:joking|kidding)\b|\bis this a joke\b",
    r"\bwhat (?:a|an) (?:joke|shame|disgrace|nightmare|mess|scandal)\b|\bshame on you\b|\bhow hard can it be\b",
    rf"\bwhat (?:kind|sort) of (?:a )?{_ANY_SERVICE}(?: (?:is this|are you|does this|do you run))?\b",
    r"\bwhat is wrong with you(?: people| guys)?\b|\bdo you (?:even|not) care\b|\b(?:nobody|noone|no one) cares\b",
    r"\b(?:fix|solve|sort|resolve|do something about) (?:it|this)(?: out)?(?: right)? (?:now|today"
    r"|immediately|asap|at once)\b",
    r"\bget your act together\b|\b(?:complete |total |utter )?waste of (?:my |our )?(?:time|money)\b",
    r"\bsick (?:and tired )?of (?:this|it|you|waiting)\b|\b(?:had|have) (?:had )?enough(?: of (?:this|it|you))?\b",
    r"\blost (?:my|all|our) patience\b|\bmy patience\b|\blast (?:chance|straw|warning)\b|\bfor \w+s? sake\b",
    r"\b(?:wtf|fuck\w*|hell|damn\w*|bloody|shit\w*|bullshit|crap|idiots?|morons?|clowns?|incompetent|ffs|arse|ass)\b",
    r"\b(?:lawyer|attorney|solicitor|legal action|small claims|consumer protection|trading standards|ombudsman)\b",
)

# --- where another matter begins --------------------------------------------------------------------------------------

MARKER = (
    r"^(?:(?:and|oh|ok|so|but|well|ps|p s|then|secondly) )*(?:also|additionally"
    r"|in addition(?: to (?:that|this))?|besides(?: that)?"
    r"|furthermore|moreover|on top of (?:that|this|it)|apart from (?:that|this)|separately"
    r"|unrelated(?:ly)?|secondly|thirdly"
    r"|second|third|lastly|finally|as for|by the way|btw|ps|p s|plus|on another note"
    r"|while (?:i am|i m|im|we are|we re) (?:at it|here|writing)"
    r"|(?:another|one more|one other|the other|a different|a second|my second|my other|other|next|a further)"
    r" (?:thing|issue|problem|question|matter|point|topic|request|bug)s?(?: (?:is|i have|we have|i had))?(?: that)?) "
)
POINTS_BACK = (
    r"^(?:and |but |so |now |then |because |since |although |even |still |again |which |who |after |before |if |when )*"
    r"(?:it|its|this|that|these|those|they|them|he|she|there|here|same|the same|neither|both|either|yes|no|not|nothing"
    r"|actually|instead)\b|\b(?:it|this|them|these|those|same|again|instead|too)$|\bas (?:well|above|said)\b"
)
# How many matters somebody is going to tell: "two things", "I have a couple of questions".
ANNOUNCED = (
    r"(?:^(?:(?:hi|hello|hey|ok|so|well|just|please|and)[,!]? )*|\b(?:have|had|got|ve|are|with) )"
    r"(?:two|2|three|3|four|several|multiple|a few|few|a couple of|couple of|both)"
    r" (?:different |separate |small |quick |other |more |unrelated )*"
    r"(?:things|issues|problems|questions|requests|points|matters|topics|bugs|complaints)\b"
    r"(?! (?:i|we) (?:have |already |just )*(?:tried|did|checked|like|love))"
)
# What a sentence says that tells a problem in words that no list of symptoms has: "the search finds nothing".
TROUBLE = (
    r"\b(?:no(?! problem| worries| idea)|not(?! sure| only| know)|never|nothing|nobody|none|nowhere|without|wrong"
    r"|missing|broken|late|too|instead|unable|unreadable|invalid|empty|blank|lost|stuck|slow|failed|fails|stopped|twice)\b"
)
ATTEMPT = (
    r"^(?:and |so |then |also |but |now )*(?:i|we) (?:have |had |am |are )?(?:already |also |even |just |then )*"
    r"(?:tried|try|trying|restarted|reinstalled|rebooted|checked|attached|called|contacted|wrote|written"
    r"|emailed|cleared"
    r"|use|using|run|running|updated|deleted|logged|asked|spoke|looked|waited|know|think|believe"
    r"|understand|hope|thought"
    r"|see that|noticed that it)\b|\b(?:attached|screenshot|see below|my (?:email|number|name|address"
    r"|order number) is)\b"
)
REQUEST_FORM = (
    r"\b(?:i|we) (?:would|d|will|also|now|just|really)? ?(?:like|love|need|want|wanna|have to|am looking|are looking)\b"
    r"|\b(?:can|could|will|would) (?:you|i|we)\b"
    r"|^(?:ok |okay |great |and |now |then |please |so |hey |hi )*(?:find|book|reserve|search|look|get|show|tell|play"
    r"|schedule|make|check|set|add|order|rent|buy|purchase|give|send|share|cancel|help|transfer|call)\b"
    r"|\bplease\b|\bwhat (?:is|are|s)\b|\bhow (?:is|are|do|can|about|much|s)\b|\b(?:is|are) there\b|\bwhy\b"
)
