"""Support conversations: what goes wrong, what is asked for, what people cannot find out alone."""

from dataclasses import replace

from pipeline.extract.knowledge import prepare
from pipeline.extract.profiles import Category, Facet, Gate, Profile
from pipeline.extract.profiles.plain import prompt_for

CATEGORIES = (
    Category("product_issue", True, "something does not work as it should"),
    Category("how_to_question", True, "how to do something with the product"),
    Category("feature_request", True, "something the product cannot do yet"),
    Category("account_issue", True, "signing in, access, passwords, invitations"),
    Category("billing_question", True, "charges, refunds, invoices, plans"),
    Category("configuration_help", True, "settings that must be put right"),
    Category("general_inquiry", False, "greetings, thanks, small talk without a request"),
    Category("spam", False, "unasked offers and fraud"),
)

FACETS = (
    Facet("product_area", "the part of the product, in one to three words"),
    Facet("component", "the single function or screen, in one to three words"),
    Facet("intent", "what the customer wants to get done, in a few words"),
    Facet("symptoms", "what the customer sees happen, in a few words"),
    Facet("sentiment", "how the customer sounds about it", ("positive", "neutral", "frustrated", "angry")),
    Facet("severity", "what it keeps the customer from", ("low", "medium", "high", "critical")),
    Facet("resolution", "how it stands at the end", ("resolved", "workaround", "open", "escalated", "abandoned")),
    Facet("root_cause", "why it happened, if somebody found out, in a few words"),
    Facet("churn_risk", "whether the customer speaks of leaving", ("none", "some", "high")),
)

TASK = "You read conversations between customers and a company's support. Say what each is about."

SUPPORT = Profile(
    name="support",
    version="support-1",
    categories=CATEGORIES,
    gate=Gate(),
    facets=FACETS,
    prompt=prompt_for(
        "support-prompt-2", task=TASK, categories=CATEGORIES, facets=FACETS, has_route=True, prepare=prepare
    ),
)

SAMPLE = replace(SUPPORT, name="sample")
"""The same for the bundled, invented conversations: a profile of their own keeps their stories apart from real ones."""
