"""symderiv: derive gradients in index notation, emit kernels, verify them."""

__version__ = "0.1.0"
