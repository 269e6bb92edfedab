"""The pages where people review: Home, stories, orphans, customers, companies, books, runs. A file a noun.

Views only ask and show. What a person decides goes through `pipeline.review`, and runs through `pipeline.runs.start`.
"""

from collections.abc import Callable

from django.http import HttpResponse

Address = tuple[str, str, Callable[..., HttpResponse]]
"""Where a page is below /admin/, its name, and its view."""


def addresses() -> list[Address]:
    """Return the pages' addresses, in the order in which they are tried."""
    from pipeline.web.pages import (
        acting,
        companies,
        conversation,
        customers,
        exports,
        figures,
        home,
        new_run,
        orphans,
        review,
        runs,
        schedules,
        search,
        stories,
        story,
        theme_map,
    )

    reading = (home, stories, story, review, orphans, search, conversation, customers, exports)
    more = (companies, figures, theme_map)
    pages = (acting, *reading, *more, new_run, schedules, runs)
    return [address for each in pages for address in each.ADDRESSES]
