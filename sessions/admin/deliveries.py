"""What the front end is told by webhook."""

from django.contrib import admin
from django.utils.safestring import SafeString

from pipeline.web.admin.base import PipelineAdmin, link_to, short
from sessions.models import Delivery


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
