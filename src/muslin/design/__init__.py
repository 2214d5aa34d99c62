"""Designs: the layers of a network and the reasons for them. This package imports no deep learning framework."""

from muslin.design.claim import Claim
from muslin.design.decision import Alternative, Decision, Edit
from muslin.design.design import Design, Placed
from muslin.design.layer import Shape, Window, describe_shape
from muslin.design.layers import (
    Activation,
    AvgPool2d,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Layer,
    MaxPool2d,
    Normalization,
    Padding,
)
from muslin.design.toml import format_design, library, load_baseline, load_design, parse_design, save_design

__all__ = [
    "Activation",
    "Alternative",
    "AvgPool2d",
    "Claim",
    "Conv2d",
    "Decision",
    "Dense",
    "Design",
    "Dropout",
    "Edit",
    "Flatten",
    "GlobalAvgPool2d",
    "GlobalMaxPool2d",
    "Layer",
    "MaxPool2d",
    "Normalization",
    "Padding",
    "Placed",
    "Shape",
    "Window",
    "describe_shape",
    "format_design",
    "library",
    "load_baseline",
    "load_design",
    "parse_design",
    "save_design",
]
