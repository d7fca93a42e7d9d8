"""Keep traffic of this machine with itself away from proxies."""

import os
from collections.abc import Mapping, MutableMapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EXCEPTIONS = ("NO_PROXY", "no_proxy")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def bypass_for_loopback(environment: MutableMapping[str, str] = os.environ) -> None:
    """Make this process and its children connect to this machine directly."""
    if any(environment.get(name) for name in both_cases(PROXIES)):
        environment.update(exceptions(environment))


def exceptions(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that exempt this machine, and what they exempt already."""
    given = ",".join(environment.get(name, "") for name in EXCEPTIONS).split(",")
    hosts = dict.fromkeys(host.strip() for host in (*given, *LOOPBACK) if host.strip())
    return dict.fromkeys(EXCEPTIONS, ",".join(hosts))


def for_functions(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies through which functions reach model providers.

    Leave out SOCKS: the functions' HTTP client has no support for it, and would fail.
    """
    proxies = {
        name: value
        for name in both_cases(PROXIES)
        if (value := environment.get(name, "")).startswith(("http://", "https://"))
    }
    return {**proxies, **exceptions(environment)} if proxies else {}


def hint(before: Mapping[str, str]) -> str:
    """Return what clients of the stack must set if their environment, given here, has a proxy."""
    wanted = exceptions(before)
    if not any(before.get(name) for name in both_cases(PROXIES)):
        return ""
    if all(before.get(name) == hosts for name, hosts in wanted.items()):
        return ""
    variables = " ".join(f"{name}={hosts}" for name, hosts in wanted.items())
    return f"\nA proxy is set here. Before you call the stack: export {variables}\n"


def both_cases(names: tuple[str, ...]) -> tuple[str, ...]:
    return (*names, *map(str.lower, names))
