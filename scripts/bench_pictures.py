#!/usr/bin/env python3
"""Photos to vectors by Pillow and ONNX Runtime, for comparison with `engram`.

    pip install numpy Pillow onnxruntime fastapi 'uvicorn[standard]'
    python scripts/bench_pictures.py index PHOTOS MODEL.onnx VECTORS.npy
    python scripts/bench_pictures.py serve MODEL.onnx VECTORS.npy [--port 8100]
    python scripts/bench_pictures.py ask URL PHOTOS [--clients 1 4]

`index` decodes and prepares the photos of a folder in worker threads while ONNX
Runtime encodes batches, and writes unit vectors: what `engram index build` does.
`serve` answers POST /v1/search with the ten nearest of the vectors to an image in
the body, as `engram serve` does. `ask` sends each photo to such a server once, by
so many clients, and prints the median and the 90th percentile of the answers.

The model is MobileNetV2 (input "input" in -1…1, output "features"). Preprocessing
is torchvision's: the shorter side to 224, bilinear with antialias, the middle cut out.
"""

import argparse
import concurrent.futures as futures
import http.client
import pathlib
import sys
import threading
import time
import urllib.parse

SIZE = 224


def prepare(file):
    """Returns the tensor [3, SIZE, SIZE] of an image file."""
    import numpy as np
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    w, h = image.size
    w, h = (SIZE * w // h, SIZE) if w > h else (SIZE, SIZE * h // w)
    left, top = round((w - SIZE) / 2), round((h - SIZE) / 2)
    image = image.resize((w, h), Image.Resampling.BILINEAR).crop((left, top, left + SIZE, top + SIZE))
    pixels = np.asarray(image).transpose(2, 0, 1).astype(np.float32)
    pixels *= np.float32(2 / 255)
    pixels -= np.float32(1)
    return pixels


def open_model(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def encode(session, tensors):
    import numpy as np

    features = session.run(["features"], {"input": np.stack(tensors)})[0]
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def index(args):
    import numpy as np

    session = open_model(args.model, args.threads)
    files = sorted(p for p in pathlib.Path(args.photos).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    start, vectors, batch, encoding = time.perf_counter(), [], [], 0.0

    def flush():
        nonlocal encoding
        began = time.perf_counter()
        vectors.append(encode(session, batch))
        batch.clear()
        encoding += time.perf_counter() - began

    with futures.ThreadPoolExecutor(args.workers) as pool:
        for tensor in pool.map(prepare, files):
            batch.append(tensor)
            if len(batch) == args.batch:
                flush()
        if batch:
            flush()
    np.save(args.vectors, np.concatenate(vectors))
    seconds = time.perf_counter() - start
    print(f"{len(files)} photos, {seconds:.3f} s, {len(files) / seconds:.1f} photos/s, {encoding / seconds:.3f} of the time in the model")


def serve(args):
    import io

    import fastapi
    import numpy as np
    import uvicorn

    session, vectors = open_model(args.model, args.threads), np.load(args.vectors)
    app = fastapi.FastAPI()

    def search(body, k):
        scores = vectors @ encode(session, [prepare(io.BytesIO(body))])[0]
        best = np.argpartition(-scores, k)[:k]
        best = best[np.argsort(-scores[best])]
        return {"hits": [{"id": str(i), "score": float(scores[i])} for i in best]}

    @app.post("/v1/search")
    async def route(request: fastapi.Request, k: int = 10):
        body = await request.body()
        return await fastapi.concurrency.run_in_threadpool(search, body, k)

    uvicorn.run(app, host="127.0.0.1", port=args.port, log_level="warning", access_log=False)


def ask(args):
    url = urllib.parse.urlsplit(args.url)
    bodies = [p.read_bytes() for p in sorted(pathlib.Path(args.photos).rglob("*")) if p.suffix.lower() in (".jpg", ".jpeg")]

    def client(mine, times):
        line = http.client.HTTPConnection(url.netloc)
        for body in mine:
            began = time.perf_counter()
            line.request("POST", "/v1/search?k=10", body, {"Content-Type": "image/jpeg"})
            answer = line.getresponse()
            text = answer.read()
            if answer.status != 200:
                sys.exit(f"{answer.status}: {text[:300]}")
            times.append(time.perf_counter() - began)

    client(bodies[:20], [])  # warm
    for clients in args.clients:
        times, began = [], time.perf_counter()
        threads = [threading.Thread(target=client, args=(bodies[i::clients], times)) for i in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        seconds = time.perf_counter() - began
        times.sort()
        print(f"{clients} clients: p50 {1e3 * times[len(times) // 2]:.2f} ms, p90 {1e3 * times[len(times) * 9 // 10]:.2f} ms, "
              f"{len(times) / seconds:.1f} answers/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=0, help="threads of ONNX Runtime, 0: one for each core")
    modes = parser.add_subparsers(required=True)
    mode = modes.add_parser("index")
    mode.add_argument("photos")
    mode.add_argument("model")
    mode.add_argument("vectors")
    mode.add_argument("--workers", type=int, default=2)
    mode.add_argument("--batch", type=int, default=16)
    mode.set_defaults(run=index)
    mode = modes.add_parser("serve")
    mode.add_argument("model")
    mode.add_argument("vectors")
    mode.add_argument("--port", type=int, default=8100)
    mode.set_defaults(run=serve)
    mode = modes.add_parser("ask")
    mode.add_argument("url")
    mode.add_argument("photos")
    mode.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    mode.set_defaults(run=ask)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
