"""Patterns of secrets: keys of services, tokens, passwords, private keys."""

from itertools import pairwise

from route_switch.domain.learning.private_kind import Kind, kind

SECRET = "[secret]"  # noqa: S105 (a placeholder)

_IS = r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
_WITH_A_DIGIT = r"(?=[a-zA-Z+/_.~=-]{0,200}\d)"
_LABEL = (
    r"(?i:password|passwd|passphrase|passcode|(?<![a-z])(?:pwd|pw|mdp)|passwort|kennwort"
    r"|mot de passe|contrase[nñ]a|senha|wachtwoord|has[łl]o|[şs]ifre|lösenord|adgangskode"
    r"|passord|salasana|heslo|jelszó|mật khẩu|kata sandi|parola(?: d'ordine)?|пароль|κωδικός|סיסמה"
    r"|كلمة (?:السر|المرور)|पासवर्ड|รหัสผ่าน|密[码碼]|パスワード|暗証番号|비밀번호)"
)
_COPULA = (
    r"(?i:is|was|lautet|ist|war|est|était|es|era|é|è|jest|er|är|on|je|to|это|هي|है)(?: now| jetzt)?"
)
_SAID_OF_IT = (
    r"(?!(?i:not|no|wrong|incorrect|invalid|expired|expiring|too|being|been|in|on|at|for|the|a|an"
    r"|my|your|our|this|that|required|needed|necessary|safe|secure|insecure|weak|strong|stored"
    r"|hashed|encrypted|reset|changed|changing|forgotten|lost|always|still|also|case|only|never"
    r"|correct|right|longer|shorter|what|set|sent|empty|unknown|compromised|optional|valid"
    r"|rejected|refused|accepted|asked|used|known|visible|hidden|shown|same|different|something"
    r"|why|how|where|because|blank|missing|shared|saved|working|blocked|locked|leaked|stolen"
    r"|important|protected|like|just|really|very|so|good|bad|old|new|stuck|about|from|with|to)\b)"
)
_UNSPACED = r"(?:密[码碼]|口令|パスワード|暗証番号|비밀번호|รหัสผ่าน|(?i:пароль))"


def random_looking(text: str) -> int:
    """Whether letters and digits alternate as they do in generated keys, and not in words, model
    names or formulas."""
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(text))
    letters = sum(map(str.isalpha, text))
    digits = sum(map(str.isdigit, text))
    enough = letters >= 5 and digits >= 2 and changes >= max(3, len(text) // 10)
    return len(text) if enough else 0


def random_base64(text: str) -> int:
    cases = sum(map(str.isupper, text)), sum(map(str.islower, text)), sum(map(str.isdigit, text))
    least = len(text) // 10
    return len(text) if cases[0] >= least and cases[1] >= least and cases[2] >= 2 else 0


def mixed(text: str) -> int:
    digits = sum(map(str.isdigit, text))
    return len(text) if 2 <= digits <= len(text) - 2 else 0


def _secret(pattern: str) -> Kind:
    return kind(SECRET, pattern)


SECRET_KINDS = (
    # Private keys, JSON web tokens, and the keys of well-known services and of this project.
    _secret(
        r"(?s)-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z ]{0,30}-----|\Z)"
    ),
    _secret(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+"),
    _secret(r"\b(?:sk|pk|rk|rs|whsec|NRAK|PMAK)[-_][\w-]{20,}+"),
    _secret(r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    _secret(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    _secret(
        r"\b(?:gh[oprsu]_|github_pat_|gl[a-z]{2,5}-|hf_|npm_|pypi-|xox[abeoprs]-|xapp-|gsk_|r8_"
        r"|dop_v1_|do[or]_v1_|shp(?:at|ca|pa|ss)_|sq0[a-z]{3}-|dckr_pat_|lin_api_|ntn_|figd_|xai-"
        r"|pplx-|tvly-|nvapi-|GOCSPX-|ya29\.|hv[sbr]\.|SG\.|ATATT|EAA)[\w.-]{16,}+"
    ),
    _secret(r"\bAIza[\w-]{35}"),
    _secret(r"\bAGE-SECRET-KEY-1[A-Z0-9]{20,}+"),
    _secret(r"(?<!\w)\d{8,10}:AA[\w-]{30,}+"),
    # Labeled secrets: `Authorization: Bearer …`, `password=…`, `"api_key": "…"`.
    _secret(rf"(?P<keep>\b(?i:bearer|basic) ){_WITH_A_DIGIT}[\w.~+/=-]{{16,}}+"),
    _secret(rf"(?P<keep>{_LABEL}{_IS})(?!\[secret\])[^\s\"',;]{{4,}}+"),
    _secret(
        rf"(?P<keep>(?i:secret|token|(?:api|access|account|shared|private)[ _-]?key){_IS})"
        rf"{_WITH_A_DIGIT}[\w.~+/=-]{{8,}}+"
    ),
    # Labeled in words: `aws_secret_access_key wJalr…`, "the password is …", "PIN 1234".
    _secret(
        r"(?P<keep>(?i:secret[ _-]?(?:access[ _-]?)?key)[\"']?\W{1,3})(?<![\w/+])"
        r"[A-Za-z0-9/+]{40}(?![\w/+])"
    ),
    _secret(
        rf"(?P<keep>\b{_LABEL}(?i:'s)? {_COPULA} [\"']?){_SAID_OF_IT}"
        r"(?!\[)[^\s\"',;.?]{4,}+"
    ),
    _secret(
        rf"(?P<keep>\b(?:{_LABEL}|(?i:pass)) [\"']?)(?=[^\s\d]{{0,40}}\d)"
        r"(?=[^\sa-zA-Z]{0,40}[a-zA-Z])"
        r"[^\s\"',;]{5,}+"
    ),
    _secret(
        rf"(?P<keep>{_UNSPACED}\s?(?:是|为|為|は|가|는|은|:|：|-)?\s?)"
        r"(?=[^\s\d]{0,40}\d)[!-~]{4,}+"
    ),
    _secret(r"(?P<keep>\b(?:PIN|(?i:pin (?:code|number)))(?:\s?[:=]|,? is)?\s)\d{4,8}(?![\w.-])"),
    _secret(
        r"(?P<keep>\b(?i:cvv2?|cvc2?|otp|one[- ]time (?:pass)?code|(?:verification|security"
        r"|confirmation|login|access|auth\w{0,20}) code)[^\d\n\[]{0,12})\d{3,8}(?![\w.-])"
    ),
)
GENERATED_KINDS = (
    # Anything that looks generated, from any service: 20 letters and digits, 32 hexadecimal ones,
    # base64.
    kind(SECRET, r"\b[0-9a-fA-F]{32,}\b", mixed),
    kind(SECRET, r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    kind(SECRET, r"(?<![\w+/])[A-Za-z0-9+/]{32,}+={0,2}", random_base64),
    kind(SECRET, r"(?<![A-Za-z0-9])[A-Za-z0-9]{20,}+", random_looking),
)  # fmt: skip
