"""The source of watched pages, `websites:companies`: a run plans them from the companies and fetches them itself."""

from pipeline.sources.companies.sync import NAME
from pipeline.sources.records import Rows, UnreadableSource


class WebsitesSource:
    """The pages of the companies that `manage.py companies sync` brought in. Nothing is imported from it."""

    kind = "websites"
    is_live = False
    default_profile = "company"

    def __init__(self, name: str = NAME) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def records(self) -> Rows:
        """Raise UnreadableSource: pages are fetched by the run that reads them."""
        raise UnreadableSource(f"{self} is fetched by a run; start one with `./manage.py run_pipeline websites`")
