# ruff: noqa: E501, RUF001 (letters of other scripts count as two columns)
"""What the columns of tables and the keys of JSON are called, in five languages and more, and how names are compared.

A name that an export uses and that is not recognised is added here, to the field it means.
"""

import re
import unicodedata
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from functools import lru_cache
from typing import Any, Final


class UnknownColumn(ValueError):
    """A mapping names a field or a column that is not there; the message names those that are."""


# What each field is called, the best name first: small letters and digits only.
_NAMES: Final[dict[str, str]] = {
    "id": """id ticketid ticketnumber ticketno ticketnr caseid casenumber caseno issuekey key issueid issuenumber tweetid messageid
        reviewid responseid feedbackid requestid requestnumber submissionid entryid postid commentid complaintid recordid uuid guid
        externalid _id objectid number no nr ticket case reference referencenumber ref # rowid index
        ticketnummer fallnummer vorgangsnummer vorgangsnr vorgang nummer kennung referenz anfragenummer
        identifiant ndeticket nticket ndedossier numero numeroticket numeroduticket numerodeticket idticket iddeticket numerodedossier
        identificador numerodecaso idcaso iddecaso numerocaso codigo folio numerodelticket codice idrichiesta
        protocolo numerodochamado zaaknummer kenmerk 番号 チケット番号 管理番号 编号 工单号 번호
        numerzgloszenia номер номеробращения idобращения お問い合わせ番号 問い合わせ番号 talepno
        チケットid kundenvorgangsnummer vorgangsid anliegennummer supportnummer numerodedemande iddemande
        numerodesolicitud numerosegnalazione idsegnalazione meldingsnummer numerodeprotocolo numerodopedido
        idzgloszenia numersprawy номерзаявки idзаявки номертикета 工单编号 票号 案件番号 접수번호 티켓번호 kayitno taleno biletno
        arendenummer arendeid sagsnummer saksnummer tikettinumero cislopozadavku رقمالتذكرة מספרפנייה""",
    "conversation": """conversationid conversationhash conversationkey conversation threadid threadkey threadts thread chatid
        linkid topicid sessionid dialogid dialogueid dialogue dialog callid roomid interactionid chatsessionid gesprachsid gesprachid gesprach
        konversation konversationsid unterhaltung sitzungsid idconversation conversacion idconversacion iddeconversacion hilo
        conversazione idconversazione conversa idconversa gesprekid 会話id 会话id
        conversationsid threadsid channelsid conversationkey chatsid topicid discussionid
        talkerid conversationuuid threaduuid ticketconversationid chattid konversationid samtaleid samtalsid
        keskustelu idrozmowy rozmowaid идентификатордиалога диалог idдиалога 对话id 会话编号 대화id 대화번호 gorusmeid""",
    "text": """text body message messagetext messagebody content plaintext description taskcontent taskdescription
        carddescription casedescription ticketdescription issuedescription customermessage initialmessage firstmessage
        usermessage comment comments feedback review reviewtext reviewbody reviewcontent transcript question complaint
        consumercomplaintnarrative complaintwhathappened narrative verbatim inquiry enquiry query request details problem issue post
        tweet utterance instruction prompt conversation dialogue chat fulltext note notes remarks answer freetext
        nachricht beschreibung inhalt kommentar kommentare anfrage anliegen problembeschreibung frage rezension bewertungstext
        ruckmeldung mitteilung freitext meldung nachrichtentext texte contenu commentaire commentaires demande avis probleme
        messageduclient texto mensaje descripcion comentario comentarios contenido consulta pregunta resena opinion solicitud
        problema reclamo queja testo messaggio descrizione commento contenuto richiesta recensione domanda segnalazione
        mensagem descricao conteudo pergunta avaliacao reclamacao tekst bericht omschrijving beschrijving opmerking vraag
        本文 内容 問い合わせ内容 お問い合わせ内容 メッセージ コメント 描述 评论 留言 正文 내용 메시지 문의내용
        postcontents postcontent bodytext textbody cardedescription fallbeschreibung opis tresc wiadomosc описание сообщение текст обращение aciklama mesaj
        strcontent messagecontent msg msgtext chatmessage bodyplain bodyhtml questiontext
        problemdescription problemstatement 説明 質問 質問内容 詳細 対応依頼内容 口コミ レビュー 問題描述 问题 反馈内容 消息内容 聊天内容 评价内容 評論 訊息 內容 질문
        문의 설명 리뷰 tresczgloszenia opisproblemu pytanie komentarz описаниепроблемы текстсообщения текстобращения
        вопрос отзыв комментарий содержание повідомлення опис mesajmetni soru yorum sikayet talep icerik meddelande
        beskrivning fraga arendebeskrivning besked beskrivelse sporgsmal melding viesti kuvaus kysymys palaute
        zprava popis dotaz الرسالة النص الوصف السؤال הודעה תוכן תיאור שאלה toelichting klacht berichttekst
        beschrijvingvanhetprobleem omschrijvingprobleem fragetext corpsdumessage cuerpo cuerpodelmensaje
        corpodelmessaggio corpodamensagem duvida""",
    "subject": """subject title ticketname casename issuename reviewtitle headline reviewheadline summary shortdescription ticketsubject
        betreff titel uberschrift zusammenfassung kurzbeschreibung objet sujet titre resume intitule asunto titulo
        oggetto titolo assunto onderwerp 件名 タイトル 标题 主题 제목
        cardname taskname casetitle tasktitle cardtitle issuetitle betreffzeile temat tytul тема заголовок konu
        ticketbetreff vorgangsbetreff asuntodelticket oggettodelticket sujetduticket assuntodoticket 問い合わせ件名 主旨 標題
        konubasligi amne rubrik emne overskrift aihe otsikko predmet الموضوع נושא temawiadomosci темаобращения
        тематема""",
    "customer": """customer requester client contact caller callerid associatedcontact associatedcontacts user reporter customername requestername contactname clientname username
        reviewer reviewername reportername submitter submittername respondent fullname name displayname author authorname visitor
        member submittedby createdby openedby reportedby raisedby requestedby sender sendername from
        kunde kundin kundenname nutzer benutzer ersteller melder absender anfragender gemeldetvon erstelltvon
        demandeur nomduclient utilisateur auteur cliente usuario solicitante nombre nombredelcliente nombrecliente remitente
        richiedente utente nome nomecliente autore mittente autor klant naam
        顧客 お客様 お客様名 顧客名 氏名 客户 客户名称 用户 用户名 고객 고객명 이름
        reviewernickname suppliedname kundename klient nadawca клиент имя заявитель お名前 顧客氏名 musteri zglaszajacy
        kontaktname kontakt kontaktperson contactperson nomducontact nomcontact nombredelcontacto nombrecontacto
        nomecontatto nomedocontato contato 連絡先名 連絡先 依頼者 問い合わせ者 联系人 联系人姓名 客戶 客户姓名 담당고객 고객이름 문의자 musteriadi kisi kund
        kundnamn kundenavn asiakas zakaznik имяклиента контакт контактноелицо покупатель заказчик abonent العميل
        اسمالعميل לקוח שםהלקוח vonname fromname denom denombre danome vannaam denome odnazwa отимя 差出人名前
        sendernickname requestedfor openedfor enduser endusername accountname visitorname guestname buyername
        membername patientname""",
    "customer_email": """requesteremail suppliedemail customeremail contactemail clientemail useremail email emailaddress mail mailaddress
        reporteremail submitteremail respondentemail recipientemail senderemail fromemail fromaddress authoremail
        kundenemail emailkunde emailadresse mailadresse kundenmail emaildesanfragenden adresseemail adressemail courriel
        emailduclient emailclient correo correoelectronico emailcliente emaildelcliente correodelcliente
        direcciondecorreoelectronico indirizzoemail posta emaildocliente enderecodeemail emailadres klantemail
        メールアドレス 邮箱 电子邮件 이메일
        vonadresse deadresse dedireccion daindirizzo vanadres deendereco odadres отадрес 差出人アドレス enduseremail
        visitoremail メール eメール emailadress epost epostadress sahkoposti eposta epostaadresi adresemail почта
        электроннаяпочта emailклиента 電郵 邮件地址 이메일주소 البريدالإلكتروني דואל אימייל emailkontaktu contactemailaddress
        buyeremail memberemail correodelcontacto emaildelcontacto emaildelcontatto emaildocontato emailducontact""",
    "customer_id": """requesterid reporterid customerid clientid contactid userid visitorid memberid subscriberid accountid customerkey
        customernumber customerno authorid senderid anonymousid kundennummer kundennr kundenid nutzerid benutzerid
        idclient numeroclient numeroduclient idutilisateur idcliente iddecliente idusuario numerodecliente idutente
        klantnummer klantid 顧客番号 会員番号 客户编号 고객번호""",
    "created_at": """createdat created createdon createddate createdtime creationdate creationtime datecreated timecreated createtime
        createdate creation opened openedat openedon openeddate opendate dateopened submittedat submitted submittedon submissiondate
        submissiontime datesubmitted submitdate received receivedat receiveddate datereceived sentat senton sentdate datesent sent
        date datetime timestamp posted postedat postdate postedon published publishedat publicationdate reviewdate reviewedat
        reviewsubmitdateandtime reviewcreationdate messagedate messagetime ticketcreated requestdate reportedat reportdate
        dateandtime starttime startdate startedat started recordeddate completedat enddate time at ts epoch day
        syscreatedon createddatetime sentdatetime timestampms
        reviewsubmitmillissinceepoch millis zeitstempel datum datumuhrzeit datumundzeit datumzeit erstelltam erstellt erstelldatum
        erstellungsdatum erstellungszeitpunkt eingang eingangsdatum eingegangenam angelegtam gemeldetam geoffnetam zeit zeitpunkt
        gesendetam datedecreation creele cree dateheure dateetheure horodateur horodatage dateouverture datedouverture dateenvoi
        recule fecha fechadecreacion fechacreacion creadoel creado fechayhora fechahora marcatemporal fechaapertura
        fechadeapertura fechadeenvio recibidoel data datacreazione datadicreazione creatoil creato dataeora dataora
        informazionicronologiche dataapertura datacriacao datadecriacao criadoem datahora carimbodedatahora dataehora
        aangemaaktop aangemaakt aanmaakdatum tijdstempel 作成日 作成日時 日時 日付 受付日時 タイムスタンプ 创建时间 时间 日期
        提交时间 생성일 날짜 작성일 타임스탬프
        bugwhen creationts commentedtime on datautworzenia датасоздания дата お問い合わせ日時 tarih
        作成時刻 作成日付 登録日 登録日時 起票日 送信日時 送信時刻 投稿日 投稿日時 创建日期 发送时间 提交日期 建立時間 등록일 등록일시 작성일시 접수일 접수일시 보낸시간 datazgloszenia
        dataprzyjecia utworzono датаивремя датаобращения датаотправки время создано дататавремя olusturmatarihi
        gonderimtarihi zaman skapad skapat datumochtid oprettet oprettetden opprettet luotu paivamaara vytvoreno
        cas تاريخالإنشاء التاريخ תאריך נוצר strtime eroffnetam eingegangen gesendet gesendetum datumtijd
        ontvangenop verzondenop dateheuredecreation ouvertle fechadecreaciondelticket fechadealta apertoil
        dataehoradecriacao abertoem""",
    "role": """role senderrole authorrole participantrole sendertype authortype usertype participanttype messagetype
        direction inbound isinbound incoming isincoming fromcustomer iscustomer isfromcustomer outbound isoutbound fromagent isagent
        isstaff fromme speaker party side participant type kind sender author from who
        rolle absendertyp richtung sprecher eingehend rol sens emetteur direccion sentido ruolo direzione papel direcao
        役割 送信者種別 角色 方向 역할
        autorrolle autorenrolle actortype speakertype roleautora рольавтора
        issender sentby messagefrom speakerrole 発言者種別 送信者区分 消息方向 发送方 보낸사람유형 발신구분 typnadawcy типотправителя
        gonderentipi avsandartyp""",
    "author": """author sender from authorname sendername fromname username user authorid senderid agentname speaker participant poster who name
        verfasser absender autor benutzer auteur expediteur remitente usuario mittente autore utente remetente afzender
        投稿者 送信者 发送者 作者 발신자 작성자
        creatorname speakername postername postusername senderfullname userfullname talker nick nickname createdbyname createdbyid commenter dispatcher
        syscreatedby createdby 差出人 発言者 送信者名 发言人 发送人 发件人 작성자명 보낸사람 nadawca autorwiadomosci отправитель автор
        gonderen avsandare forfattare afsender avsender lahettaja odesilatel المرسل השולח createdbyuser""",
    "reply_to": """inresponsetotweetid inresponsetostatusid inresponsetoid inresponseto inreplyto inreplytoid inreplytostatusid
        inreplytotweetid replyto replytoid replytomessageid parentid parentmessageid parentcommentid parenttweetid repliedto
        antwortauf enreponsea enrespuestaa inrispostaa 返信先""",
    "reply": """companyreply companyresponse developerreply developerreplytext developerresponse ownerresponse ownerreply businessreply
        businessresponse merchantreply sellerresponse hostresponse replytext responsetext agentreply agentresponse agentmessage
        agentanswer supportreply reply response output completion answer answertext antwort antworttext unsereantwort
        reponse reponseduvendeur respuesta respuestadelpropietario risposta resposta 回答 返信 回复 답변
        outputs choices reviewreply reviewresponse ownersreply companysreply kommentarzumkundenvorgang falkommentar fallkommentar casecomment casecomments agentcomment 回答内容 返信内容 返答
        対応内容 回复内容 客服回复 商家回复 답변내용 odpowiedz odpowiedzfirmy ответ ответагента ответподдержки yanit cevap svar vastaus
        odpoved الرد תשובה antwoord reactie antwortdesverkaufers antwortdesinhabers reponseduproprietaire
        respuestadelagente respuestadelcomercio rispostadelproprietario respostadaempresa""",
    "label": """label intent category kategorie categorie categoria topic topicname thema class theme categorienaam
        カテゴリ 分類 分类 类别 카테고리""",
    "url": """url link permalink reviewlink ticketurl ticketlink weburl htmlurl weblink href lien enlace collegamento
        adresseurl リンク 链接 링크""",
    "metadata": "metadata",
    "classified_at": "classifiedat",
}  # fmt: skip

FIELDS: Final = (
    "id",
    "text",
    "subject",
    "customer",
    "created_at",
    "role",
    "author",
    "conversation",
    "reply_to",
    "label",
    "url",
)
"""What a person can map."""

_SYNONYMS: Final = {
    "time": "created_at", "date": "created_at", "created": "created_at", "times": "created_at", "thread": "conversation",
    "title": "subject", "body": "text", "message": "text", "link": "url", "requester": "customer", "email": "customer",
    "in_reply_to": "reply_to", "speaker": "role", "sender": "author", "category": "label",
}  # fmt: skip


@lru_cache(maxsize=4096)
def compact(name: str) -> str:
    """Return a name as it is compared: `Ticket ID`, `ticket_id`, `ticketId` and ` TICKET-ID: ` are `ticketid`."""
    plain = unicodedata.normalize("NFKD", name[:200].casefold().replace("ø", "o").replace("ł", "l").replace("ı", "i"))
    plain = re.sub(r"\((?:utc|gmt|cet|optional|required|text)\)|\*", "", plain)
    letters = "".join(sign for sign in plain if sign.isalnum())
    return unicodedata.normalize("NFKC", letters) or name.strip()


NAMES: Final[dict[str, dict[str, int]]] = {
    name: {compact(word): rank for rank, word in reversed(list(enumerate(words.split())))}
    for name, words in _NAMES.items()
}
"""For each field, its names with their rank; 0 is the best."""


# --- What a person says -------------------------------------------------------------------------------------------


def parse_mapping(given: Iterable[str]) -> dict[str, str]:
    """Return the field and the column of each `customer=Requester email`; several columns of a field stand in lines.

    UnknownColumn, which names the fields, if one is not written so. A field with nothing behind `=` is left out of the
    table: `subject=`.
    """
    mapping: dict[str, str] = {}
    for each in given:
        name, sign, column = each.partition("=")
        name = name.strip().casefold().replace("-", "_").replace(" ", "_")
        name = _SYNONYMS.get(name, name)
        if not sign or name not in FIELDS:
            raise UnknownColumn(f"--map {each!r}: write FIELD=COLUMN, where FIELD is one of {', '.join(FIELDS)}")
        mapping[name] = f"{mapping[name]}\n{column.strip()}" if mapping.get(name) else column.strip()
    return mapping


def at_path(found: object, path: str) -> Any:
    """Return what stands at `requester.email` or `messages.0.text` in a JSON value; None if nothing does."""
    if isinstance(found, MappingOf) and path in found:
        return found[path]
    head, _, rest = path.partition(".")
    if isinstance(found, MappingOf):
        if head in found:
            return at_path(found[head], rest) if rest else found[head]
        wanted = compact(head)
        key = next((key for key in found if compact(str(key)) == wanted), None)
        return None if key is None else at_path(found[key], rest) if rest else found[key]
    if isinstance(found, list) and head.isdecimal() and int(head) < len(found):
        return at_path(found[int(head)], rest) if rest else found[int(head)]
    return None
