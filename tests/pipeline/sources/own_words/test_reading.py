"""What is left of a message when all that is not its writer's own words is told apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.own_words.html import plain_text
from pipeline.sources.own_words.reading import left_out, left_out_of_thread
from pipeline.sources.own_words.spans import (
    AUTO_REPLY,
    LEGAL,
    NOTICE,
    QUOTED,
    own_parts,
)

OWN = "The export stops after ten rows."


def own(text: str, **how: object) -> str:
    """Return what is read of a message, with blanks and empty lines tidied."""
    spans = left_out(text, **how)  # type: ignore[arg-type]
    kept = "\n".join(text[start:end] for start, end in own_parts(text, spans))
    return "\n".join(line.strip() for line in kept.splitlines() if line.strip())


QUOTE = "> Hello,\n> you can restart the app.\n>\n> The support team"
PLAIN_QUOTE = "Hello,\nyou can restart the app.\n\nThe support team"

ATTRIBUTIONS = {
    "Gmail, English": "On Tue, 5 May 2026 at 09:12, Support <help@example.com> wrote:",
    "Gmail, English, broken": "On Tue, May 5, 2026 at 9:12 AM Example Support Team\n<help@example.com> wrote:",
    "Apple, English": "On 5 May 2026, at 09:12, Support <help@example.com> wrote:",
    "Yahoo, English": "On Tuesday, May 5, 2026, 09:12:00 AM GMT+2, Support <help@example.com> wrote:",
    "without address": "On Tue, May 5, 2026 at 9:12 AM, Example Support wrote:",
    "Thunderbird": "On 5/5/26 09:12, Support wrote:",
    "Gmail, German": "Am Di., 5. Mai 2026 um 09:12 Uhr schrieb Support <help@example.com>:",
    "Apple, German": "Am 05.05.2026 um 09:12 schrieb Support <help@example.com>:",
    "GMX": "Gesendet: Dienstag, 05. Mai 2026 um 09:12 Uhr\nVon: Support <help@example.com>\nAn: cara@example.org\n"
    "Betreff: Export",
    "Gmail, French": "Le mar. 5 mai 2026 à 09:12, Support <help@example.com> a écrit :",
    "Apple, French": "Le 5 mai 2026 à 09:12, Support <help@example.com> a écrit :",
    "Gmail, Spanish": "El mar, 5 may 2026 a las 9:12, Support (<help@example.com>) escribió:",
    "Gmail, Italian": "Il giorno mar 5 mag 2026 alle ore 09:12 Support <help@example.com> ha scritto:",
    "Gmail, Dutch": "Op di 5 mei 2026 om 09:12 schreef Support <help@example.com>:",
    "Gmail, Portuguese": "Em ter., 5 de mai. de 2026 às 09:12, Support <help@example.com> escreveu:",
    "Gmail, Japanese": "2026年5月5日(火) 9:12 Support <help@example.com>:",
    "Apple, Japanese": "2026/05/05 9:12、Support <help@example.com>のメール:",
    "Gmail, Chinese": "Support <help@example.com> 于2026年5月5日周二 09:12写道：",
    "Apple, Chinese": "在 2026年5月5日，上午9:12，Support <help@example.com> 写道：",
    "Gmail, Hebrew": "\u202bבתאריך יום ג׳, 5 במאי 2026 ב-9:12 מאת \u202aSupport\u202c\u200f <\u202ahelp@example.com"
    "\u202c\u200f>:\u202c",
    "Apple, Hebrew": "ב-5 במאי 2026, בשעה 9:12, \u200fSupport <help@example.com> כתב/ה:",
    "Polish": "wt., 5 maj 2026 o 09:12 Support <help@example.com> napisał(a):",
    "Russian": "вт, 5 мая 2026 г. в 09:12, Support <help@example.com>:",
    "Swedish": "Den tis 5 maj 2026 kl 09:12 skrev Support <help@example.com>:",
}


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS.keys())
def test_a_reply_above_its_quotation_is_read_alone(attribution: str) -> None:
    assert own(f"{OWN}\n\n{attribution}\n{QUOTE}") == OWN
    assert own(f"{OWN}\n\n{attribution}\n\n{PLAIN_QUOTE}") == OWN


@pytest.mark.parametrize(
    "attribution",
    [text for name, text in ATTRIBUTIONS.items() if name != "GMX"],
    ids=[n for n in ATTRIBUTIONS if n != "GMX"],
)
def test_a_reply_below_and_between_its_quotation_is_read(attribution: str) -> None:
    assert own(f"{attribution}\n{QUOTE}\n\n{OWN}") == OWN
    between = f"{attribution}\n> Did you restart?\n\nYes, twice.\n\n{attribution}\n> And then?\n\n{OWN}"
    assert own(between) == f"Yes, twice.\n{OWN}"


def test_answers_between_the_questions_of_one_who_is_only_named_are_read() -> None:
    assert own(f"Lee schrieb:\n> Welche Version?\n{OWN}\n> Welches Telefon?\nEin altes.") == f"{OWN}\nEin altes."


OUTLOOK = {
    "English": "From: Support <help@example.com>\nSent: Tuesday, May 5, 2026 9:12 AM\nTo: Cara <cara@example.org>\n"
    "Subject: RE: Export",
    "English with a rule": "________________________________\nFrom: Support <help@example.com>\nSent: Tuesday, 5 May "
    "2026\n"
    "To: Cara\nSubject: Export",
    "English, old": "-----Original Message-----\nFrom: Support\nSent: 5 May 2026\nTo: Cara\nSubject: Export",
    "German": "Von: Support <help@example.com>\nGesendet: Dienstag, 5. Mai 2026 09:12\nAn: Cara\nBetreff: AW: Export",
    "German, old": "-----Ursprüngliche Nachricht-----\nVon: Support\nGesendet: 5. Mai 2026\nAn: Cara\nBetreff: Export",
    "French": "De : Support <help@example.com>\nEnvoyé : mardi 5 mai 2026 09:12\nÀ : Cara\nObjet : RE: Export",
    "Spanish": "De: Support <help@example.com>\nEnviado el: martes, 5 de mayo de 2026 9:12\nPara: Cara\nAsunto: RE: "
    "Export",
    "Italian": "Da: Support <help@example.com>\nInviato: martedì 5 maggio 2026 09:12\nA: Cara\nOggetto: R: Export",
    "Dutch": "Van: Support <help@example.com>\nVerzonden: dinsdag 5 mei 2026 09:12\nAan: Cara\nOnderwerp: RE: Export",
    "Portuguese": "De: Support <help@example.com>\nEnviada em: terça-feira, 5 de maio de 2026\nPara: Cara\nAssunto: "
    "RE: Export",
    "Japanese": "差出人: Support <help@example.com>\n送信日時: 2026年5月5日 9:12\n宛先: Cara\n件名: Export",
    "Chinese": "发件人: Support <help@example.com>\n发送时间: 2026年5月5日 9:12\n收件人: Cara\n主题: Export",
    "Hebrew": "מאת: Support <help@example.com>\nנשלח: יום שלישי 5 מאי 2026\nאל: Cara\nנושא: Export",
}


@pytest.mark.parametrize("headers", OUTLOOK.values(), ids=OUTLOOK.keys())
def test_a_reply_above_the_headers_of_outlook_is_read_alone(headers: str) -> None:
    assert own(f"{OWN}\n\n{headers}\n\n{PLAIN_QUOTE}") == OWN


def test_a_quotation_of_two_levels_is_left_out() -> None:
    first, second = ATTRIBUTIONS["Gmail, English"], ATTRIBUTIONS["Gmail, German"]
    assert own(f"{OWN}\n\n{first}\n> Danke.\n>\n> {second}\n>> Hallo\n>> wie geht es?") == OWN


def test_a_quotation_whose_line_breaks_were_lost_is_left_out() -> None:
    attribution = ATTRIBUTIONS["Gmail, English"]
    assert own(f"{OWN} {attribution} > Hello, > you can restart the app. > The support team") == OWN


def test_a_quotation_known_from_the_thread_is_left_out() -> None:
    agent = "Hello Cara,\nplease open the settings and restart the app.\nDoes that help?"
    quoted = "> please open the settings and restart the app.\n> Does that help?\nNo, it stops again."
    spans = list(left_out_of_thread([("customer", OWN), ("agent", agent), ("customer", quoted)]))
    assert [quoted[start:end].strip() for start, end in own_parts(quoted, spans[2])] == ["No, it stops again."]


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote: the export stops. Nobody answered.",
        "On Monday I wrote:\nthe export stops.\nNobody answered.",
        "On 4 May 2026 at 10:00 I wrote:\n> the export stops\nNobody answered.",
        "Am 4. Mai 2026 schrieb ich:\nDer Export bricht ab.\nKeine Antwort.",
        "The export stops.\nOn 4 May 2026 at 10:00 your agent wrote:\nplease restart the app.\nIt does not help.",
        "When I save I get this:\n> Error 500: cannot write\n> at line 12\nWhat can I do?",
        "> npm install\n> error: no such package\nWhat is wrong here?",
        "Since 10:15 the log says:\n> connection refused",
        "From: Berlin\nTo: Hamburg\nmy ticket was charged twice.",
        "I ordered on 5 May 2026 from shop@example.com.\nNothing came.",
        "a > b is shown wrongly, and c < d too",
        "Steps:\n--\nopen the app and look at the long list of all the things that I have entered there since last "
        "summer, "
        "it is empty\n--\nclose the app",
        "Your order page is empty. I cannot see my orders.",
        "Your parcel was delivered to my neighbour.",
        "Your parcel was delivered but it is broken.",
        "Your package says out for delivery, but no package came.",
        "Ihre Bestellung wurde nicht geliefert.",
        "Order 12345 was delivered broken.",
        "Order 12345 was delivered to the wrong house. Please send it again.",
        "We received your order, it is the wrong size.",
        "I am on holiday until Friday, please hold my order.",
        "My question: why was I charged twice?",
        "Question: why was I charged twice?",
        "I received an e-mail intended for someone else. It is confidential, please delete it from your system.",
        "Please treat this message as confidential. The export stops.",
        "Thanks\nexport fails\nagain",
        "Sent from my account twice: 20 euros.",
        "The app says:\n\nAccess Denied",
        "Email: the address cannot be changed.\nPhone: the same.",
        "Best regards is printed twice on my invoice.",
        "See if you can book it for half past six instead.",
        "Check it in Paris, please see the status.",
        "There is no VAT number on the invoice. Our company number is missing too.",
        "I can't log in",
        "Hello",
        "...",
        "",
    ],
)
def test_the_customers_own_words_are_read_whole(text: str) -> None:
    assert left_out(text) == ()


SIGNATURES = {
    "mark": "-- \nCara Example\nHead of Widgets\n+49 30 1234567",
    "closing": "Best regards,\nCara",
    "closing with title": "Kind regards\nCara Example\nSales Manager\nExample Widgets Ltd.\nTel: +44 20 7946 0000\n"
    "www.example.com",
    "closing in one line": "Kind regards, Cara",
    "thanks": "Thanks,\nCara",
    "thanks alone": "Thanks in advance!",
    "German": "Mit freundlichen Grüßen\nKarla Beispiel\nLeiterin Einkauf",
    "German short": "VG\nKarla",
    "French": "Cordialement,\nCamille Exemple",
    "Spanish": "Un saludo,\nCarla",
    "Italian": "Cordiali saluti\nCarla Esempio",
    "Dutch": "Met vriendelijke groet,\nKarin van den Berg",
    "Portuguese": "Atenciosamente,\nCarla Exemplo",
    "Japanese": "よろしくお願いします。\n田中",
    "Chinese": "此致\n敬礼",
    "Hebrew": "בברכה,\nדנה",
    "iPhone": "Sent from my iPhone",
    "Samsung": "Sent from my Samsung Galaxy smartphone.",
    "Yahoo": "Sent from Yahoo Mail on Android",
    "Outlook": "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "iPhone, German": "Von meinem iPhone gesendet",
    "GMX": "Gesendet mit der GMX Mail App",
    "iPhone, French": "Envoyé de mon iPhone",
    "iPhone, Spanish": "Enviado desde mi iPhone",
    "iPhone, Italian": "Inviato da iPhone",
    "iPhone, Dutch": "Verzonden vanaf mijn iPhone",
    "iPhone, Portuguese": "Enviado do meu iPhone",
    "iPhone, Japanese": "iPhoneから送信",
    "iPhone, Chinese": "发自我的iPhone",
    "iPhone, Hebrew": "נשלח מה-iPhone שלי",
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_signature_is_left_out(signature: str) -> None:
    assert own(f"{OWN}\n\n{signature}") == OWN
    assert own(f"{OWN}\n\n{signature}\n\n{ATTRIBUTIONS['Gmail, English']}\n{QUOTE}") == OWN


def test_a_postscript_below_a_signature_is_read() -> None:
    assert own(f"{OWN}\n\nBest regards,\nCara\n\nPS: the import fails too.") == f"{OWN}\nPS: the import fails too."


LEGAL_NOTICES = {
    "English": "CONFIDENTIALITY NOTICE: This e-mail and any attachments are intended solely for the addressee and "
    "may contain "
    "confidential information. If you have received it in error please notify the sender and delete it. Any "
    "unauthorised "
    "copying is prohibited. Please consider the environment before printing this e-mail. Registered in England, "
    "company number 000000.",
    "English, wrapped": "This message contains confidential information and is intended only for\nthe individual "
    "named. If you are "
    "not the named addressee you should not\ndisseminate, distribute or copy this e-mail. Please notify the "
    "sender\nimmediately "
    "if you have received this e-mail by mistake.",
    "German": "Diese E-Mail enthält vertrauliche und rechtlich geschützte Informationen. Wenn Sie nicht der richtige "
    "Adressat "
    "sind oder diese E-Mail irrtümlich erhalten haben, informieren Sie bitte sofort den Absender und vernichten Sie "
    "diese "
    "Mail. Das unerlaubte Kopieren sowie die unbefugte Weitergabe dieser Mail ist nicht gestattet.\n\nExample GmbH, "
    "Sitz der "
    "Gesellschaft: Musterstadt, Amtsgericht Musterstadt HRB 00000",
    "French": "Ce message et toutes les pièces jointes sont confidentiels et établis à l'intention exclusive de leurs "
    "destinataires. Si vous avez reçu ce message par erreur, merci de le détruire et d'en avertir l'expéditeur. "
    "Toute diffusion "
    "non autorisée est interdite.",
    "Spanish": "AVISO LEGAL: Este mensaje es confidencial y se dirige exclusivamente a su destinatario. Si usted ha "
    "recibido este "
    "mensaje por error, notifíquelo al remitente y elimínelo. Queda prohibida su divulgación.",
    "Italian": "Questo messaggio e gli allegati sono riservati e destinati esclusivamente al destinatario. Se avete "
    "ricevuto "
    "questo messaggio per errore, cancellatelo. La diffusione non autorizzata è vietata.",
    "Dutch": "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Indien u dit bericht per "
    "vergissing "
    "heeft ontvangen, verwijder het dan. Verspreiding is verboden.",
    "Portuguese": "Esta mensagem é confidencial e destina-se exclusivamente ao destinatário. Se a recebeu por "
    "engano, apague-a. "
    "A sua divulgação é proibida.",
    "Japanese": "本メールには機密情報が含まれており、宛先の方のみを対象としています。誤って受信された場合は、"
    "送信者にご連絡のうえ"
    "削除してください。無断での転載、複製、第三者への開示は固く禁止されています。"
    "本メールの内容に起因する損害について当社は一切の責任を負いません。",
    "Chinese": "本邮件及其附件含有保密信息，仅限于发送给上面地址中列出的收件人。"
    "禁止任何其他人以任何形式使用本邮件中的信息，包括但不限于"
    "全部或部分地泄露、复制或散发。如果您错误收到了本邮件，请您立即电话或邮件通知发件人并删除本邮件，"
    "谢谢您的合作与配合。",
    "Hebrew": "הודעה זו מיועדת לנמען בלבד ועשויה להכיל מידע סודי וחסוי. אם קיבלת הודעה זו בטעות, אנא הודע לשולח ומחק "
    "אותה מיד "
    "מהמערכת. כל שימוש, העתקה או הפצה של הודעה זו ללא אישור השולח אסור בהחלט.",
    "virus scanner": "Virus-free. www.avast.com",
}


@pytest.mark.parametrize("notice", LEGAL_NOTICES.values(), ids=LEGAL_NOTICES.keys())
def test_a_legal_notice_is_left_out(notice: str) -> None:
    assert own(f"{OWN}\n\nCara\n\n{notice}") == OWN
    assert own(f"{OWN}\n{notice}") == OWN


@pytest.mark.parametrize(
    "notice",
    [
        "Detta meddelande är endast avsett för mottagaren och kan innehålla konfidentiella uppgifter. Om du har "
        "fått det av misstag ber vi dig att meddela avsändaren och radera det.",
        "Niniejsza wiadomość jest przeznaczona wyłącznie dla adresata i zawiera informacje poufne. Jeżeli trafiła "
        "do Państwa omyłkowo, prosimy o powiadomienie nadawcy.",
        "This email has been checked for viruses by a scanner.",
        "CAUTION: This email originated from outside of the organization. Do not click links you do not expect.",
    ],
    ids=["Swedish", "Polish", "of a scanner", "a warning below"],
)
def test_a_notice_of_other_countries_is_left_out(notice: str) -> None:
    assert own(f"{OWN}\n\n{notice}") == OWN


def test_a_warning_above_a_mail_is_left_out() -> None:
    where = "CAUTION: This email originated from outside of the organization."
    banner = f"{where}\nDo not click links unless you know the sender."
    assert own(f"{banner}\n\n{OWN}") == OWN
    assert own(f"[EXTERNAL]\n\n{OWN}") == OWN


def test_a_message_that_is_nothing_but_a_legal_notice_is_read_as_it_is() -> None:
    assert left_out(LEGAL_NOTICES["English"]) == ()


FORMS = {
    "English": f"Name: Cara Example\nE-mail: cara@example.org\nPhone: 030 1234567\nMessage: {OWN}",
    "English, message below": f"Name: Cara\nEmail: cara@example.org\nMessage:\n{OWN}",
    "English, values below": f"Name:\nCara\n\nEmail:\ncara@example.org\n\nMessage:\n{OWN}",
    "English, one line": f"Name: Cara Example E-mail: cara@example.org Message: {OWN}",
    "no label before the message": f"Name: Cara\nEmail: cara@example.org\n\n{OWN}",
    "a question as label": f"First name: Cara\nEmail: cara@example.org\nHow can we help you?: {OWN}",
    "bold": f"*Name:* Cara\n*Email:* cara@example.org\n*Message:* {OWN}",
    "German": f"Vorname: Karla\nNachname: Beispiel\nE-Mail-Adresse: k@example.org\nIhre Nachricht: {OWN}",
    "French": f"Nom : Camille\nCourriel : c@example.org\nVotre message : {OWN}",
    "Spanish": f"Nombre: Carla\nCorreo electrónico: c@example.org\nMensaje: {OWN}",
    "Italian": f"Nome: Carla\nTelefono: 06 1234\nMessaggio: {OWN}",
    "Dutch": f"Naam: Karin\nE-mailadres: k@example.org\nBericht: {OWN}",
    "Portuguese": f"Nome: Carla\nTelefone: 21 1234\nMensagem: {OWN}",
    "Japanese": f"お名前：田中\nメールアドレス：t@example.org\nお問い合わせ内容：{OWN}",
    "Chinese": f"姓名：王\n邮箱：w@example.org\n留言：{OWN}",
    "Hebrew": f"שם: דנה\nטלפון: 03-1234\nהודעה: {OWN}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_of_a_contact_form_only_the_message_is_read(form: str) -> None:
    assert own(form) == OWN


NOTICES = {
    "English": "Your order has been shipped. You can track it in your account.",
    "English, with a frame": "Hi Cara,\n\nGood news! Your package is on its way.\nTracking number: 1Z999\n\nThe "
    "Example team",
    "German": "Ihre Bestellung wurde versandt. Sie können sie in Ihrem Konto verfolgen.",
    "French": "Votre commande a été expédiée. Vous pouvez la suivre dans votre compte.",
    "Spanish": "Su pedido ha sido enviado. Puede seguirlo en su cuenta.",
    "Italian": "Il tuo ordine è stato spedito. Puoi seguirlo nel tuo account.",
    "Dutch": "Uw bestelling is verzonden. U kunt uw pakket volgen in uw account.",
    "Portuguese": "Seu pedido foi enviado, ele está a caminho. Você pode acompanhar a entrega.",
    "Japanese": "ご注文の商品を発送しました。お荷物の追跡番号は1234です。",
    "Chinese": "您的订单已发货。您可以在账户中查看。",
    "Hebrew": "ההזמנה שלך נשלחה. ניתן לעקוב אחריה.",
    "code": "Your verification code is 123456.",
    "number": "Order #12345 has been shipped.",
    "carrier": "DHL: Your shipment 0034-12 is on its way.\nhttps://track.example/0034-12",
    "we": "We've shipped your order! You can track your package in your account.",
}


@pytest.mark.parametrize("notice", NOTICES.values(), ids=NOTICES.keys())
def test_an_automatic_notice_is_left_out_whole(notice: str) -> None:
    assert [reason for *_, reason in left_out(notice)] == [NOTICE]
    assert own(notice) == ""


def test_what_an_agent_says_of_an_order_is_read() -> None:
    assert left_out(NOTICES["English"], role="agent") == ()


AUTO_REPLIES = {
    "English": "I am out of the office until 12 May with limited access to my mail. In urgent cases please contact "
    "Bob.",
    "English, thanks": "Thank you for your message. I am on annual leave and will reply when I return on Monday.",
    "English, subject": "Automatic reply: Your ticket\n\nI will be back soon.",
    "German": "Vielen Dank für Ihre Nachricht. Ich bin bis zum 12. Mai nicht im Büro. Ihre E-Mail wird nicht "
    "weitergeleitet.",
    "French": "Merci pour votre message. Je suis absent du bureau jusqu'au 12 mai. En cas d'urgence, veuillez "
    "contacter Bob.",
    "Spanish": "Gracias por su mensaje. Estoy fuera de la oficina hasta el 12 de mayo.",
    "Italian": "Grazie per il tuo messaggio. Sono in ferie fino al 12 maggio.",
    "Dutch": "Bedankt voor uw bericht. Ik ben afwezig tot en met 12 mei.",
    "Portuguese": "Obrigado pela sua mensagem. Estou de férias até 12 de maio.",
    "Japanese": "自動返信: 不在のため、5月12日以降にご返信いたします。",
    "Chinese": "自动回复：我正在休假，将于5月12日返回。",
    "Hebrew": "מענה אוטומטי: אני בחופשה עד 12 במאי.",
}


@pytest.mark.parametrize("reply", AUTO_REPLIES.values(), ids=AUTO_REPLIES.keys())
def test_an_automatic_reply_is_left_out_whole(reply: str) -> None:
    assert {reason for *_, reason in left_out(reply)} == {AUTO_REPLY}
    assert own(reply) == ""


def test_a_forwarded_mail_is_read_where_nothing_is_said_of_it() -> None:
    headers = "From: Bob <bob@example.org>\nDate: 5 May 2026\nTo: Cara\nSubject: Export"
    forwarded = f"---------- Forwarded message ---------\n{headers}\n\n{OWN}"
    assert own(f"Please see below.\n\n{forwarded}") == f"Please see below.\nExport\n{OWN}"
    said = "Bob has the trouble that I told you of on the phone yesterday."
    assert own(f"{said}\n\n{forwarded}") == said


def test_a_reply_without_words_of_its_own_is_not_read_for_the_agents() -> None:
    text = f"{ATTRIBUTIONS['Gmail, English']}\n{QUOTE}"
    assert own(text) == ""
    assert {reason for *_, reason in left_out(text)} == {QUOTED}


def test_markup_and_text_say_the_same() -> None:
    markup = (
        "<html><head><style>p{margin:0}</style></head><body><p>Hi&nbsp;team,</p><p>"
        + OWN
        + "</p><div class='gmail_signature'>"
        "<b>Cara</b><br>Example Widgets</div><br><div class=gmail_quote><div class=gmail_attr>On Tue, 5 May 2026 at "
        "09:12, Support "
        "&lt;help@example.com&gt; wrote:<br></div><blockquote><div>Hello,<br>restart the "
        "app.</div></blockquote></div></body></html>"
    )
    assert own(plain_text(markup)) == f"Hi team,\n{OWN}"
    outlook = (
        f"<div>{OWN}</div><div id=appendonsend></div><hr><div id=divRplyFwdMsg><b>From:</b> Support "
        f"&lt;help@example.com&gt;<br>"
        "<b>Sent:</b> Tuesday, May 5, 2026 9:12 AM<br><b>To:</b> Cara<br><b>Subject:</b> Re: Export</div><div>Hello, "
        "restart the app.</div>"
    )
    assert own(plain_text(outlook)) == OWN


# --- Properties ---------------------------------------------------------------------------------------------------

PIECES = [
    *ATTRIBUTIONS.values(), *OUTLOOK.values(), *SIGNATURES.values(), *LEGAL_NOTICES.values(), *FORMS.values(),
    *NOTICES.values(), *AUTO_REPLIES.values(), QUOTE, OWN, "I said:", "> ", ">", "\n", " ", "On ", "wrote:", "<a@b.c>",
    "2026", "--", "\u200f", "\r\n",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=20)), max_size=12).flatmap(
    lambda pieces: st.sampled_from(["\n", " ", "\n\n", ""]).map(lambda glue: glue.join(pieces))
)


@given(text=TEXTS, role=st.sampled_from(["customer", "agent", ""]))
@settings(max_examples=400, deadline=None)
def test_spans_are_sorted_disjoint_and_with_the_own_words_they_are_the_text(text: str, role: str) -> None:
    spans = left_out(text, role=role)
    place = 0
    for start, end, reason in spans:
        assert place <= start < end <= len(text)
        assert reason
        place = end
    pieces = sorted([*own_parts(text, spans), *((start, end) for start, end, _ in spans)])
    assert "".join(text[start:end] for start, end in pieces) == text


@given(text=TEXTS)
@settings(max_examples=200, deadline=None)
def test_a_message_is_left_without_words_only_for_a_good_reason(text: str) -> None:
    spans = left_out(text)
    if any(map(str.isalnum, text)) and not any(any(map(str.isalnum, text[s:e])) for s, e in own_parts(text, spans)):
        assert {reason for *_, reason in spans} & {QUOTED, NOTICE, AUTO_REPLY}


def test_legal_is_a_reason_that_people_can_read() -> None:
    assert left_out(f"{OWN}\n\n{LEGAL_NOTICES['English']}")[0][2] == LEGAL == "legal notice"
