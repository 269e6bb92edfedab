"""The commands in bin/ on a bare copy of a project: a tiny lock file and wheel of its own, and no network."""

import hashlib
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.config.folders import temporary_folder

ROOT = Path(__file__).resolve().parents[2]
MANAGE = "import sys, tiny; print(tiny.VERSION, *sys.argv[1:])"


@pytest.fixture
def project() -> Iterator[Path]:
    """A project with the real bin/, whose lock file names one small wheel beside it."""
    with temporary_folder("bootstrap-") as parent:
        folder = parent / "my project"
        shutil.copytree(ROOT / "bin", folder / "bin")
        (folder / "manage.py").write_text(MANAGE)
        lock(folder, "1.0")
        yield folder


def lock(project: Path, version: str) -> None:
    """Make the wheel of this version and name it in the lock file."""
    wheel = project / "wheels" / f"tiny-{version}-py3-none-any.whl"
    wheel.parent.mkdir(exist_ok=True)
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", f"VERSION = 'tiny {version}'")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (project / "requirements.txt").write_text(f"tiny=={version} --hash=sha256:{digest}\n")


def demo(project: Path, *words: str) -> "subprocess.Popen[str]":
    """Begin bin/demo; packages come from the project's folder `wheels` only."""
    here = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (project / "wheels").as_uri(), "PIP_RETRIES": "0"}
    return subprocess.Popen(
        [sys.executable, project / "bin" / "demo", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **here},
    )  # fmt: skip


def finished(command: "subprocess.Popen[str]") -> tuple[str, str]:
    """Wait for its end, which must be a good one, and return what it printed."""
    out, err = command.communicate(timeout=240)
    assert command.returncode == 0, err
    return out, err


def at_work_in(project: Path) -> list[str]:
    """Processes that name the project in their command line."""
    listed = subprocess.run(["ps", "-axo", "command="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(project) in line]


def load_setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_setup", ROOT / "bin" / "_setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_at_once_set_up_once_and_later_calls_say_nothing_until_the_lock_file_changes(project: Path) -> None:
    both = [finished(command) for command in [demo(project, "a file"), demo(project, "a file")]]
    assert [out for out, _ in both] == ["tiny 1.0 demo a file\n"] * 2
    assert sorted("Setting up" in err for _, err in both) == [False, True]
    began = time.monotonic()
    assert finished(demo(project)) == ("tiny 1.0 demo\n", "")
    assert time.monotonic() - began < 2
    lock(project, "2.0")
    assert finished(demo(project))[0] == "tiny 2.0 demo\n"
    assert_failure_shows_the_end_of_what_failed_and_what_to_try(project)


def assert_failure_shows_the_end_of_what_failed_and_what_to_try(project: Path) -> None:
    (project / "requirements.txt").write_text("tiny==3.0 --hash=sha256:" + 64 * "0")
    command = demo(project)
    _, err = command.communicate(timeout=240)
    assert command.returncode == 1
    for part in ("No matching distribution found for tiny==3.0", "setup.log", "package index"):
        assert part in err


def test_killed_at_any_moment_is_made_good_by_the_next_call(project: Path) -> None:
    command = demo(project)
    time.sleep(random.uniform(0.1, 5.0))
    command.kill()
    command.communicate(timeout=240)
    assert finished(demo(project))[0] == "tiny 1.0 demo\n"
    assert not list(project.glob(".venv.old-*"))
    assert not (project / ".venv" / ".unfinished").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_what_it_began_and_is_told_by_the_exit_code(project: Path, number: signal.Signals) -> None:
    command = demo(project)
    assert command.stderr is not None
    told = command.stderr.readline()
    assert told.startswith("Setting up"), told
    time.sleep(random.uniform(0.1, 0.8))
    command.send_signal(number)
    command.communicate(timeout=240)
    assert command.returncode == 128 + number
    assert not at_work_in(project)


def test_missing_part_of_debians_python_is_named_with_its_remedy(project: Path) -> None:
    program = "import sys; sys.modules['ensurepip'] = None; sys.path.insert(0, 'bin'); import _setup; _setup.enter()"
    tried = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert tried.returncode == 1
    assert tried.stderr.splitlines()[-1].startswith(f"{sys.executable} cannot create virtual environments")
    assert "apt install python3." in tried.stderr


def test_uv_looks_for_packages_where_pip_is_told_to(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.touch()
    listed = f"""
global.index-url='https://mirror.example/simple'
global.extra-index-url='https://one.example https://two.example'
global.find-links='/wheels /more'
install.index-url='https://closer.example/simple'
:env:.cert='{certificate}'
:env:.disable-pip-version-check='1'
"""
    assert load_setup().uv_settings(listed) == {
        "UV_DEFAULT_INDEX": "https://closer.example/simple",
        "UV_INDEX": "https://one.example https://two.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": str(certificate),
    }


def test_where_no_bytecode_may_be_written_it_is_kept_in_the_environment(project: Path) -> None:
    (project / "manage.py").write_text("import sys, tiny; print(sys.dont_write_bytecode, sys.pycache_prefix)")
    told = subprocess.run(
        [sys.executable, project / "bin" / "demo"],
        capture_output=True, text=True, check=True,
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"},
            "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (project / "wheels").as_uri(), "PYTHONDONTWRITEBYTECODE": "1",
        },
    )  # fmt: skip
    assert told.stdout.split() == ["False", *str(project / ".venv" / "pycache").split()]
    assert list((project / ".venv" / "pycache").rglob("tiny*.pyc"))
    assert not list((project / "bin").rglob("*.pyc"))
