"""Support conversations: what goes wrong, what is asked for, what people cannot find out alone."""

from dataclasses import replace

from pipeline.extract.profiles import Category, Gate, Profile
from pipeline.extract.profiles.support_prompt import PROMPT

SUPPORT = Profile(
    name="support",
    version="support-1",
    categories=(
        Category("product_issue", True, "something does not work as it should"),
        Category("how_to_question", True, "how to do something with the product"),
        Category("feature_request", True, "something the product cannot do yet"),
        Category("account_issue", True, "signing in, access, passwords, invitations"),
        Category("billing_question", True, "charges, refunds, invoices, plans"),
        Category("configuration_help", True, "settings that must be put right"),
        Category("general_inquiry", False, "greetings, thanks, small talk without a request"),
        Category("spam", False, "unasked offers and fraud"),
    ),
    gate=Gate(),
    prompt=PROMPT,
)

SAMPLE = replace(SUPPORT, name="sample")
"""The same for the bundled, invented conversations: a profile of their own keeps their stories apart from real ones."""
