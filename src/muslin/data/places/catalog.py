"""Data sets that are known by name: where their publishers offer them, and the hashes of their files.

Hashes: MNIST and KMNIST, and CIFAR-10's archive, as in torchvision and TensorFlow Datasets; EMNIST's archive as in
torchvision, its members as in Deeplearning4j; MedMNIST as in its own `info.py`, version 3.0.2 (Yang et al., "MedMNIST
v2", Scientific Data 2023), which gives MD5 only.
"""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

from muslin.data.places.published import PublishedArchive, PublishedFile

FASHION_MNIST = "fashion-mnist"


@dataclass(frozen=True)
class Entry:
    """A data set that is known by name.

    Attributes:
        name: its name, as in ``--data mnist``.
        title: its name in messages.
        bases: addresses that the file names are appended to, in the order in which they are tried.
        files: its files.
        class_names: names of its classes, by number from 0.
        first_label: label of the first class in the files (default 0).
        transposed: whether rows and columns are exchanged in the files (default False).
        query: what follows the file names in their addresses (default: nothing).
    """

    name: str
    title: str
    bases: tuple[str, ...]
    files: tuple[PublishedFile, ...]
    class_names: tuple[str, ...]
    first_label: int = 0
    transposed: bool = False
    query: str = ""


def named(text: str) -> str | None:
    """Return the name in the catalog that a text means; None if it means none.

    >>> named("Fashion_MNIST"), named("bloodmnist"), named("MedMNIST:blood"), named("photos")
    ('fashion-mnist', 'medmnist:blood', 'medmnist:blood', None)
    """
    keys = {_key(name): name for name in (FASHION_MNIST, *CATALOG)}
    keys |= {_key(f"{name.partition(':')[2]}mnist"): name for name in CATALOG if ":" in name}
    keys |= {_key(f"{name}mnist"): name for name in CATALOG if ":" in name}
    return keys.get(_key(text)) if re.fullmatch(r"[\w:. -]{1,60}", text) else None


def near(text: str) -> list[str]:
    """Return up to three names in the catalog that are spelled alike.

    >>> near("mnits")
    ['mnist', 'kmnist']
    """
    return difflib.get_close_matches(text.lower(), (FASHION_MNIST, *CATALOG), n=3, cutoff=0.65)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _idx(*digests: str) -> tuple[PublishedFile, ...]:
    """Return the four gzipped files of 60,000 and 10,000 images of 28×28, small ones first."""
    names = ("t10k-labels-idx1-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "train-images-idx3-ubyte")
    sizes = (11_000, 61_000, 7_850_000, 47_060_000)
    each = zip(names, digests, sizes, strict=True)
    return tuple(PublishedFile(f"{name}.gz", digest, most) for name, digest, most in each)


def _medmnist(name: str, title: str, images: int, channels: int, md5: str, *class_names: str) -> Entry:
    most = images * (28 * 28 * channels + 8) + 2**16
    return Entry(
        f"medmnist:{name}",
        title,
        ("https://zenodo.org/records/10519652/files",),
        (PublishedFile(f"{name}mnist.npz", md5, most),),
        class_names,
        query="?download=1",
    )


_DIGITS = tuple(string.digits)
_ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver", "lung-left", "lung-right",
    "pancreas", "spleen",
)  # fmt: skip
_LETTERS = "emnist-letters"

_ENTRIES = (
    Entry(
        "mnist",
        "MNIST",
        ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"),
        _idx(
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        _DIGITS,
    ),
    Entry(
        "kmnist",
        "Kuzushiji-MNIST",
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist",),
        _idx(
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
    Entry(
        _LETTERS,
        "EMNIST Letters",
        ("https://biometrics.nist.gov/cs_links/EMNIST",),
        (
            PublishedArchive(
                "gzip.zip",
                "58c8d27c78d21e728a6bc7b3cc06412e",
                600_000_000,
                members=tuple(
                    PublishedFile(f"{_LETTERS}-{name}.gz", md5, most, f"gzip/{_LETTERS}-{name}.gz")
                    for name, md5, most in (
                        ("train-images-idx3-ubyte", "8795078f199c478165fe18db82625747", 98_000_000),
                        ("train-labels-idx1-ubyte", "c16de4f1848ddcdddd39ab65d2a7be52", 126_000),
                        ("test-images-idx3-ubyte", "382093a19703f68edac6d01b8dfdfcad", 16_400_000),
                        ("test-labels-idx1-ubyte", "d4108920cd86601ec7689a97f2de7f59", 22_000),
                    )
                ),
            ),
        ),
        tuple(string.ascii_uppercase),
        first_label=1,
        transposed=True,
    ),
    Entry(
        "cifar10",
        "CIFAR-10",
        ("https://www.cs.toronto.edu/~kriz",),
        (
            PublishedArchive(
                "cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                170_052_171,
                members=tuple(
                    PublishedFile(f"{name}.bin", sha256, 30_730_000, f"cifar-10-batches-bin/{name}.bin")
                    for name, sha256 in (
                        ("data_batch_1", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
                        ("data_batch_2", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
                        ("data_batch_3", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
                        ("data_batch_4", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
                        ("data_batch_5", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
                        ("test_batch", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
                    )
                ),
            ),
        ),
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    ),
    _medmnist(
        "path", "PathMNIST", 107_180, 3, "a8b06965200029087d5bd730944a56c1",
        "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle", "normal colon mucosa",
        "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
    ),
    _medmnist(
        "derma", "DermaMNIST", 10_015, 3, "0744692d530f8e62ec473284d019b0c7",
        "actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma", "benign keratosis-like lesions",
        "dermatofibroma", "melanoma", "melanocytic nevi", "vascular lesions",
    ),
    _medmnist(
        "oct", "OCTMNIST", 109_309, 1, "c68d92d5b585d8d81f7112f81e2d0842",
        "choroidal neovascularization", "diabetic macular edema", "drusen", "normal",
    ),
    _medmnist("pneumonia", "PneumoniaMNIST", 5_856, 1, "28209eda62fecd6e6a2d98b1501bb15f", "normal", "pneumonia"),
    _medmnist("retina", "RetinaMNIST", 1_600, 3, "bd4c0672f1bba3e3a89f0e4e876791e4", *_DIGITS[:5]),
    _medmnist("breast", "BreastMNIST", 780, 1, "750601b1f35ba3300ea97c75c52ff8f6", "malignant", "normal, benign"),
    _medmnist(
        "blood", "BloodMNIST", 17_092, 3, "7053d0359d879ad8a5505303e11de1dc",
        "basophil", "eosinophil", "erythroblast", "immature granulocytes", "lymphocyte", "monocyte", "neutrophil",
        "platelet",
    ),
    _medmnist(
        "tissue", "TissueMNIST", 236_386, 1, "ebe78ee8b05294063de985d821c1c34b",
        "Collecting Duct, Connecting Tubule", "Distal Convoluted Tubule", "Glomerular endothelial cells",
        "Interstitial endothelial cells", "Leukocytes", "Podocytes", "Proximal Tubule Segments", "Thick Ascending Limb",
    ),
    _medmnist("organa", "OrganAMNIST", 58_830, 1, "68e3f8846a6bd62f0c9bf841c0d9eacc", *_ORGANS),
    _medmnist("organc", "OrganCMNIST", 23_583, 1, "b9ceb9546e10131b32923c5bbeaea2b1", *_ORGANS),
    _medmnist("organs", "OrganSMNIST", 25_211, 1, "9ab87b696fb54e2a387ebe992d6ed5f1", *_ORGANS),
)  # fmt: skip

CATALOG: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}
