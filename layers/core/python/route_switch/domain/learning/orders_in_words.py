"""Find sentences that tell a model or router what to do, in any wording.

A sentence is one if it names what steers a model (instructions, a prompt, a tier) and says what to
do about it (ignore, choose, always), in any of the languages below. A wording that avoids all of
these words gets past; an honest sentence about such things is withheld, which costs a demo.
"""

import re
from unicodedata import normalize

_SENTENCE_CHARS = 200
"""Longer sentences are read in pieces: the two halves of an order are near each other."""
_SENTENCE = re.compile(r"[^.!?。！？।؟\n]+")

_STEERS = (
    # Many languages share these stems: instructions, Instruktion, instrucción, инструкция.
    r"\binstru[ckç]\w*|\b(?:system|hidden|initial|developer|secret) (?:prompts?|messages?)"
    r"|\bprompts?\b(?! (?:answer|reply|response|help|service|payment|delivery|action|attention))"
    r"|\b(?:llm|gpt|chatbot|classifier|router|directive|guideline)s?\b|\btier\b|\btiers? ?[123]\b"
    r"|\b(?:above|previous|prior|earlier|everything|all) (?:rule|order)s?\b"
    r"|\b(?:your|the|these|those) (?:rules|orders|configuration|programming|restrictions)\b"
    r"|\b(?:operator|administrator|developer)s?\b(?=.{0,40}\b(?:configur|set|wrote|policy|request))"
    r"|\b(?:large|larger|largest|big|bigger|biggest|strong|stronger|strongest|best|smallest"
    r"|cheapest|(?:most|least) \w{1,12}) (?:ai |language )?(?:model|option|engine|tier)\b"
    r"|\b(?:\w{1,12} )?(?:is )?written above\b|\babove (?:this|here)\b|\bwhat (?:is|stands) above\b"
    # European languages, without accents
    r"|\b(?:anweisung|vorgabe|richtlini|befehl|regeln\b|obenstehend|was oben|consigne|regles\b"
    r"|reglas\b|regras\b|regole\b|regels\b|polecen|zasad|wytyczn|pokyn|pravidl|utasitas|szabaly"
    r"|ohje|saanno|anvisning|talimat|kural|yonerge|direkti|directri)\w{0,8}"
    r"|\b(?:grosst|starkst|plus (?:grand|gros|puissant)|grand|mas (?:grande|potente)|maior"
    r"|piu grande|grootste|najwiek|nejvets|legnagyobb|suurin|storst|stora|en buyuk)\w{0,6}"
    r" (?:\w{1,10} )?(?:model|malli)\w{0,5}|\bmod[eè]l\w{0,4} (?:le plus|mas|piu|mais|grande)\b"
    r"|\b(?:huong dan|chi dan|menh lenh|petunjuk|perintah|arahan|aturan|maagizo|tagubilin|utos)\b"
    r"|инструкц|указани|правил|распоряжен|промпт|інструкц|вказівк|упътван|упутств"
    r"|(?:больш|мощн|сильн)\w{0,6} модел|οδηγι|εντολ|κανον"
    # Other scripts
    r"|הוראות|הנחיות|تعليمات|أوامر|قواعد|دستور|قوانین|ہدایات|निर्देश|नियम|নির্দেশ|கட்டளை|คำสั่ง|กฎ"
    r"|指令|指示|提示|规则|規則|命令|要求|规定|大的?模型|大模型|プロンプト|ルール|大きいモデル"
    r"|最大のモデル|지시|명령|규칙|프롬프트|큰 모델"
)
_SUPERLATIVE = (
    r"(?:larg|bigg?|strong|smart|clever|cheap|small|power|capab|expens|premium|advanced|top[ -]tier"
    r"|gross|starkst|teuer|kluegst|klugst|billig|cher\b|puissant|grand|gros\b|fort\b|potente|carisim"
    r"|caro\b|cara\b|maior|melhor|costos|grande|duurst|grootst|slimst|dyrast|storst|starkast|suurin"
    r"|kallein|najwiek|najdroz|najlepsz|nejvets|nejdraz|legnagyobb|legdragabb|cel mai|en buyuk"
    r"|en pahali|lon nhat|[dđ]at nhat|manh nhat|terbesar|termahal|mahal|kubwa"
    r"|больш|мощн|дорог|сильн|найбільш|μεγαλ|ακριβ|הגדול|היקר|أكبر|أغلى|أقوى|بزرگ|सबसे|최대|가장)"
)
_MODEL = (
    r"(?:models?\b|modell\w{0,3}\b|modelo\b|modele\b|modelli?\b|modelem?u?\b|malli\w{0,4}\b|engine\b"
    r"|answerer\b|llm\b|mo hinh\b|modelul\b|модел|μοντελ|מודל|דגם|نموذج|مدل|मॉडल|모델|โมเดล)"
)
_LARGEST_MODEL = re.compile(
    normalize(
        "NFKC",
        rf"\b{_SUPERLATIVE}\w{{0,10}}(?:\W+\w+){{0,2}}?\W+{_MODEL}"
        rf"|(?:\b|\s){_MODEL}(?:\W+\w+){{0,2}}?\W+{_SUPERLATIVE}"
        r"|最[大强強贵貴好高]的?[^。！？\n]{0,4}(?:模型|引擎)|(?:最大|最強|最高|一番\w{1,3})[^。\n]{0,3}モデル",
    ),
    re.IGNORECASE,
)
"""A sentence about the largest, most expensive or cleverest model means the one that answers."""
_SCOPE = re.compile(
    r"\b(?:all|every|each|any|my|these|following|remaining|subsequent|future) (?:\w{1,12} )?"
    r"(?:message|question|request|quer(?:y|ie)|line|text|prompt|task)s?\b"
    r"|\beverything (?:after|else)\b"
    r"|\b(?:alle (?:meine )?fragen|jede frage|toute (?:question|requete)|toutes? (?:mes|les) \w+"
    r"|cada pregunta|todas (?:mis|las|minhas|as) \w+|ogni domanda|tutte le \w+|elke vraag"
    r"|alle vragen|alla (?:mina )?fragor|alle sporsmal|kazde pytanie|wszystkie pytania"
    r"|moi cau hoi)\b|кажд\w{0,3} (?:вопрос|запрос)|все (?:мои )?(?:вопрос|запрос)"
    r"|كل (?:أسئلتي|سؤال|طلب)|所有\w{0,3}(?:问题|请求|消息)"
    r"|我的问题|すべての?(?:質問|リクエスト)|質問はすべて|모든 질문",
    re.IGNORECASE,
)
_RANKED = re.compile(
    r"\b(?:treat|label|classif\w{1,4}|mark|rank|rate|consider|deserves?|escalate|handle|put|direct"
    r"|forward|route|behand\w{1,3}|einstuf\w{1,3}|trait\w{1,4}|confier|tratta|trata|mandal\w|enviar?"
    r"|behandel\w?|uwazaj|kieruj\w?|traktuj|ska ga|dung|gui)\b|считай|направляй|отправляй|أرسل"
    r"|当成|交给|处理|回して|扱|취급",
    re.IGNORECASE,
)
_MAKERS = re.compile(
    r"\b(?:your|its|the) (?:\w{1,12} )?(?:makers?|creators?|developers?|operators?|programmers?"
    r"|limits|limitations|safeguards|guardrails|restraints|setup)\b(?=.{0,80}\b(?:ask|said|say|told|want"
    r"|lifted|removed|off|test|gone|over|void|not apply|no longer|ignore|forget|aside))"
    r"|\bput (?:aside|away) what\b.{0,60}\b(?:asked|told|said)\b"
    r"|\b(?:end|beginning|start) of (?:data|input|query|user (?:input|message))\b|\bnew tasks?\s?:"
    r"|\bescalate (?:me|this|it|everything)\b|\b(?:stufe|niveau|nivel|livello|poziom|niva|cap|tier"
    r"|level|class|grupp?e?) ?3\b(?=.{0,60}"
    r"\b(?:all|every|always|immer|toujours|siempre|moi|alla)\b)"
    r"|\b(?:all|every|always|immer|toujours|siempre|moi|alla)\b.{0,60}"
    r"\b(?:stufe|niveau|nivel|livello|poziom|niva|cap|tier|level) ?3\b",
    re.IGNORECASE,
)
_DEMANDS = (
    r"\b(?:ignor|disregard|forget|overlook|overrid|overrul|bypass|discard|neglect|pretend|obey"
    r"|reveal|disclos|reprogram|supersed|revok|henceforth|hereafter)\w*"
    r"|\b(?:always|instead of|nothing else|no longer|from (?:now|here) on|pay no|set aside)\b"
    r"|\b(?:drop|skip|print|repeat|route|choose|select|pick|assign|classify|treat|consider|label"
    r"|use|send|respond|reply|output|belongs?|must|void|cancel(?:l?ed)?|act as)\b"
    # European languages, without accents
    r"|\b(?:missacht|vergiss|vergess|uberschreib|umgeh|beachte|ab sofort|ab jetzt|immer|wahle?"
    r"|nimm|oubli|ne tiens|ne tenez|desormais|a partir de|toujours|uniquement|choisis|reponds"
    r"|olvid|haz como|no hagas|siempre|elige|responde|desconsider|esquec|sempre|somente|escolh"
    r"|dimentic|scegli|negeer|vergeet|altijd|voortaan|kies|zignoruj|pomin|zapomnij|zawsze|wybier"
    r"|yok say|unut|dikkate alma|her zaman|bortse|glom|alltid|valj|glem|altid|velg|ala |unohda"
    r"|aina|valitse|zapome?n|vzdy|vyber|felejts|figyelmen|mindig|valaszd|uita|mereu|intotdeauna"
    r"|alege|bo qua|quen|luon|chon|abaikan|lupakan|selalu|pilih|puuza|sahau|daima|kalimutan|huwag"
    r"|palagi)\w{0,6}"
    r"|игнор|забуд|не обращай|всегда|отныне|выб[ие]р|ігнор|завжди|обери|αγνο|ξεχασ|παντα|επιλεξ"
    # Other scripts
    r"|התעלם|התעלמ|שכח|תמיד|בחר|تجاهل|انس|دائما|اختر|نادیده|فراموش|همیشه|نظر ?انداز|अनदेखा|भूल"
    r"|हमेशा|नज़रअंदाज़|উপেক্ষা|புறக்கணி|ไม่ต้องสนใจ|เพิกเฉย|ลืม|เสมอ|忽略|忽视|忽視|无视|無視|忘记|忘記"
    r"|绕过|不要理会|不要遵守|以后|始终|总是|總是|一律|都交给|只回答|选择|選擇|忘れ|常に|必ず|選ん|무시|잊"
    r"|항상|선택"
)
_STEERING, _DEMAND = (
    re.compile(normalize("NFKC", words), re.IGNORECASE) for words in (_STEERS, _DEMANDS)
)
_ANSWERS_A_TIER = re.compile(
    r"\b(?:answer|reply|respond|antwort\w{0,3}|repon\w{1,4}|respond\w{1,4}|rispondi|odpowie\w{0,4}"
    r"|svara?|vastaa|ответ\w{0,5})(?: (?:only|just|always|exactly|simply|with|mit|med|avec|con|the"
    r"|digit|number|immer|nur|uniquement|solo|aina)){0,4} [\"'(]?[123]\b(?=[\"')]?\s*(?:$|[.!;,\n]"
    r"|and |for each|every|only))"
    r"|(?:只回答|回答|输出|選択|답)\s?[123一二三]",
    re.IGNORECASE,
)
_BACKWARD = re.compile(r"\b(?:snoitcurtsni|stpmorp?|selur|metsys)\b", re.IGNORECASE)
_ROTATED = re.compile(r"\b(?:vafgehpgvbaf?|cebzcgf?|flfgrz)\b", re.IGNORECASE)


def tells_a_model(text: str) -> bool:
    """`text` is without accents and disguises (`disguised_text.readings`)."""
    alone = (_ROTATED, _BACKWARD, _ANSWERS_A_TIER, _LARGEST_MODEL, _MAKERS)
    if any(each.search(text) for each in alone):
        return True
    return any(map(_is_order, _pieces(text)))


def _is_order(piece: str) -> bool:
    pairs = ((_STEERING, _DEMAND), (_SCOPE, _RANKED))
    return any(one.search(piece) and other.search(piece) for one, other in pairs)


def _pieces(text: str) -> list[str]:
    step = _SENTENCE_CHARS // 2
    return [
        sentence[at : at + _SENTENCE_CHARS]
        for sentence in _SENTENCE.findall(text)
        for at in range(0, max(len(sentence) - step, 1), step)
    ]
