"""API tokens and webhook deliveries."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import CheckboxSelectMultiple, IntegerField, ModelForm, MultipleChoiceField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from pipeline.web.admin.base import PipelineAdmin, link_to, short
from sessions.admin.base import person
from sessions.api.tokens import LIFE, make_token, revoke_token
from sessions.models import ApiToken, Delivery


class NewTokenForm(ModelForm):  # type: ignore[type-arg]  # it takes none when it runs
    """Asks for the name, what it is for and how long it counts; refuses a name that another token has."""

    scopes = MultipleChoiceField(
        choices=ApiToken.Scope.choices, initial=ApiToken.Scope.values, widget=CheckboxSelectMultiple, label="may"
    )
    days = IntegerField(
        min_value=1, max_value=36_500, initial=LIFE.days, required=False, help_text="empty: it never expires"
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scopes"]

    def clean_name(self) -> str:
        """Return the name, if it is free."""
        name: str = self.cleaned_data["name"]
        if any(token.counts(timezone.now()) for token in ApiToken.objects.filter(name=name)):
            raise ValidationError("There is a token of this name. Revoke it first, or take another name.")
        return name


@admin.register(ApiToken)
class ApiTokenAdmin(PipelineAdmin):
    """Tokens are made here and shown once, and revoked; nothing else about them can change."""

    list_display = ["name", "scopes", "made_at", "made_by", "expires_at", "revoked_at", "revoked_by"]
    actions = ["revoke"]
    ordering = ["name", "-made_at"]
    exclude = ["digest"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.add_apitoken")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may revoke; Django asks under this name."""
        return request.user.has_perm("chat.change_apitoken")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Ask for a name, or show the row."""
        return super().get_form(request, obj, change, **kwargs) if obj else NewTokenForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what a new token is asked for, else all but the digest."""
        return self.list_display if obj else ["name", "scopes", "days"]

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Make the token and show it."""
        days = form.cleaned_data["days"]
        life = timedelta(days=days) if days else None
        row, token = make_token(
            name=obj.name, at=timezone.now(), by=person(request), scopes=form.cleaned_data["scopes"], life=life
        )
        obj.pk = row.pk
        messages.warning(request, f"Keep this token now; it is shown only this once: {token}")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        names = [token.name for token in tokens.filter(revoked_at__isnull=True)]
        revoked = [name for name in names if revoke_token(name=name, at=timezone.now(), by=person(request))]
        messages.success(request, f"{len(revoked)} revoked.")


@admin.register(Delivery)
class DeliveryAdmin(PipelineAdmin):
    """What the front end was told by webhook, and what went wrong with it."""

    list_display = ["id", "about", "made_at", "try_count", "next_try_at", "delivered_at", "given_up_at", "problem"]
    list_filter = [("delivered_at", admin.EmptyFieldListFilter), ("given_up_at", admin.EmptyFieldListFilter)]
    list_select_related = ["message"]
    ordering = ["-id"]

    @admin.display(description="message")
    def about(self, delivery: Delivery) -> SafeString | str:
        return link_to(delivery.message)

    @admin.display
    def problem(self, delivery: Delivery) -> str:
        return short(delivery.error)
