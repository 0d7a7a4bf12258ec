"""The folder of an exported model: written whole or not at all, with its bundle.json.

Not run by itself: the scripts export_*.py and import_mindeye.py use it.
"""

import contextlib
import hashlib
import json
import pathlib
import shutil
import tempfile

from export_checkpoints import Failure


@contextlib.contextmanager
def new_folder(out):
    """Gives an empty folder that becomes out when the block ends without an error."""
    out = pathlib.Path(out)
    target = out.absolute()
    if target.exists():
        raise Failure(f"{out} is there already")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        yield folder
        folder.chmod(0o755)
        folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def go_json(value):
    """Returns the manifest's JSON as Engram writes it: 1 for 1.0, and <, > and & escaped."""
    def plain(v):
        if isinstance(v, float) and v == int(v):
            return int(v)
        if isinstance(v, dict):
            return {k: plain(x) for k, x in v.items()}
        return [plain(x) for x in v] if isinstance(v, list) else v
    text = json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n"
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_manifest(folder, manifest):
    """Writes bundle.json. The fields of manifest are in the order of embed/model.Manifest."""
    (folder / "bundle.json").write_text(go_json(manifest), encoding="utf-8")


def manifest(folder, kind, about, graphs):
    """Returns the fields that a manifest of every kind begins with, of all files in folder.

    about has name, version, licence and source; graphs maps each graph of the kind to
    its file, inputs and outputs.
    """
    return {"format": 1, "kind": kind} | about | {
        "files": {p.name: sha256(p) for p in sorted(folder.iterdir())}, "models": graphs}


def fingerprint(folder):
    """Returns what other models name the model in folder by (embed/model/FORMAT.md).

    The manifest must be written as Engram writes it, as all scripts and commands do.
    """
    path = pathlib.Path(folder) / "bundle.json"
    if not path.is_file():
        raise Failure(f"{folder} is not a model: it has no bundle.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("source", "").startswith("hf:"):
        content["licence"] = ""
    compact = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    compact = compact.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return hashlib.sha256(compact.encode()).hexdigest()
