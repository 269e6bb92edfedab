# ruff: noqa: E501 (letters of other scripts count as two columns)
"""Messages nobody wrote: shipping notices, receipts, codes, and replies of a mailbox whose owner is away.

All of a message must read like that. A customer who quotes a notice and says what is wrong is read.
"""

import re
from collections.abc import Sequence

from pipeline.sources.own_words.spans import AUTO_REPLY, NOTICE, Span, own_parts

MAX_NOTICE = 3000
"""Characters; a longer message is not judged."""

_AUTO_SUBJECT = re.compile(
    r"\s{0,9}(?:subject:\s?)?[【\[]?(?:auto(?:matic|mated)?[- ]?reply\b"
    r"|out[- ]of[- ](?:the[- ])?office\b\s?(?:reply|:|-|$)"
    r"|automatische (?:antwort|abwesenheitsnotiz)|"
    r"abwesenheits(?:notiz|meldung)|abwesend:|réponse automatique|message d['’]absence|absence du bureau"
    r"|respuesta automática|fuera de la oficina|risposta automatica|"
    r"fuori (?:sede|ufficio):|automatisch antwoord|afwezig(?:heids\w+)?:|resposta automática|ausência temporária"
    r"|自動(?:返信|応答)|不在通知|自动(?:回复|答复)|自動回覆|"
    r"מענה אוטומטי|הודעה אוטומטית|autosvar|automatická odpověď|odpowiedź automatyczna|automatyczna odpowiedź|автоответ|автоматический ответ|автоматична відповідь"
    r"|automatisk(?:t)? svar|otomatik yanıt|automaattinen vastaus|자동 ?(?:회신|응답|답장)|부재중)",
    re.IGNORECASE,
)
_OUT_OF_OFFICE = (
    r"out of (?:the |my )?office|away from (?:the |my )?(?:office|desk)|nicht im (?:büro|hause)|außer haus"
    r"|absente? du bureau|fuera de la oficina|"
    r"fuori (?:ufficio|sede)|niet op kantoor|fora do escritório|poza biurem|вне офиса|не в офисе|mimo kancelář"
)
_AWAY = re.compile(
    rf"\b(?:{_OUT_OF_OFFICE}|on (?:annual |parental |maternity |sick )?leave|on (?:vacation|holiday)|im urlaub"
    rf"|abwesend|nicht erreichbar|"
    r"en congés?|en vacances|de vacaciones|in ferie|assente|met vakantie|(?:niet aan|af)wezig|de férias|ausente"
    r"|na urlopie|nieobecn\w+|в отпуске|в командировке|отсутствую|у відпустці|na dovolené|på semester|på ferie|izinde)\b|不在|휴가"
    r"|休暇|休假|בחופשה|מחוץ למשרד",
    re.IGNORECASE,
)
_AWAY_FROM_OFFICE = re.compile(rf"\b(?:{_OUT_OF_OFFICE})\b|不在|מחוץ למשרד", re.IGNORECASE)
_BACK = re.compile(
    r"\b(?:until|return(?:ing)?|back (?:on|in|at)|bis (?:zum|einschließlich)|ab dem|wieder (?:da|erreichbar|im)"
    r"|jusqu['’]au|de retour|hasta el|regres\w+|vuelv\w+|"
    r"fino al|rientr\w+|tot (?:en met)?|terug|até|retorn\w+|volt\w+"
    r"|(?:do|до) (?=\d)|wrac\w+|wróc\w+|вернусь|вернёмся|повернуся|vrátím)\b|まで|戻り|直到|返回|עד|אחזור",
    re.IGNORECASE,
)
_MEANWHILE = (
    r"\b(?:thank you for your (?:e-?mail|message)|(?:vielen )?dank für ihre (?:e-?mail|nachricht)|merci (?:de"
    r"|pour) votre (?:message|e-?mail|mail)|gracias por (?:su|tu) (?:mensaje|correo)|"
    r"grazie per (?:il (?:tuo|suo) messaggio|la (?:tua|sua) e-?mail)|(?:hartelijk )?(?:bedankt|dank) voor (?:je"
    r"|uw) (?:bericht|e-?mail)|obrigad[oa] pel[oa] (?:sua )?(?:mensagem|e-?mail))",
    r"\b(?:limited access|no access to|not be (?:read|forwarded)|nicht (?:weitergeleitet|gelesen)|eingeschränkt"
    r"|n['’]aurai pas accès|accès limité|acceso limitado|accesso limitato|"
    r"beperkt (?:toegang|bereikbaar)|acesso limitado)",
    r"\b(?:urgent|emergenc\w+|dringend\w*|urgence|urgencia|urgen[zt]\w+|urgência|piln\w+|срочн\w+|терміно\w+)\b.{0,60}(?:contact|call|reach"
    r"|wenden|kontaktier|contacter|contact|contat|rivolg|bel\b|neem"
    r"|kontakt|обращ\w+|свяж\w+|звон\w+)|緊急|紧急|דחוף",
    r"\b(?:will|werde|shall) .{0,30}(?:reply|respond|answer|get back|antworten|melden|beantworten)|(?:répondrai"
    r"|responderé|contestaré|risponderò|zal .{0,30}(?:beantwoorden|reageren)|responderei)\b|"
    r"ご返信|返信いたし|尽快回复|אשיב|אענה",
    r"\b(?:in my absence|in meiner abwesenheit|meine vertretung|en mon absence|en mi ausencia|in mia assenza"
    r"|tijdens mijn afwezigheid|na minha ausência)\b",
)  # fmt: skip
_MEANWHILE_PATTERNS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _MEANWHILE)

_NEWS = (
    # something is on its way
    r"(?:(?:good news|great news|hooray|update)\W{1,3})?(?:your|ihre?|deine?|votre|vos|tu|su|il tuo|la tua|il suo"
    r"|la sua|jouw|je|uw|(?:o )?seu|(?:a )?sua)\s(?:\S+\s){0,3}?"
    r"(?:order|orders|parcel|package|shipment|item|items|delivery|bestellung|paket|sendung|lieferung|commande|colis"
    r"|livraison|envoi|pedido|paquete|envío|ordine|pacco|spedizione|"
    r"consegna|bestelling|pakket|zending|levering|encomenda|pacote|entrega)\b.{0,80}?"
    r"\b(?:shipped|dispatched|on (?:its|the) way|out for delivery|delivered|has left|confirmed|received"
    r"|ready for (?:pickup|collection)|being (?:prepared|processed)|arriv\w+|"
    r"versandt|verschickt|versendet|unterwegs|zugestellt|geliefert|eingegangen|bestätigt|expédiée?|en route|livrée?"
    r"|confirmée?|en cours de livraison|enviad[oa]|en camino|entregad[oa]|confirmad[oa]|"
    r"spedit[oa]|in (?:consegna|arrivo|viaggio)|consegnat[oa]|confermat[oa]|verzonden|onderweg|bezorgd|bevestigd"
    r"|a caminho|entregue)\b",
    r"ご注文.{0,30}(?:発送|出荷|配達|承り)|(?:商品|お荷物).{0,20}(?:発送|出荷|配達)|お荷物.{0,20}(?:追跡|確認)"
    r"|.{0,20}(?:追跡|ご確認)(?:番号|いただけます|できます)",
    r"(?:お荷物|お客様の(?:お荷物|商品|ご注文)|ご注文の商品).{0,20}(?:お届け|配達|配送|到着)",
    r"(?:パスワード|会員登録|お支払い?|ご入金|ご予約|お申(?:し)?込み?|お問い?合わせ|お手続き?|ご返金)"
    r"(?:の\S{1,6})?(?:を|が|は)?\s?(?:完了|確認|承り|受け?付け?)(?:いた|致)?(?:し)?ました",
    r"(?:認証|確認|ワンタイム|セキュリティ)(?:コード|パスワード|番号)\s?(?:は|[:：])",
    r".{0,20}営業日以内に.{0,20}(?:ご連絡|ご返信|回答)",
    r"(?:배송|주문|결제|예약|가입|문의)(?:이|가|하신 상품이)?.{0,10}(?:시작|완료|접수|확인|출발)되었습니다",
    r"인증\s?번호.{0,6}\d",
    r"您的?(?:验证码|驗證碼|动态码|校验码)",
    r"您的?(?:订单|訂單|包裹|快递).{0,20}(?:发货|發貨|寄出|送达|派送|已发出|出库)|您可以.{0,20}(?:查看|跟踪|追踪"
    r"|查询)|(?:快递|运单|物流)(?:单号|编号|号)",
    r"(?:ה)?(?:הזמנה|חבילה|משלוח)\s?(?:שלך|שלכם).{0,30}(?:נשלח|יצא|בדרך|נמסר|אושר)|(?:ניתן|אפשר|תוכל\w?) לעקוב"
    r"|מספר מעקב",
    r"(?:[a-z][\w .]{1,20}: )?(?:update: )?(?:your )?(?:order|shipment|parcel|package|delivery|bestellung|sendung"
    r"|commande|pedido"
    r"|ordine) (?:number |no\.? ?|nr\.? ?|n° ?)?[#\w-]*\d[\w-]*\W{1,3}(?:(?:has been|have been|is|was|wurde|ist"
    r"|a été|ha sido|è stat[oa])"
    r" )?(?:shipped|dispatched|on (?:its|the) way|out for delivery|delivered|confirmed|received|versandt|unterwegs"
    r"|zugestellt|expédiée?"
    r"|livrée?|enviado|entregado|spedito|consegnato)\b",
    r"(?:[a-z][\w .]{1,20}: )?(?:we(?: have|['’]ve)? (?:shipped|dispatched|sent out|received"
    r"|confirmed) your (?:order|parcel|package)|(?:shipping|order|delivery|dispatch)"
    r" (?:confirmation|notification|update)\b|versandbestätigung|bestellbestätigung|confirmation (?:de commande"
    r"|d['’]expédition)|confirmación de (?:pedido|envío)|conferma (?:d['’]ordine|di spedizione))",
    # receipts, codes
    r"(?:your|ihr|votre|tu|su|il tuo|uw|seu)\s(?:\S+\s){0,2}(?:verification|security|login|sign-in|access"
    r"|confirmation|bestätigungs|sicherheits|verifizierungs)[- ]?(?:code|pin)\b.{0,20}\b(?:is|lautet|:)",
    r"(?:your|ihre?|votre|su|tu)\s(?:payment|zahlung|paiement|pago|subscription|invoice|receipt|rechnung|facture"
    r"|factura)\b.{0,40}\b(?:was (?:successful|received)|has been (?:received|processed|paid)|is (?:attached|ready"
    r"|available)|"
    r"ist eingegangen|erhalten|a été (?:reçu|accepté)e?|ha sido recibid[oa])",
)  # fmt: skip
_NO_REPLY_LINES = (
    r"(?:this is an? (?:automated|automatic|automatically generated|system)|this (?:e-?mail|message) (?:was"
    r"|is) (?:sent )?automatic\w*|please do not reply|do not reply|dies ist eine automatisch\w*"
    r"|bitte antworten sie nicht|"
    r"ceci est un (?:message|e-?mail) automatique|merci de ne pas répondre|este es un (?:mensaje|correo) automático"
    r"|no respond\w+|questo è un messaggio automatico|non rispond\w+|dit is een automatisch\w*|"
    r"niet (?:op )?(?:dit bericht )?(?:te )?(?:antwoorden|beantwoorden)|esta é uma mensagem automática|não responda)"
    r"|.{0,20}送信専用|.{0,20}返信.{0,20}(?:お答え|ご対応|対応|回答).{0,8}(?:できません|かねます)|请勿(?:告诉|回复|泄露)"
    r"|このメールは.{0,20}自動|.{0,10}自動(?:送信|配信)|.{0,10}(?:自动发送|请勿回复)|.{0,10}(?:הודעה אוטומטית"
    r"|אין להשיב)",
)  # fmt: skip
_FRAME_LINES = (
    # where the parcel is
    r"(?:you can |to )?(?:track|follow|view|see|check)\b.{0,60}\b(?:order|parcel|package|shipment|delivery|it"
    r"|status)\b",
    r"(?:sie können|du kannst|hier können sie|verfolgen sie)\b.{0,80}\b(?:verfolgen|einsehen|sendung|paket|bestellung"
    r"|ansehen)\b",
    r"(?:vous pouvez (?:la |le )?suivre|suivez)\b",
    r"(?:puede[s]? (?:seguir|rastrear)|siga|sigue|rastree)\b|(?:lo |la )?puede[s]? (?:seguir|rastrear|consultar)",
    r"(?:puoi|può) (?:seguir|tracciar|controllar|monitorar)\w*|segui\b|traccia\b",
    r"(?:u kunt|je kunt|volg)\b.{0,60}\b(?:volgen|bestelling|pakket|zending)\b|volg (?:je|uw)\b",
    r"(?:você pode|pode) (?:acompanh|rastre)\w+|acompanhe\b|rastreie\b",
    r"(?:track(?:ing)?|sendungs|liefer|suivi|seguimiento|tracking)[- ]?(?:number|no|id|code|link|nummer"
    r"|verfolgung)?\s?[.:#]",
    r"(?:the )?(?:carrier|courier|estimated (?:delivery|arrival)|expected delivery|delivery (?:date|window|address)"
    r"|shipping (?:address|method)|voraussichtliche\w*|zustellung|livraison (?:prévue|estimée)|"
    r"entrega (?:estimada|prevista)|consegna (?:prevista|stimata)|verwachte (?:levering|bezorging)|order (?:number"
    r"|total|summary)|bestellnummer|total)\b.{0,60}[:#]",
    r"(?:予約|注文|追跡|伝票|受付|問い?合わせ)番号|운송장\s?번호|주문\s?번호|请勿(?:告诉|回复|泄露)",
    r"(?:ご注文|お問い?合わせ|ご利用|ご購入|ご予約)(?:いただき)?、?(?:誠に)?ありがとうございま(?:す|した)",
    # thanks and politeness of a shop
    r"thank you for (?:your (?:order|purchase|payment|business)|shopping|ordering)|vielen dank für (?:ihre"
    r"|deine) (?:bestellung|zahlung)|merci (?:pour|de) votre (?:commande|achat)|gracias por (?:su|tu) (?:pedido"
    r"|compra)|"
    r"grazie per (?:il tuo|il suo|l['’])\s?(?:ordine|acquisto)|(?:hartelijk )?bedankt voor (?:je|uw) (?:bestelling"
    r"|aankoop)|obrigad[oa] pel[oa] (?:su?a compra|seu pedido)",
    r"(?:hi|hello|dear|hallo|liebe[r]?|guten tag|sehr geehrte\w*|bonjour|cher|chère|hola|estimad[oa]|ciao|gentile"
    r"|beste|geachte|olá|prezad[oa])\b.{0,40}[,!.]?$",
    r"(?:best|kind|warm)? ?regards|the .{1,30} team$|(?:your|ihr|votre) .{1,30} team$|(?:customer (?:service"
    r"|support))$|unsubscribe|(?:good|great) news|gute neuigkeiten|view (?:this|in) .{0,20}browser|https?://\S+$",
    r"(?:if you (?:have|need) (?:any )?questions?|need help|bei fragen|si vous avez des questions"
    r"|si tiene\w* (?:alguna )?preguntas?|per (?:qualsiasi )?domand\w+|heeft u vragen)\b",
)  # fmt: skip


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_NOTICE_LINE = _any(*_NEWS, *_NO_REPLY_LINES, *_FRAME_LINES)
_TELLING = _any(*_NEWS, *_NO_REPLY_LINES)
_UNIT = re.compile(r"[^.!?\n。！？]{1,400}(?:[.!?](?!\s|$)[^.!?\n。！？]{1,400}){0,10}[.!?。！？]*")
_FIRST_PERSON = re.compile(
    r"(?-i:\bI\b)|\b(?:my|mine|me|ich|mein\w*|mir|mich|je|j['’]ai|mon|ma|mes|mi|mis|mio|mia|ik|mijn|eu|meu|minha)\b|私"
    r"|我|אני|שלי",
    re.IGNORECASE,
)
_DENIAL = re.compile(  # no automatic message says of itself that something went wrong
    r"\b(?:not|never|nothing|but|wrong|broken|damaged|missing|empty|late|instead|twice|error|problem|nicht|nie"
    r"|kein\w*|aber|falsch\w*"
    r"|kaputt\w*|beschädigt\w*|jamais|cassée?s?|endommagée?s?|erreur|nunca|pero|rot[oa]s?|dañad\w+|equivocad\w+"
    r"|rott[oa]|danneggiat\w+"
    r"|sbagliat\w+|niet|nooit|geen|maar|kapot|beschadigd|verkeerd\w*|não|quebrad\w+|errad\w+)\b|n['’]t\b|ません|壊れ"
    r"|没有|没收到|不|坏|לא\b|שבור",
    re.IGNORECASE,
)
_NO_REPLY = _any(*_NO_REPLY_LINES)
CLUES = {"automatic reply": re.compile(f"(?:{_AUTO_SUBJECT.pattern})|(?:{_AWAY.pattern})", re.IGNORECASE)}
"""What `glance` looks for."""


def notice_spans(text: str, spans: Sequence[Span], *, may_be_reply: bool = True) -> list[Span]:
    """Return one span over all that the spans have left, if that was written by no person; else none.

    `may_be_reply`: whether the text holds the clue of an automatic reply; without it none is looked for.
    """
    parts = own_parts(text, spans)
    if sum(end - start for start, end in parts) > MAX_NOTICE:
        return []
    own = "\n".join(text[start:end] for start, end in parts).strip()
    if not own or "?" in own:
        return []
    if may_be_reply and _is_auto_reply(own):
        return [(start, end, AUTO_REPLY) for start, end in parts]
    return [(start, end, NOTICE) for start, end in parts] if _is_notice(own) else []


def _is_auto_reply(own: str) -> bool:
    return bool(_AUTO_SUBJECT.match(own)) or (len(own) <= 800 and _speaks_of_absence(own))


def _speaks_of_absence(own: str) -> bool:
    """Return whether somebody is away, says what happens meanwhile, and hardly anything else.

    A customer on holiday who asks for something says more than that.
    """
    if not _AWAY.search(own):
        return False
    units = [unit for unit in map(str.strip, _UNIT.findall(own)) if len(unit.split()) > 2 or not unit.isascii()]
    telling = [unit for unit in units if any(pattern.search(unit) for pattern in (_AWAY, _BACK, *_MEANWHILE_PATTERNS))]
    if any(pattern.search(own) for pattern in _MEANWHILE_PATTERNS):
        return 10 * sum(map(len, telling)) >= 7 * sum(map(len, units))
    return bool(_AWAY_FROM_OFFICE.search(own) and _BACK.search(own)) and len(telling) == len(units)


def _is_notice(own: str) -> bool:
    """Return whether every sentence is one of an automatic message, and one of the first says what it is about."""
    if _FIRST_PERSON.search(own):  # which most messages of people hold
        return False
    units = [unit for unit in (each.strip(" \t-*•") for each in _UNIT.findall(own)) if any(map(str.isalpha, unit))]
    tells = any(_TELLING.match(unit) for unit in units[:4])
    return tells and all(_is_notice_line(unit) for unit in units)


def _is_notice_line(unit: str) -> bool:
    return bool(_NOTICE_LINE.match(unit)) and (not _DENIAL.search(unit) or bool(_NO_REPLY.match(unit)))
