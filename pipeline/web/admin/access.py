"""Tokens of the API: made and revoked by administrators."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple, IntegerField, ModelForm, MultipleChoiceField
from django.http import HttpRequest
from django.utils import timezone

from pipeline.access import LIFE, make_token, revoke_token
from pipeline.models import ApiToken
from pipeline.web.admin.base import PipelineAdmin


class NewTokenForm(ModelForm):  # type: ignore[type-arg]  # it takes none when it runs
    """Asks for the name, what it is for, for whom and how long it counts; refuses a name that another token has."""

    scopes = MultipleChoiceField(
        choices=ApiToken.Scope.choices, initial=[ApiToken.Scope.READ], widget=CheckboxSelectMultiple, label="may"
    )
    days = IntegerField(
        min_value=1, max_value=36_500, initial=LIFE.days, required=False, help_text="empty: it never expires"
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scopes", "acts_for"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people: Any = self.fields["acts_for"]
        people.queryset = get_user_model()._default_manager.filter(is_active=True).order_by("username")

    def clean_name(self) -> str:
        """Return the name, if it is free."""
        name: str = self.cleaned_data["name"]
        others = ApiToken.objects.filter(name=name, revoked_at__isnull=True).exclude(expires_at__lte=timezone.now())
        if others.exists():
            raise ValidationError("There is already a token with this name. Revoke it first, or choose another name.")
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse scopes that change something for nobody."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        changing = set(found.get("scopes", [])) & set(ApiToken.CHANGES)
        if changing and not found.get("acts_for"):
            self.add_error("acts_for", f"A token for {' and '.join(sorted(changing))} acts for somebody: say for whom.")
        return found


@admin.register(ApiToken)
class ApiTokenAdmin(PipelineAdmin):
    """Tokens are made here and shown once, and revoked; nothing else about them can change."""

    list_display = ["name", "scopes", "acts_for", "made_at", "made_by", "expires_at", "revoked_at", "revoked_by"]
    list_select_related = ["acts_for"]
    actions = ["revoke"]
    ordering = ["name", "-made_at"]
    exclude = ["digest"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("pipeline.add_apitoken")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may revoke; Django asks under this name."""
        return request.user.has_perm("pipeline.change_apitoken")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Ask for a name, or show the row."""
        return super().get_form(request, obj, change, **kwargs) if obj else NewTokenForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what a new token is asked for, else all but the digest."""
        return self.list_display if obj else ["name", "scopes", "acts_for", "days"]

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Make the token and show it."""
        days = form.cleaned_data["days"]
        row, token = make_token(
            name=obj.name,
            at=timezone.now(),
            by=request.user.get_username(),
            scopes=form.cleaned_data["scopes"],
            acts_for=form.cleaned_data["acts_for"],
            life=timedelta(days=days) if days else None,
        )
        obj.pk = row.pk
        messages.warning(request, f"Copy this token now; it will not be shown again: {token}")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        names = [token.name for token in tokens.filter(revoked_at__isnull=True)]
        by = request.user.get_username()
        revoked = [name for name in names if revoke_token(name=name, at=timezone.now(), by=by)]
        messages.success(request, f"{len(revoked)} revoked.")
