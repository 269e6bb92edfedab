"""A file is read in one encoding or refused; what was chosen is said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.parsing.encodings import Encoding, UnknownEncoding, choose, decoded

GERMAN = "Größe der Tür ist falsch – Café"
TEXTS = {
    "German": (
        "Die Lampe flackert seit Montag, das Gerät läuft heiß und die Tür schließt nicht.",
        "cp1252 mac_roman cp850",
    ),
    "German, short": ("Schöne Grüße", "cp1252 mac_roman"),
    "French": ("La lumière clignote déjà depuis lundi, où est le réglage ? Ça m'agace.", "cp1252 mac_roman cp850"),
    "Spanish": ("¿Dónde está el botón? La lámpara parpadea desde el año pasado.", "cp1252 mac_roman cp850"),
    "Portuguese": ("A lâmpada não acende há três dias, e a aplicação não responde.", "cp1252"),
    "Italian": ("La lampada non funziona più, così non è possibile continuare. Perché?", "cp1252 mac_roman"),
    "Swedish": ("Lampan blinkar hela tiden och dörren går inte att stänga på kvällen.", "cp1252"),
    "English": ("The lamp’s switch is “stuck” – it costs £30…", "cp1252"),
    "Polish": (
        "Lampa miga od poniedziałku, a drzwi się nie zamykają. Proszę o pomoc, żeby działała.",
        "cp1250 iso8859_2 cp852",
    ),
    "Czech": ("Lampa bliká od pondělí a dveře se nezavírají. Prosím o pomoc, ať už to funguje.", "cp1250 iso8859_2"),
    "Hungarian": (
        "A lámpa hétfő óta villog, és az ajtó nem csukódik be. Kérem, küldjenek segítséget.",
        "cp1250 iso8859_2",
    ),
    "Turkish": ("Lamba pazartesiden beri yanıp sönüyor, kapı kapanmıyor. Lütfen yardım edin, çalışmıyor.", "cp1254"),
    "Russian": ("Лампа мигает с понедельника, дверь не закрывается.", "cp1251 koi8_r cp866 iso8859_5"),
    "Greek": ("Η λάμπα αναβοσβήνει από τη Δευτέρα και η πόρτα δεν κλείνει.", "cp1253 iso8859_7"),
    "Hebrew": ("המנורה מהבהבת מיום שני והדלת לא נסגרת.", "cp1255"),
    "Arabic": ("المصباح يومض منذ يوم الاثنين والباب لا يغلق.", "cp1256"),
    "Thai": ("ไฟกระพริบตั้งแต่วันจันทร์และประตูปิดไม่ได้", "cp874"),
    "Japanese": ("月曜日からランプが点滅していて、ドアが閉まりません。", "cp932 euc_jp iso2022_jp"),
    "Chinese": ("灯从星期一开始一直闪，门也关不上，请帮我处理。", "gb18030"),
    "Chinese, traditional": ("燈從星期一開始一直閃，門也關不上，請幫我處理。", "cp950"),
    "Korean": ("월요일부터 램프가 깜박이고 문이 닫히지 않습니다.", "cp949"),
}


def chosen(data: bytes, given: str = "", piece: int = 1 << 16, declared: str = "") -> tuple[Encoding, str]:
    def pieces() -> list[bytes]:
        return [data[at : at + piece] for at in range(0, len(data), piece)]

    encoding = choose(pieces, given, declared)
    return encoding, "".join(decoded(pieces(), encoding))


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        pytest.param(text, codec, id=f"{language} in {codec}")
        for language, (text, codecs) in TEXTS.items()
        for codec in [*codecs.split(), "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]
        if not (codec == "utf-16-le" and text[0] > "\u0200")  # without a mark, only scripts with zero bytes can be told
    ],
)
def test_it_reads_a_table_as_it_was_written(text: str, codec: str) -> None:
    table = f'id,text\n1,"{text}"\n2,The parcel has not arrived\n'
    assert chosen(table.encode(codec))[1] == table


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
@pytest.mark.parametrize("codec", ["cp932", "utf-8-sig", "utf-16", "euc_jp"])
def test_it_does_not_matter_where_a_piece_ends(codec: str, piece: int) -> None:
    table = "id,text\n" + "1,ランプが点滅しています\n" * 20
    assert chosen(table.encode(codec), piece=piece)[1] == table


def test_it_finds_letters_late_in_a_large_file() -> None:
    table = "id,text\n" + "1,The parcel has not arrived\n" * 60_000 + f"2,{GERMAN}\n"
    encoding, text = chosen(table.encode("cp1252"))
    assert text == table
    assert "Größe" in str(encoding)


def test_it_says_what_it_chose_and_shows_a_place_to_check() -> None:
    encoding, _ = chosen(f"id,text\n1,{GERMAN}\n".encode("cp1252"))
    assert str(encoding) == f"Windows-1252 (by its letters, German: 1,{GERMAN})"
    assert str(chosen(b"id,text\n")[0]) == "UTF-8"
    assert str(chosen("é".encode("utf-16"))[0]) == "UTF-16 (by its byte order mark)"


def test_what_a_person_says_goes_before_everything() -> None:
    data = f"1,{GERMAN}".encode("cp1252")
    assert chosen(data, "cp1250")[0].codec == "cp1250"
    assert chosen("1,Größe".encode("utf-16"), "utf-16")[1] == "1,Größe"
    assert chosen("1,Größe".encode("utf-8-sig"), "utf-8")[1] == "1,Größe"


@pytest.mark.parametrize(
    ("given", "says"),
    [("utf-8", "parts of it are not UTF-8"), ("klingon", "no encoding 'klingon'"), ("hex", "no encoding 'hex'")],
)
def test_what_a_person_says_and_does_not_fit_is_refused(given: str, says: str) -> None:
    with pytest.raises(UnknownEncoding, match=says):
        chosen(f"1,{GERMAN}".encode("cp1252"), given)


def test_a_header_counts_where_it_fits() -> None:
    data = "1,Łódź".encode("iso8859_2")
    assert chosen(data, declared="iso-8859-2")[1] == "1,Łódź"
    assert chosen("1,Łódź".encode(), declared="ascii")[1] == "1,Łódź"
    assert chosen(b"1,a", declared="no-such")[1] == "1,a"


def test_utf8_with_a_damaged_place_stays_utf8_and_says_so() -> None:
    data = "\n".join(f"{number},Größe" for number in range(20)).encode() + b"\n21,broken \xff\n"
    encoding, text = chosen(data)
    assert (encoding.codec, encoding.damaged) == ("utf-8", 1)
    assert text.endswith("broken \udcff\n")
    assert "1 bytes are damaged" in str(encoding)


def test_a_file_of_two_encodings_is_refused_whole() -> None:
    part = "\n".join(f"{number},Die Größe der Tür für Müller" for number in range(20))
    with pytest.raises(UnknownEncoding, match="part of it is UTF-8"):
        chosen(part.encode() + b"\n" + part.encode("cp1252"))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnknownEncoding, match="--encoding"):
        chosen(bytes(range(128, 256)) * 50)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_whole_or_refused(data: bytes) -> None:
    try:
        encoding, text = chosen(data)
    except UnknownEncoding:
        return
    back = text.encode(encoding.codec, "surrogateescape" if encoding.damaged else "strict")
    assert back == data[encoding.mark :] or encoding.codec == "iso2022_jp"


SHORT = {
    "koi8_r": [
        "привет, сканер не работает",
        "--- Log opened Пнд Апр 06\n21:10 < Цаплин> привет\n",
        "Где мой заказ?",
        "12:03 <Вера> Спасибо!\n12:04 <Олег> ок\n",
        "ПРИНТЕР НЕ ПЕЧАТАЕТ",
    ],
    "koi8_u": ["Де моє замовлення? Ще не приїхало, їду в село.", "Дякую за допомогу, все гаразд"],
    "cp866": ["Касса не печатает чек", "Спасибо, ок", "ОШИБКА ПРИ ВХОДЕ", "Здравствуйте! Не приходит код."],
    "mac_cyrillic": ["Касса не печатает чек", "Спасибо, всё хорошо", "Здравствуйте! Не приходит код."],
    "iso8859_5": ["Касса не печатает чек, помогите", "Где мой заказ?"],
    "cp1251": ["Где мой заказ?", "Дякую! Їжа смачна", "ПРИНТЕР НЕ ПЕЧАТАЕТ", "ок, спасибо", "Къде е поръчката ми?"],
    "cp1256": ["أين طلبي؟ لم يصل بعد", "شكرا لكم"],
    "iso8859_6": ["أين طلبي؟ لم يصل بعد"],
    "iso8859_9": ["Şifremi değiştiremiyorum, yardım edin", "Kargo gelmedi, çok geç", "İade işlemi nasıl yapılıyor?"],
    "cp1254": ["Ürün kırık geldi, iade istiyorum"],
    "cp949": ["안녕하세요, 배송이 늦어요", "환불해 주세요", "김민지: 열쇠가 부러졌어요"],
    "gb18030": [
        "茶壶盖子摔了",
        "您好",
        "能单配一个吗？",
        "订单没到",
        "老板好，㴪字款的有吗？",
        "张三: 你好\n客服: 在的",
    ],
    "cp950": ["茶壺蓋子摔破了", "您好，請問訂單到了嗎？", "王小明: 你好\n客服: 您好"],
    "cp932": ["鍵が開きません", "ありがとうございます", "注文の帯の色を変えたい", "山田: はい"],
    "euc_jp": ["鍵が開きません", "ありがとうございます", "注文の帯の色を変えたい"],
    "cp1253": ["Πού είναι η παραγγελία μου;"],
    "iso8859_7": ["Η οθόνη έσπασε"],
    "cp737": ["Η οθόνη έσπασε, βοήθεια παρακαλώ"],
    "cp1255": ["איפה ההזמנה שלי?"],
    "cp862": ["איפה ההזמנה שלי?"],
    "cp1250": ["Zamek się zaciął, proszę o pomoc", "Kde je moje objednávka? Nefunguje přihlášení."],
    "iso8859_2": ["Zamek się zaciął, proszę o pomoc", "Kde je moje objednávka? Nefunguje přihlášení."],
    "cp852": ["Zamek się zaciął, proszę o pomoc"],
    "cp874": ["สินค้ายังไม่ถึง"],
    "mac_roman": ["Größe der Tür ist falsch", "Où est ma commande ? Elle est en retard, désolé"],
    "cp850": ["Größe der Tür ist falsch"],
    "cp437": ["Größe der Tür ist falsch"],
    "cp1252": ["Wo ist meine Bestellung? Größe"],
    "cp1257": ["Kur ir mans pasūtījums? Paldies, ļoti", "Ačiū, užsakymas negautas"],
    "mac_turkish": ["Şifremi değiştiremiyorum, yardım edin"],
    "mac_greek": ["Η οθόνη έσπασε"],
}
"""One line each: what a chat or a ticket of a single sentence has to go by."""


@pytest.mark.parametrize(("codec", "text"), [(codec, text) for codec, texts in SHORT.items() for text in texts])
def test_a_single_line_is_read_in_its_encoding(codec: str, text: str) -> None:
    raw = text.encode(codec)
    assert raw.decode(choose(lambda: [raw]).codec) == text


def twice(text: str) -> bytes:
    """What a program makes of UTF-8 that it takes for Windows-1252 and saves as UTF-8."""
    read = "".join(bytes([each]).decode("cp1252", "ignore") or chr(each) for each in text.encode())
    return read.encode()


@pytest.mark.parametrize(
    "text",
    [
        "Très déçue : la théière est fêlée, et l’échange a pris « trois semaines ».",
        "Die Tür der Spülmaschine schließt nicht, Größe „L“ – schade.",
        "Żółta łódka przecieka od początku września, proszę o pomoc.",
        "Кран течёт со вторника, помогите.",
        "ランプが点かない。 Ísafjörður, ár í röð",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["bare", "marked"])
@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_what_was_encoded_twice_is_restored_and_said(text: str, mark: bytes, step: int) -> None:
    data = mark + twice(f"{text}\n" * 3)
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    found = choose(lambda: pieces)
    assert "".join(decoded(pieces, found)) == f"{text}\n" * 3
    assert "encoded twice" in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "CAFÉ» et «CAFÉ», les prix: 3 €",
        "It shows Ã© for é, and â€™ for ’: naïve façade, Zoë, über, señor, crème.",  # who writes about it
        "Ãgua não, São João, pão; Âncora, Âmbar",
        "â ê î ô û – ß “quoted” …",
        "ÀÉÈ ÂÊÎ Ô’Û",
        "Größe °C, 20 °C, à 3 €, ©2026, ×2",
        "đặt hàng từ tuần trước, chưa nhận được",
    ],
)
def test_good_text_is_never_taken_for_text_encoded_twice(text: str) -> None:
    data = f"{text}\n".encode() * 5
    assert "".join(decoded([data], choose(lambda: [data]))) == f"{text}\n" * 5
