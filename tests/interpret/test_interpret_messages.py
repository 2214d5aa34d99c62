"""The messages about filters and feature maps, in full: tests/golden/interpret.txt."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import golden
from muslin.design import load_design
from muslin.errors import DataError, DesignError
from muslin.interpret import filters
from muslin.network import Network, predict


def test_the_wording_of_interpretation_errors() -> None:
    dense, cnn = (Network(load_design(name)) for name in ("dense_baseline", "custom_cnn"))
    messages = {}
    with pytest.raises(DesignError) as refused:
        filters(dense)
    messages["a design without convolutions"] = str(refused.value)
    with pytest.raises(DesignError) as refused:
        filters(cnn, "pool1")
    messages["a layer that is not a convolution"] = str(refused.value)
    with pytest.raises(DataError) as wrong:
        predict(cnn, np.zeros((28, 28, 1), np.uint8))
    messages["a single image"] = str(wrong.value)
    golden.compare("interpret", messages)
