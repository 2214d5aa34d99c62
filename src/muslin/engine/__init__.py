"""The native training step: the machine it runs on, and fused blocks of convolution, activation and pooling in C++.

`machine` picks device and precision. `build` compiles the blocks on first use, and `ops` makes differentiable functions
of them. Without a compiler or the instructions, training falls back to plain PyTorch: slower, the same arithmetic up to
rounding.
"""

from typing import Literal, TypeAlias

Precision: TypeAlias = Literal["float32", "bfloat16"]
