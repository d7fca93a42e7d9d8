"""Estimated tokens against OpenAI's own tokenizers, which LiteLLM carries in its package."""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.needs import needs_of
from route_switch.domain.tokens import estimate_tokens
from route_switch.services import route_request

if TYPE_CHECKING:
    from tiktoken import Encoding

TOLERANCE = 0.25
TEXTS = {
    "english": (
        "The tides on Earth rise and fall because the Moon pulls harder on the near side of "
        "our planet than on the far side. The Sun adds a smaller share, so that spring tides "
        "are high when the three bodies stand in one line, and neap tides are low when they "
        "form a right angle. Coasts, bays and the depth of the sea change how high the water "
        "comes: in the Bay of Fundy it rises by sixteen metres, while the Mediterranean "
        "hardly moves at all."
    ),
    "german": (
        "Die Gezeiten entstehen, weil der Mond die ihm zugewandte Seite der Erde stärker "
        "anzieht als die abgewandte. Die Sonne trägt einen kleineren Teil bei: Springfluten "
        "sind hoch, wenn die drei Himmelskörper in einer Linie stehen, und Nippfluten "
        "niedrig, wenn sie einen rechten Winkel bilden. Küsten, Buchten und die Tiefe des "
        "Meeres verändern, wie hoch das Wasser steigt."
    ),
    "cyrillic": (
        "Приливы и отливы на Земле возникают потому, что Луна сильнее притягивает обращённую "
        "к ней сторону планеты, чем противоположную. Солнце добавляет меньшую долю, поэтому "
        "сизигийные приливы высоки, когда три тела стоят на одной прямой, а квадратурные "
        "низки, когда они образуют прямой угол. Берега, заливы и глубина моря меняют высоту "
        "воды: в заливе Фанди она поднимается на шестнадцать метров, а в Средиземном море "
        "почти не меняется."
    ),
    "chinese": (
        "地球上的潮汐之所以涨落，是因为月球对地球近侧的引力比对远侧的引力更大。太阳也有较小的"
        "作用，因此当三个天体排成一条直线时会出现大潮，而当它们形成直角时则出现小潮。海岸、海"
        "湾和海水的深度都会改变水位的高度：在芬迪湾，海水可上涨十六米，而地中海的水位几乎没有"
        "变化。"
    ),
    "japanese": (
        "地球の潮の満ち引きは、月が地球の近い側を遠い側よりも強く引くために起こります。太陽の"
        "影響はそれより小さく、三つの天体が一直線に並ぶと大潮になり、直角をなすと小潮になりま"
        "す。海岸や湾、海の深さによって水位は変わり、ファンディ湾では十六メートルも上がります"
        "。"
    ),
    "korean": (
        "지구의 밀물과 썰물은 달이 지구의 가까운 쪽을 먼 쪽보다 더 세게 끌어당기기 때문에 "
        "일어납니다. 태양의 영향은 그보다 작아서, 세 천체가 한 줄로 놓이면 사리가 되고 "
        "직각을 이루면 조금이 됩니다. 해안과 만, 바다의 깊이에 따라 물의 높이가 달라집니다."
    ),
    "arabic": (
        "تحدث ظاهرة المد والجزر على الأرض لأن القمر يجذب الجانب القريب من كوكبنا بقوة أكبر "
        "من الجانب البعيد. وتضيف الشمس نصيبًا أصغر، لذلك يكون المد عاليًا عندما تقف الأجرام "
        "الثلاثة على خط واحد، ومنخفضًا عندما تشكل زاوية قائمة."
    ),
    "hindi": (
        "पृथ्वी पर ज्वार-भाटा इसलिए आता है क्योंकि चंद्रमा हमारे ग्रह के निकट वाले भाग को "
        "दूर वाले भाग की तुलना में अधिक ज़ोर से खींचता है। सूर्य का योगदान कम होता है, इसलिए "
        "जब तीनों पिंड एक सीध में होते हैं तब ज्वार ऊँचा होता है।"
    ),
    "javascript": """\
export function debounce(fn, delay = 200) {
  let timer;
  return function (...args) {
    clearTimeout(timer);
    timer = setTimeout(() => fn.apply(this, args), delay);
  };
}

const rows = await db.query("SELECT id, name FROM users WHERE active = $1", [true]);
for (const { id, name } of rows) {
  console.log(`${id}: ${name.toUpperCase()}`);
}
""",
    "python": Path(route_request.__file__).read_text("utf-8"),
    "emoji": "Great! 🎉🎉 See you tomorrow 👋🏽, I'll bring the cake 🍰 and some ☕️.",
}
TOOLS: list[JsonValue] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the current weather in a given location",
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {
                        "type": "string",
                        "description": "The city and state, e.g. San Francisco, CA",
                    },
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                },
                "required": ["location"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "search_orders",
            "description": "Find orders of a customer by their state and date",
            "parameters": {
                "type": "object",
                "properties": {
                    "customer_id": {"type": "integer"},
                    "states": {
                        "type": "array",
                        "items": {"type": "string", "enum": ["open", "paid", "returned"]},
                    },
                    "after": {"type": "string", "format": "date"},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 100},
                },
                "required": ["customer_id"],
                "additionalProperties": False,
            },
        },
    },
]
TEXTS |= {
    "tools": json.dumps(TOOLS),
    "compact tools": json.dumps(TOOLS, separators=(",", ":")),
}


@pytest.fixture(scope="module")
def encodings() -> "dict[str, Encoding]":
    litellm = find_spec("litellm")
    assert litellm is not None
    assert litellm.origin is not None
    with pytest.MonkeyPatch.context() as environment:
        folder = Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers"
        environment.setitem(os.environ, "TIKTOKEN_CACHE_DIR", str(folder))
        import tiktoken

        return {name: tiktoken.get_encoding(name) for name in ("cl100k_base", "o200k_base")}


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        (name, TEXTS[name], encoding)
        for encoding, names in {
            "cl100k_base": [
                *("english", "german", "cyrillic", "chinese", "japanese", "hindi"),
                *("javascript", "python", "tools", "compact tools", "emoji"),
            ],
            "o200k_base": [
                *("english", "german", "chinese", "japanese", "korean"),
                *("javascript", "python", "tools", "compact tools", "emoji"),
            ],
        }.items()
        for name in names
    ],
    ids=lambda value: value if len(value) < 20 else "",
)
def test_an_estimate_is_within_a_quarter_of_a_real_tokenizer(
    encodings: "dict[str, Encoding]", name: str, text: str, encoding: str
) -> None:
    tokens = len(encodings[encoding].encode(text))
    assert abs(estimate_tokens(text) / tokens - 1) <= TOLERANCE, name


@pytest.mark.parametrize("name", TEXTS)
def test_an_estimate_is_never_far_from_all_tokenizers(
    encodings: "dict[str, Encoding]", name: str
) -> None:
    """Tokenizers themselves differ by a factor of 3 in some scripts; an estimate lies between."""
    counts = [len(encoding.encode(TEXTS[name])) for encoding in encodings.values()]
    least, most = min(counts) * (1 - TOLERANCE), max(counts) * (1 + TOLERANCE)
    assert least <= estimate_tokens(TEXTS[name]) <= most


def test_a_long_text_is_counted_as_text_and_not_as_escapes(
    encodings: "dict[str, Encoding]",
) -> None:
    """As escaped JSON, these 100,000 characters were taken for more than a model reads."""
    text = TEXTS["cyrillic"] * 230
    estimated = needs_of([{"role": "user", "content": text}], {}).input_tokens
    tokens = len(encodings["cl100k_base"].encode(text))
    assert len(text) > 95_000
    assert abs(estimated / tokens - 1) <= TOLERANCE


def test_tools_count_as_input(encodings: "dict[str, Encoding]") -> None:
    text = TEXTS["english"] + TEXTS["tools"]
    estimated = needs_of([{"role": "user", "content": TEXTS["english"]}], {"tools": TOOLS})
    tokens = len(encodings["o200k_base"].encode(text))
    assert abs(estimated.input_tokens / tokens - 1) <= TOLERANCE


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_an_estimate_is_at_least_1_and_at_most_twice_the_bytes(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    assert (1 if text else 0) <= estimate_tokens(text) <= 2 * size
