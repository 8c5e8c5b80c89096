"""Floor 7: the emitted kernels measured beside other libraries: their speed, their accuracy, their growth.

``workloads`` says what is computed, ``peers/`` how each library computes it, ``measure`` checks and
times, ``accuracy`` and ``growth`` do what their names say, ``report`` and ``plots`` show it.
"""
