"""The health page's place in the admin."""

from sessions.models.session import Session


class SessionHealth(Session):
    """No row of its own: it gives the health page a line in the admin's menu, and a permission to look at it."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = verbose_name_plural = "health"
