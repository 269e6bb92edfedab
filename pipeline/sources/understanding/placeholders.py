# ruff: noqa: RUF001, E501 (letters of other scripts are meant; some are counted as two columns)
"""What a chat program writes where somebody sent no words: a picture, a sticker, a call, a file.

Programs write this in the language of the telephone. Most of it shows without knowing the language: it is all in angle
brackets, or a file's name with a remark in brackets. The rest is one word for one kind of thing, alone in a message.
"""

import re
from typing import Final

from pipeline.sources.understanding.deleted import is_deleted

LONGEST: Final = 120
"""Characters; more than that is something somebody wrote."""

_THINGS: Final = frozenset(
    thing.strip()
    for thing in """
    photo, photos, image, picture, video, videos, gif, sticker, stickers, emoticon, emoticons, voice message, voice note,
    audio, file, document, contact, contact card, location, live location, album, bild, foto, fotos, datei, dokument,
    sprachnachricht, kontakt, standort, vidéo, autocollant, message vocal, fichier, position, localisation, imagen, vídeo,
    pegatina, mensaje de voz, nota de voz, archivo, documento, contacto, ubicación, immagine, adesivo, messaggio vocale,
    contatto, posizione, afbeelding, spraakbericht, bestand, locatie, imagem, figurinha, mensagem de voz, áudio, arquivo,
    contato, localização, zdjęcie, wideo, naklejka, wiadomość głosowa, plik, lokalizacja, фото, фотография, изображение,
    фотосообщение, фотоповідомлення, відео, видео, стикер, голосовое сообщение, голосове повідомлення, файл, документ,
    контакт, геопозиция, fotoğraf, çıkartma, dosya, belge, kişi, konum, 写真, 画像, 動画, スタンプ, ボイスメッセージ, 音声,
    ファイル, 位置情報, 連絡先, アルバム, 图片, 照片, 视频, 语音, 表情, 文件, 位置, 名片, 链接, 动画表情, 圖片, 影片, 貼圖, 語音訊息,
    檔案, 位置訊息, 聯絡資訊, 사진, 동영상, 이모티콘, 스티커, 음성메시지, 음성메세지, 파일, 지도, 연락처, 보이스톡, 페이스톡, 앨범,
    صورة, فيديو, ملصق, رسالة صوتية, ملف, مستند, موقع, جهة اتصال, תמונה, סרטון, מדבקה, הודעה קולית, קובץ, מסמך, מיקום, איש קשר
    """.split(",")  # noqa: SIM905 (read best as text)
)
_REMARK: Final = (
    r"omitted|removed|weggelassen|ausgeschlossen|entfernt|absente?s?|omise?s?|omitid[oa]s?|omess[oaie]|weggelaten"
    r"|ocult[oa]s?|pominięt[oaye]|пропущен[оаы]?|не включены|bez mediów|dahil edilmedi|含まれ(?:てい)?ません|省略|已忽略"
    r"|לא נכללה|הושמטה|생략됨"
)
_LEFT_OUT: Final = re.compile(rf"<?(?:[^\s<>]{{1,16}} ){{0,3}}?[^\s<>]{{0,20}} ?(?:{_REMARK})\.?>?$", re.IGNORECASE)
_FILE: Final = re.compile(
    r"[^\n<>]{1,100}\.\w{2,4} ?[(（][^()（）\n]{2,40}[)）]$|[^\s<>]{1,20} ?[:：] ?[^\s<>]{1,80}\.(?:jpe?g|png|gif|heic|webp|mp[34]|mov|opus|m4a|pdf|docx?|xlsx?|zip|vcf)$",
    re.IGNORECASE,
)
_CALL: Final = re.compile(
    r"[☎📞📹✆]\S{0,2}\s?.{0,40}$|.{0,30}(?:missed (?:voice|video)? ?call|verpasster (?:sprach|video)?anruf"
    r"|appel (?:vocal|vidéo)? ?manqué|llamada (?:de voz |de vídeo )?perdida|chiamata (?:vocale |video)?persa"
    r"|gemiste (?:spraak|video)?oproep|chamada (?:de voz |de vídeo )?perdida|пропущенный (?:аудио|видео)?звонок"
    r"|不在着信|未接(?:语音|视频)?(?:通话|来电)|부재중 ?(?:전화|통화))[.!]?$",
    re.IGNORECASE,
)
_ENCRYPTED: Final = re.compile(
    r"end-to-end[- ]encrypted|ende-zu-ende-verschlüsselt|chiffrés de bout en bout|cifrad[oa]s? de extremo a extremo"
    r"|crittografat\w+ end-to-end|end-to-end versleuteld|criptografia de ponta|сквозным шифрованием|エンドツーエンド|端到端加密"
    r"|종단간 암호화|מוצפנ\w* מקצה לקצה|مشفرة تمام",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(r"\s?\d{1,3}\s?(?:장|枚|张|張)$")
_FRAME: Final = "[]()（）【】<> \t.!"


def is_placeholder(text: str) -> bool:
    """Return whether a message of a chat says only that something without words was sent, called, or taken back."""
    text = text.strip()
    if len(text) > LONGEST:
        return bool(_ENCRYPTED.search(text[: 2 * LONGEST])) and len(text) < 4 * LONGEST
    if text[:1] == "<" and text[-1:] == ">" and not re.search(r"[<>]", text[1:-1]):
        return True
    bare = _COUNTED.sub("", text.strip(_FRAME)).casefold()
    return (
        text == "null"
        or bare in _THINGS
        or is_deleted(text)
        or any(form.match(text) for form in (_LEFT_OUT, _FILE, _CALL))
        or bool(_ENCRYPTED.search(text))
    )
