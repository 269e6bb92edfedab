"""Pages on which people decide about signatures: a form, then what it would do, then the decision."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pipeline import review
from pipeline.group.current import Size, homes_of, sizes_that_wait
from pipeline.merge.forest import roots_of
from pipeline.merge.rules.normalise import normal_form
from pipeline.models import Decision, Orphan, Signature, Story, Theme
from pipeline.models.wording import counted
from pipeline.review import DecisionRefused
from pipeline.web.admin.base import badge, day, link_to, short, url_of
from pipeline.web.parts.evidence import quoted
from pipeline.web.parts.figures import themes_of_root
from pipeline.web.parts.sections import Facts, Links, Note, Quotes, Section, Table

RIGHT = "pipeline.change_signature"
"""What a person must be allowed to take decisions about signatures and to undo them."""

SUGGESTED = 12
"""Nearest signatures that are suggested where another one is to be named."""

MOST_CHOICES = 300
"""Conversations to choose from on a split's page, the newest first."""


class NamedSignature(forms.CharField):
    """A signature of the profile by any spelling of its name, with the nearest ones as suggestions."""

    def __init__(self, label: str, help_text: str = "") -> None:
        super().__init__(label=label, help_text=help_text, max_length=200)
        self.widget.attrs |= {"class": "vTextField", "list": "nearest", "autocomplete": "off", "autofocus": True}
        self.profile = ""

    def clean(self, value: object) -> Any:
        """Return the signature; ValidationError if the profile has none of that name."""
        found = Signature.objects.filter(profile=self.profile, normal_form=normal_form(super().clean(value)))
        if signature := found.defer("vector_sum").first():
            return signature
        raise forms.ValidationError(f"The profile {self.profile} has no signature with this name.")


class DecisionForm(forms.Form):
    """What a person fills in to decide about a row. `decide` takes the decision; what is refused raises there."""

    title = ""
    button = ""
    explanation = ""
    reason = forms.CharField(
        required=False, max_length=500, help_text="Visible to others in the list of decisions.",
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
    )  # fmt: skip
    field_order: Sequence[str] | None = None

    def __init__(self, row: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row
        for field in self.fields.values():
            if isinstance(field, NamedSignature):
                field.profile = row.profile

    def suggestions(self) -> list[Signature]:
        """Return the signatures that are offered where one is to be named."""
        signature = self.row.signature if isinstance(self.row, Theme) else self.row
        named = any(isinstance(field, NamedSignature) for field in self.fields.values())
        return review.nearest_signatures(signature, SUGGESTED) if named and signature else []

    def effect(self) -> list[Section]:
        """Return what the decision would change, for the person who confirms it. The form is valid."""
        return []

    def decide(self, by: Any) -> Sequence[Decision]:
        """Take the decision. Opens a transaction; raises DecisionRefused. The form is valid."""
        raise NotImplementedError


class MergeForm(DecisionForm):
    title = "Merge with another signature"
    button = "Merge"
    explanation = (
        "Both names will mean the same problem, now and in later runs. Their stories are combined; nothing is lost."
    )
    other = NamedSignature("The other signature")
    keeps_its_name = forms.ChoiceField(
        label="Which name to keep",
        choices=[("other", "the other one"), ("this", "this one")],
        widget=forms.RadioSelect,
        initial="other",
    )
    field_order = ["other", "keeps_its_name", "reason"]

    def effect(self) -> list[Section]:
        """Return both sides, and which name stays."""
        child, parent = self._sides()
        return [Note(f"“{child}” will become “{parent}”."), *_beside([child, parent])]

    def decide(self, by: Any) -> Sequence[Decision]:
        """Merge."""
        child, parent = self._sides()
        return [review.merge_signatures(child=child, parent=parent, by=by, reason=self.cleaned_data["reason"])]

    def _sides(self) -> tuple[Signature, Signature]:
        pair = (self.row, self.cleaned_data["other"])
        return pair if self.cleaned_data["keeps_its_name"] == "other" else (pair[1], pair[0])


class VetoForm(DecisionForm):
    title = "Keep apart from another signature"
    button = "Never merge these two"
    explanation = "Neither a rule nor a person can merge these two, now or in later runs, until the veto is undone."
    other = NamedSignature("The other signature")
    field_order = ["other", "reason"]

    def effect(self) -> list[Section]:
        """Return both sides."""
        return _beside([self.row, self.cleaned_data["other"]])

    def decide(self, by: Any) -> Sequence[Decision]:
        """Veto."""
        reason = self.cleaned_data["reason"]
        return [review.veto(first=self.row, second=self.cleaned_data["other"], by=by, reason=reason)]


class RenameForm(DecisionForm):
    title = "Rename"
    button = "Rename"
    explanation = "Conversations with either the old or the new name will be found under it."
    name = forms.CharField(
        label="New name", max_length=180, widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True})
    )
    field_order = ["name", "reason"]

    def decide(self, by: Any) -> Sequence[Decision]:
        """Rename."""
        name, reason = self.cleaned_data["name"], self.cleaned_data["reason"]
        return [review.rename_signature(signature=self.row, name=name, by=by, reason=reason)]


class SplitForm(DecisionForm):
    title = "Split"
    button = "Split"
    explanation = (
        "Choose the conversations that are about another problem and name it, or split it wherever its "
        "conversations are less similar than a threshold. Later conversations go to whichever part is more similar."
    )
    name = forms.CharField(
        label="Name for the chosen conversations",
        required=False,
        max_length=180,
        widget=forms.TextInput({"class": "vTextField"}),
    )
    conversations = forms.TypedMultipleChoiceField(
        required=False, coerce=int, choices=(), widget=forms.CheckboxSelectMultiple
    )
    threshold = forms.FloatField(
        required=False, min_value=-1, max_value=1,
        help_text="A cosine; 0.5 is a good start, higher values make more parts. The largest part keeps the name.",
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )  # fmt: skip
    field_order = ["name", "conversations", "threshold", "reason"]

    def __init__(self, row: Signature, *args: Any, **kwargs: Any) -> None:
        super().__init__(row, *args, **kwargs)
        cast(Any, self.fields["conversations"]).choices = _conversation_choices(row)

    def clean(self) -> dict[str, Any]:
        """Ask for either conversations with a name, or a threshold."""
        given: dict[str, Any] = super().clean() or {}
        chosen, name, threshold = given.get("conversations"), given.get("name"), given.get("threshold")
        if (threshold is None) == (not chosen):
            raise forms.ValidationError("Either choose conversations or give a threshold, not both.")
        if chosen and not name:
            self.add_error("name", "What are the chosen conversations about?")
        return given

    def effect(self) -> list[Section]:
        """Return the parts."""
        threshold = self.cleaned_data["threshold"]
        if threshold is None:
            leave = counted(len(self.cleaned_data["conversations"]), "conversation leaves", "conversations leave")
            return [Note(f"{leave} “{self.row}”.")]
        parts = review.parts_inside(self.row, threshold)
        rows = [
            (f"stays {self.row}" if number == 0 else "leaves", len(part), short(part[0].summary, 100))
            for number, part in enumerate(parts)
        ]
        title = f"{counted(len(parts), 'part')} at {threshold:g}"
        return [Table(title, ["", "Themes", "For example"], rows, numbers=[1])]

    def decide(self, by: Any) -> Sequence[Decision]:
        """Split, by choice or by threshold."""
        given = self.cleaned_data
        if given["threshold"] is not None:
            threshold, reason = given["threshold"], given["reason"]
            return review.split_by_threshold(signature=self.row, threshold=threshold, by=by, reason=reason)
        chosen, name = given["conversations"], given["name"]
        split = review.split_signature(
            signature=self.row, conversations=chosen, name=name, by=by, reason=given["reason"]
        )
        return [split]


class MoveForm(DecisionForm):
    title = "Move to another signature"
    button = "Move"
    explanation = "From now on this theme counts under that signature; a later reading with the same name follows it."
    other = NamedSignature("Where it belongs")
    field_order = ["other", "reason"]

    def effect(self) -> list[Section]:
        """Return where it goes."""
        return _beside([self.cleaned_data["other"]])

    def decide(self, by: Any) -> Sequence[Decision]:
        """Move."""
        reason = self.cleaned_data["reason"]
        return [review.move_theme(theme=self.row, target=self.cleaned_data["other"], by=by, reason=reason)]


# --- Pieces -------------------------------------------------------------------------------------------------------


def _conversation_choices(signature: Signature) -> list[tuple[int, SafeString]]:
    choices: dict[int, SafeString] = {}
    for theme in themes_of_root(signature)[:MOST_CHOICES]:
        quote = next((evidence.quote for evidence in theme.evidence.all()), theme.summary)
        text = format_html(
            "<strong>{}</strong> {} {}", theme.conversation.external_id, day(theme.conversation.occurred_at),
            short(quote, 140),
        )  # fmt: skip
        choices.setdefault(theme.conversation_id, text)
    return list(choices.items())


def _beside(signatures: Sequence[Signature]) -> list[Section]:
    """Return each signature's root with its home, its size and two quotes, for people to compare."""
    ids = [signature.pk for signature in signatures]
    roots = roots_of(ids)
    sizes = sizes_that_wait([root.pk for root in roots.values()])
    homes = homes_of([root.pk for root in roots.values()])
    sections: list[Section] = []
    for signature in signatures:
        root = roots.get(signature.pk, signature)
        size = sizes.get(root.pk, Size())
        rows = [
            ("Home", _home(homes.get(root.pk))),
            ("Conversations", size.conversations),
            ("Customers", size.customers),
        ]
        themes = list(themes_of_root(root)[:2])
        sections += [
            Facts(rows, title=str(root)),
            Quotes("In their words", [quoted(t, t.conversation) for t in themes]),
        ]
    return sections


def _home(home: Story | Orphan | None) -> object:
    if home is None:
        return "-"
    return format_html("{} {}", link_to(home), badge(home.status if isinstance(home, Story) else home.reason))


# --- The pages ----------------------------------------------------------------------------------------------------

FORMS: dict[str, type[DecisionForm]] = {
    "merge": MergeForm,
    "split": SplitForm,
    "rename": RenameForm,
    "veto": VetoForm,
    "move": MoveForm,
}


def refuse_strangers(request: HttpRequest) -> None:
    """Raise PermissionDenied unless the person may decide about signatures."""
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied(f"decisions about signatures need the permission {RIGHT}")


def page_for(kind: str, model: type[Model]) -> Callable[..., HttpResponse]:
    """Return the view of one kind of decision about a row of the model."""

    def view(request: HttpRequest, object_id: str) -> HttpResponse:
        refuse_strangers(request)
        row = get_object_or_404(model, pk=object_id)
        return _ask(request, FORMS[kind], row)

    return admin.site.admin_view(view)


def _ask(request: HttpRequest, form_class: type[DecisionForm], row: Any) -> HttpResponse:
    """Show the form; once it is filled in, what it would do; once that is confirmed, do it."""
    if request.method != "POST":
        return _page(request, form_class(row, initial=request.GET.dict()), row)
    form = form_class(row, request.POST)
    # three steps with one address: what was filled in goes along as hidden fields, so that back loses nothing
    if not form.is_valid() or "_back" in request.POST:
        return _page(request, form, row)
    try:
        if "_confirmed" not in request.POST:
            return _page(request, form, row, form.effect())
        decisions = form.decide(request.user)
    except DecisionRefused as refused:
        form.add_error(None, str(refused))
        return _page(request, form, row)
    for decision in decisions:
        tell(request, [row], f"{decision._meta.verbose_name}: {decision}", decision)
    return HttpResponseRedirect(url_of(row))


def _page(request: HttpRequest, form: DecisionForm, row: Any, effect: Sequence[Section] | None = None) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": f"{form.title}: {row}",
        "opts": row._meta,
        "row": row,
        "back": url_of(row),
        "form": form,
        "sections": effect or [],
        "is_confirmation": effect is not None,
        "suggestions": [] if effect is not None else form.suggestions(),
    }
    return TemplateResponse(request, "admin/pipeline/decide.html", context)


def tell(request: HttpRequest, rows: Sequence[Model], text: str, decision: Decision) -> None:
    """Say on the next page what was decided, with a link to undo it, and write it into the history of these rows."""
    person, decided = cast(int, request.user.pk), cast(Any, rows)
    LogEntry.objects.log_actions(person, decided, CHANGE, text)
    messages.success(request, format_html('{}. <a href="{}">View or undo</a>', text, url_of(decision)))


def decision_links(row: Signature | Theme, request: HttpRequest) -> list[Section]:
    """Return the decisions a person may take about the row, as links; none to whom may not decide."""
    if not request.user.has_perm(RIGHT):
        return []
    kinds = ["move"] if isinstance(row, Theme) else ["merge", "split", "rename", "veto"]
    base = url_of(row).removesuffix("change/")
    return [Links([(f"{base}{kind}/", FORMS[kind].title) for kind in kinds])]
