"""What is found by walking down from some roots is what the view of all roots says."""

import pytest
from django.utils import timezone

from pipeline.merge.forest import leaves_of
from pipeline.models import Signature, SignatureRoot
from pipeline.models.signature import Merge
from tests.support.factories import MergeFactory, SignatureFactory


@pytest.mark.django_db
def test_leaves_are_those_of_the_view() -> None:
    names = [SignatureFactory(key=f"name_{number}") for number in range(9)]
    # 0 <- 1 <- 2 and 0 <- 3 by rules and by a person; 4 <- 5 was undone; 6 <- 7; 8 stands alone
    for child, parent, rule in ((1, 0, "meaning"), (2, 1, Merge.PERSON), (3, 0, Merge.PERSON), (7, 6, "meaning")):
        MergeFactory(child=names[child], parent=names[parent], rule=rule)
    MergeFactory(child=names[5], parent=names[4], undone_at=timezone.now())

    for asked in ([0], [1], [0, 1, 4], [5, 6, 8], []):
        wanted = [names[number].pk for number in asked]
        seen = SignatureRoot.objects.filter(root__in=wanted).values_list("signature_id", "root_id")
        assert leaves_of(wanted) == dict(seen)
    assert leaves_of([names[0].pk]).keys() == {names[number].pk for number in range(4)}
    assert leaves_of(list(Signature.objects.values_list("pk", flat=True))).keys() == {name.pk for name in names}
