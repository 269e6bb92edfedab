"""How English sounds when one clause of it is read aloud: tables, no code.

`clauses` asks them. Words are lower case, as they are written; nothing here belongs to one product.
"""
# ruff: noqa: SIM905 - lists of words are read as text

import re

CLAUSE_FOLLOWS = r"(?= (?:i|we|it|the|my|our|this|that|your|there|a|an)\b)"
LEAD = re.compile(
    r"^(?:(?:and|but|so|also|well|ok|okay|anyway|basically|please|pls|plz|then|now|just|actually|honestly|obviously"
    r"|apparently|unfortunately|sadly|yes|yeah|yep|oh|ah|ugh|um|uh|hmm|omg|wow|lol|guys|hi|hello|hey|hiya|dear|morning"
    r"|good (?:morning|afternoon|evening)|sorry(?: but)?|thanks|thank you|because|since|though|although|seriously"
    r"|literally|suddenly|however|or"
    rf"|(?:no|help|question|quick question|quick one|problem|issue|update){CLAUSE_FOLLOWS}"
    rf"|(?:i|we) (?:think|believe|guess|suppose|see|know|am afraid|hear)(?: that)?{CLAUSE_FOLLOWS}"
    rf"|(?:it )?(?:seems|looks)(?: like)?(?: that)?{CLAUSE_FOLLOWS}"
    r"|i(?: am|['\u2019]m) asking(?: on \w+ \w+)? for"
    r"|i (?:have |just )?noticed(?: that)?|i was wondering (?:if|whether)|i wonder (?:if|whether)"
    r"|i(?: am|['\u2019]m) (?:writing|calling|contacting you) (?:because|as)"
    r"|i (?:just )?(?:wanted|want|would like|['\u2019]d like|need) to (?:say|report|ask|know|let you know)"
    r"(?: that| if| whether)?|(?:the|my) (?:problem|issue|question|trouble) is(?: that)?|turns out(?: that)?"
    r"|(?:can|could|would|will) (?:you|u)(?: please)?(?= \w+(?: up| for| out| at| into)?"
    r" (?:the|my|our|a|an|some|any|me|us|to|this)\b)"
    r"|(?:(?:on|since|until) )?(?:(?:last|this|the other|every) (?:night|week|month|day|morning|evening|afternoon|year)"
    r"|the (?:day|week|month) before|yesterday|today|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"(?: (?:morning|afternoon|evening|night))?)(?=,? (?:the|my|our|your|i|we|it|a|an|two)\b)"
    r"|(?:can|could|would|will) (?:you|u)(?: please)?(?= (?:find|buy|book|get|show|send|play|make|order|reserve) \w)"
    r"|i(?: need| want|['\u2019]d like| would like) you to)\b[,:.!]?\s+)+",
    re.IGNORECASE,
)
# "I would like to close my account" is about "close my account".
WISH = re.compile(
    r"^(?:(?:i|we)(?: |(?=['\u2019])))?(?:id like to"
    r"|(?:(?:need|want|wish|am hoping|am looking|am planning|was hoping|was planning"
    r"|(?:would|['\u2019]d) (?:really |also )?(?:like|love|need)) to|wanna|help me(?: to)?|help to))"
    r" (?!(?:be|know|have|see|say|ask) )",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"^(?:(?:how|what|why|when|where|who|which)(?:['\u2019]s)?\b|(?:is|are|was|were|do|does|did|can|could|will|would"
    r"|should|may|am) (?:i|you|we|it|the|my|our|there|this|that|your|he|she|they|a|an|any|anyone|somebody"
    r"|someone|u)\b|(?:has|have) (?:i|you|we|it|the|my|our|your|he|she|they|anyone|somebody|someone)\b)",
    re.IGNORECASE,
)
ASKING_FIRST = frozenset("how what why when where who which what's where's".split())
ASKING_SECOND = frozenset(
    "is are was were do does did can could will would should has have had may must don't doesn't isn't won't can't"
    " didn't haven't hasn't dont doesnt cant long much many often soon to about".split()
)
OPENS_NOTHING = frozenset(
    "because which that than when whenever while if until till unless although though since as whereas whose whom where"
    " wherever whether of from with without by for like about into onto per nor once after before who what".split()
)
LEANS = frozenset("it it's its he she they his her their them him this that these those there here such same".split())
# Subjects that mean something said before, so that nobody who reads the clause alone knows what: "it was a swap".
PRONOUNS = frozenset("it it's its it'll they they're they've they'll he he's she she's that's those're".split())
POINTERS = frozenset("this that these those both each none neither all some most many few one another either".split())
# Where "it" stands for nothing, or for whatever does not let one: "it takes an hour to", "it won't let me".
EMPTY_IT = re.compile(
    r"^it(?:['\u2019]s| is| was)?(?: not| never| very| so| too)* (?:impossible|possible|hard|difficult|unclear|unsafe"
    r"|easy|confusing|raining|snowing)\b"
    r"|^it (?:takes|took) .*\bto\b"
    r"|^it(?:['\u2019]s| is| was|['\u2019]ll| will| won['\u2019]?t| does(?:n['\u2019]?t| not)| did(?:n['\u2019]?t| not)"
    r"| isn['\u2019]?t| never)?(?: not)? (?:let|lets|letting|allow|allows|allowing|ask|asks|asking) (?:me|us|for)\b",
    re.IGNORECASE,
)
LEADS_ON = frozenset("to in on at under over even then you your been being".split())
NEGATES = frozenset("not never neither".split())
BARE = frozenset(
    "want wants need needs have am is are was were would could should will does did had has gets got might may"
    " must doesn't isn't won't didn't doesnt didnt wont isnt keeps says comes goes shows gives".split()
)
# What is said of what works, or of how it is set: "the e-mails do come", "week view was fine", "is on 24 hours".
GOES_WELL = re.compile(
    r"(?<!how )\b(?:do|does|did) (?!not\b|i\b|we\b|you\b|it\b|they\b|the\b|my\b|our\b|this\b|that\b|n['\u2019]t)[a-z]+"
    r"|\b(?:is|are|was|were|am) (?:ok|okay|fine|good|connected|done|normal)\b|\bworks? (?:fine|well|ok|for)\b"
    r"|\b(?:is|are|was|were) (?:set )?(?:on|to|at|for) (?:\d+|[a-z]+) (?:hours?|minutes?|days?|weeks?)$"
    r"|\bas normal\b|\bstraight away\b",
    re.IGNORECASE,
)
NEGATED_WELL = frozenset("able allowed possible".split())  # "not able to", and "not receiving"
NUMBERS = frozenset(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty thirty forty fifty"
    " sixty hundred thousand dozen couple several both".split()
)
# What a clause is said against: "the emails do come, but nothing on the phone".
AGAINST = re.compile(r"\s*(?:but|though|however|yet|except|only|whereas|instead)\b", re.IGNORECASE)
# How many it was for, behind the matter: "a cab for three people", "pending for 6 days".
_COUNT = r"(?:\d{1,4}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a few|several)"
COUNTED_TAIL = re.compile(
    rf"\s+(?:(?:for|in|within|after|since|over|on|at|of|with)\s+(?:about |over |the last |exactly |nearly )?{_COUNT}"
    r"\s+(?:(?:whole|full|other|working|business)\s+)?(?:people|persons?|guests?|adults?|kids|children|passengers?"
    r"|nights?|minutes?|hours?|days?|weeks?|months?|years?|times|of us)"
    rf"|(?<!takes )(?<!take )(?<!took )(?<!lasts )(?<!is )(?<!was ){_COUNT} (?:minutes|hours|days|weeks|months|years))"
    r"(?: now| already| ago| later)?$",
    re.IGNORECASE,
)
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
# When it was for: "cancel our account from the end of this month".
DATED_TAIL = re.compile(
    r"\s+(?:(?:from|by|at|until|since|for|on|before|in)\s+)?"
    r"(?:(?:the )?(?:end|start|beginning|middle) of (?:this|the|next) (?:month|week|year)"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}|{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?"
    r"|the \d{1,2}(?:st|nd|rd|th)"
    r"|today|tomorrow|tonight|yesterday|(?:this|last|next) (?:morning|afternoon|evening|night|week|weekend|month|year)"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?(?: (?:morning|afternoon|evening|night))?)$",
    re.IGNORECASE,
)
# Whom it was for: "a party for my friend Mark".
RELATIVES = (
    "friend|wife|husband|partner|son|daughter|brother|sister|mother|father|mum|mom|dad|boss|colleague|coworker|manager"
    "|neighbour|neighbor|aunt|uncle|cousin|nephew|niece|girlfriend|boyfriend|roommate|flatmate"
)
PERSON_TAIL = re.compile(
    rf"\s+(?:for|with|from|to|of|by)\s+(?:(?:my|our|his|her|a)\s+)?(?:{RELATIVES})s?(?:['\u2019]s)?(?:,?\s+[A-Z][\w'-]+)*$"
)
PERSON = re.compile(rf"\b(?:[Mm]rs?|[Mm]s|[Dd]r|[Mm]iss|[Pp]rof)\b\.? [A-Z]|\b(?:{RELATIVES}),? [A-Z][a-z]")
# A second sentence begins without a word or a mark between: "the clocks went back my codes are wrong".
# Not "i", "we", "they": "a charge I did not make" is one sentence.
SUBJECTS = frozenset("my our it your the this there nothing nobody everything it's".split())
FINITE = frozenset(
    "am is are was were has have had does did can could will would should must may might isn't aren't wasn't weren't"
    " hasn't haven't hadn't don't doesn't didn't can't cannot couldn't won't wouldn't shouldn't isnt arent wasnt dont"
    " doesnt didnt cant wont i'm i've it's went came got gets goes comes says shows keeps sent took lost made saw gave"
    " works stopped crashed failed fails crashes disappeared vanished changed cancelled booked paid received".split()
)
# Words that a new subject may follow within one sentence: "says my card", "when the app", "to the", "think it".
LEADS_INTO = frozenset(
    "and or but that if when while whenever until till unless because since as than though although so where whether"
    " how why what which who whom whose after before once like to of in on at by for with from about into over under"
    " through without during between against via per is are was were be been not all both half only even just still"
    " says say said tell tells told think thinks know knows see sees hope believe sure make makes made let lets help"
    " helps have has had did do does can could will would should must may might am a an the my our your this these"
    " gives give gave show shows send sends sent get gets got ask asks asked need needs want wants".split()
)
# With these "i" and "we" begin a sentence of their own; "a charge i did not make" goes on with the one before.
WANTING = frozenset("need want can't cannot cant would must wanna".split())
SPEAKER = frozenset("i i'm i've i'd we we're we've me us".split())
WITHIN = frozenset("here he she him her his hers they them their theirs it this that those these there".split())
REPORTS = frozenset("says say said tells told thinks think reports reported claims asks asked".split())
CONTINUES = frozenset("also another else instead too other others again either next".split())
ENDS_NOTHING = frozenset(
    "the a an my our your his her their its to of and or but with for from is are was were be been being am has have"
    " had i we you he she they that which who whose when where if as at by than so because very not into onto per says"
    " said say do does did can could will would should may might must just also about every some any no this these"
    " those what how why whether while until since like via under over only even still really too quite between"
    " before after it's i'm".split()
)
GO_WITH_ON = frozenset(
    "log logs logged logging sign signed turn turns turned switch switched go goes going come comes came hold carry"
    " keep keeps add put is are was were stay stays stayed move moved".split()
)
ENDS_WEAKLY = frozenset("apparently in on it me us around yet anymore again now guys then here there though".split())
ENDS_WELL = frozenset("ok okay fine good well works".split())
# The same verb asks twice, or what is asked stands at the end: "how can many can I", "accepted by what shops".
MISASKED = re.compile(
    r"^.*?\b(can|do|does|did|are|will|would|could)\b.*\b\1 (?:i|you|we)\b"
    r"|^(?!how|what|when|where|why|who|which|in|at|by|for|on|can|do|does|is|are)"
    r".*\b(?:by|in|at|for|to|with) (?:what|which)\b"
    r"|^how (?:my|the|our|i|we|you|a|an)\b",
    re.IGNORECASE,
)
DATE = re.compile(
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}|(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|january|february|march|april|june|july|august|september"
    r"|october|november|december|today|yesterday|tonight|tomorrow|last (?:night|week|month|year)"
    r"|this (?:morning|week|afternoon|evening|month)|next (?:week|month|year)s?"
    r"|since (?:mon|tue|wed|thu|fri|sat|sun)|\w+ ago)\b",
    re.IGNORECASE,
)
CHATTER = re.compile(
    r"\b(?:thank(?:s| you)|sorry|apolog\w+|hope|hello|regards|please|pls|appreciate|loyal customer|angry|disappointed"
    r"|furious|annoy\w+|frustrat\w+|ridiculous|unacceptable|worst|terrible|lawyer|asap|urgent\w*|get back to me"
    r"|let me know|any (?:help|idea|ideas|advice|news|update|chance)|help (?:me|us)"
    r"|need (?:some |your |any )?(?:help|assistance|support|advice)|assist(?:ance)?"
    r"|(?:with|have|got) (?:a |another |one )?(?:issue|problem|question)s?$"
    r"|what (?:do|can|should|shall) (?:i|we) do|what(?:['\u2019]s| is) (?:going on|happening|wrong)|(?:no|any) idea"
    r"|don['\u2019]?t (?:know|understand)|do not (?:know|understand)|not sure|makes? no sense|feature request"
    r"|going crazy|tried everything|i mean|you (?:know|said|told|guys|people)"
    r"|(?:he|she|they|it|support|agent) (?:said|says|told)|i (?:said|told)|name is|this is [A-Z]"
    r"|(?:don['\u2019]?t|do not) (?:send|tell|ask|say|get me)|maybe|i (?:looked|checked|read)"
    r"|is that (?:right|ok|okay|possible|normal)|is (?:it|this) (?:possible|normal|ok|okay)$|can you (?:help|assist)"
    r"|(?:can|could|would) (?:you|u|anyone|someone|somebody) (?:please )?"
    r"(?:check|tell|explain|confirm|clarify|see|have a look)"
    r"|could you (?:help|assist)|look(?:ing)? into|sort (?:it|this) out|fix (?:it|this)|how (?:come|is that)"
    r"|i(?: am|['\u2019]m) asking|good morning|for (?:some|no|whatever) reason|trying to|as soon as possible"
    r"|right now)\b",
    re.IGNORECASE,
)
VERBAL = re.compile(
    r"\b(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|may|must|am|cannot|not|never|no"
    r"|\w+n['\u2019]?t|\w+(?:ed|ing)|\w{3,}[^su\W]s(?= \w)(?! (?:of|to|for|on|in|from|with|by|at)\b)"
    r"|keep|want|need|get|got|went|go|sent|lost|set|add|book|find|play"
    r"|show|check|change|cancel|make|see|pay|paid|send|turn|create|open|close|give|take|took|put|know|i|we|you)\b",
    re.IGNORECASE,
)

# "Shared" in "on three shared calendars" is no verb.
QUALIFIES = re.compile(
    r"\b(?:the|an?|my|our|your|his|her|their|its|this|that|these|those|two|three|four|five|several|both|some|any|all"
    r"|of|on|in|with|from|for|to) (?:[a-z]+ )?\w+ed (?=[a-z]{3})"
    r"(?!(?:the|and|but|for|from|with|into|not|twice|again|because)\b)",
    re.IGNORECASE,
)

# What goes wrong or is asked for, not what merely is the case.
TELLS = re.compile(
    r"\b(?:not|no|never|nothing|nobody|cannot|can['\u2019]?t|\w+n['\u2019]t|wrong\w*|missing|lost|los[et]|fail\w*|broke\w*|stuck"
    r"|twice|(?:two|three|several|many) times|doubl\w*|duplicat\w*|expire\w*|declin\w*|reject\w*|refus\w*|slow\w*|late"
    r"|crash\w*|error\w*|disconnect\w*"
    r"|locked|blocked|blank|gone|stop\w*|keeps|disappear\w*|vanish\w*|freez\w*|hang\w*|delay\w*|overcharg\w*|extra"
    r"|instead|spam|junk|bounc\w*|stolen|damaged|how|why|where|when|can i|can we|is there|cancel|refund|remove|delete"
    r"|change|add|find|book|show|set|make|create|shuts?|quits?|closes|empty|hidden|invisible|unable|unpaid|undelivered"
    r"|confus\w*|mixed up|forgot\w*|too \w+|zero|old|clash\w*|overlap\w*|unreadable|unavailable|want|wish|need"
    r"|could (?:i|we|you)|is it|are there|do you|does|did|who|which|what)\b"
    r"|^(?:play|search|rate|import|export|get|upgrade|downgrade|switch|transfer|track|update|activate|deactivate|order"
    r"|schedule|reserve|rent|buy|pay|withdraw|verify|open|close|use|remind|send|call|move|print|merge|invite|turn|block"
    r"|unblock|reset|renew|return|replace|look|watch|order|top up)\b",
    re.IGNORECASE,
)

# What is polite, or said to be heard, behind the matter.
TAIL = re.compile(
    r"(?:[,.!]?\s+(?:please|pls|plz|thanks|thank you|thx|ta|help|asap|guys|mate|sir|madam|thank u|cheers"
    r"|for (?:me|us)|to me|if (?:possible|you can|at all possible)))+$",
    re.IGNORECASE,
)

# After a number they make it a measure: "takes 40 seconds", "for 3 days".
UNITS = frozenset(
    "second seconds minute minutes hour hours day days week weeks month months year years times percent".split()
)

# Slips that are corrected in a title, what is written short in chats, and what has capitals.
SLIPS = {
    "i": "I", "im": "I'm", "ive": "I've", "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "cant": "can't",
    "wont": "won't", "isnt": "isn't", "arent": "aren't", "wasnt": "wasn't", "hasnt": "hasn't", "havent": "haven't",
    "couldnt": "couldn't", "wouldnt": "wouldn't", "shouldnt": "shouldn't", "whats": "what's", "wheres": "where's",
    "hows": "how's", "thats": "that's", "theres": "there's", "u": "you", "ur": "your", "pls": "please", "plz": "please",
    "recieve": "receive", "recieved": "received", "calender": "calendar", "calander": "calendar", "adress": "address",
    "acct": "account", "pw": "password", "pwd": "password", "txt": "text", "txts": "texts", "appt": "appointment",
    "appts": "appointments", "tho": "though", "cos": "because", "cuz": "because", "seperate": "separate",
    "refered": "referred", "occured": "occurred", "untill": "until", "definately": "definitely", "wich": "which",
    "becuase": "because", "payed": "paid", "payement": "payment", "cancle": "cancel", "recieving": "receiving",
    "monday": "Monday", "tuesday": "Tuesday", "wednesday": "Wednesday", "thursday": "Thursday", "friday": "Friday",
    "saturday": "Saturday", "sunday": "Sunday", "january": "January", "february": "February", "april": "April",
    "june": "June", "july": "July", "august": "August", "september": "September", "october": "October",
    "november": "November", "december": "December", "sms": "SMS", "vat": "VAT", "pin": "PIN", "atm": "ATM",
    "atms": "ATMs", "pdf": "PDF", "csv": "CSV", "api": "API", "usb": "USB", "iban": "IBAN", "gps": "GPS", "eu": "EU",
    "thru": "through", "ppl": "people", "msg": "message", "msgs": "messages", "yr": "your", "dr": "Dr",
    "btw": "by the way",
}  # fmt: skip

# Given names that are no other English words.
GIVEN_NAMES = frozenset(
    """
aaron abigail adam adrian aisha alan albert alejandro alex alexander alexandra alexis alfred alice alicia alison amanda
amelia amy ana andre andrea andreas andrew andy angela anita ann anna anne annie anthony antonio arthur ashley barbara
beatrice ben benjamin bernard beth betty bob bobby brandon brenda brian bruce camille carl carla carlos carmen carol
caroline catherine charles charlotte chloe chris christina christine christopher cindy claire clara claudia colin
craig cristina cynthia daniel daniela danielle dave david deborah debra denise dennis diana diane diego dmitri don
donald donna doris dorothy douglas dylan edward eileen elena elisabeth elizabeth ellen emily emma eric erik erika ethan
eugene eva evelyn fatima felix fernando fiona florian frances francesca francis fred frederick gabriel gary george
gerald giovanni gloria greg gregory hannah hans harold harry heather heidi helen helena henry howard ian ingrid irene
isabel isabella ivan jacob jacqueline jacques james jamie jan jane janet janice jason jeff jeffrey jennifer jenny
jeremy jerry jessica jim joan joe joel johan johanna john johnny jonathan jorge jose joseph joshua juan judith judy
julia julian julie karen karl kate katherine kathleen kathryn katie keith kelly kenneth kevin kim kimberly klaus kyle
larry laura lauren laurie lawrence leah leonard leslie liam linda lisa liz lorenzo louis louise lucas lucia lucy luigi
luis lukas luke lydia mabel manuel marco marcus margaret maria marie marina mario marion marta martha martin mary
matthew maureen max maya megan melanie melissa michael michelle miguel mike miriam mohamed mohammed monica muhammad
nancy naomi natalie nathan nicholas nick nicola nicole nina noah nora oliver olivia oscar pablo pamela patricia patrick
paul paula pauline pedro peter petra philip phoebe pierre rachel ralph raymond rebecca ricardo richard rita robert
roberta roger ronald rosa rosemary roy russell ruth ryan sabine sam samantha samuel sandra sara sarah scott sean
sebastian sergio sharon shawn sheila shirley silvia simon sofia sophia sophie stefan stephanie stephen steve steven
susan susanne suzanne sven sylvia tamara tanya teresa terry theresa thomas tim timothy tina todd tom tommy tony tracy
ursula valentina valerie vanessa vera veronica victoria vincent virginia vivian walter wendy werner william wolfgang
yvonne zachary zoe
""".split()
)
