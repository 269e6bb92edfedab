"""The words the local reader knows: tables, no code.

Patterns are regular expressions over *plain* text: lower case, words separated by one space, no punctuation, every
negation spelled "not" ("isn't", "wont", "never", "no longer" -> "is not", "will not", "not", "not").
Nothing here belongs to one product: the words are those people use about any service.
"""

# --- negations and spellings, applied word by word while a text is made plain -----------------------------------------

SPELLINGS = {
    "cannot": "can not", "cant": "can not", "can't": "can not", "won't": "will not", "wont": "will not",
    "shan't": "shall not", "dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not",
    "arent": "are not", "wasnt": "was not", "werent": "were not", "hasnt": "has not", "havent": "have not",
    "hadnt": "had not", "wouldnt": "would not", "couldnt": "could not", "shouldnt": "should not",
    "aint": "is not", "ain't": "is not", "never": "not", "nor": "not", "unable": "not able",
    "im": "i am", "ive": "i have", "whats": "what is", "wheres": "where is", "hows": "how is",
    "thats": "that is", "theres": "there is", "txt": "text", "txts": "texts", "texted": "text",
    "mails": "emails", "mail": "email", "pw": "password", "pwd": "password",
    "acct": "account", "appt": "appointment", "appts": "appointments", "pls": "please",
    "plz": "please", "u": "you", "ur": "your", "wld": "would", "recieve": "receive", "recieved": "received",
    "logon": "login", "signin": "login", "calender": "calendar", "adress": "address", 
    "2x": "twice", "x2": "twice", "cos": "because", "cuz": "because", "tho": "though",
}  # fmt: skip

PHRASES = (  # two or three words that mean one; applied to the plain text, in this order
    ("e mail", "email"),
    ("e mails", "emails"),
    ("no longer", "not"),
    ("not able to", "can not"),
    ("not any more", "not"),
    ("log in", "login"),
    ("logging in", "login"),
    ("log on", "login"),
    ("logging on", "login"),
    ("sign in", "login"),
    ("signing in", "login"),
    ("text message", "text"),
    ("text messages", "texts"),
    ("sms text", "text"),
    ("two factor", "twofactor"),
    ("2 factor", "twofactor"),
    ("2fa", "twofactor"),
    ("pass word", "password"),
    ("top up", "topup"),
    ("topping up", "topup"),
    ("topped up", "topup"),
    ("time zone", "timezone"),
    ("wi fi", "wifi"),
    ("set up", "setup"),
    ("setting up", "setup"),
    ("check in", "checkin"),
    ("check out", "checkout"),
    ("pop up", "popup"),
    ("no show", "noshow"),
    ("no shows", "noshow"),
)

# --- what goes wrong: (symptom, weight, pattern); heavier is more telling, earlier wins a tie -------------------------

_PAY = r"(?:charged|charge|billed|bill|debited|paid|took|taken|deducted|withdrawn|payment|payments|invoiced)"
_PEOPLE = r"(?:people|clients|customers|patients|guests|users|bookings|appointments|parties|families|men|women|ladies|gentlemen)"
_GET = r"(?:get|gets|got|getting|receive|receives|received|receiving|arrive|arrives|arrived|arriving|come|comes|came|coming|reach|reached|delivered)"
_SHOW = r"(?:show|shows|showing|shown|showed|appear|appears|appeared|appearing|display|displayed|displaying|visible|listed|reflected|posted)"
_UPDATE = r"(?:update|updates|updating|updated|sync|syncs|syncing|synced|refresh|refreshes|refreshing|refreshed)"
_SEND = r"(?:send|sends|sent|sending|go out|going out|gone out|went out|goes out)"
_DAY = r"(?:hour|hours|hr|hrs|day|days)"

SYMPTOMS = (
    ("charged_twice", 4, rf"{_PAY} (?:\w+ ){{0,5}}(?:twice|two times|double|2 times|again)\b"),
    ("charged_twice", 4, r"\b(?:double|duplicate|duplicated) (?:charge|charges|charged|payment|payments|transaction|billing|billed)"),
    ("charged_twice", 4, r"\b(?:two|2) (?:identical |separate |same )?(?:charges|payments|transactions)\b|\bcharging (?:me |us )?(?:twice|double)"),
    ("double_booked", 4, r"\bdoubl\w+ (?:book\w*|up on)|\bbooked (?:\w+ ){0,2}(?:twice|double)\b|\boverbook\w*"),
    ("double_booked", 4, rf"\b(?:two|2|both) (?:\w+ ){{0,2}}{_PEOPLE} (?:\w+ ){{0,6}}(?:same|at once|one slot)\b"),
    ("double_booked", 3, r"\b(?:same|one) (?:slot|time slot|chair|room|table)\b|\bon top of each other\b"),
    ("broken_characters", 4, r"\b(?:weird|strange|funny|garbled|broken|wrong|odd) (?:characters?|symbols?|letters?|accents?)\b|\bgibberish\b|ã¼|ã¶|ã©|ãÿ|ä±"),
    ("in_spam", 4, r"\b(?:goe?s?|going|went|lands?|landing|landed|ends?|ended|ending|arrives?|arriving|is|are|was|were|sits?|sitting|marked|flagged|treated|found|straight|delivered|put|puts|thrown|eleven|them|it) (?:\w+ ){0,3}(?:in|into|to|as) (?:\w+ ){0,3}(?:spam|junk|unwanted email)\b"),
    ("bounces", 4, r"\bbounc(?:e|es|ed|ing)\b"),
    ("locked_out", 4, r"\block(?:ed|s|ing)? (?:\w+ ){0,2}out\b|\baccount (?:is |was |has been |got )?(?:locked|suspended|blocked)\b|\blocked account\b"),
    ("wrong_time", 4, r"\bwrong (?:time|times|hour|hours|timezone|date|day)\b|\btimes? (?:\w+ ){0,2}(?:wrong|off|incorrect)\b"),
    ("wrong_time", 4, rf"\b(?:one|an|1|two|2|\d+) {_DAY} (?:too )?(?:early|late|off|out|ahead|behind|different|wrong|slow|fast|(?:earlier|later) than)\b|\b(?:moved|shifted) (?:\w+ ){{0,2}}{_DAY}\b"),
    ("wrong_time", 3, r"\b(?:moved|shifted|slid|slipped|jumped) (?:\w+ ){0,4}(?:hours?|back|forward|up)\b|\b(?:should|must) be \d\d?(?: \d\d)? (?:but|not)\b"),
    ("wrong_amount", 4, r"\bovercharg\w+|\b(?:charged|paid|billed) (?:\w+ ){0,3}(?:too much|more than|extra|wrong)|\bwrong (?:amount|price|total|sum|figure)s?\b"),
    ("wrong_amount", 4, r"\b(?:amount|price|total|invoice|bill|cash|figures?|numbers?|sums?) (?:\w+ ){0,3}(?:wrong|incorrect|not match|not add up|too high|off)\b|\bnot (?:add up|match)\b"),
    ("crashes", 4, r"\bcrash\w*|\bforce clos\w+|\bclos(?:es|ed) (?:itself|by itself|on its own)\b|\bshuts (?:itself |down|off)|\bnot (?:even )?(?:open|start|launch)\b|\bquits\b"),
    ("declined", 4, r"\bdeclin\w+|\brejected\b|\brefused\b|\bnot (?:been )?accept(?:ed|ing|s)?\b"),
    ("expired", 4, r"\bexpir\w+|\balready been used\b|\blink (?:is |was )?(?:invalid|dead)\b|\bnot valid\b|\binvalid\b"),
    ("refund_missing", 4, r"\bnot (?:\w+ ){0,4}(?:refund|refunded|money back)\b|\brefund (?:\w+ ){0,6}(?:not|missing|waiting)\b|\b(?:where|when) (?:\w+ ){0,3}(?:refund|money back)\b|\bwaiting (?:\w+ ){0,4}refund\b"),
    ("disconnects", 4, r"\bdisconnect\w*|\bconnection (?:\w+ )?(?:lost|dropped|drops|broken)\b|\blost (?:access|connection)\b|\b(?:falls|fell|falling|drops|dropped|dropping) (?:off|out|again|more|it|every)\b|\breconnect\w*"),
    ("logged_out", 4, r"\b(?:logged|logs|signed|signs|logging|signing|kicked|kicks|throws|thrown) (?:\w+ ){0,2}out\b"),
    ("not_recognized", 4, r"\bnot (?:recogni[sz]e\w*|familiar|authori[sz]ed?|made by me|my transaction|mine)\b|\bdid not (?:make|do|buy|order|authori[sz]e)\b|\bunauthori[sz]ed\b|\bunknown (?:charge|payment|transaction|withdrawal)s?"),
    ("compromised", 4, r"\bhack\w*|\bcompromised\b|\bfraud\w*|\bscam\w*|\bsomeone (?:else )?(?:is |has |was |might |may )?(?:been )?(?:us(?:ed|ing)|stole|accessed)\b"),
    ("stolen", 4, r"\bstolen\b|\bstole\b|\btheft\b|\bmugged\b|\brobbed\b"),
    ("swallowed", 4, r"\bswallow\w*|\b(?:machine|atm) (?:\w+ ){0,3}(?:ate|kept|took|retained)\b|\bstuck in (?:the )?(?:atm|machine)\b"),
    ("cancelled", 3, r"\b(?:was|were|been|got|is|are|be|gets) cancell?ed\b|\bcancell?ed (?:itself|by itself|without)\b|\breverted\b|\breversed\b"),
    ("repeated", 2, r"\brepeated\b|\bsame thing again\b|\bkeeps? (?:on )?(?:asking|happening|doing|coming back)\b|\bcame back\b"),
    ("broken_characters", 4, r"ã\S|â\S\S|\b(?:umlauts?|accents?|special characters?)\b"),
    ("duplicates", 4, r"\bduplicat\w*|\bdoubles\b|\bdoubled\b|\btripled\b|\b(?:two|three|2|3|double) of (?:each|every|it|them|the|all)\b|\b(?:in|there|appears?|shows?|listed|shown|them|all|everything|everyone|each|every \w+|is|are) (?:twice|two times|double)\b"),
    ("duplicates", 3, r"\btwice\b(?! (?:a|per|about|as|already|before))|\btwo times\b|\bdouble\b(?! (?:check|click|tap|room|bed|digit|time|figure))|\bboth (?:the )?old (?:one )?and (?:the )?new\b|\b(?:one|1) (?:with|from) (?:\w+ ){0,6}(?:one|1) (?:with|from|without)\b"),
    ("overwritten", 4, r"\boverw(?:rit|rote)\w*|\b(?:resets?|reset) (?:itself|back|to)\b|\bnot (?:save|saves|saved|saving|stick)\b|\bwiped\b|\blost (?:on|when|after)\b"),
    ("forgotten", 3, r"\bforg[eo]t\w*\b(?! to)|\bnot remember\b"),
    ("no_availability", 4, r"\bno (?:free |available |open |more )?(?:times?|slots?|dates?|availability|appointments?|openings|possibilities|rooms?)\b|\bnothing (?:free|available|bookable)\b|\bnot bookable\b"),
    ("not_updating", 4, rf"\bnot (?:\w+ ){{0,2}}{_UPDATE}\b|\bstill (?:says|say|shows|show|showing|has|had) (?:\w+ ){{0,4}}(?:old|same|last|yesterday)|\bout of sync\b|\bout of date\b|\bstopped (?:syncing|updating)\b|\bupdated \d+ days ago\b"),
    ("not_sent", 4, rf"\bnot (?:being |been |be |getting )?{_SEND}\b|\bstopped (?:sending|going out)\b|\bno (?:\w+ )?(?:reminders?|texts?|sms|emails?|notifications?|messages?|alerts?) (?:\w+ ){{0,3}}(?:sent|since|out|today)\b"),
    ("not_received", 4, rf"\bnot (?:yet |even |actually |seem to |been |being |ever )*{_GET}\b(?! (?:to|charged|paid|in|into|my head|back to|why|it|what)\b)|\bnot (?:yet |been |ever )*(?:received|arrived|delivered|come|came|reached)\b"),
    ("not_received", 3, r"\bnothing (?:\w+ ){0,3}(?:arrived|arrives|came|comes|received|reached|reaches|in (?:my |the )?inbox)\b|\bno sign of\b|\bstill (?:waiting|awaiting)\b|\bbeen waiting\b|\bno (?:email|text|sms|message|code|letter|reply|mail|confirmation|link)\b|\bnothing in (?:\w+ )?(?:junk|spam|inbox)\b"),
    ("not_showing", 3, rf"\bnot (?:yet |even |been |be |being )*{_SHOW}\b|\binvisible\b|\bgreyed out\b"),
    ("missing", 3, r"\bmissing\b|\bdisappear\w*|\bvanish\w*|\b(?:is|are|has|have|was|were|all|just) gone\b|\bnowhere\b|\bwent missing\b"),
    ("missing", 3, r"\bnot (?:\w+ )?(?:there|here|in there|included)\b|\bwhere (?:is|are|has|have|did|do) (?:my|our|all)\b|\bcan not (?:find|see|locate)\b|\bnot (?:find|see|locate)\b"),
    ("deleted", 3, r"\b(?:was|were|been|got|accidentally|by mistake|wrongly) (?:deleted|removed|erased)\b|\bdeleted by (?:mistake|accident)\b|\b(?:accidentally|mistakenly) (?:deleted|removed)\b"),
    ("lost", 3, r"\b(?:i|we|have|has|been|is|get|got|was|he|she) (?:\w+ )?lost\b|\blost (?:my|our|the|a|his|her)\b|\bmisplaced\b|\bleft (?:my|our) \w+ (?:at|in|on)\b"),
    ("blocked", 3, r"\bblocked\b|\bfrozen account\b|\bblocks (?:me|us)\b|\brestricted\b"),
    ("stuck", 3, r"\bstuck\b|\bfreez\w+|\bfroze\b|\bfrozen\b|\bhangs\b|\bhanging\b|\bspins\b|\bspinning\b|\bnot respond\w*|\bunresponsive\b|\bloading forever\b"),
    ("slow", 3, r"\bslow\w*|\blagg\w+|\btakes? (?:\w+ )?(?:forever|ages|too long|so long)\b|\btakes? \d+ (?:seconds|secs|minutes|mins)\b|\bsluggish\b"),
    ("delayed", 3, r"\bdelay\w*|\b(?:too|very|so) late\b|\boverdue\b|\btaking (?:so|too|very) long\b|\btakes? (?:til|till|until|hours|days)\b|\btook (?:hours|days)\b"),
    ("pending", 3, r"\bpending\b|\bnot (?:yet )?(?:processed|cleared|gone through|completed?)\b|\bin progress\b|\bunder review\b"),
    ("blank", 3, r"\bblank\b|\bempty\b|\bwhite (?:screen|page)\b|\bblack screen\b|\bnothing (?:loads|shows|appears|happens)\b|\bnot load\w*"),
    ("damaged", 3, r"\bdamaged\b|\bcracked\b|\bsmashed\b|\bsnapped\b|\bdefective\b|\bfaulty\b"),
    ("fee_unexpected", 3, r"\b(?:why|what) (?:\w+ ){0,6}(?:fees?|extra charge|surcharge)\b|\b(?:extra|hidden|additional|unexpected) (?:\w+ )?(?:fees?|charges?|cost)\b|\bcharged (?:a |an |me a |me an |us a )(?:\w+ )?fee\b"),
    ("fails", 3, r"\bfail\w*|\bunsuccessful\w*|\bnot (?:go|going|gone|went) through\b"),
    ("fails", 2, r"\bnot (?:\w+ )?(?:work|works|working|worked|function|functioning)\b|\bstopped working\b|\bbroken\b|\bbroke\b|\bdown (?:again|today|for)\b|\bout of order\b"),
    ("error", 2, r"\berrors?\b|\bexception\b|\bsomething went wrong\b|\berror code\b"),
    ("wrong", 2, r"\bwrong\b|\bwrongly\b|\bincorrect\w*|\bnot (?:\w+ )?(?:correct|right|accurate)\b|\bmessed up\b|\bmistake\b|\bmixed up\b"),
    ("fails", 2, r"\b(?:can|could|will) not (?:\w+ )?(?P<verb>[a-z]+)|\bnot (?:let|allow|letting|allowing) (?:me|us|you|him|her|them|anyone)(?: to)? (?P<verb2>[a-z]+)"),
    ("stopped", 2, r"(?<!i )(?<!we )\bstopped\b|\bquit (?:working|sending)\b"),
    ("problem", 1, r"\bproblems?\b|\bissues?\b|\btrouble\b|\bbug\b|\bglitch\w*|\bbuggy\b|\bacting up\b|\bwhat is (?:wrong|going on|happening)\b|\bwhat happened\b"),
    ("confusing", 1, r"\bconfus\w+|\bnot understand\b|\bmakes no sense\b|\bmisleading\b"),
)  # fmt: skip

# --- what is asked ----------------------------------------------------------------------------------------------------

HOW_TO = (
    r"\bhow (?:exactly )?(?:do|can|could|would|should|does|might|shall|will) (?:i|we|you|one|he|she|they|someone|people|my \w+|our \w+) (?:\w+ly )?(?:go about |be able to )?(?P<verb>[a-z]+)",
    r"\bhow to (?P<verb>[a-z]+)",
    r"\b(?:is|was) there (?:\w+ ){0,2}(?:way|ways|option|possibility|means|trick|setting) (?:for (?:me|us|them|you|\w+ \w+) )?(?:to|of|that i can|i can|that we can|we can) (?P<verb>[a-z]+)",
    r"\b(?:is it|would it be|is that) possible (?:for (?:me|us|them) )?to (?P<verb>[a-z]+)",
    r"\bwhere (?:do|can|could|should|would) (?:i|we|you|one) (?:go to )?(?P<verb>[a-z]+)",
    r"\bwhat (?:do|must|should|can) (?:i|we) (?:have to |need to )?do (?:\w+ )?(?:to|for|when|if) (?P<verb>[a-z]+)",
    r"\b(?:steps|process|procedure|instructions|guide|help) (?:i \w+ )?(?:to|for) (?P<verb>[a-z]+)",
    r"\b(?:explain|show|tell|teach|walk) (?:me|us) (?:\w+ )?(?:how|through|where)(?: to)? (?P<verb>[a-z]+)",
    r"\bcan (?:i|we) (?:still |just |also |please |already |instead )?(?P<verb>[a-z]+)",
    r"\b(?:am i|are we) (?:able|allowed) to (?P<verb>[a-z]+)",
    r"\bwhat is the (?:best|easiest|right|quickest|correct|proper) way (?:to|of) (?P<verb>[a-z]+)",
)

FEATURE_REQUEST = (
    r"\bfeature (?:request|suggestion|idea)\b", r"\bplease add\b", r"\b(?:can|could|would|will) you (?:please |kindly |not )?(?:add|build|introduce|implement|consider)\b",
    r"\b(?:would|wd) (?:be|make it) (?:\w+ )?(?:nice|great|lovely|good|useful|helpful|handy|brilliant|fantastic|amazing|wonderful|perfect|cool|ideal)\b",
    r"\b(?:i|we) wish\b", r"\b(?:i|we) (?:would|d) (?:really |absolutely |dearly )?love\b", r"\bany (?:plans?|chance) (?:to|for|of|on|you)\b",
    r"\bwould (?:like|love) to see\b", r"\bconsider adding\b", r"\bwill there be\b", r"\bon (?:the|your) roadmap\b",
    r"\bwhen (?:will|are|do) you (?:\w+ )?(?:support|add|adding|offer|have)\b", r"\b(?:a |my )?(?:suggestion|wishlist|wish list)\b", r"\b(?:vote|voting|upvote|plus one|1) for\b",
    r"\bwhy (?:is there|do you have|can we|can i) (?:no|not)\b", r"\bdo you (?:plan|intend) to\b", r"\bthere should be\b", r"\bit should be possible\b",
    r"\b(?:we|i) (?:really |badly |desperately )?(?:want|need) (?:an? )?(?:option|ability|way|feature|integration|export|button|possibility)\b", r"\bthe (?:option|ability|possibility) to\b",
)  # fmt: skip

_WANT = r"\b(?:want|wanting|need|like|wanna|looking|help me|help us|could you|can you|would you|please|let us|trying) (?:\w+ ){0,2}"

QUESTIONS = (  # (ending of the name, pattern): questions that are neither a how-to nor a problem
    ("time", r"\bwhen (?:will|do|does|can|should|is|are|did)\b|\bhow (?:long|soon|quickly|fast|many days)\b|\bwhat time\b|\btime ?frame\b"),
    ("cost", r"\bhow much\b|\bwhat (?:\w+ ){0,3}(?:fees?|cost|costs|price|prices|charge|charges|rate|rates)\b|\b(?:is|are) there (?:a|an|any) (?:\w+ )?(?:fee|charge|cost)s?\b|\b(?:be|being) charged\b|\bdoes (?:it|this|that) cost\b|\bcost of\b|\bfees? (?:for|to)\b"),
    ("status", r"\bstatus\b|\btrack\w*|\bon (?:its|the) way\b|\bany (?:news|update|updates)\b|\bupdate on\b"),
    ("limit", r"\bhow many\b|\blimits?\b|\bmaximum\b|\bminimum\b|\bhow often\b"),
    ("supported", r"\b(?:do|does|will|are|is) (?:you|it|this|that|the \w+|your \w+) (?:\w+ )?(?:support|supported|accept|accepted|offer|available|work in|work with|have|provide|allow)\b|\b(?:which|what) (?:\w+ )?(?:countries|currencies|currency|cards|atms|places|businesses|merchants|devices|languages)\b"),
    ("reason", r"\bwhy\b|\bwhat (?:is the )?reason\b|\bhow come\b"),
    ("change", rf"{_WANT}(?:change|changing|edit|modify|update|correct|switch|amend)\b"),
    ("cancel", rf"{_WANT}(?:cancel|canceling|cancelling|close|terminate|delete|unsubscribe)\b"),
    ("order", rf"{_WANT}(?:book|order|reserve|schedule|buy|find|get|rent|hire|purchase|play|plan)\b|\bmake a(?:n)? (?:\w+ )?(?:reservation|appointment|booking|order)\b"),
)  # fmt: skip

# --- topics: which of the profile's categories a problem or a question belongs to -------------------------------------

ACCOUNT_WORDS = frozenset("""
login logins password passwords passcode pin twofactor authenticator authentication otp username account accounts identity verify
verification verified invitation invite invites credentials sso profile access reactivate deactivate deactivated locked hacked
""".split())  # fmt: skip
BILLING_WORDS = frozenset("""
charge charged charges charging refund refunds refunded invoice invoices invoiced bill billed billing fee fees price prices pricing
subscription subscribed plan plans renewal renew renewed discount coupon vat tax taxes receipt receipts overcharged debited
upgrade upgraded downgrade downgraded topup payment payments pay paid deposit deposits payout payouts money cash transfer transfers
transaction transactions withdrawal withdrawals cheque cost costs exchange rate rates cashback
""".split())  # fmt: skip
CONFIGURATION_WORDS = frozenset("""
setting settings configure configured configuring configuration setup timezone permission permissions enable disable toggle
integrate integration integrations dns domain webhook api role roles preference preferences default notification notifications
""".split())  # fmt: skip

# --- what does not go on ----------------------------------------------------------------------------------------------

SPAM = (  # (points, what it is, pattern); filtered from 3 points of at least two kinds
    (2, "search-engine marketing", r"\bseo\b|\bbacklinks?\b|\bpage one\b|\b(?:first|1st) page\b|\branking\b|\b(?:organic|more|website|enough) traffic\b|\bkeywords\b|\bda \d+\b|\bdomain authority\b"),
    (2, "guest posts", r"\bguest (?:post|posts|article|blog)\w*|\bdo ?follow\b|\bsponsored (?:post|article|content)\b|\bper placement\b|\blink (?:exchange|building|insertion)\b"),
    (2, "crypto or betting", r"\bbitcoin\b|\bcrypto\w*|\bairdrop\b|\btokens? (?:sale|allocation)\b|\b\w+ token\b|\bwallet (?:address|and)\b|\bto the wallet\b|\bcasino\b|\bbetting\b|\bforex\b|\bpresale\b"),
    (2, "a prize or easy money", r"\bcongratulations? (?:\w+ ){0,6}(?:selected|won|winner|chosen)\b|\blottery\b|\bhave won\b|\bprize\b|\binheritance\b|\bbeneficiary\b|\bnext of kin\b|\bearn (?:\w+ ){0,4}(?:from home|per day|daily|a day)\b|\bdouble your\b|\bpassive income\b"),
    (2, "a business loan", r"\b(?:business|instant|pre approved|unsecured) (?:loan|loans|funding|credit line)\b|\bworking capital\b|\bloan offer\b|\bfunding offer\b|\bpre approved for\b"),
    (2, "an agency's offer", r"\b(?:we|i) (?:are|am|represent|run) (?:\w+ ){0,6}(?:agency|manufacturers?|suppliers?|exporters?|freelancer|company building|outsourcing|developers|engineers company|results driven)\b|\bour (?:agency|developers|portfolio|factory|catalogu?e|database of)\b|\bleading (?:manufacturer|supplier|provider)\b"),
    (2, "lists of contacts", r"\b(?:email|leads|contact|contacts|mailing|attendee|attendees) (?:list|lists|database)\b|\bverified (?:emails|leads|contacts)\b|\bqualified leads\b|\blead generation\b|\bfollowers\b|\b(?:5 star|fake|positive|buy) reviews\b"),
    (2, "a false invoice or threat", r"\bfinal notice\b|\bavoid suspension\b|\bremit\b|\b(?:domain|directory|trademark) (?:listing|renewal|registration|services)\b|\bwill be (?:suspended|terminated|deactivated) (?:within|in|unless)\b|\bwithin \d+ ?h(?:ours|rs)? (?:using|via|by)\b|\bmailbox (?:is )?(?:full|quota)\b|\bgift cards?\b"),
    (1, "a stranger's salutation", r"\bdear (?:sir|madam|founder|friend|owner|dear|business owner|website owner|webmaster|ceo|beloved)\b|\bhi sir\b|\bsir mam\b|\bgood morning dear\b|\bhello dear\b|\bgreetings of the day\b|\bi hope this (?:email|message) finds you\b"),
    (1, "a sales pitch", r"\bfree (?:audit|quote|consultation|proposal|trial|demo|sample|samples|mockup)\b|\bprice list\b|\bbest price\b|\bhourly rates?\b|\bmoney back\b|\bguarantee\w*|\bonly \d+\b|\blimited (?:to|time|offer|partner)\b|\bdont miss\b|\bnot miss\b|\bact now\b|\bspecial offer\b|\bcompetitive (?:price|rates)\b|\bcatalog\w*|\bportfolio\b|\b100 (?:unique|genuine|legal)\b|\bboost your\b|\bgrow your\b|\broi\b"),
    (1, "asks for a call or reply", r"\b(?:schedule|book|hop on|jump on|quick) (?:a )?(?:\w+ ){0,3}call\b|\breply yes\b|\b(?:your|share) (?:\w+ )?whatsapp\b|\bwaiting (?:for )?your (?:positive |kind )?(?:reply|response)\b|\bkindly (?:share|revert|reply|click)\b|\bkind perusal\b|\bfloating this\b|\btop of your inbox\b|\bfollowing up on my (?:last|previous)\b|\binterested in (?:a|our)\b|\bare you the (?:owner|right person)\b|\bright person\b"),
    (1, "a link to follow", r"\blink below\b|\bclick (?:here|the link|below)\b|\bunsubscribe\b|\bopt out\b|\breply stop\b|\bvisit our (?:website|site|shop)\b"),
    (1, "found on the web", r"\b(?:visited|reviewing|came across|was on|found|browsing) (?:\w+ ){0,4}your (?:website|site|company|business|blog|listing)\b|\bfan of (?:\w+ ){0,3}blog\b|\bbig fan\b"),
    (1, "sums in dollars", r"\b(?:usd|per hour)\b|\bmillion (?:dollars|usd)\b|\bdeposit \d"),
)  # fmt: skip

REFUSED_BY_AGENT = r"\btake us off\b|\bremove us from\b|\bnot interested\b|\bdo not (?:take|accept|buy|need|do) (?:guest|sponsored|unsolicited|any|paid)\b|\bmarked as spam\b|\bnot (?:from us|our invoice)\b|\bunsolicited\b"

AUTOMATIC = r"\bautomatic reply\b|\bauto ?reply\b|\bauto ?response\b|\b(?:i am|we are|currently) (?:\w+ )?out of (?:the )?office\b|\bundeliverable\b|\bmail delivery (?:failed|subsystem)\b|\bon (?:annual|maternity|parental) leave (?:until|till|from)\b|\bautomated (?:reply|response)\b|\bthis mailbox is not monitored\b"

MISDIRECTED = r"\b(?:meant|intended) for (?:somebody|someone|another|a different)\b|\bwrong (?:company|recipient|support|address|person|people|inbox|chat|window|number)\b (?:\w+ ){0,3}(?:sorry|ignore)|\b(?:sorry|oops|ignore) (?:\w+ ){0,3}wrong (?:company|recipient|person|people|inbox|chat|window|number|tab)\b|\bautocomplete\b"

NO_REQUEST = r"\bno (?:question|questions|issue|issues|problem|need to reply|reply needed|action needed|request)\b (?!with|at all)|\bnothing (?:needed|to fix|wrong)\b|\bjust (?:wanted|want|wanting|dropping|writing|a note|a quick note|popping in|saying|checking if anyone|seeing if)\b (?:\w+ ){0,4}(?:say|thank|thanks|you|love|happy|hello|hi|tell|anyone)\b|\bjust saying (?:hi|hello|thanks)\b"

# A sentence made of these alone says nothing about a product.
SMALL_TALK = r"^(?:(?:hi|hello|hey|hiya|yo|howdy|greetings|morning|evening|afternoon|good|day|dear|there|all|team|everyone|everybody|support|folks|guys|sir|madam|again|night|happy|merry|new|year|christmas|easter|friday|monday|weekend|holidays?|thanks|thank|you|thx|ta|cheers|many|much|so|very|a|lot|bunch|million|really|appreciate|appreciated|it|great|awesome|perfect|lovely|brilliant|cool|nice|ok|okay|yes|no|yep|nope|yeah|bye|goodbye|see|later|soon|have|the|best|regards|kind|warm|take|care|welcome|test|testing|ping|anyone|anybody|is|are|how|doing|today|fine|well|sorry|oops|please|ignore|wishes|your|and|to|for|of|help|time|that|this|was|were|one|what|up|lol|haha|hahaha|x|xx|xxx|wow|love|guys|star|stars|rock|amazing|wonderful|job|work|keep|congrats|congratulations|hola|bonjour|hallo|hej|danke|merci|gracias|tack|ciao|de|nada|tag|guten|god|salut) ?)+$"

PRAISE = r"\b(?:thank|thanks|star|stars|love|lovely|brilliant|amazing|great|awesome|saved (?:our|my)|biscuits|cake|grateful|appreciate|kudos|well done|keep up|congrat\w*|happy|anniversary|birthday|christmas|shout ?out|hats off|delighted|impressed|best)\b"

# --- greetings, closings and signatures in raw text -------------------------------------------------------------------

GREETING = r"^(?:(?:hi|hello|hey|hiya|yo|howdy|dear|greetings|good (?:morning|afternoon|evening|day)|morning|afternoon|evening|hola|bonjour|hallo|hej|hei|guten tag|goedemorgen|buenos d[ií]as|salut|ciao|namaste)\b(?:[ ]+(?:there|all|team|everyone|support|folks|guys|sir|madam|sir/madam|again|[A-Z][\w'-]+)){0,4}[ ]*(?:[,!.:;\u2013\u2014-]+|$)\s*)+"

CLOSING = r"^(?:(?:kind|best|warm|many|with)?[ ]*(?:regards|wishes)|best|sincerely|yours(?: truly| sincerely| faithfully)?|cheers|thanks|many thanks|thank you|thx|ta|mit freundlichen gr[uü](?:ß|ss)en|cordialement|saludos|sent from my .*|--+|[-\u2013\u2014][ ]?[A-Z]\w+)[ ]*[,.!]*$"

COURTESY = r"^(?:(?:many |so much |ok |great |and |anyway )?(?:thanks|thank you|thx|ta|cheers|tack|merci|danke|gracias)\b.{0,40}|(?:please|pls) (?:help|advise|fix(?: it| this)?|sort it|assist)\b.{0,12}|sort it out|any (?:help|ideas|advice)\b.{0,25}|help|urgent|sorry .{0,40}|(?:hope|trust) (?:you|this|all)\b.{0,40}|me again|bravo|(?:have a|enjoy) .{0,30}|yes|no|ok|okay|done|sorted|perfect|great)[.!?,\s]*$"

# --- words that name no part of a product -----------------------------------------------------------------------------

STOP_WORDS = frozenset("""
can could did d m s t ll re ve didn doesn isn won hasn wasn aren couldn wouldn started start got rest uk usa comma bother middle
a about above across actually after afternoon afterwards again against ago ah ahead all almost alone along already alright also
although always am among an and another any anybody anyhow anymore anyone anything anyway anywhere apart apparently are area around as
aside asap at away back bad badly barely basically be became because been before behind being below besides best better between
beyond big bit both brand brilliant bunch but by certain certainly clear clearly close come comes coming completely correct
correctly could couple current currently day days deal definitely despite different directly do does doing done double down due during each
earlier early easily easy either else elsewhere end enough entire entirely especially etc even evening ever every everybody
everyone everything everywhere exact exactly except extra extremely fact fair fairly far fast few fine first five for former four
forward free fresh fri friday frequently from front full fully further general generally given glad god gonna good got great guess half
happy hard hardly have has had having he hello help helpful hence her here hers herself hey hi high him himself his honestly
hopefully hour hours how however huge i idea if immediately important in indeed instance instead into is it its itself just kind kinda
known large last late lately later least left less let lets like likely literally little live local long longer lot lots love lovely low
luckily main mainly many matter may maybe me mean meanwhile middle might mine minute minutes mon monday moment month months more
morning most mostly mr mrs ms dr much multiple must my myself near nearby nearly necessary need neither new newly next nice night nine no
nobody none nonetheless noon nope normal normally not nothing now nowhere obviously odd of off often oh ok okay old on once
one ones only onto open or original other others otherwise ought our ours ourselves out outside over own pair part particular partly past
people per perfect perhaps person piece place please plenty plus point poor possible possibly pretty previous previously
probably problem problems proper properly purpose quick quickly quite rather ready real really reason recent recently regular right
same sat saturday second seconds seem seems seven several shall she short should side similar simple simply since single six small so some
somebody somehow someone something sometime sometimes somewhere soon sorry sort still straight strange stuff such sudden suddenly
sun sunday sure ten than thank thanks that the their theirs them themselves then there therefore these they thing things third this
those though three through throughout thu thursday thus till time times to today together tomorrow tonight too top total toward towards
true tue tuesday twelve twice two type under unfortunately unless unlike until up upon us use useful usual usually various very via
was way ways we wed wednesday week weekend weeks well were what whatever when whenever where whereas wherever whether which
whichever while who whoever whole whom whose why will wish with within without word worse worst would wow wrong year years yep yes
yesterday yet you your yours yourself january february march april june july august september october november december jan feb mar
apr jun jul aug sep sept oct nov dec am pm eg ie lol haha hmm ugh omg x xx kk yo hiya yeah yup mam sir madam guys folks guy team
support customer reply urgent asap question questions answer info information detail details issue issues trouble
bug error errors example case reasons lately couldnt wouldnt ones itself none thousand hundred million
afterwards basis chance look side gets whats anyone else bottom left level line lines lady man woman lad lads girl girls
wife husband son daughter mum mom dad brother sister friend boss colleague guy kid kids nephew niece mother father partner
mess nightmare joke luck favour favor shame weird stupid ridiculous useless crazy annoying frustrated frustrating angry worried
able unable available sick tired busy black white red green blue yellow grey gray dark tiny nasty ghost happy afraid impossible
""".split())  # fmt: skip

VERBS = frozenset("""
accept act add adjust advise agree activate attend book hire recommend rent reserve smoke allow answer appear apply appreciate arrange arrive ask assign assist assume attempt avoid base become begin
believe belong block bother bounce break bring build buy call cancel care carry cause change charge check choose chuck clear click
come compare complain complete confirm connect consider contact continue convert copy correct count create cut deal decide decline
delete deliver demand deny depend describe deserve detect disappear discover discuss display drag draw drive drop duplicate earn edit eat
enable end enjoy enter exist expect expire explain extend fail fall feel figure fill find finish fit fix follow forget freeze get give go
grow guess handle hang happen hate have hear help hide hit hold hope ignore imagine import include increase inform insert insist
install intend invite join jump keep kick know land last lead learn leave let like link listen load lock look lose love make manage
match matter mean meet mention merge miss move need notice obtain occur offer open operate order own pass pay pick place plan play
point pop post prefer prepare press prevent print proceed process produce promise protect prove provide publish pull push put quit
raise reach read realise realize receive recommend recognise recognize reconnect record reduce refer refresh refuse reject relate release
rely remain remember remind remove rename repeat replace reply report represent request require reschedule reset resolve respond
restart restore return run save say scan schedule search see seem select sell send serve set share shift show shut sign sit skip
slide solve sort sound speak spend spin split stand start state stay steal stick stop store submit suggest suppose
swap switch take talk tap tell thank think throw tick tie touch track transfer treat trust try turn type
understand undo unlink untick unlock update upgrade upload use verify view visit vote wait wake walk want warn waste watch wonder
work worry write wish withdraw request went got came said told gave saw made took sent kept found lost left knew thought paid put
met ran sold bought brought spent stood wrote chose drove fell forgot held hid led meant read rang sat shut spoke stole stuck swore taught
threw understood woke won done gone been seen given taken shown known written chosen broken forgotten gotten let set hit cut
saying asking trying says asked tried wants wanted needs needed seems seemed keeps makes goes sees gets means looks looked
gonna wanna wana dont cant isnt
""".split())  # fmt: skip

NOUNS_IN_ING = frozenset("""
booking billing setting meeting training pricing listing shipping tracking building parking onboarding landing opening closing
banking marketing accounting warning rating ranking drawing recording greeting mailing packing painting wedding viewing testing
hosting streaming messaging clothing ceiling heating plumbing cleaning grooming lighting spelling numbering branding formatting reporting
scheduling invoicing roaming timing spring string king ring thing wing evening morning
""".split())  # fmt: skip

NOUNS_IN_ED = frozenset("feed bed seed speed id need deed embed shed red".split())

VERB_NOUNS = frozenset("""
charge transfer report invoice refund order payment link import export display schedule record search update upgrade
account balance alert password login checkin checkout checkout setup sync plan note message text email call track process invite release
print address receipt ticket trip ride room table flight hotel reminder booking
""".split())  # also verbs, but after "the", "my" or another noun they name a thing; fmt: skip

DETERMINERS = frozenset("""
the a an my our your his her their this that these those any some no each every both all another which what whose
new old second first last next its
""".split())  # fmt: skip

PREPOSITIONS = frozenset("in on at from to into onto with for of by via through about under using after before".split())

PLURAL_EXCEPTIONS = {
    "status": "status", "address": "address", "access": "access", "business": "business", "process": "process",
    "news": "news", "sms": "sms", "gps": "gps", "dns": "dns", "ios": "ios", "https": "https", "always": "always", "bus": "bus",
    "tax": "tax", "taxes": "tax", "vat": "vat", "series": "series", "analysis": "analysis", "class": "class", "pass": "pass",
    "loss": "loss", "focus": "focus", "virus": "virus", "bonus": "bonus", "campus": "campus", "gas": "gas", "plus": "plus", "lens": "lens",
    "wireless": "wireless", "express": "express", "progress": "progress", "success": "success", "press": "press",
    "addresses": "address", "businesses": "business", "classes": "class", "passes": "pass", "statuses": "status",
    "buses": "bus", "boxes": "box", "inboxes": "inbox", "faxes": "fax", "matches": "match", "branches": "branch", "batches": "batch",
    "searches": "search", "watches": "watch", "dishes": "dish", "children": "child", "people": "person", "movies": "movie",
    "cookies": "cookie", "calories": "calorie", "ties": "tie", "dies": "die", "lies": "lie", "us": "us", "christmas": "christmas",
    "analytics": "analytics", "settings": "setting", "glasses": "glasses", "texts": "text", "yes": "yes", "this": "this", "is": "is",
    "was": "was", "has": "has", "its": "its", "as": "as",
}  # fmt: skip

# What services are made of: words for parts of any product, likelier to name a feature than other nouns.
THINGS = frozenset("""
account address alert alarm api app application appointment atm attachment authenticator backup balance bill booking browser button
calendar camera card cart catalogue chart charge chat checkin checkout code column comment contact coupon credit currency customer_portal
dashboard database date delivery deposit device diary discount document domain download driver email event export fee feed field file
filter flight folder form game group hotel identity image import inbox integration invitation invite invoice keyboard
label language ledger license limit link list listing location login map membership menu message music network note notification
number offer order package page parcel password payment payout payroll permission phone photo pin plan playlist plugin
policy portal price printer profile purchase rate receipt refund reminder rental report reservation review ride role room rota roster
schedule screen search seat server setting shift shipment sign signature site sms song statement stock storage subscription sync
table tax template terminal text theme ticket time timer timezone topup tracking transaction transfer trip twofactor update upload
username version video view voucher waitlist webhook webpage website widget wifi withdrawal car bus train apartment restaurant movie meeting
""".split())  # fmt: skip

# Who is affected, not what fails.
PERSONS = frozenset("""
client patient guest student pupil teacher nurse doctor dentist therapist receptionist manager owner staff employee worker user member
parent child player bride lady gentleman family colleague assistant accountant bookkeeper tutor trainer instructor driver passenger
stylist barber mechanic hygienist vet crew dog cat practitioner customer visitor tenant seller buyer merchant recipient sender supervisor
director horse puppy bike shop business company clinic salon studio practice surgery office house school
january february march april june july august september october november december yesterday today email_sender
""".split())  # fmt: skip

# --- sentences that show what a category sounds like; asked only when the words above decide nothing ------------------

PROTOTYPES = (
    ("product_issue", "The page does not load and shows an error."),
    ("product_issue", "Something stopped working after the update."),
    ("product_issue", "The information displayed is wrong."),
    ("how_to_question", "How do I do this in the app?"),
    ("how_to_question", "I would like to book, order or find something."),
    ("how_to_question", "What are your opening hours and which options are available?"),
    ("feature_request", "Please add this feature, it would be very useful."),
    ("account_issue", "I cannot sign in to my account, my password is not accepted."),
    ("account_issue", "Please verify my identity and change my personal details."),
    ("billing_question", "Why was I charged this fee on my invoice?"),
    ("billing_question", "When will I receive my refund or payment?"),
    ("configuration_help", "Which setting must I change so that it behaves differently?"),
    ("configuration_help", "Help me connect and set up the integration."),
)

# The words English cannot do without; a text with hardly any of them is in another language.
ENGLISH = frozenset("""
the a an i you we it is are was were be to of in on for and or not my your our this that with have has do does did can could will would
what how why when where who which me us at from but if no there they he she so as by am please get got just still all any
""".split())  # fmt: skip
