"""Support conversations: what goes wrong, what is asked for, what people cannot find out alone."""

from dataclasses import replace

from pipeline.extract.knowledge import prepare
from pipeline.extract.profiles import Category, Facet, Gate, Profile
from pipeline.extract.profiles.plain import prompt_for

CATEGORIES = (
    Category("product_issue", True, "something does not work as it should"),
    Category("how_to_question", True, "how to do something with the product"),
    Category("feature_request", True, "a wish for something the product cannot do yet"),
    Category("account_issue", True, "signing in, access, passwords, invitations"),
    Category("billing_question", True, "charges, refunds, invoices, plans"),
    Category("configuration_help", True, "settings that need to be made or corrected"),
    Category("general_inquiry", False, "greetings, thanks or small talk, without a request"),
    Category("spam", False, "unsolicited offers or fraud"),
)

FACETS = (
    Facet("product_area", "the part of the product, in one to three words"),
    Facet("component", "the specific function or screen, in one to three words"),
    Facet("intent", "what the customer is trying to do, in a few words"),
    Facet("symptoms", "what the customer sees happen, in a few words"),
    Facet("sentiment", "how the customer feels about it", ("positive", "neutral", "frustrated", "angry")),
    Facet("severity", "how much it keeps the customer from their work", ("low", "medium", "high", "critical")),
    Facet(
        "resolution",
        "how things stand at the end of the conversation",
        ("resolved", "workaround", "open", "escalated", "abandoned"),
    ),
    Facet("root_cause", "why it happened, if someone found out, in a few words"),
    Facet("churn_risk", "whether the customer talks about leaving", ("none", "some", "high")),
)

TASK = (
    "You read conversations between customers and a company's support team. Identify what each conversation is about."
)

SUPPORT = Profile(
    name="support",
    version="support-1",
    categories=CATEGORIES,
    gate=Gate(),
    facets=FACETS,
    prompt=prompt_for(
        "support-prompt-4", task=TASK, categories=CATEGORIES, facets=FACETS, has_route=True, prepare=prepare
    ),
)

SAMPLE = replace(SUPPORT, name="sample")
"""The same for the bundled, invented conversations: a profile of their own keeps their stories apart from real ones."""
