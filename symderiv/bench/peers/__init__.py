"""How each library computes the workloads: one file a peer.

A peer's module has ``TITLE``, ``REQUIRES`` (the module that it imports), ``version()`` and
``candidates(case)``, which yields what it has for that workload, ready to be called.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from types import ModuleType

from symderiv.bench.cells import BenchError, Candidate, Case

#: The modules in this folder, the emitted kernels first.
PEERS = (
    "emitted", "numpy_plain", "numpy_tuned", "scipy_special", "pytorch", "jax_jit", "articles",
)  # fmt: skip


def peer(name: str) -> ModuleType:
    """The module of a peer."""
    return importlib.import_module(f"symderiv.bench.peers.{name}")


def present(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Which peers can be measured, and for each that cannot a sentence that says why.

    Raises
    ------
    BenchError
        For a name that is no peer, or where none of those that are named is installed.
    """
    found, missing = [], {}
    for name in names or PEERS:
        if name not in PEERS:
            raise BenchError(f"--peer: expected a peer among {', '.join(PEERS)}, found {name!r}")
        requires = peer(name).REQUIRES
        if importlib.util.find_spec(requires) is None:
            missing[name] = f"{peer(name).TITLE} is left out: the package {requires} is not installed"
        else:
            found.append(name)
    if names and not found:
        raise BenchError(f"--peer: expected one that is installed, found none: {'; '.join(missing.values())}")
    if "emitted" in found:
        missing |= {f"emitted {target}": why for target, why in peer("emitted").left_out().items()}
    return found, missing


def candidates(names: Sequence[str], case: Case) -> Iterator[Candidate]:
    """All candidates of these peers for a case."""
    for name in names:
        yield from peer(name).candidates(case)
