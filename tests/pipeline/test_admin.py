import pytest
from tests import factories as f
from pipeline.models import *
from django.db import connection
pytestmark = pytest.mark.django_db

def test_all():
    t=f.ThemeFactory(); e=t.evidence.get(); assert e.version.text[e.start:e.end]==e.quote; assert t.item.conversation==t.conversation and t.run.source==t.conversation.source and t.item.run==t.run
    c=f.ConversationFactory(text="Sync is broken"); assert c.current_version.text=="Sync is broken"
    s=f.StoryFactory(conversations=5); assert s.evidence.count()==5; print(s, s.signature, [x.theme.raw_signature for x in s.evidence.all()], [x.theme.evidence.get().quote for x in s.evidence.all()])
    assert f.StoryFactory(conversations__confidence=0.1).evidence.first().theme.confidence==0.1
    o=f.OrphanFactory(); print(o, o.signature.themes.count()); f.OrphanFactory(conversations=2)
    m=f.MergeFactory(); f.MergeFactory(child=o.signature,parent=m.parent); print(m.reason)
    assert o.signature.root_link.root==m.parent
    for st in Item.State.values: f.ItemFactory(state=st)
    for st in Run.State.values: r=f.RunFactory(state=st)
    f.CallFactory(); f.RegistryFactory(); f.alice(); b=f.bob(); f.charlie(); f.alice()
    assert b.has_perm("pipeline.change_story") and not b.has_perm("pipeline.change_theme")
    assert b.check_password("password")
    assert f.ThemeFactory(quote=None).evidence.count()==0
    f.EvidenceFactory(); f.ConversationVersionFactory(); f.StoryEvidenceFactory()
