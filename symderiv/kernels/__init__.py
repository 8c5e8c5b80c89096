"""Floor 5: from a problem to standalone NumPy and Numba modules, and the verification of them.

The public names stand in the modules of this room: ``emit`` (emit, compile_function, file_name),
``verify`` (verify_source, verify, Check), ``specification`` (functions_of), ``function_spec``,
``registry`` (TARGETS) and ``errors`` (KernelError).
"""
