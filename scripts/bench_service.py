#!/usr/bin/env python3
"""Open-loop load on engram serve by vegeta, with the collection of engram demo.

    go install github.com/tsenart/vegeta/v12@v12.13.0
    go build -o engram ./cmd/engram
    ./engram demo --no-serve --out demo
    python scripts/bench_service.py load --engram ./engram --demo demo [--seconds 10]
    python scripts/bench_service.py soak --engram ./engram --demo demo --minutes 10
    python scripts/bench_service.py peer --a http://127.0.0.1:8080 --b http://127.0.0.1:8090 --data DIR

`load` starts a server on loopback and prints, for searches by scan, words, picture and
vector: the median time of one client beside the time of the model that the server states in
the same answers; the capacity, which is the highest rate of an open loop at which every
request is answered, none takes a second and half of them less than five times as long as for
one client; and the median and 99th percentile at 80 % of it. Then thumbnails a second, and the memory idle and under load. vegeta (MIT) has the same
processors as the server.

`soak` sends a mixture of all routes, writes of payloads included, to a copy of the index at
half the capacity of its slowest route, and fails where memory, goroutines or open files of
the last quarter are more than those of the second.

`peer` compares the requests a second of two servers by POST /v1/search with the vectors of
DIR/query.npy, by turns, with 1 and 8 connections, and the recall@10 of both by
DIR/gt_ids.npy. scripts/bench_peers.py serve is such a server with FastAPI and faiss.
"""

import argparse
import base64
import contextlib
import glob
import json
import pathlib
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

K = 16
SCAN, JSON = "application/octet-stream", "application/json"


class Service:
    """A server of the demo's collection, on loopback."""

    def __init__(self, engram, demo, writable=None):
        def one(pattern):
            return sorted(glob.glob(str(pathlib.Path(demo) / pattern)))[-1]
        scans = one("scans-*")
        self.voxels, self.pictures = f"{scans}/voxels.npy", one("scenes-*")
        command = [engram, "serve", "--index", writable or one("index-*/index"), "--decoder", one("decoders-*/auto"),
                   "--mask", f"{scans}/mask.nii.gz", "--regions", f"{scans}/voxels.csv", "--voxels", self.voxels,
                   "--trials", f"{scans}/trials.csv", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"]
        if writable:
            command += ["--writable", "--images-root", self.pictures]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = self.process.stdout.readline().strip().rstrip("/")
        self.host = urllib.parse.urlsplit(self.url).netloc
        time.sleep(0.5)
        self.log.seek(0)
        self.admin = next(line.split()[-1] for line in self.log if line.startswith("metrics are at"))

    def close(self):
        self.process.terminate()
        self.process.wait()

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def scans(self, n):
        """n scans of the demo, as float32."""
        with open(self.voxels, "rb") as file:
            length = struct.unpack("<H", file.read(10)[8:])[0]
            shape = eval(file.read(length))["shape"]  # of a file that the demo wrote
            rows = []
            for i in range(n):
                file.seek(10 + length + i * (shape[0] // n) * shape[1] * 4)
                rows.append(file.read(shape[1] * 4))
        return rows

    def usage(self):
        """Memory in MiB (resident, and of it anonymous), goroutines and open files."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        kib = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.startswith(("VmRSS", "RssAnon"))}
        with urllib.request.urlopen(self.admin, timeout=60) as answer:
            goroutines = next(float(line.split()[1]) for line in answer.read().decode().splitlines() if line.startswith("go_goroutines"))
        files = len(list(pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir()))
        return {"resident": kib["VmRSS"] / 1024, "anonymous": kib["RssAnon"] / 1024, "goroutines": goroutines, "files": files}

    def requests(self, n=200):
        """Requests by kind: (method, path, media type, body), each asked once in a round."""
        words = ["a red car at night", "two zebras on grass", "a boat", "a small house in the fog", "fruit on a table", "a white cow"]
        explained = f"k={K}&explain=true"
        pictures = sorted(pathlib.Path(self.pictures).rglob("*.png"))[:n]
        vectors = [self.decoded(i) for i in range(32)]
        items = [item["id"] for item in self.get("/v1/items?limit=100")["items"]]
        return {
            "scan": [("POST", f"/v1/search?{explained}", SCAN, scan) for scan in self.scans(n)],
            "words": [("POST", "/v1/search", JSON, json.dumps({"text": f"{words[i % 6]} number {i}", "k": K, "explain": True}).encode()) for i in range(n)],
            "picture": [("POST", f"/v1/search?{explained}", "image/png", p.read_bytes()) for p in pictures],
            "vector": [("POST", "/v1/search", JSON, json.dumps({"vector": v, "k": K, "explain": True}).encode()) for v in vectors],
            "thumbnail": [("GET", f"/v1/items/{i}/thumbnail", "", b"") for i in items],
        }

    def decoded(self, i):
        trial = self.get(f"/v1/trials?limit=1&offset={i * 3}")["trials"][0]["id"]
        request = urllib.request.Request(f"{self.url}/v1/decode", json.dumps({"trial": trial}).encode(), {"Content-Type": JSON})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["vector"]


def alone(url, requests, seconds):
    """Times of one client in ms, one request after the other: of a request, and of the model as the same answer states it."""
    sent = attacked(url, requests, seconds, rate=0, connections=1)
    results = subprocess.run(["vegeta", "encode", "-to=json"], input=sent, stdout=subprocess.PIPE, check=True).stdout
    times, models = [], []
    for result in map(json.loads, results.splitlines()):
        text = base64.b64decode(result["body"])
        assert result["code"] == 200, text
        times.append(result["latency"] / 1e6)
        found = json.loads(text)
        models.append((found.get("stages") or {}).get("decode_ms", found["times"]["query_ms"]))
    return statistics.median(times), statistics.median(models)


def attacked(url, requests, seconds, rate, connections):
    """vegeta's results; rate 0 is as fast as so many connections ask."""
    targets = "\n".join(json.dumps({"method": m, "url": url + path, "body": base64.b64encode(body).decode(),
                                    "header": {"Content-Type": [media]} if media else {}}) for m, path, media, body in requests)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(targets)
        file.flush()
        command = ["vegeta", "attack", "-format=json", f"-targets={file.name}", f"-duration={seconds}s", f"-rate={rate}", "-timeout=10s"]
        command += [f"-max-workers={connections}", f"-workers={connections}"] if connections else []
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def attack(url, requests, seconds, rate=0, connections=0):
    """vegeta's report of these results."""
    sent = attacked(url, requests, seconds, rate, connections)
    report = subprocess.run(["vegeta", "report", "-type=json"], input=sent, stdout=subprocess.PIPE, check=True)
    found = json.loads(report.stdout)
    return {"rate": found["throughput"], "answered": found["success"], "codes": found["status_codes"], "asked": found["rate"],
            "p50": found["latencies"]["50th"] / 1e6, "p99": found["latencies"]["99th"] / 1e6, "most": found["latencies"]["max"] / 1e6}


def capacity(url, requests, seconds, alone_ms):
    """The highest rate of an open loop that the server keeps up with."""
    closed = attack(url, requests, seconds, connections=16)["rate"]
    low, high, rate = 0.0, closed * 1.2, closed * 0.9
    for _ in range(5):
        found = attack(url, requests, seconds, rate=max(1, round(rate)))
        if found["answered"] == 1 and found["most"] < 1000 and found["p50"] < 5 * alone_ms:
            low = rate
        else:
            high = rate
        rate = (low + high) / 2
    return low


def load(args):
    with contextlib.closing(Service(args.engram, args.demo)) as service:
        usage = service.usage()
        print(f"idle: {usage['resident']:.0f} MiB resident, {usage['anonymous']:.0f} anonymous, {usage['goroutines']:.0f} goroutines, {usage['files']} files")
        requests = service.requests()
        print(f"{'search by':10} {'alone p50':>10} {'its model':>10} {'between':>8} | {'capacity/s':>10} {'at 80 %: p50':>12} {'p99':>8} {'p99/p50':>8} {'MiB':>6}")
        for kind in ("scan", "words", "picture", "vector"):
            alone(service.url, requests[kind], 1)
            p50, model = alone(service.url, requests[kind], args.seconds)
            most = capacity(service.url, requests[kind], args.seconds, p50)
            found = attack(service.url, requests[kind], 2 * args.seconds, rate=round(0.8 * most))
            usage = service.usage()
            print(f"{kind:10} {p50:8.2f}ms {model:8.2f}ms {p50 - model:6.2f}ms | {most:10.0f} {found['p50']:10.2f}ms {found['p99']:6.2f}ms "
                  f"{found['p99'] / found['p50']:8.1f} {usage['resident']:6.0f}{'' if found['answered'] == 1 else '  NOT ALL ANSWERED'}", flush=True)
        attack(service.url, requests["thumbnail"], 2, connections=8)
        found = attack(service.url, requests["thumbnail"], args.seconds, connections=8)
        print(f"thumbnails: {found['rate']:.0f}/s, all answered: {found['answered'] == 1}")
        usage = service.usage()
        print(f"after the load: {usage['resident']:.0f} MiB resident, {usage['anonymous']:.0f} anonymous, {usage['goroutines']:.0f} goroutines, {usage['files']} files")


def soak(args):
    with tempfile.TemporaryDirectory() as folder:
        index = pathlib.Path(folder) / "index"
        shutil.copytree(sorted(glob.glob(str(pathlib.Path(args.demo) / "index-*/index")))[-1], index)
        with contextlib.closing(Service(args.engram, args.demo, str(index))) as service:
            mixed = service.requests(60)
            items = service.get("/v1/items?limit=60")["items"]
            mixed["write"] = [("PUT", f"/v1/items/{item['id']}", JSON, json.dumps({"payload": item["payload"]}).encode()) for item in items]
            mixed["page"] = [("GET", path, "", b"") for path in ("/", "/v1/info", "/v1/facets", "/v1/items?limit=24", "/v1/brain")]
            requests = [kind[i % len(kind)] for i in range(60) for kind in mixed.values()]
            rate = args.rate or round(0.5 * attack(service.url, requests, 10, connections=8)["rate"])
            samples, failed, until = [], 0, time.time() + 60 * args.minutes
            print(f"{len(requests)} requests of {', '.join(mixed)} at {rate}/s")
            while time.time() < until:
                found = attack(service.url, requests, min(15, max(2, int(until - time.time()))), rate=rate)
                failed += found["answered"] < 1
                samples.append(service.usage())
                if found["answered"] < 1:
                    print(f"answers: {found['codes']}")
                print(f"{60 * args.minutes - (until - time.time()):5.0f} s  p50 {found['p50']:.1f} p99 {found['p99']:.1f} ms  " +
                      "  ".join(f"{name} {value:.0f}" for name, value in samples[-1].items()), flush=True)
            quarter = max(1, len(samples) // 4)
            grown = []
            for name, slack in {"resident": 32, "anonymous": 32, "goroutines": 20, "files": 20}.items():
                early = statistics.median(s[name] for s in samples[quarter:2 * quarter] or samples)
                late = statistics.median(s[name] for s in samples[-quarter:])
                print(f"{name}: {early:.0f} in the second quarter, {late:.0f} in the last")
                if late > 1.05 * early + slack:
                    grown.append(name)
    if grown or failed:
        raise SystemExit(f"grown: {', '.join(grown) or 'nothing'}; {failed} spells with requests that failed")
    print("flat, and all answered")


def peer(args):
    import numpy as np
    queries = np.load(pathlib.Path(args.data) / "query.npy")[:1000]
    truth = np.load(pathlib.Path(args.data) / "gt_ids.npy")[:1000, :10]
    requests = [("POST", "/v1/search", JSON, json.dumps({"vector": [float(x) for x in q], "k": 10}).encode()) for q in queries]
    for name, url in (("a", args.a), ("b", args.b)):
        found = []
        for (_, path, media, body), want in zip(requests[:300], truth):
            with urllib.request.urlopen(urllib.request.Request(url + path, body, {"Content-Type": media}), timeout=60) as answer:
                hits = json.load(answer)["hits"]
            found.append(len({int(hit["id"]) for hit in hits} & set(want.tolist())) / 10)
        print(f"{name} {url}: recall@10 {statistics.mean(found):.3f}")
    for connections in (1, 8):
        rates = {args.a: [], args.b: []}
        for _ in range(args.turns):
            for url, list_of in rates.items():
                found = attack(url, requests, args.seconds, connections=connections)
                assert found["answered"] == 1, found
                list_of.append(found["rate"])
        a, b = (statistics.median(rates[url]) for url in (args.a, args.b))
        print(f"{connections} connections: a {a:.0f}/s, b {b:.0f}/s, a/b {a / b:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("load", "soak", "peer"))
    parser.add_argument("--engram", default="./engram", help="the program")
    parser.add_argument("--demo", default="demo", help="folder of engram demo")
    parser.add_argument("--seconds", type=int, default=8, help="of each spell of load")
    parser.add_argument("--minutes", type=float, default=10, help="of a soak")
    parser.add_argument("--rate", type=int, default=0, help="requests a second of a soak (default half of what the server takes)")
    parser.add_argument("--a", help="a server")
    parser.add_argument("--b", help="another one")
    parser.add_argument("--data", help="folder of query.npy and gt_ids.npy")
    parser.add_argument("--turns", type=int, default=3, help="of each server")
    args = parser.parse_args()
    {"load": load, "soak": soak, "peer": peer}[args.what](args)


if __name__ == "__main__":
    main()
