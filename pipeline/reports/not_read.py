"""What readers did not read of conversations that are too long for them: their answers say it."""

from django.db.models import QuerySet

from pipeline.extract.themes import Reading
from pipeline.models import Call, Item


def not_read_of(items: QuerySet[Item]) -> dict[int, str]:
    """Return in words what was not read of each of these items, by id; those that were read whole are left out."""
    answers = Call.objects.filter(item__in=items, answer__contains='"left_out"').order_by("id")
    found = {item: _left_out(answer) for item, answer in answers.values_list("item_id", "answer").iterator(2000)}
    return {item: said for item, said in found.items() if said}


def _left_out(answer: str) -> str:
    try:
        return Reading.model_validate_json(answer).left_out
    except ValueError:  # an answer that could not be parsed; the item says so
        return ""
