"""Native training steps: device and precision, and fused C++ blocks of convolution, activation and pooling.

`machine` picks device and precision, `build` compiles the blocks on first use, and `ops` wraps them as differentiable
functions. Without a compiler or the required instructions, training falls back to plain PyTorch, which is slower and
equal up to rounding.
"""

from typing import Literal, TypeAlias

Precision: TypeAlias = Literal["float32", "bfloat16"]
