"""The base image of container functions, pinned by digest.

A tag moves: the same commit would give another image tomorrow, and an image that is already built
never gets the tag's newer patches, because its hash covers the build context only. `make lock` runs
`python -m infra.base_image`, which writes each tag's current digest to `DIGESTS`; a new digest
changes the image's hash, so that the next deployment builds it again.
"""

import json
import sys
from pathlib import Path

import httpx

REGISTRY, REPOSITORY = "public.ecr.aws", "lambda/python"
DIGESTS = Path(".requirements/base-images.json")
"""Maps Python versions to digests of the tag's index, which lists an image for each processor."""
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


def pinned_image(python: str, digests: Path = DIGESTS) -> str | None:
    """Return the image with its digest, or None if the digest is unknown."""
    if not digests.exists():
        return None
    digest = json.loads(digests.read_text(encoding="utf-8")).get(python)
    return None if digest is None else f"{REGISTRY}/{REPOSITORY}:{python}@{digest}"


def newest_digest(python: str, client: httpx.Client) -> str:
    """Ask the registry, which needs no account. Raise `httpx.HTTPError` if it does not answer."""
    scope = f"repository:{REPOSITORY}:pull"
    granted = client.get(f"https://{REGISTRY}/token/", params={"scope": scope})
    granted.raise_for_status()
    headers = {
        "Authorization": f"Bearer {granted.json()['token']}",
        "Accept": ", ".join(INDEX_TYPES),
    }
    manifest = client.head(
        f"https://{REGISTRY}/v2/{REPOSITORY}/manifests/{python}", headers=headers
    )
    manifest.raise_for_status()
    digest: str = manifest.headers["docker-content-digest"]
    return digest


def main(versions: list[str]) -> None:
    """Write the digests of these Python versions. Print an error on one line and exit 1."""
    try:
        with httpx.Client(timeout=20) as client:
            found = {python: newest_digest(python, client) for python in versions}
    except httpx.HTTPError as error:
        sys.exit(f"{REGISTRY} cannot be asked for digests ({error!r}). {DIGESTS} is unchanged.")
    DIGESTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
