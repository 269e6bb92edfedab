"""The servers' programs in the installed wheels."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from .accounts import Account
from .errors import EmbeddedError


def find_program(package: str, pattern: str, account: Account, service: Path) -> Path:
    """Return a package's program, in a copy below `service` if the account cannot reach the package's folder."""
    site = _site_folder(package)
    found = next(iter(sorted(site.glob(pattern))), None)
    if found is None:
        raise EmbeddedError(
            f"The package {package} has no server for this kind of machine. Set DATABASE_URL and REDIS_URL."
        )
    if account.can_reach(found):
        return found
    return _copied(package, site, service) / found.relative_to(site)


def _site_folder(package: str) -> Path:
    """Return the site-packages folder that has the package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The package {package.replace('_', '-')}, which contains the server, is not installed. Run bin/demo "
            "once to install it, or set DATABASE_URL and REDIS_URL to your own servers."
        )
    return Path(spec.origin).parent.parent


def _copied(package: str, site: Path, service: Path) -> Path:
    """Copy the package with the libraries beside it (the programs look for them there), once per version."""
    version = importlib.metadata.version(package.replace("_", "-"))
    copy = service / f"{package}-{version}"
    if not copy.exists():
        unfinished = service / f"{copy.name}.{os.getpid()}"
        for folder in (site / package, site / f"{package}.libs"):
            if folder.is_dir():
                shutil.copytree(folder, unfinished / folder.name, symlinks=True)
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(unfinished)], check=True)
        unfinished.rename(copy)
    return copy
