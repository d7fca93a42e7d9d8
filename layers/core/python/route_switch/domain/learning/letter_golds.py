"""Golds that are the letter of an option, such as B or (C).

A letter is a choice where it is marked as the answer, stands alone, is bold, or is called correct,
in any language. Otherwise the last statement of the text decides, if it names exactly one letter
that is not a word ("A man"), not an initial ("George B. Shaw"), not part of a name ("vitamin B"),
and not denied ("not B"). A text that names letters only on the way to its answer chooses none.
"""

import re
from itertools import islice

from route_switch.domain.learning.final_answer import marked_answers
from route_switch.domain.learning.normalized_text import denies, listed, sentences

_CAPITAL = "[A-Z\u0391-\u03a9\u0410-\u042f]"
_LETTER = rf"\(?\b({_CAPITAL})\b(?!['.-]\w)\)?"
_GOLD = re.compile(rf"\(?({_CAPITAL})\)?[.:]?")
_AT_START = re.compile(rf"[\W_]*(?:\\text\{{)?{_LETTER}")
_BOLD = re.compile(rf"\*\*{_LETTER}[.:]?\s*\*\*")
_ALONE = re.compile(rf"\s*{_LETTER}(?:[.):]|\s*\Z)")
_CORRECT = re.compile(
    rf"(?<![\w'.-]){_LETTER}\s{{1,3}}(?:(?:is|ist|est|es|é|è|är|jest|là|adalah)\s{{1,3}}"
    r"(?:the |die |la |le |a |der )?(?:only )?(?:correct|right answer|right\b|true\b|richtig|"
    r"korrekt|corret|verdader|juist|goed\b|rätt|poprawn|prawidłow|đúng|benar)|"
    r"(?:верн|правильн|doğru)|(?:は|が|이|가)?\s{0,3}(?:正しい|正解|正确|对|정답|맞|صحيح|सही))",
    re.IGNORECASE,
)
_MENTION = re.compile(
    rf"(?<![\w'.-])(?P<open>[(\[\"«„]?)\b(?P<letter>{_CAPITAL})\b(?!['.-]\w)(?P<close>[)\]\"»“]?)"
)
_WORDS_OF_CHOICE = listed(
    "answer option choice choose pick select letter statement antwort lösung wähle aussage lettre",
    "buchstabe réponse choisis variante affirmation opción respuesta elijo letra resposta opção",
    "alternativa risposta opzione scelgo antwoord odpowiedź wariant ответ вариант букву cevap",
    "seçenek şık jawaban",
)
_NAMED_BY_LETTERS = re.compile(
    r"\b(?:vitamins?|vitamin[ae]|vitamine|hepatitis|plan|type|typ|tipo|class|klasse|clase|classe|"
    r"group|gruppe|grupo|groupe|figure|fig|table|tabelle|section|part|teil|point|punkt|punto|step|"
    r"schritt|team|phase|series|grade|level|line|angle|side|appendix|page|variable|influenza|"
    r"витамин|группа|класс|dr|mr|mrs|ms)\.? ?$|(?:维生素|維生素|ビタミン|비타민|甲|型|组) ?$",
    re.IGNORECASE,
)
_KIND = re.compile(r"\s?(?:型|组|組|类|類|级|級|班|형|조)|\s?[=<>+^*/]")
"""What makes a letter in front of it part of a name or of a formula."""
_INITIAL = re.compile(rf"\b([^\W\d_]+) {_CAPITAL}\. (?={_CAPITAL}[^\W\d_])")
_ARTICLES = frozenset({"an", "ein", "eine", "einen", "un", "une"})
_GIVEN = frozenset({"as", "get", "gets", "got", "received"})
"""Words in front of "a B" as a grade. In Portuguese, "a B" is an answer."""
_IS = re.compile(r"\W{0,2}(?:is|would|must|ist|wäre|est|es|é|è|är|jest|is)\b")
_OR = re.compile(
    r"\W{0,3}(?:or|oder|ou|o|или|czy|of|eller|veya|或|または|또는)\b|\s?(?:か|还是|還是|或)"
)
MAX_STATEMENT_WORDS = 16
MAX_PROSE_WORDS = 80
"""Letters in a longer text are part of its reasoning, except in its last sentence."""

MAX_MENTIONS = 100
"""A sentence with more letters is a formula or a sequence, and would take long to read."""


def is_letter(gold: str) -> bool:
    return _GOLD.fullmatch(gold) is not None


def same_letter(answer: str, gold: str) -> bool | None:
    """Return None if the answer chooses no letter."""
    chosen = chosen_letter(answer)
    return None if chosen is None else chosen == gold.strip("().:")


def chosen_letter(answer: str) -> str | None:
    found = [letter for part in marked_answers(answer) if (letter := _in_marked(part))]
    if found:
        return found[-1]
    bold = _BOLD.findall(answer)
    if bold:
        return str(bold[-1])
    return _alone(answer) or _stated(answer)


def _alone(answer: str) -> str | None:
    """Return the letter that begins the text, or that is its last line. A list of options chooses
    none."""
    lines = [line for line in answer.splitlines() if line.strip()]
    begun = [match for line in lines if (match := _ALONE.match(line))]
    if not begun:
        return None
    last = begun[-1]
    if last.string == lines[-1] and not last.string[last.end() :].strip(" .)*"):
        return str(last[1])
    first = begun[0]
    rest = first.string[first.end() :]
    if first.string != lines[0] or len({match[1] for match in begun}) > 1:
        return None
    return None if denies(rest[:30]) or _IS.match(rest) else str(first[1])


def _in_marked(marked: str) -> str | None:
    at_start = _AT_START.match(marked)
    if at_start is not None and not denies(marked[at_start.end() : at_start.end() + 30]):
        return at_start[1]
    named = _named_in(marked[:200])
    return named.pop() if len(named) == 1 else None


def _stated(answer: str) -> str | None:
    parts = sentences(_INITIAL.sub(_without_initial, answer))
    called = [m[1] for part in parts for m in _CORRECT.finditer(part) if m[1].isupper()]
    if len(set(called)) == 1:
        return called[0]
    short = len(answer) < 8 * MAX_PROSE_WORDS and len(answer.split()) <= MAX_PROSE_WORDS
    for part in reversed(parts if short else parts[-1:]):
        if not short and len(part.split()) > MAX_STATEMENT_WORDS:
            return None
        named = _named_in(part)
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def _without_initial(name: re.Match[str]) -> str:
    """Drop the initial of George B. Shaw, but not the letter of "Option B. The others …"."""
    is_name = name[1].istitle() and name[1].casefold() not in _WORDS_OF_CHOICE
    return f"{name[1]} " if is_name else name[0]


def _named_in(sentence: str) -> set[str]:
    """Return the letters that a sentence names and does not deny."""
    if sentence.rstrip().endswith(("?", "=")) or _DOUBT.search(sentence):
        return set()
    mentions = list(islice(_MENTION.finditer(sentence), MAX_MENTIONS + 1))
    if len(mentions) > MAX_MENTIONS:
        return set()
    return {mention["letter"] for mention in mentions if not _is_part_of_prose(sentence, mention)}


_DOUBT = re.compile(
    r"\b(?:whether|if|let us|let's|suppose|assume|consider|could|might|maybe|perhaps|ob|wenn|falls|"
    r"vielleicht|könnte|peut-être|si|quizás|talvez|forse|возможно|если)\b",
    re.IGNORECASE,
)


def _is_part_of_prose(sentence: str, mention: re.Match[str]) -> bool:
    letter, start = mention["letter"], mention.start()
    before = " ".join(sentence[max(start - 60, 0) : start].split(" ")[-3:])
    after = sentence[mention.end() : mention.end() + 40]
    if _NAMED_BY_LETTERS.search(before) or _OR.match(after) or _KIND.match(after):
        return True
    if denies(re.split(r"[,;:.]", before)[-1]) or denies(_next_words(after)):
        return True
    if mention["open"] and mention["close"]:
        return False
    *earlier, last = ["", *before.split()]
    if last.casefold().strip("*_:") in _WORDS_OF_CHOICE:
        return False
    return _is_word(letter, earlier, last, after)


def _is_word(letter: str, earlier: list[str], last: str, after: str) -> bool:
    following = _FOLLOWING.match(after)
    neighbors = (last, following[1] if following else "")
    if letter == "I" or any(len(word) > 1 and word.isupper() for word in neighbors):
        return True
    if not last:
        return letter in _WORDS and neighbors[1] != "" and _IS.match(after) is None
    is_grade = last in _ARTICLES or (last == "a" and earlier[-1].casefold() in _GIVEN)
    is_name = len(earlier) > 1 and last[0].isupper() and last[1:].islower()
    return is_grade or is_name


def _next_words(after: str) -> str:
    return " ".join(re.split(r"[,;:.]", after)[0].split()[:2])


_FOLLOWING = re.compile(r" ([^\W\d_]+)")
_WORDS = frozenset("AEIOUYKSVWZ\u0391\u0397\u039f\u0410\u0412\u0418\u041a\u041e\u0421\u0423\u042f")
"""Capitals that begin a sentence as words: A man, Y la verdad, O resultado, В лесу."""
