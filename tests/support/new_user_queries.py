"""Queries as new users of a general assistant write them, with the tier that a person would choose.

They were invented for this purpose before the packaged prompt's criteria were changed: four per
tier and kind of work. In each group of four, the first two chose among wordings of the packaged
prompt (`CHOOSING`); the last two only check it (`CHECKING`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from route_switch.domain.tiers import Tier


@dataclass(frozen=True, slots=True)
class NewUserQuery:
    """A query, what kind of work it asks for, and the smallest tier that is good enough."""

    text: str
    kind: str
    tier: Tier


_QUERIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "support": (
        (
            "hi, where can i see my invoices?",
            "I forgot my password, how do I log in again?",
            "What are your opening hours on Sunday?",
            "my parcel says delivered but it isn't here",
        ),
        (
            "I was charged twice this month after switching from the monthly to the yearly plan. Which of "
            "the two payments will be refunded and when?",
            "The app keeps crashing after the update. I already reinstalled it and cleared the cache. What "
            "else can I try?",
            "I bought two items with a voucher and want to send one back. How much of the voucher do I "
            "get back, and can I exchange it instead?",
            "Can you explain how to move our team's workspace to another account without losing the "
            "shared folders?",
        ),
        (
            "Here are three customer complaints about our last outage. Draft one response that satisfies "
            "all of them, does not admit liability, and still offers something of value to each.",
            "A business customer threatens to cancel a contract worth 200,000 a year because we missed our "
            "uptime promise twice. Work out how we should negotiate, what to concede and in which order.",
            "Our refund policy conflicts with the new consumer law in two countries. Go through both and "
            "tell me where we are exposed and how to rewrite the policy.",
            "After migrating to your API v3, roughly 2% of our webhooks arrive twice and out of order, but "
            "only under load. Here are the logs. What is going on?",
        ),
    ),
    "writing": (
        (
            "fix the grammar: he dont know where is the meeting",
            "make this sentence more polite: send me the file today",
            "Translate 'See you tomorrow at the station' into Spanish.",
            "give me a synonym for important",
        ),
        (
            "Write a cover letter for a junior accountant position, I have two years of experience and "
            "know SAP.",
            "Draft an email to my landlord asking for repairs in the kitchen, firm but friendly.",
            "Write a product description for a wooden bike rack, about 120 words.",
            "Turn my notes from today's stand-up into a short update for the whole company.",
        ),
        (
            "Write the opening chapter of a novel in which a lighthouse keeper slowly realizes that the "
            "ships are not real. I want an unreliable narrator and no clichés.",
            "Compose a eulogy for my father that is honest about his drinking but still leaves people "
            "with something warm.",
            "Write a satirical essay in the style of Jonathan Swift about open-plan offices.",
            "I need a speech for our CEO after layoffs, one that does not sound like corporate speak and "
            "gives people a reason to stay.",
        ),
    ),
    "code": (
        (
            "how do i print something in python",
            "What does git pull do?",
            "convert this to json: name=Ana, age=31, city=Porto",
            "what's the shortcut to comment out a line in vs code",
        ),
        (
            "write a python function that removes duplicates from a list but keeps the order",
            "I need an SQL query that lists the ten customers with the highest revenue last year.",
            "Write a bash script which renames all .jpeg files in a folder to .jpg.",
            "can you add type hints and a docstring to this function? def area(w, h): return w * h",
        ),
        (
            "Our Go service leaks goroutines when clients disconnect in the middle of a request. Here's the "
            "handler and the pool. Find the cause and fix it without changing the interface.",
            "Design the architecture of a chat application for a million concurrent users, with delivery "
            "guarantees, offline sync and a plan for running in several regions.",
            "Review this 400 line pull request for race conditions and security problems.",
            "Implement a lock-free queue in C++ with several producers and consumers, and explain why the "
            "memory orders that you chose are correct.",
        ),
    ),
    "mathematics": (
        (
            "what is 18% of 240",
            "convert 72 fahrenheit to celsius",
            "how many minutes are in 3.5 hours?",
            "Round 3.14159 to two decimals.",
        ),
        (
            "A train leaves at 9:40 and arrives at 13:05 with a 25 minute stop. The distance is 260 km. "
            "What was its average speed while moving?",
            "Solve for x: 3x^2 - 12x + 9 = 0, and show the steps.",
            "If I save 200 a month at 3% interest a year, how much do I have after 5 years?",
            "A shop lowers a price by 20% and later raises it by 25%. Is it the same as before? Show why.",
        ),
        (
            "Prove that there are infinitely many primes of the form 4k+3.",
            "Show that every continuous function on a compact metric space is uniformly continuous.",
            "Derive the maximum likelihood estimator for the parameters of a gamma distribution and its "
            "asymptotic variance.",
            "Find all functions f from the reals to the reals with f(x + y) = f(x) f(y) - f(xy) + 1, with "
            "proof.",
        ),
    ),
    "analysis": (
        (
            "is this review positive or negative? 'Great sound but the battery died after a week'",
            "Which is bigger, Norway or Sweden?",
            "who wrote Don Quixote?",
            "what does GDP stand for",
        ),
        (
            "Compare leasing and buying a car for somebody who drives 8,000 km a year.",
            "Summarize the main arguments for and against remote work in a small company.",
            "Explain how inflation and interest rates are connected, with an everyday example.",
            "What are the pros and cons of heat pumps compared with gas heating in an old house?",
        ),
        (
            "We have sales data from 14 countries, two of which changed their accounting last year. Work "
            "out whether our price increase really hurt demand, and what could mislead us.",
            "Should our startup take venture money at a low valuation or grow slowly with revenue? Weigh "
            "the risks, including what happens if the market turns.",
            "Analyze this merger agreement for clauses that could hurt minority shareholders and suggest "
            "amendments.",
            "These two studies on the same drug reach opposite conclusions. Explain how that can be, which "
            "one you trust more, and what evidence would settle it.",
        ),
    ),
    "extraction": (
        (
            "get the email and phone number from this signature: Jo Lind, jo at lind.se, +46 70 123",
            "which city is mentioned in this text: 'We landed in Lisbon late at night'",
            "List the dates in: kickoff 3 May, review 17 May, launch 2 June",
            "Is this message spam, a question or a complaint? 'When will my order ship?'",
        ),
        (
            "Make a table of the products, prices and delivery times in the three offers below.",
            "From this meeting transcript, list the decisions, who is responsible, and the deadlines.",
            "Summarize this ten page report in five bullet points for my manager.",
            "Read the job ad below and list the required skills, grouped into must-have and nice-to-have.",
        ),
        (
            "From these twelve scanned contracts, reconstruct which obligations still apply after the "
            "amendments, and flag every place where two of them contradict each other.",
            "Read these lab reports and interview notes and build a timeline of what caused the accident, "
            "marking what is inferred and what is documented.",
            "Extract every assumption in this financial model, including those that are only implied, and "
            "judge which would change the result the most.",
            "Go through the attached patents and work out which of our features might infringe which claim.",
        ),
    ),
}


def _queries() -> Iterator[tuple[int, NewUserQuery]]:
    for kind, by_tier in _QUERIES.items():
        for tier, texts in zip(Tier, by_tier, strict=True):
            for number, text in enumerate(texts):
                yield number, NewUserQuery(text, kind, tier)


CHOOSING = tuple(query for number, query in _queries() if number < 2)
CHECKING = tuple(query for number, query in _queries() if number >= 2)
