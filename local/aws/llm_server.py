"""Serves SmolLM2 over OpenAI's API: `llm_server.py <packages> <weights> <host> <port>`.

Started by path in a process of its own, with the standard library and `packages` alone.
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
    # Tokens, which these requests share; the routing prompt stays cached in one of them.
    settings.n_ctx = 8192
    settings.n_parallel = 4
    settings.kv_unified = True
    settings.n_predict = 256  # where a request says nothing: it ends before the API's deadline
    # llama.cpp's threads wait for each other actively: on two cores that are busy, two wrote 1.3
    # tokens a second and one wrote 22.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.n_gpu_layers = 0
    settings.offline = True
    settings.ui = False
    settings.cache_ram_mib = 0  # the default may take 8 GB
    server = xllamacpp.Server(settings)  # noqa: F841 - it serves as long as it is kept
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
