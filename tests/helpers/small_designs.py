"""Small designs that between them have every kind of layer, every activation and every sort of padding."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from muslin.design import Design
from muslin.network import Network

ACTIVATIONS = ("none", "relu", "elu", "gelu", "tanh", "sigmoid", "silu")


def design(
    *layers: dict[str, object], input_shape: tuple[int, int, int] = (9, 7, 2), output: str = "softmax", units: int = 4
) -> Design:
    """A design that ends in a dense layer called "output"."""
    last = {"kind": "dense", "name": "output", "units": units, "activation": output}
    return Design.model_validate({"name": "tried-on", "input_shape": input_shape, "layers": [*layers, last]})


def conv(**fields: object) -> dict[str, object]:
    return {"kind": "conv2d", "name": "conv", "filters": 3, **fields}


def pool(kind: str, **fields: object) -> dict[str, object]:
    return {"kind": kind, "name": "pool", **fields}


FLATTEN = {"kind": "flatten", "name": "flatten"}
AVERAGE = {"kind": "global_avg_pool2d", "name": "average"}
LARGEST = {"kind": "global_max_pool2d", "name": "largest"}
DROPOUT = {"kind": "dropout", "name": "dropout", "rate": 0.5}

DESIGNS = {
    **{f"conv {name}": design(conv(activation=name), AVERAGE) for name in ACTIVATIONS},
    **{
        f"dense {name}": design(FLATTEN, {"kind": "dense", "name": "hidden", "units": 6, "activation": name})
        for name in ACTIVATIONS
    },
    **{
        f"conv normalized {name}": design(conv(normalization="batch", activation=name), AVERAGE)
        for name in ("none", "relu")
    },
    "conv normalized, strided and dilated": design(
        conv(normalization="batch", stride=2, dilation=[2, 1], activation="elu"),
        {"kind": "dropout", "name": "conv_normalization"},
        {"kind": "flatten", "name": "conv_activation"},
    ),
    "flatten after conv": design(conv(activation="relu"), FLATTEN),
    "logits": design(FLATTEN, output="none"),
    "global max pool": design(conv(), LARGEST),
    "dropout": design(FLATTEN, DROPOUT),
    "dropout on an image": design(conv(), DROPOUT, FLATTEN),
    "conv valid": design(conv(padding="valid"), FLATTEN),
    "conv even kernel same": design(conv(kernel=[2, 4]), FLATTEN),
    "conv strided same": design(conv(kernel=[3, 4], stride=[2, 3]), FLATTEN),
    "conv strided valid": design(conv(kernel=2, stride=2, padding="valid"), FLATTEN),
    "conv dilated same": design(conv(kernel=[3, 2], dilation=[2, 3]), FLATTEN),
    "conv dilated valid": design(conv(dilation=2, padding="valid"), FLATTEN),
    "conv strided and dilated": design(
        conv(kernel=[3, 2], stride=[2, 3], dilation=[2, 3], activation="tanh"), FLATTEN, input_shape=(11, 13, 2)
    ),
    "conv strided and dilated, valid": design(
        conv(stride=2, dilation=[2, 1], padding="valid"),
        {"kind": "dropout", "name": "conv_padding"},
        {"kind": "flatten", "name": "conv_stride"},
    ),
    "conv stride beyond kernel": design(conv(kernel=1, stride=3), FLATTEN),
    "max pool": design(pool("max_pool2d"), FLATTEN),
    "max pool same": design(conv(), pool("max_pool2d", kernel=[3, 2], padding="same"), FLATTEN),
    "max pool overlapping": design(pool("max_pool2d", kernel=3, stride=2), FLATTEN),
    "avg pool": design(pool("avg_pool2d"), FLATTEN),
    "avg pool same, even padding": design(conv(), pool("avg_pool2d", kernel=3, stride=1, padding="same"), FLATTEN),
    "avg pool same, uneven padding": design(conv(), pool("avg_pool2d", kernel=[2, 4], padding="same"), FLATTEN),
    "three channels": design(conv(), AVERAGE, input_shape=(6, 5, 3), units=2),
    "layers called as the graph calls things": design(
        conv(name="image", activation="gelu"),
        pool("max_pool2d", name="logits"),
        {"kind": "flatten", "name": "probabilities"},
        {"kind": "dense", "name": "forward", "units": 5, "activation": "silu"},
    ),
}


def random_network(design: Design, seed: int = 0) -> Network:
    """Weights wide enough that activations bend and every number matters, biases included."""
    torch.manual_seed(seed)
    network = Network(design).eval()
    with torch.no_grad():
        for values in network.parameters():
            values.normal_(0, 0.5)
        for name, values in network.named_buffers():  # running means and variances
            values.uniform_(0.5, 1.5) if name.endswith("variance") else values.normal_(0, 0.5)
    return network


def weights_of(network: Network) -> dict[str, np.ndarray]:
    return {name: values.detach().numpy() for name, values in network.state_dict().items()}


def random_images(design: Design, count: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *design.input_shape), np.uint8)


@st.composite
def small_designs(draw: st.DrawFn) -> Design:
    """Any stack of convolutions and pools that fits a small image."""
    sizes = st.lists(st.integers(1, 3), min_size=2, max_size=2)
    layers: list[dict[str, object]] = []
    for number in range(draw(st.integers(1, 3))):
        window: dict[str, object] = {"name": f"layer{number}", "kernel": draw(sizes), "padding": "same"}
        kind = draw(st.sampled_from(["conv2d", "max_pool2d", "avg_pool2d"]))
        if kind == "conv2d":
            window |= {"filters": draw(st.integers(1, 3)), "activation": draw(st.sampled_from(ACTIVATIONS))}
            window |= {"dilation": draw(sizes)}
        layers.append({"kind": kind, **window, "stride": draw(sizes)})
    end = draw(st.sampled_from([FLATTEN, AVERAGE, LARGEST]))
    shape = (draw(st.integers(1, 12)), draw(st.integers(1, 12)), draw(st.integers(1, 3)))
    return design(*layers, end, input_shape=shape)
