"""Why a conversation is where it is, in sentences: from how it was read, over its themes, to the story or orphan."""

from collections.abc import Sequence

from pipeline.group.current import homes_of
from pipeline.merge.forest import roots_of
from pipeline.models import Conversation, Item, Merge, Orphan, Story, Theme
from pipeline.models.wording import counted, words

RULES = {
    "own_name": "it has a signature of its own",
    "name": "its name is the same as the signature's",
    "registry": "the name was already known",
    "meaning": "its meaning is close to the signature's",
    Merge.PERSON: "a decision put it there",
}
"""What the rule that assigned a theme means."""


def why_here(conversation: Conversation, item: Item | None, themes: Sequence[Theme]) -> list[str]:
    """Return what became of the conversation, step by step; two questions."""
    if item is None:
        return ["No run has read it yet."]
    reason = f": {item.reason}" if item.reason else ""
    told = [f"Run {item.run_id} {_READ[Item.State(item.state)]}{reason}."]
    newest = [theme for theme in themes if theme.run_id == max((t.run_id for t in themes), default=0)]
    if not newest:
        return [*told, "No theme was found in it."] if item.state == Item.State.EXTRACTED else told
    roots = roots_of([theme.signature_id for theme in newest if theme.signature_id])
    homes = homes_of([root.pk for root in roots.values()])
    for theme in newest:
        told.append(_theme(theme, roots.get(theme.signature_id or 0), homes))
    return told


_READ = {
    Item.State.EXTRACTED: "read it and found something",
    Item.State.FILTERED: "read it and filtered it out",
    Item.State.SKIPPED: "did not read it again",
    Item.State.FAILED: "could not read it",
    Item.State.PENDING: "will read it",
    Item.State.READING: "is reading it",
}


def _theme(theme: Theme, root: object, homes: dict[int, Story | Orphan]) -> str:
    said = f"“{theme.summary[:160]}” was named {theme.raw_signature}"
    if theme.signature is None or root is None:
        return f"{said}; it has no signature yet."
    key, pk = getattr(root, "key", ""), getattr(root, "pk", 0)
    rule = RULES.get(theme.signature_rule, f"rule {words(theme.signature_rule)}" if theme.signature_rule else "")
    score = f", cosine {theme.signature_score:.2f}" if theme.signature_score is not None else ""
    means = f"{said} and assigned to {key} ({rule}{score})" if rule else f"{said} and assigned to {key}"
    home = homes.get(pk)
    if isinstance(home, Story):
        return f"{means}, which is the story “{home.title}” ({words(home.status)})."
    if isinstance(home, Orphan):
        short = home.missing_conversations
        need = f", {counted(short, 'conversation')} short of a story" if short else ""
        return f"{means}, which waits as an orphan: {home.detail}{need if need and 'needs' not in home.detail else ''}."
    return f"{means}, which is neither a story nor an orphan."
