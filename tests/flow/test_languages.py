"""Runs over several languages, from the source to orphans and screens."""
# ruff: noqa: RUF001 - letters of many alphabets

import pytest
from django.test import Client

from pipeline.models import Item, Orphan, Story, Theme
from pipeline.reports.summary import run_summary
from tests.support.seeding import finish, seed, start

HEBREW = [
    f"שלום, {problem} (פנייה {number})"
    for number in ("ראשונה", "שנייה", "שלישית", "רביעית")
    for problem in ("החיוב בכרטיס שלי בוצע פעמיים", "הסיסמה שלי לא עובדת מאתמול", "החבילה עדיין לא הגיעה אליי הביתה")
]
ENGLISH = [
    f"I was charged twice for my subscription {when}, please refund the second payment."
    for when in ("in March", "this week", "last Monday", "yesterday", "on Friday", "again")
]


@pytest.mark.django_db
def test_what_the_model_cannot_read_waits_for_one_that_can_and_is_never_one_lump(admin_client: Client) -> None:
    run = finish(start(seed(HEBREW + ENGLISH), "local"))
    assert run.state == "needs_attention"
    assert run.attention == (
        "12 of 18 conversations are in a language that the model cannot read (Hebrew 12); they wait as orphans. "
        "To read them, run ./manage.py get_model multilingual, set EMBEDDING_MODEL=multilingual and run "
        "./manage.py reembed support"
    )
    waiting = Orphan.objects.filter(reason="language")
    assert waiting.count() == 12
    details = list(waiting.values_list("detail", flat=True))
    assert all(detail.startswith("needs a model that reads its language (Hebrew); needs 2 more") for detail in details)
    assert not Story.objects.filter(evidence__theme__in=Theme.objects.exclude(unread_language="")).exists()
    assert Story.objects.filter(evidence__isnull=False).exists()
    assert run_summary(run).languages == {"he": 12, "en": 6}
    assert Item.objects.filter(language="he").count() == 12

    page = admin_client.get("/admin/pipeline/conversation/", {"language": "he"}).content.decode()
    assert "Hebrew" in page
    assert "12 conversations" in page
    assert "English" in page
    assert "Hebrew 12, English 6" in admin_client.get(f"/admin/pipeline/run/{run.pk}/change/").content.decode()


@pytest.mark.django_db
def test_a_few_of_another_language_need_no_attention() -> None:
    run = finish(start(seed(HEBREW[:1] + ENGLISH * 3), "local"))
    assert (run.state, run.attention) == ("completed", "")
    assert Orphan.objects.get(reason="language").signature.key


@pytest.mark.django_db
def test_the_very_same_words_are_one_orphan_and_no_story() -> None:
    finish(start(seed([HEBREW[0]] * 4 + ENGLISH), "local"))
    orphan = Orphan.objects.get(reason="language")
    assert orphan.signature.size == 4
    assert Story.objects.filter(signature=orphan.signature).count() == 0


@pytest.mark.django_db
def test_japanese_names_keep_their_voiced_marks() -> None:
    finish(start(seed(["パスワードを忘れてログインできません。", "ポイントがまだ付与されていません。"]), "local"))
    keys = set(Theme.objects.values_list("signature__key", flat=True))
    assert keys == {"パスワードを忘れてログインできません", "ポイントがまだ付与されていません"}


THREE_PROBLEMS = {
    "ar": (
        "تم خصم المبلغ من بطاقتي مرتين هذا الشهر",
        "كلمة المرور الخاصة بي لا تعمل منذ أمس",
        "لم تصل الشحنة إلى منزلي بعد",
    ),
    "el": (
        "Χρεώθηκα δύο φορές για τη συνδρομή μου",
        "Ο κωδικός μου δεν λειτουργεί από χθες",
        "Το δέμα μου δεν έχει φτάσει",
    ),
    "ko": (
        "이번 달에 카드가 두 번 결제되었습니다",
        "어제부터 비밀번호가 작동하지 않습니다",
        "소포가 아직 집에 도착하지 않았습니다",
    ),
    "th": (
        "บัตรของฉันถูกหักเงินสองครั้ง",
        "รหัสผ่านของฉันใช้ไม่ได้ตั้งแต่เมื่อวาน",
        "พัสดุยังไม่มาถึงบ้านของฉัน",
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("language", THREE_PROBLEMS)
def test_no_language_is_one_lump_or_loses_a_letter(language: str) -> None:
    texts = [f"{problem} {number}." for number in ("1", "2", "3") for problem in THREE_PROBLEMS[language]]
    run = finish(start(seed(texts), "local"))
    assert run.state == "needs_attention"
    assert Story.objects.count() == 0
    assert set(Item.objects.values_list("language", flat=True)) == {language}
    said = "".join(THREE_PROBLEMS[language]).lower()
    for key in Theme.objects.values_list("signature__key", flat=True):
        assert all(word.isdigit() or word in said for word in key.split("_")), key
