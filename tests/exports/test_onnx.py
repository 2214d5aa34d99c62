"""The ONNX file as others see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from helpers.small_designs import DESIGNS, random_images, random_network, weights_of
from muslin.data import Dataset
from muslin.design import load_design
from muslin.errors import DataError, ExportError, RunError
from muslin.exports import export
from muslin.exports._card import Card
from muslin.exports._onnx_guard import check_onnx
from muslin.exports.onnx import build_onnx, write_onnx
from muslin.exports.predictor import BATCH_SIZE, Predictor
from muslin.network import Network, predict

CUSTOM = load_design("custom_cnn")
NETWORK = Network(CUSTOM)
WEIGHTS = weights_of(NETWORK)
DESIGN = DESIGNS["conv gelu"]


@pytest.fixture
def path(tmp_path: Path, sample: Dataset) -> Path:
    return export(CUSTOM, WEIGHTS, tmp_path / "model.onnx", "onnx", class_names=sample.class_names)


def test_nodes_and_outputs_carry_the_layers_names(path: Path) -> None:
    graph = onnx.load(path).graph
    named = {node.name: node.op_type for node in graph.node}
    assert {name: named[name] for name in CUSTOM.names} == {
        "conv1": "Conv",
        "pool1": "MaxPool",
        "conv2": "Conv",
        "pool2": "MaxPool",
        "conv3": "Conv",
        "global_avg_pool": "GlobalAveragePool",
        "dropout": "Identity",
        "output": "Gemm",
    }
    values = {output for node in graph.node for output in node.output}
    assert {"conv1", "pool1", "conv2", "pool2", "conv3", "global_avg_pool", "dropout", "logits"} <= values
    assert {item.name for item in graph.initializer} == set(WEIGHTS)


def test_the_interface_is_an_image_in_and_logits_and_probabilities_out_for_any_number_of_images(path: Path) -> None:
    graph = onnx.load(path).graph

    def described(value: onnx.ValueInfoProto) -> tuple[str, list[object]]:
        return value.name, [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]

    assert [described(value) for value in graph.input] == [("image", ["batch", 28, 28, 1])]
    assert [described(value) for value in graph.output] == [
        ("logits", ["batch", 10]),
        ("probabilities", ["batch", 10]),
    ]


def test_old_programs_can_read_it(path: Path) -> None:
    model = onnx.load(path)
    assert model.ir_version == 7
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 13)]


def test_it_says_what_it_is(path: Path, sample: Dataset) -> None:
    model = onnx.load(path)
    card = Card.from_metadata({item.key: item.value for item in model.metadata_props}, "the file")
    assert card == Card(CUSTOM, sample.class_names)
    assert model.doc_string.startswith(
        "image: float32, batch×28×28×1 (height, width, channel), pixels on the 0–1 scale"
    )


def test_with_layers_every_layer_is_an_output() -> None:
    graph = build_onnx(Card.of(CUSTOM), WEIGHTS, layers=True).graph
    assert [output.name for output in graph.output] == ["logits", "probabilities", *CUSTOM.names[:-1]]


def test_the_same_weights_make_the_same_bytes(path: Path, tmp_path: Path, sample: Dataset) -> None:
    again = tmp_path / "again.onnx"
    write_onnx(Card.of(CUSTOM, sample.class_names), WEIGHTS, again)
    assert again.read_bytes() == path.read_bytes()


def test_weights_beyond_the_format_s_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muslin.exports.onnx.LARGEST_FILE", 1000)
    with pytest.raises(ExportError, match="an ONNX file has at most 1,000"):
        write_onnx(Card.of(CUSTOM), WEIGHTS, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_predictor_agrees_with_the_network_beyond_one_batch(path: Path, sample: Dataset) -> None:
    images = sample.test.images[: BATCH_SIZE + 3]
    predictor = Predictor(path)
    assert predictor.class_names == sample.class_names
    np.testing.assert_allclose(predictor.probabilities(images), predict(NETWORK, images), atol=1e-6)


def test_no_images_give_no_answers(path: Path) -> None:
    assert Predictor(path).probabilities(np.zeros((0, 28, 28, 1), np.uint8)).shape == (0, 10)


def test_an_image_s_answer_does_not_depend_on_its_company(path: Path, sample: Dataset) -> None:
    predictor, images = Predictor(path.read_bytes()), sample.test.images[:5]
    alone = np.concatenate([predictor.logits(image[None]) for image in images])
    np.testing.assert_allclose(alone, predictor.logits(images), atol=1e-6)


@pytest.mark.parametrize(
    "images",
    [np.zeros((1, 28, 28), np.uint8), np.zeros((1, 32, 32, 1), np.uint8), np.zeros((1, 28, 28, 1), np.float32)],
    ids=["no channel", "size", "type"],
)
def test_images_of_another_shape_or_type_are_refused(path: Path, images: np.ndarray) -> None:
    with pytest.raises(DataError, match="'custom_cnn' takes images of 28×28×1 bytes"):
        Predictor(path).probabilities(images)


def test_a_graph_without_layers_says_how_to_get_them() -> None:
    predictor = Predictor.from_weights(DESIGN, weights_of(random_network(DESIGN)))
    with pytest.raises(RunError, match="layers=True"):
        predictor.activations(random_images(DESIGN))


@pytest.mark.parametrize("keep", [0, 10, 1000, -1])
def test_a_cut_file_is_called_damaged(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RunError, match=r"model\.onnx .*(damaged|no design)"):
        Predictor(path)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"does not exist\. Create it with `muslin export RUN --to onnx`"):
        Predictor(tmp_path / "model.onnx")


def test_graphs_of_other_programs_are_refused(path: Path) -> None:
    model = onnx.load(path)
    kept = {item.key: item.value for item in model.metadata_props}
    del model.metadata_props[:]
    with pytest.raises(RunError, match="contains no design"):
        Predictor(model.SerializeToString())
    wrong = {**kept, "muslin.classes": '["one"]'}
    onnx.helper.set_model_props(model, wrong)
    with pytest.raises(RunError, match="its design needs a list of 10 names"):
        Predictor(model.SerializeToString())


def test_a_graph_that_is_not_its_design_s_is_refused() -> None:
    model = build_onnx(Card.of(DESIGN), weights_of(random_network(DESIGN)))
    onnx.helper.set_model_props(model, Card.of(CUSTOM).to_metadata())
    with pytest.raises(RunError, match="nodes are not those of its design"):
        Predictor(model.SerializeToString())


def test_what_this_package_does_not_know_never_reaches_the_runtime() -> None:
    content = build_onnx(Card.of(DESIGN), weights_of(random_network(DESIGN))).SerializeToString()
    unknown = b"\xfa\x3f\x04evil"  # field 1023, which ONNX does not have
    card, checked = check_onnx(content + unknown, "the file")
    assert card.design == DESIGN
    assert checked == content


def _nodes(model: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == operator)


def _hidden_value(model: onnx.ModelProto) -> None:
    """An attribute whose type says one field while another is set, too."""
    _nodes(model, "Conv").attribute[0].f = 1.0


def _two_arrays_of_one_name(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def _another_operator_set(model: onnx.ModelProto) -> None:
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 3))


def _false_shape_between(model: onnx.ModelProto) -> None:
    model.graph.value_info[0].type.tensor_type.shape.dim[1].dim_value += 1


def _function(model: onnx.ModelProto) -> None:
    model.functions.add(name="Conv")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_hidden_value, r"holds the field f \(AttributeProto\)"),
        (_two_arrays_of_one_name, "arrays, its design"),
        (_another_operator_set, "other operators than opset 13"),
        (_false_shape_between, "values are not those of its design"),
        (_function, r"holds the field functions \(ModelProto\)"),
    ],
)
def test_any_difference_from_its_design_s_graph_is_refused(
    change: Callable[[onnx.ModelProto], None], says: str
) -> None:
    model = build_onnx(Card.of(DESIGN), weights_of(random_network(DESIGN)))
    check_onnx(model.SerializeToString(), "the file")
    change(model)
    with pytest.raises(RunError, match=says):
        check_onnx(model.SerializeToString(), "the file")
