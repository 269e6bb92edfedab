"""What passes over the themes moved into a signature and out of it: how a story grew, split or merged."""

from collections import defaultdict

from django.db.models import Q

from pipeline.merge.forest import leaves_of
from pipeline.models import Reassignment, Signature
from pipeline.models.wording import counted
from pipeline.web.admin.base import link_to, moment
from pipeline.web.parts.sections import Section, Table

SHOWN = 20


def passages(root: Signature) -> list[Section]:
    """Return a table of the moves, the newest first: one row a pass and other signature, with one theme's reason."""
    mine = leaves_of([root.pk])
    moved = Reassignment.objects.filter(Q(source__in=mine) | Q(target__in=mine)).order_by("-merge_pass_id", "id")
    found: dict[tuple[int, int, bool], list[Reassignment]] = defaultdict(list)
    related = moved.select_related("merge_pass", "source", "target")
    for one in related.defer("source__vector_sum", "target__vector_sum"):
        came = one.target_id in mine
        if not (came and one.source_id in mine):
            other = one.source_id if came else one.target_id
            found[one.merge_pass_id, other, came].append(one)
    rows = [
        (
            moment(ones[0].merge_pass.created_at),
            counted(len(ones), "theme came from", "themes came from")
            if came
            else counted(len(ones), "theme went to", "themes went to"),
            link_to(ones[0].source if came else ones[0].target),
            ones[0].reason,
        )
        for (_, _, came), ones in list(found.items())[:SHOWN]
    ]
    return [Table("Moved by regrouping", ["When", "What", "Signature", "Reason for one of them"], rows)] if rows else []
