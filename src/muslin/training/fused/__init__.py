"""Fused blocks for CPUs with AVX-512 BF16: convolution, activation and pooling in one pass, in C++.

`build` compiles them on first use, `ops` makes differentiable functions of them. Without a compiler or the instructions
training goes the plain way: slower, the same arithmetic up to rounding.
"""
