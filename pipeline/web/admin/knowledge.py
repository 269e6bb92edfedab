"""What people tell the readers beforehand, to read and to write: vocabularies and documents about the product."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from pipeline.extract.knowledge import BadVocabulary, store_documents, store_vocabulary, vocabulary_of
from pipeline.models import ContextDocument, VocabularyVersion
from pipeline.models.wording import counted
from pipeline.web.admin.base import PipelineAdmin, WholePageAdmin, moment, short
from pipeline.web.parts.sections import Facts, Section, Table

SHOWN = 500
"""Entries on a vocabulary's page; the command `vocabulary` writes out all of them."""


def _profiles() -> list[tuple[str, str]]:
    return [(name, name) for name in settings.PROFILES]


class VocabularyForm(forms.ModelForm):  # type: ignore[type-arg]  # it takes none when it runs
    """The next version of a profile's vocabulary."""

    class Meta:
        model = VocabularyVersion
        fields = ("profile", "content", "is_strict")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["profile"] = forms.ChoiceField(choices=_profiles())

    def clean(self) -> dict[str, Any]:
        """Refuse what no reader could use, in the words of the command."""
        found: dict[str, Any] = super().clean() or {}
        if isinstance(content := found.get("content"), dict):
            try:
                vocabulary_of(content, is_strict=bool(found.get("is_strict")))
            except BadVocabulary as error:
                raise forms.ValidationError(str(error)) from error
        elif "content" in found:
            raise forms.ValidationError("the content is an object: {entries, distinctions, areas}")
        return found


@admin.register(VocabularyVersion)
class VocabularyAdmin(PipelineAdmin):
    """The names a profile knows, version by version. A new one is added; what runs have read with is never changed."""

    form = VocabularyForm
    list_display = ["__str__", "is_strict", "size", "created_by", "when"]
    list_filter = ["profile"]
    ordering = ["profile", "-number"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("pipeline.add_vocabularyversion")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the form for a new one; of a stored one the sections say it all."""
        return [] if obj else super().get_fieldsets(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store it as the next version, as the command does."""
        made = store_vocabulary(
            profile=obj.profile, content=obj.content, is_strict=obj.is_strict, by=request.user
        )  # fmt: skip
        obj.pk, obj.number = made.pk, made.number

    @admin.display(description="names")
    def size(self, version: VocabularyVersion) -> int:
        return len(version.content.get("entries", []))

    @admin.display(description="when", ordering="created_at")
    def when(self, version: VocabularyVersion) -> SafeString | str:
        return moment(version.created_at)

    def sections(self, request: HttpRequest, row: VocabularyVersion | None) -> list[Section]:
        """Return the entries, the terms that are easily confused, and which addresses hint at which area."""
        if row is None:
            return []
        content = row.content
        entries = [
            (one["key"], one.get("area", ""), one.get("description", ""), ", ".join(one.get("examples", [])))
            for one in content.get("entries", [])[:SHOWN]
        ]
        left = len(content.get("entries", [])) - len(entries)
        told = [(" / ".join(one["terms"]), one["how"]) for one in content.get("distinctions", [])]
        return [
            Facts([("Mode", "strict: only known names" if row.is_strict else "open: new names are welcome")]),
            Table("Names", ["Name", "Area", "Means", "Examples"], entries, more=f"and {left} more" if left > 0 else ""),
            Table("Terms that are easily confused", ["Terms", "How they differ"], told),
            Table("Addresses", ["Pattern", "Area"], list(content.get("areas", {}).items())),
        ]


class DocumentForm(forms.ModelForm):  # type: ignore[type-arg]  # it takes none when it runs
    """A document that readers may consult; one of the same name is replaced."""

    class Meta:
        model = ContextDocument
        fields = ("profile", "name", "area", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["profile"] = forms.ChoiceField(choices=_profiles())


@admin.register(ContextDocument)
class DocumentAdmin(WholePageAdmin):
    """Documents about the product. They may be added, replaced and taken away: readings keep what they said of them."""

    form = DocumentForm
    list_display = ["name", "profile", "area", "length", "begins", "when"]
    list_filter = ["profile"]
    search_fields = ["name", "text"]
    ordering = ["profile", "name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("pipeline.add_contextdocument")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("pipeline.change_contextdocument")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("pipeline.delete_contextdocument")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the form."""
        return [(None, {"fields": ("profile", "name", "area", "text")})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store it as the command does; under another name it is another document, and the earlier one goes."""
        before = obj.pk
        store_documents(profile=obj.profile, documents=[(obj.name, obj.area, obj.text)])
        obj.pk = ContextDocument.objects.get(profile=obj.profile, name=obj.name).pk
        if before and before != obj.pk:
            ContextDocument.objects.filter(pk=before).delete()

    @admin.display(description="length")
    def length(self, document: ContextDocument) -> str:
        return counted(len(document.text), "character")

    @admin.display(description="begins")
    def begins(self, document: ContextDocument) -> str:
        return short(document.text)

    @admin.display(description="stored", ordering="stored_at")
    def when(self, document: ContextDocument) -> SafeString | str:
        return moment(document.stored_at)
