"""Kinds of queries, in the words in which the simulated proposer writes criteria.

It lists subjects of school and work, forms of tasks and customers' concerns. A language model knows
such names by itself; the simulated proposer looks them up here. The list is not independent of the
sets that learning is measured on (docs/results.md): it was written with knowledge of them, names
most kinds of queries that they consist of, and other wordings were compared on them
(docs/negative-results.md). So what the simulated proposer gains there may be more than what it
would gain on other traffic.

A kind in `KINDS` is a phrase that reads as a criterion.
"""

MULTIPLE_CHOICE = "a multiple-choice question about "
OPEN = "a question about "
"""How the names of questions about the subjects below begin."""

_SUBJECTS = {
    "law": "torts, contracts or criminal liability",
    "medicine": "a diagnosis, a disease or a treatment",
    "public health": "nutrition, viruses or aging",
    "anatomy": "bones, muscles or nerves",
    "psychology": "behavior, memory or therapy",
    "philosophy": "ethics, knowledge or the views of a philosopher",
    "formal logic": "an argument, a fallacy or a formula of predicate logic",
    "world history": "wars, empires or revolutions",
    "American history": "presidents, the constitution or civil rights",
    "prehistory": "archaeology, fossils or early humans",
    "economics": "supply and demand, inflation or trade",
    "finance": "bonds, interest, taxes or depreciation",
    "business": "management, marketing or the ethics of a company",
    "politics": "elections, foreign policy or government",
    "sociology": "culture, class or the family",
    "geography": "countries, rivers or populations",
    "religion": "beliefs, scriptures or rituals",
    "physics": "motion, waves, heat or electric fields",
    "astronomy": "planets, stars or galaxies",
    "chemistry": "reactions, bonds, solutions or equilibria",
    "organic chemistry": "the synthesis, structure or spectrum of a molecule",
    "quantum mechanics": "particles, energy levels or spin",
    "molecular biology": "genes, proteins or cells",
    "biology": "evolution, plants, animals or ecosystems",
    "electrical engineering": "circuits, motors or signals",
    "mechanical engineering": "heat transfer, fluids or materials",
    "computer science": "algorithms, networks or operating systems",
    "machine learning": "training, classifiers or neural networks",
    "computer security": "attacks, encryption or access control",
    "abstract algebra": "groups, rings or fields",
    "calculus": "derivatives, integrals or series",
    "linear algebra": "matrices, vectors or eigenvalues",
    "statistics": "distributions, samples or expected values",
    "geometry": "triangles, circles, areas or angles",
    "number theory": "primes, divisors or remainders",
    "combinatorics": "arrangements, choices or probabilities",
    "algebra": "equations, polynomials or functions",
    "arithmetic": "sums, fractions or percentages",
}

_TASKS = (
    # code
    "predicting what a short Python function returns for a given input",
    "predicting what a Python function that changes strings returns",
    "predicting what a Python function that changes lists or dictionaries returns",
    "completing a Python function from its signature and docstring",
    "writing a short Python function that passes given tests",
    "finding and fixing a bug in a program",
    "explaining what a piece of code does",
    "writing a database query or a script",
    "designing or reviewing a larger piece of software",
    # mathematics
    "a word problem about money, prices or wages that takes a few steps",
    "a word problem about quantities, ages or time that takes a few steps",
    "a competition problem in algebra",
    "a competition problem in geometry",
    "a competition problem in number theory or counting",
    "evaluating a mathematical expression",
    "a mathematical proof",
    # texts
    "a question about a given passage, answered with words from the passage",
    "a question about a passage on history",
    "a question about a passage on science",
    "a question about a passage on sports or entertainment",
    "summarizing a given text",
    "picking names, dates or numbers out of a text",
    "translating, rewriting or correcting a text",
    "writing an e-mail, a letter or a post",
    "creative writing, such as a story or a poem",
    # facts
    "a trivia question about a person, a place or a year",
    "a trivia question about films, songs or books",
    "a trivia question about sports",
    "a factual question such as people type into a search engine: who, when or where",
    "when something happened or when something came out",
    "who sings, plays or wrote something",
    # everyday sense
    "a common-sense question about everyday objects and places",
    "a common-sense question about what people do or feel",
    "a science question for school children",
    "a science question about everyday phenomena, such as weather, plants or machines",
    "a logic puzzle that finds out who lives in which house from a list of clues",
    "advice on a personal decision",
    "comparing options or weighing arguments",
    "a role play or small talk",
    # customers
    "a customer's question about a bank card",
    "a customer's question about a payment or a transfer",
    "a customer's question about cash or a machine that pays it out",
    "a customer's question about an account or an identity check",
    "a customer's question about exchange rates or foreign currency",
    "a customer's question about an order, a delivery or a refund",
    "putting a customer's message into one of several given categories",
)

KINDS = (
    *(f"{MULTIPLE_CHOICE}{name}, such as {parts}" for name, parts in _SUBJECTS.items()),
    *(f"{OPEN}{name}" for name in _SUBJECTS),
    *_TASKS,
)


def subject_of(kind: str, form: str = MULTIPLE_CHOICE) -> str | None:
    """Return the subject of a question of this form, or None for another kind."""
    name = kind.removeprefix(form).split(", such as ")[0]
    return name if kind.startswith(form) and name in _SUBJECTS else None
