"""Undo disguises of text, and find orders to a model in languages other than English.

Both are heuristics over common forms. They reduce what gets through; people review the rest.
"""

import re
import unicodedata
from collections.abc import Iterator

from route_switch.domain.hidden_characters import HIDDEN, MARKS, SELECTORS
from route_switch.domain.look_alikes import LOOK_ALIKES

_MARKS = re.compile("[\u0300-\u036f]")
"""Accents of Latin, Greek and Cyrillic letters. Marks of other scripts are letters' parts."""
_HIDDEN = re.compile(f"[{HIDDEN}{MARKS}\u200c\u200d]|{SELECTORS}")

_LEET = str.maketrans("013457@$!", "oieastasi")
_LEET_WORD = re.compile(r"[A-Za-z013457@$!]++")
_LETTERS_APART = re.compile(r"(?<!\w)\w(?:[ ._*-]\w(?!\w)){4,}")

_SPACED_OUT = re.compile(
    r"(?:ignore|disregard|forget|bypass)(?:the|all|any|my|your|of|previous|prior|above|earlier)+"
    r"(?:system)?(?:instruction|prompt|rule|guideline)",
    re.IGNORECASE,
)

_UP_TO_5 = r"\W+(?:\w+\W+){0,5}?"
_ORDERS = (
    # German, without umlauts' dots
    r"\b(?:ignorier|missacht|ue?berschreib|umgeh|vergiss|vergesst|vergessen sie)\w{0,4}"
    rf"{_UP_TO_5}(?:anweisung|instruktion|vorgaben|regeln|richtlinien|befehle|(?:system)?prompt)",
    r"\b(?:zeig|verrat|nenn|gib)\w{0,3}"
    rf"{_UP_TO_5}(?:system-?prompt|systemanweisung"
    r"|(?:dein|ihr)e\w? (?:anweisung|instruktion|regeln))",
    r"\b(?:anweisungen|instruktionen|vorgaben|regeln|richtlinien)\W+(?:\w+\W+){0,2}?"
    r"(?:zu )?(?:ignorieren|missachten|vergessen!)",
    r"\b(?:no hagas caso|ne tiens pas compte|ne tenez pas compte|non tenere conto)"
    rf"{_UP_TO_5}(?:instrucciones|instructions|consignes|istruzioni|reglas|regles|regole)\b",
    # Dutch, Polish, Turkish
    rf"\bnegeer\w?{_UP_TO_5}(?:instructies|regels|prompt)",
    rf"\b(?:z?ignoruj|zapomnij)\w{{0,2}}{_UP_TO_5}(?:instrukcj|polece|zasad|prompt)",
    r"\b(?:talimat|kural)\w{0,8}\W+(?:\w+\W+){0,3}?(?:yok say|unut|dikkate alma)",
    # French, Spanish, Portuguese, Italian, without accents
    r"\b(?:ignor|oubli|olvid|esquec|dimentic|desconsider)\w{1,6}"
    rf"{_UP_TO_5}(?:instructions|instrucciones|instrucoes|istruzioni|consignes|regles|reglas"
    r"|regras|regole|prompt)\b",
    r"\b(?:revel|montr|muestr|mostr|affich)\w{1,4}"
    rf"{_UP_TO_5}(?:prompt|(?:tes|vos|tus|sus|tuas|suas|tue) (?:instruc|istruz)\w+)\b",
    # Russian, Ukrainian
    r"\b(?:про)?(?:игнорир|забуд|ігнору)\w{1,4}"
    rf"{_UP_TO_5}(?:инструкци|указани|правил|промпт|інструкці)",
    # Chinese, Japanese, Korean
    r"(?:忽略|忽视|忽視|无视|無視|忘记|忘記|绕过|不要理会|不要遵守)[^。！？\n]{0,12}"
    r"(?:指令|指示|提示|规则|規則|命令|要求|规定|以上内容|上述内容|之前的内容)",
    r"(?:显示|顯示|告诉我|告訴我|输出|輸出|打印|透露|泄露)[^。！？\n]{0,8}"
    r"(?:系统提示|系統提示|提示词|提示詞|系统指令)",
    r"(?:指示|命令|ルール|規則|プロンプト)[^。\n]{0,8}(?:無視|忘れ)",
    r"(?:지시|명령|규칙|프롬프트)[^.\n]{0,8}(?:무시|잊)",
    # Arabic, Hindi
    r"تجاهل[^.\n]{0,20}(?:التعليمات|الأوامر|القواعد)",
    r"(?:निर्देश|नियम)[^।\n]{0,20}(?:अनदेखा|नज़रअंदाज़|भूल)",
)
_ORDER = re.compile("|".join(_ORDERS), re.IGNORECASE)


def readings(text: str) -> Iterator[str]:
    """Return the text as it looks to a reader, first in compatibility form (NFKC), then with
    disguises undone: hidden characters, accents, look-alikes, digits for letters."""
    shown = unicodedata.normalize("NFKC", text)
    yield shown
    seen = _HIDDEN.sub("", shown)
    plain = _without_accents(seen)
    latin = plain.translate(LOOK_ALIKES)
    unleet = _LEET_WORD.sub(_letters_for_digits, latin)
    yield from dict.fromkeys(each for each in (seen, plain, latin, unleet) if each != shown)


def gives_orders(text: str) -> bool:
    """Whether the text gives orders to a model in another language, or in letters set apart."""
    if _ORDER.search(text):
        return True
    joined = (re.sub(r"[\W_]", "", run[0]) for run in _LETTERS_APART.finditer(text))
    return bool(_SPACED_OUT.search("".join(joined)))


def _letters_for_digits(word: re.Match[str]) -> str:
    is_word = any(map(str.isalpha, word[0]))
    return word[0].translate(_LEET) if is_word else word[0]


def _without_accents(text: str) -> str:
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text)))
