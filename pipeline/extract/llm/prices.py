"""What a call costs, by its own usage: by the prices in the package genai-prices, which asks nobody, or LLM_PRICES.

Prices have tiers and cached tokens are cheaper, so each call is priced, not their sum. A price nobody knows is unknown,
never nothing.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings

from pipeline.extract.llm.answers import Usage
from pipeline.extract.llm.endpoint import Target

MILLION = Decimal(1_000_000)


def cost_of(usage: Usage, target: Target, *, discount: Decimal = Decimal(1)) -> Decimal | None:
    """Return what a call with this usage costs in US dollars; None if the price, or the usage, is not known.

    LLM_PRICES (dollars per million tokens: input, output, cached) beats the package. `discount` is what part of the
    price is to be paid, as for a batch.
    """
    if not usage.is_known:
        return None
    if own := settings.LLM_PRICES:
        return _by_own_prices(usage, own) * discount
    from genai_prices import Usage as PricedUsage  # half a second that only those who ask a model have to spend
    from genai_prices import calc_price

    try:
        tokens = PricedUsage(
            input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cache_read_tokens=usage.cached_tokens
        )
        found = calc_price(tokens, target.model, provider_api_url=target.base_url)
    except (LookupError, ValueError):
        return None
    return Decimal(found.total_price) * discount


def _by_own_prices(usage: Usage, prices: Mapping[str, Any]) -> Decimal:
    fresh = usage.input_tokens - usage.cached_tokens
    cached = Decimal(str(prices.get("cached", prices["input"])))
    parts = (
        fresh * Decimal(str(prices["input"])), usage.cached_tokens * cached,
        usage.output_tokens * Decimal(str(prices["output"])),
    )  # fmt: skip
    return sum(parts, Decimal(0)) / MILLION


def most_of(input_tokens: int, output_tokens: int, target: Target) -> Decimal | None:
    """Return what a call of so many tokens costs if nothing is cached; None if the price is not known."""
    return cost_of(Usage(input_tokens, output_tokens, 0, is_known=True), target)
