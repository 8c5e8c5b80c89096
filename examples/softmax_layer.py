"""The derivative of a whole softmax layer, as a matrix, from a kernel that symderiv emitted.

Three inputs, five classes. Row t, column 3 i + j of the matrix is the derivative of the output h_t by
the weight W_ji, which symderiv derives as x_j h_t (δ_ti - h_i). A step against the gradient of the
cross-entropy then shows that the loss falls.

    python examples/softmax_layer.py
"""

import numpy as np

import symderiv as sd

x = np.array([0.1, 0.5, 0.4])
W = np.array(
    [
        [0.1, 0.2, 0.3, 0.4, 0.5],
        [0.6, 0.7, 0.8, 0.9, 0.1],
        [0.11, 0.12, 0.13, 0.14, 0.15],
    ]
)
b = np.zeros(5)

print("d h_t / d W_ji =", sd.derive("softmax_layer", wrt="W").form_text)

forward = sd.compile("softmax_layer", target="numpy", function="softmax_layer")
jacobian = sd.compile("softmax_layer", target="numpy", function="softmax_layer_jacobian_W")
h = forward(x, W, b)
matrix = jacobian(x, h)
print("h =", np.array2string(h, precision=8))
print("matrix", matrix.shape)
print(np.array2string(matrix, precision=5, suppress_small=True, max_line_width=120))

loss_and_gradients = sd.compile(
    "softmax_layer_cross_entropy",
    target="numpy",
    function="softmax_layer_cross_entropy_value_and_gradient",
)
t = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
loss, (dW, db, dx) = loss_and_gradients(x, W, b, t)
smaller, _ = loss_and_gradients(x, W - 0.5 * dW, b - 0.5 * db, t)
print(f"loss {loss:.6f}, after one step {smaller:.6f}")
