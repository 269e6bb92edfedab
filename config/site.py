"""Which admin site Django makes: ours, with the pages where people review."""

from django.contrib.admin.apps import SimpleAdminConfig


class LeitmotifAdminConfig(SimpleAdminConfig):
    """Django's admin app with our site in the place of its own.

    What is shown there is registered when addresses are first needed (`config.urls`): workers and commands need none,
    and would spend a third of their start on it.
    """

    default_site = "pipeline.web.site.LeitmotifSite"
