"""How many tokens a text is, where no provider has counted them."""

_BYTES_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes, rounded up: 0 for the empty text, else at least 1."""
    return -(-len(text.encode("utf-8", errors="surrogatepass")) // _BYTES_PER_TOKEN)
