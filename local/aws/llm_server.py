"""Serve SmolLM2 over OpenAI's API: `llm_server.py <packages> <weights> <host> <port>`.

It runs by path in its own process, which sees only the standard library and `packages`.
"""

import signal
import sys


def main(packages: str, weights: str, host: str, port: str) -> None:
    sys.path.append(packages)
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = weights
    settings.model_alias = {"smollm2-135m"}
    settings.hostnames = [host]
    settings.port = int(port)
    # Requests share the context (in tokens). The routing prompt stays cached in one slot.
    settings.n_ctx = 8192
    settings.n_parallel = 4
    settings.kv_unified = True
    settings.n_predict = 256  # default that ends before the API's deadline
    # llama.cpp's threads busy-wait for each other: on two busy cores, two threads wrote 1.3 tokens
    # per second and one wrote 22.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.n_gpu_layers = 0
    settings.offline = True
    settings.ui = False
    settings.cache_ram_mib = 0  # the default can use 8 GB
    server = xllamacpp.Server(settings)  # noqa: F841 - serves while it is referenced
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
