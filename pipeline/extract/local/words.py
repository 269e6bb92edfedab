"""The words the local reader knows: tables, no code. None belongs to one product."""
# ruff: noqa: SIM905 - lists of words are read as text

# fmt: off
# --- negations and spellings, applied word by word while a text is made plain -----------------------------------------

SPELLINGS = {
    "cannot": "can not", "cant": "can not", "can't": "can not", "won't": "will not", "wont": "will not",
    "shan't": "shall not", "dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not",
    "arent": "are not", "wasnt": "was not", "werent": "were not", "hasnt": "has not", "havent": "have not",
    "hadnt": "had not", "wouldnt": "would not", "couldnt": "could not", "shouldnt": "should not",
    "aint": "is not", "ain't": "is not", "never": "not", "nor": "not", "unable": "not able", "im": "i am",
    "ive": "i have", "whats": "what is", "wheres": "where is", "hows": "how is", "thats": "that is",
    "theres": "there is", "txt": "text", "txts": "texts", "texted": "text", "mails": "emails", "mail": "email",
    "pw": "password", "pwd": "password", "acct": "account", "appt": "appointment", "appts": "appointments",
    "pls": "please", "plz": "please", "u": "you", "ur": "your", "wld": "would", "recieve": "receive",
    "recieved": "received", "logon": "login", "signin": "login", "calender": "calendar", "calander": "calendar",
    "callendar": "calendar", "calandar": "calendar", "adress": "address", "2x": "twice", "x2": "twice",
    "cos": "because", "cuz": "because", "tho": "though",
}

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

# --- topics: which of the profile's categories a problem or a question belongs to -------------------------------------

ACCOUNT_WORDS = frozenset("""
login logins password passwords passcode pin twofactor authenticator authentication otp username account accounts
identity verify verification verified invitation invite invites credentials sso profile access reactivate deactivate
deactivated locked hacked
""".split())
BILLING_WORDS = frozenset("""
charge charged charges charging refund refunds refunded invoice invoices invoiced bill billed billing fee fees price
prices pricing subscription subscribed plan plans renewal renew renewed discount coupon vat tax taxes receipt
receipts overcharged debited upgrade upgraded downgrade downgraded topup payment payments pay paid deposit deposits
payout payouts money cash transfer transfers transaction transactions withdrawal withdrawals cheque cost costs
exchange rate rates cashback
""".split())
CONFIGURATION_WORDS = frozenset("""
setting settings configure configured configuring configuration setup timezone permission permissions enable disable
toggle integrate integration integrations dns domain webhook api role roles preference preferences default
notification notifications
""".split())

# --- words that name no part of a product -----------------------------------------------------------------------------

STOP_WORDS = frozenset("""
can could did d m s t ll re ve didn doesn isn won hasn wasn aren couldn wouldn started start got rest uk usa comma
bother middle a about above across actually after afternoon afterwards again against ago ah ahead all almost alone
along already alright also although always am among an and another any anybody anyhow anymore anyone anything anyway
anywhere apart apparently are area around as aside asap at away back bad badly barely basically be became because
been before behind being below besides best better between beyond big bit both brand brilliant bunch but by certain
certainly clear clearly close come comes coming completely correct correctly couple current currently day days deal
definitely despite different directly do does doing done double down due during each earlier early easily easy
either else elsewhere end enough entire entirely especially etc even evening ever every everybody everyone
everything everywhere exact exactly except extra extremely fact fair fairly far fast few fine first five for former
four forward free fresh fri friday frequently from front full fully further general generally given glad god gonna
good great guess half happy hard hardly have has had having he hello help helpful hence her here hers herself hey hi
high him himself his honestly hopefully hour hours how however huge i idea if immediately important in indeed
instance instead into is it its itself just kind kinda known large last late lately later least left less let lets
like likely literally little live local long longer lot lots love lovely low luckily main mainly many matter may
maybe me mean meanwhile might mine minute minutes mon monday moment month months more morning most mostly mr mrs ms
dr much multiple must my myself near nearby nearly necessary need neither new newly next nice night nine no nobody
none nonetheless noon nope normal normally not nothing now nowhere obviously odd of off often oh ok okay old on once
one ones only onto open or original other others otherwise ought our ours ourselves out outside over own pair part
particular partly past people per perfect perhaps person piece place please plenty plus point poor possible possibly
pretty previous previously probably problem problems proper properly purpose quick quickly quite rather ready real
really reason recent recently regular right same sat saturday second seconds seem seems seven several shall she
short should side similar simple simply since single six small so some somebody somehow someone something sometime
sometimes somewhere soon sorry sort still straight strange stuff such sudden suddenly sun sunday sure ten than thank
thanks that the their theirs them themselves then there therefore these they thing things third this those though
three through throughout thu thursday thus till time times to today together tomorrow tonight too top total toward
towards true tue tuesday twelve twice two type under unfortunately unless unlike until up upon us use useful usual
usually various very via was way ways we wed wednesday week weekend weeks well were what whatever when whenever
where whereas wherever whether which whichever while who whoever whole whom whose why will wish with within without
word worse worst would wow wrong year years yep yes yesterday yet you your yours yourself january february march
april june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec pm eg ie
lol haha hmm ugh omg x xx kk yo hiya yeah yup mam sir madam guys folks guy team support customer reply urgent
question questions answer info information detail details issue issues trouble bug error errors example case reasons
couldnt wouldnt thousand hundred million basis chance look gets whats bottom level line lines lady man woman lad
lads girl girls wife husband son daughter mum mom dad brother sister friend boss colleague kid kids nephew niece
mother father partner mess nightmare joke luck favour favor shame weird stupid ridiculous useless crazy annoying
frustrated frustrating angry worried able unable available sick tired busy black white red green blue yellow grey
gray tiny nasty ghost afraid impossible blank empty missing broken stuck slow pending invalid incorrect duplicate
duplicates lost stolen frozen faulty
""".split())

VERBS = frozenset("""
accept act add adjust advise agree activate attend book hire recommend rent reserve smoke allow answer appear apply
appreciate arrange arrive ask assign assist assume attempt avoid base become begin believe belong block bother
bounce break bring build buy call cancel care carry cause change charge check choose chuck clear click come compare
complain complete confirm connect consider contact continue convert copy correct count create cut deal decide
decline delete deliver demand deny depend describe deserve detect disappear discover discuss display drag draw drive
drop duplicate earn edit eat enable end enjoy enter exist expect expire explain extend fail fall feel figure fill
find finish fit fix follow forget freeze get give go grow guess handle hang happen hate have hear help hide hit hold
hope ignore imagine import include increase inform insert insist install intend invite join jump keep kick know land
last lead learn leave let like link listen load lock look lose love make manage match matter mean meet mention merge
miss move need notice obtain occur offer open operate order own pass pay pick place plan play point pop post prefer
prepare press prevent print proceed process produce promise protect prove provide publish pull push put quit raise
reach read realise realize receive recommend recognise recognize reconnect record reduce refer refresh refuse reject
relate release rely remain remember remind remove rename repeat replace reply report represent request require
reschedule reset resolve respond restart restore return run save say scan schedule search see seem select sell send
serve set share shift show shut sign sit skip slide solve sort sound speak spend spin split stand start state stay
steal stick stop store submit suggest suppose swap switch take talk tap tell thank think throw tick tie touch track
transfer treat trust try turn type understand undo unlink untick unlock update upgrade upload use verify view visit
vote wait wake walk want warn waste watch wonder work worry write wish withdraw request went got came said told gave
saw made took sent kept found lost left knew thought paid put met ran sold bought brought spent stood wrote chose
drove fell forgot held hid led meant read rang sat shut spoke stole stuck swore taught threw understood woke won
done gone been seen given taken shown known written chosen broken forgotten gotten let set hit cut caught began
begun slid crept swore grew flew drew rose wore tore ate felt fed fought hung lay lent lit rode shook slept swept
struck die dead swear vanish complain shut crash bounce expire decline reject lapse saying asking trying says asked
tried wants wanted needs needed seems seemed keeps makes goes sees gets means looks looked gonna wanna wana dont
cant isnt
""".split())

NOUNS_IN_ING = frozenset("""
booking billing setting meeting training pricing listing shipping tracking building parking onboarding landing
opening closing banking marketing accounting warning rating ranking drawing recording greeting mailing packing
painting wedding viewing testing hosting streaming messaging clothing ceiling heating plumbing cleaning grooming
lighting spelling numbering branding formatting reporting scheduling invoicing roaming timing spring string king
ring thing wing evening morning
""".split())

NOUNS_IN_ED = frozenset("""
feed bed seed speed id need deed embed shed red
""".split())

# Also verbs, but after "the", "my" or another noun they name a thing.
VERB_NOUNS = frozenset("""
charge transfer report invoice refund order payment link import export display schedule record search update upgrade
account balance alert password login checkin checkout setup sync plan note message text email call track process
invite release print address receipt ticket trip ride room table flight hotel reminder booking upload download
""".split())

DETERMINERS = frozenset("""
the a an my our your his her their this that these those any some no each every both all another which what whose
new old second first last next its
""".split())

PREPOSITIONS = frozenset("""
in on at from to into onto with for of by via through about under using after before
""".split())

PLURAL_EXCEPTIONS = {
    "status": "status", "address": "address", "access": "access", "business": "business", "process": "process",
    "news": "news", "sms": "sms", "gps": "gps", "dns": "dns", "ios": "ios", "https": "https",
    "always": "always", "bus": "bus", "tax": "tax", "taxes": "tax", "vat": "vat", "series": "series",
    "analysis": "analysis", "class": "class", "pass": "pass", "loss": "loss", "focus": "focus",
    "virus": "virus", "bonus": "bonus", "campus": "campus", "gas": "gas", "plus": "plus", "lens": "lens",
    "wireless": "wireless", "express": "express", "progress": "progress", "success": "success",
    "press": "press", "addresses": "address", "businesses": "business", "classes": "class", "passes": "pass",
    "statuses": "status", "buses": "bus", "boxes": "box", "inboxes": "inbox", "faxes": "fax",
    "matches": "match", "branches": "branch", "batches": "batch", "searches": "search", "watches": "watch",
    "dishes": "dish", "children": "child", "people": "person", "movies": "movie", "cookies": "cookie",
    "calories": "calorie", "ties": "tie", "dies": "die", "lies": "lie", "us": "us", "christmas": "christmas",
    "analytics": "analytics", "settings": "setting", "glasses": "glasses", "texts": "text", "yes": "yes",
    "this": "this", "is": "is", "was": "was", "has": "has", "its": "its", "as": "as",
}

# What services are made of: words for parts of any product, likelier to name a feature than other nouns.
THINGS = frozenset("""
account address alert alarm api app application appointment atm attachment authenticator backup balance bill booking
browser button calendar camera card cart catalogue chart charge chat checkin checkout code column comment contact
coupon credit currency dashboard database date delivery deposit device diary discount document domain download
driver email event export fee feed field file filter flight folder form game group hotel identity image import inbox
integration invitation invite invoice keyboard label language ledger license limit link list listing location login
map membership menu message music network note notification number offer order package page parcel password payment
payout payroll permission phone photo pin plan playlist plugin policy portal price printer profile purchase rate
receipt refund reminder rental report reservation review ride role room rota roster schedule screen search seat
server setting shift shipment sign signature site sms song statement stock storage subscription sync table tax
template terminal text theme ticket time timer timezone topup tracking transaction transfer trip twofactor update
upload username version video view voucher waitlist webhook webpage website widget wifi withdrawal car bus train
apartment restaurant movie meeting till scanner kitchen point loyalty
""".split())

# Who is affected, not what fails.
PERSONS = frozenset("""
client patient guest student pupil teacher nurse doctor dentist therapist receptionist manager owner staff employee
worker user member parent child player bride lady gentleman family colleague assistant accountant bookkeeper tutor
trainer instructor driver passenger stylist barber mechanic hygienist vet crew dog cat practitioner customer visitor
tenant seller buyer merchant recipient sender supervisor director horse puppy bike shop business company clinic
salon studio practice surgery office house school january february march april june july august september october
november december yesterday today
""".split())

# --- sentences that show what a category sounds like; asked only when the words above decide nothing ------------------

PROTOTYPES = (
    ("product_issue", "The page does not load and shows an error."),
    ("product_issue", "Something stopped working after the update."),
    ("product_issue", "The information displayed is wrong."),
    ("how_to_question", "How do I do this in the app?"),
    ("how_to_question", "What are your opening hours and which options are available?"),
    ("account_issue", "I cannot sign in to my account, my password is not accepted."),
    ("account_issue", "Please verify my identity and change my personal details."),
    ("billing_question", "Why was I charged this fee on my invoice?"),
    ("billing_question", "When will I receive my refund or payment?"),
    ("configuration_help", "Which setting must I change so that it behaves differently?"),
    ("configuration_help", "Help me connect and set up the integration."),
)

# The words English cannot do without; a text with hardly any of them is in another language.
ENGLISH = frozenset("""
the a an i you we it is are was were be to of in on for and or not my your our this that with have has do does did
can could will would what how why when where who which me us at from but if no there they he she so as by am please
get got just still all any
""".split())

# --- small sets that one rule each asks -------------------------------------------------------------------------------

# After "can not": verbs that say nothing of what fails, and those that say only that it does.
IDLE_VERBS = frozenset("""
believe understand wait imagine tell say think remember be have help afford stand decide complain see find know ask
keep hear bear live let need want go come like expect explain thank figure recall
""".split())
PLAIN_FAILURE = frozenset("""
use do get work make run function manage seem access proceed
""".split())
# A symptom that is a mere hint when the same sentence asks how to do something.
HINTS = frozenset("""
cancelled lost wrong fails error pending delayed blocked
""".split())
# Words that decide the category of a how-to question.
STRONG_ACCOUNT = frozenset("""
login password passcode pin twofactor authenticator credentials locked_out username invitation invite
""".split())
STRONG_BILLING = frozenset("""
refund refunds refunded invoice invoices fee fees charge charged charges subscription receipt vat overcharged bill
billed
""".split())
# What may stand before a noun: titles of persons, words after which a verb follows, articles.
TITLES = frozenset("""
mr mrs ms dr miss
""".split())
VERB_BEFORE = frozenset("""
to i you we they not can will would please did do does could should must may might let
""".split())
ARTICLES = frozenset("""
the a an my our your this that his her their no any each every
""".split())
# Verbs that add nothing to "how to".
LIGHT_VERBS = frozenset("""
do go be have know make use find see
""".split())
# Symptoms that name their feature themselves.
SELF_NAMED = frozenset("""
refund_missing charged_after_cancellation
""".split())
# What one asks about a thing that is already the matter: a request for these alone is no other matter.
DETAILS = frozenset("""
phone number address contact cost price rating date time email name detail details information info city town place
property location website page hour seat people person day week month area street zip code reservation appointment
total amount size colour color type kind option star review parking distance duration length year age confirmation
""".split())
