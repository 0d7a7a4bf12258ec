#!/usr/bin/env python3
"""Asks a server by the unmodified ClipClient of clip-retrieval, and checks what comes.

    pip install requests && pip install --no-deps clip-retrieval
    engram serve --index photos.index
    python scripts/check_clip_client.py http://127.0.0.1:8080 --words "a dog on a beach"

The client is a file of the installed package that needs requests alone; the package itself
imports PyTorch and faiss, which are not needed here. It asks by words, by the picture of the
first hit, by a vector, and with the defaults and without the toggles that its README names.
Where the server has stored scans, the vector is what its decoder makes of the first one.
Checked with clip-retrieval 2.45.0 and requests 2.34.2.
"""

import argparse
import importlib.metadata
import importlib.util
import pathlib
import tempfile

import requests


def clip_client():
    """The module clip_retrieval.clip_client, without what its package imports."""
    files = importlib.metadata.files("clip-retrieval") or []
    path = next(f.locate() for f in files if f.name == "clip_client.py")
    spec = importlib.util.spec_from_file_location("clip_client", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(name, hits, most):
    """Fails where hits are not what consumers of the client read, the best first."""
    assert isinstance(hits, list), f"{name}: wanted a list of hits, found {hits}"
    assert 0 < len(hits) <= most, f"{name}: {len(hits)} hits, wanted 1 to {most}"
    for hit in hits:
        assert isinstance(hit["id"], int) and isinstance(hit["similarity"], (int, float)), f"{name}: {hit}"
        assert isinstance(hit["caption"], str) and hit["url"].startswith("http"), f"{name}: {hit}"
    scores = [hit["similarity"] for hit in hits]
    assert scores == sorted(scores, reverse=True), f"{name}: the order is {scores}"
    print(f"{name:24} {len(hits):3} hits, the first {hits[0]['similarity']:.3f} {hits[0]['caption'][:60]!r}")
    return hits


def vector_of(url, info):
    """A vector that a client could have: a decoded scan, or else one of the first elements."""
    if info.get("trials"):
        trial = requests.get(f"{url}/v1/trials", params={"limit": 1}, timeout=30).json()["trials"][0]["id"]
        answer = requests.post(f"{url}/v1/decode", json={"trial": trial}, timeout=30)
        answer.raise_for_status()
        return answer.json()["vector"]
    return [1.0] + [0.0] * (info["index"]["dim"] - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of the server")
    parser.add_argument("--words", default="a dog", help="to search for")
    args = parser.parse_args()
    url = args.url.rstrip("/")
    info = requests.get(f"{url}/v1/info", timeout=30).json()
    name = requests.get(f"{url}/indices-list", timeout=30).json()[0]
    module = clip_client()

    def client(**options):
        return module.ClipClient(url=f"{url}/knn-service", indice_name=name, **options)

    hits = check("words, all defaults", client().query(text=args.words), 40)
    plain = {"aesthetic_score": "", "deduplicate": False, "use_safety_model": False, "use_violence_detector": False}
    check("words, 7 images, plain", client(num_images=7, **plain).query(text=args.words), 7)
    check("words, modality text", client(modality=module.Modality.TEXT).query(text=args.words), 40)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "picture"
        file.write_bytes(requests.get(hits[0]["url"], timeout=30).content)
        found = check("the first hit's picture", client(**plain).query(image=str(file)), 40)
        assert found[0]["id"] == hits[0]["id"] and found[0]["similarity"] > 0.99, "the picture does not find itself"
    check("a vector", client().query(embedding_input=vector_of(url, info)), 40)
    refused = client().query(image=f"{url}/")
    assert isinstance(refused, dict) and refused["status"] in (400, 422), f"an address: {refused}"
    print(f"{'an address of a picture':24} refused: {refused['detail']}")
    metadata = requests.post(f"{url}/metadata", json={"indice_name": name, "ids": [h["id"] for h in hits[:3]]}, timeout=30)
    assert [m["id"] for m in metadata.json()] == [h["id"] for h in hits[:3]], f"the metadata: {metadata.text}"
    print("all as clip-retrieval's own server answers")


if __name__ == "__main__":
    main()
