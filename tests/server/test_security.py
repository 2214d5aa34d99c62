"""Who may speak to the server, and what hostile requests get."""

from __future__ import annotations

import http.client
import io
import json
import re
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from muslin.runs.folder import RunFolder
from muslin.server.middleware.slots import Slots
from server.conftest import Running, Start

pytestmark = pytest.mark.timeout(400)  # a busy machine needs minutes for the fixtures' training and 200 connections
PROBLEM = "application/problem+json"
PIXELS = np.zeros((28, 28), int).tolist()
IMAGE = json.dumps({"images": [PIXELS]})
JSON = {"content-type": "application/json"}


def is_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    content = answer.json()
    assert content["status"] == status
    assert content["title"]
    assert len(content["detail"]) > 10
    assert "Traceback" not in answer.text


def png_bomb(side: int) -> bytes:
    """A valid PNG of side × side black pixels: some kilobytes that decode to gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    squeeze = zlib.compressobj(9)
    rows = b"".join(squeeze.compress(bytes(1 + side // 8)) for _ in range(side)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# ── Who may speak ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[", ""])
def test_a_name_that_is_pointed_at_this_machine_gets_nowhere(served: Running, host: str) -> None:
    is_problem(served.http.get("/api/runs", headers={"host": host}), 403)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://", "http://["])
def test_another_web_page_cant_drive_it(served: Running, origin: str) -> None:
    answer = served.http.post("/api/predict", content=IMAGE, headers=JSON | {"origin": origin})
    is_problem(answer, 403)
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_page_may_and_a_cross_site_request_may_not(served: Running) -> None:
    own = served.http.post("/api/predict", content=IMAGE, headers=JSON | {"origin": served.url})
    assert own.status_code == 200
    for mode, status in (("no-cors", 403), ("cors", 403), ("navigate", 200)):
        headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}
        assert served.http.get("/", headers=headers).status_code == status
    posted = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    is_problem(served.http.post("/api/predict", content=IMAGE, headers=JSON | posted), 403)


@pytest.mark.parametrize("path", ["/", "/docs", "/api/runs", "/nowhere", "/assets/app.js", "/healthz"])
def test_every_answer_carries_the_headers(served: Running, path: str) -> None:
    headers = served.http.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_the_page_holds_no_inline_script_or_style_and_names_no_other_host(served: Running) -> None:
    for path in ("/", "/docs"):
        text = served.http.get(path).text
        assert "<style" not in text
        assert "style=" not in text
        assert "<script>" not in text
        assert "//" not in text.replace("<!doctype html>", "")


def test_a_token_is_asked_for_everywhere_but_for_health(start: Start) -> None:
    up = start(token="a secret")  # noqa: S106
    for path in ("/", "/api/runs", "/assets/app.js", "/metrics", "/docs", "/nowhere"):
        answer = up.http.get(path)
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "a secret" not in answer.text
    assert up.http.get("/healthz").status_code == 200
    assert up.http.get("/api/runs", headers={"authorization": "Bearer a secret"}).status_code == 200
    for wrong in ("Bearer a secre", "Basic a secret", "Bearer", "a secret", "Bearer \xff"):
        assert up.http.get("/api/runs", headers={"authorization": wrong.encode("latin-1")}).status_code == 401
    is_problem(up.http.get("/?token=wrong"), 401)
    opened = up.http.get("/?token=a%20secret")
    assert opened.status_code == 303
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert up.http.get("/").status_code == 200


def test_beyond_loopback_there_is_always_a_token(runs: Path, free_port: int) -> None:
    arguments = ["serve", str(runs), "--host", "0.0.0.0", "--port", str(free_port), "--data", str(runs)]  # noqa: S104
    process = subprocess.Popen([sys.executable, "-m", "muslin", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        token = line.strip().partition("?token=")[2]
        assert len(token) >= 32
        base = f"http://127.0.0.1:{free_port}"
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                assert httpx.get(f"{base}/api/runs").status_code == 401
                break
            except httpx.TransportError:
                time.sleep(0.1)
        answer = httpx.get(f"{base}/api/runs", headers={"authorization": f"Bearer {token}", "host": "anything.example"})
        assert answer.status_code == 200
        with httpx.stream("GET", f"{base}/api/events", headers={"authorization": f"Bearer {token}"}) as stream:
            next(stream.iter_lines())
            process.terminate()
            assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def test_serving_needs_no_torch(cnn: RunFolder) -> None:
    code = (
        "import sys; import muslin.cli.serve, muslin.server.server\n"
        "from muslin.server import Settings, create_app\nfrom pathlib import Path\n"
        f"app = create_app(Settings(runs=Path({str(cnn.path.parent)!r})))\n"
        f"loaded = app.state.service.loaded_runs.load({cnn.name!r})\n"
        "import numpy as np\nloaded.inside.activations(np.zeros((1, 28, 28, 1), np.uint8))\n"
        "app.state.service.close()\nsys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_address_that_is_taken_is_explained(runs: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        arguments = ["serve", str(runs), "--port", str(sock.getsockname()[1])]
        done = subprocess.run([sys.executable, "-m", "muslin", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Address already in use. Choose another --port" in " ".join(done.stderr.split())


# ── What hostile requests get ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b"null", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"images": []}', 422),
        (b'{"images": [[[]]]}', 422),
        (b'{"images": [[["a"]]]}', 422),
        (b'{"images": [[[true]]]}', 422),
        (b'{"images": [[[1.5]]]}', 422),
        (b'{"images": [[[256]]]}', 422),
        (b'{"images": [[[-1]]]}', 422),
        (b'{"images": [[[1e999]]]}', 422),
        (b'{"images": [[[1' + b"0" * 5000 + b"]]]}", 400),
        (b'{"images": [[[1, 2], [3]]]}', 422),
        (b'{"images": [[[1, 2], [3, 4]]]}', 422),
        (json.dumps({"images": [PIXELS] * 257}).encode(), 422),
        (json.dumps({"images": [PIXELS], "path": "/etc/passwd"}).encode(), 422),
        (json.dumps({"images": [PIXELS], "run": "../../etc"}).encode(), 404),
        (json.dumps({"images": [PIXELS], "run": "latest"}).encode(), 404),
        (json.dumps({"images": [PIXELS], "run": "\x00"}).encode(), 404),
        (json.dumps({"images": [PIXELS], "run": 5}).encode(), 422),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_wrong_json_gets_a_reason(served: Running, body: bytes, status: int) -> None:
    is_problem(served.http.post("/api/predict", content=body, headers=JSON), status)


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/%2e%2e%2fapp.py",
        "/assets/..%5capp.py",
        "/assets//etc/passwd",
        "/assets/%00",
        "/api/runs/..%2f..%2fetc",
        "/api/runs/latest",
        "/api/runs/%2e%2e/results",
        "/api/runs/.%00./guide",
    ],
)
def test_no_path_leads_to_a_file(served: Running, path: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=10)
    connection.request("GET", path)  # as it stands: httpx would tidy it up
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == 404
    assert answer.headers["content-type"] == PROBLEM
    assert b"root:" not in content
    assert b"import" not in content


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_other_kinds_of_body_are_refused(served: Running, kind: str) -> None:
    is_problem(served.http.post("/api/predict", content=b"a=b", headers={"content-type": kind}), 415)
    is_problem(served.http.post("/api/photo", content=b"a=b", headers={"content-type": kind}), 415)


def picture(kind: str) -> bytes:
    content = io.BytesIO()
    Image.new("L", (28, 28)).save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"x", picture("GIF"), picture("TIFF"), picture("PNG")[:45], b"%PDF-1.4", b"<svg/>", b"%!PS-Adobe-3.0 EPSF"],
    ids=["empty", "text", "gif", "tiff", "cut off", "pdf", "svg", "eps"],
)
def test_what_is_no_picture_of_the_four_formats_is_refused(served: Running, content: bytes) -> None:
    is_problem(served.http.post("/api/predict", files={"image": ("../../x.png", content)}), 422)
    is_problem(served.http.post("/api/photo", files={"image": ("x.png", content)}), 422)


def test_forms_hold_what_they_may(served: Running) -> None:
    good = picture("PNG")
    is_problem(served.http.post("/api/predict", files={"file": good}), 422)
    is_problem(served.http.post("/api/predict", files={"image": good}, data={"recipe": "cake"}), 422)
    is_problem(served.http.post("/api/photo", files={"image": good}, data={"steps": "trim,trim"}), 422)
    is_problem(served.http.post("/api/photo", files={"image": good}, data={"steps": "fly"}), 422)
    is_problem(served.http.post("/api/photo", files=[("image", good), ("image", good)]), 400)
    is_problem(served.http.post("/api/predict", files=[("image", good)] * 257), 400)
    broken = {"content-type": "multipart/form-data; boundary=x"}
    is_problem(served.http.post("/api/predict", content=b"--y\r\n", headers=broken), 400)
    is_problem(served.http.post("/api/predict", content=b"", headers={"content-type": "multipart/form-data"}), 400)


def test_a_million_form_fields_are_not_read(served: Running) -> None:
    part = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n'
    body = part * (4_900_000 // len(part)) + b"--x--\r\n"
    began = time.monotonic()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    is_problem(served.http.post("/api/predict", content=body, headers=headers), 400)
    assert time.monotonic() - began < 5
    fields = b"&".join(b"a%d=" % number for number in range(1_000_000))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    is_problem(served.http.post("/api/predict", content=fields[:4_900_000], headers=headers), 415)
    # All of them are longer than a body may be; the server may close before the last is sent.
    with pytest.raises((httpx.WriteError, httpx.ReadError, AssertionError)):  # noqa: PT012
        is_problem(served.http.post("/api/predict", content=fields, headers=headers), 413)
        raise AssertionError


def endless(served: Running) -> tuple[int, int]:
    """Send chunks without end; (status, bytes that were taken)."""
    host = urlsplit(served.url)
    sent = 0
    with socket.create_connection((host.hostname, host.port), timeout=10) as sock:
        sock.sendall(
            b"POST /api/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + b"[" * 65_536 + b"\r\n"
        answer = b""
        sock.settimeout(0.001)
        while not answer and sent < 200_000_000:
            try:
                sent += sock.send(chunk)
            except (TimeoutError, BlockingIOError):
                pass
            except OSError:
                break
            try:
                answer = sock.recv(1000)
            except (TimeoutError, OSError):
                continue
    return int(answer.split()[1]) if answer else 0, sent


def test_an_endless_body_is_cut_off(served: Running) -> None:
    status, sent = endless(served)
    assert status in (413, 0)  # 0: the connection was closed while more was being sent
    assert sent < 30_000_000
    announced = served.http.build_request("POST", "/api/predict", headers=JSON | {"content-length": "5000001"})
    announced.headers["content-length"] = "5000001"
    is_problem(served.http.post("/api/predict", content=b" " * 5_000_001, headers=JSON), 413)


def test_a_slow_body_is_given_up(start: Start) -> None:
    up = start(body_seconds=0.3)
    host = urlsplit(up.url)
    with socket.create_connection((host.hostname, host.port), timeout=10) as sock:
        sock.sendall(b"POST /api/predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n[")
        assert b" 408 " in sock.recv(1000)


def test_who_sends_no_headers_is_hung_up_on(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muslin.server.middleware.capacity.HEADER_SECONDS", 0.3)
    up = start()
    host = urlsplit(up.url)
    with socket.create_connection((host.hostname, host.port), timeout=10) as sock:
        sock.sendall(b"GET / HT")
        assert sock.recv(1000) == b""


def test_beyond_capacity_there_is_a_quick_503(start: Start) -> None:
    up = start(most_computing=2)
    statuses: list[int] = []
    waits: list[float] = []

    def ask() -> None:
        with httpx.Client(base_url=up.url, timeout=30) as client:
            for _ in range(5):
                began = time.monotonic()
                answer = client.post("/api/explain", json={"pixels": PIXELS, "occlusion": True})
                statuses.append(answer.status_code)
                if answer.status_code == 503:
                    is_problem(answer, 503)
                    assert answer.headers["retry-after"] == "1"
                    waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 503}
    slots = up.server.config.app.state.service.slots  # type: ignore[union-attr]
    assert (slots.taken, slots.arriving) == (0, 0)
    assert np.median(waits) < 0.25


@pytest.fixture
def full(start: Start) -> Running:
    """A server whose only place is taken."""
    up = start(most_computing=1)
    assert up.http.post("/api/predict", content=IMAGE, headers=JSON).status_code == 200
    slots_of(up).taken = 1
    return up


def slots_of(up: Running) -> Slots:
    slots: Slots = up.server.config.app.state.service.slots  # type: ignore[union-attr]
    return slots


def connect(up: Running) -> socket.socket:
    host = urlsplit(up.url)
    return socket.create_connection((host.hostname, host.port), timeout=30)


def head(length: int, more: str = "") -> bytes:
    return (
        f"POST /api/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{more}"
        f"content-length: {length}\r\n\r\n"
    ).encode()


def answer(sock: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(1)
    length = int(received.lower().partition(b"content-length:")[2].split()[0])
    body = b""
    while len(body) < length:
        body += sock.recv(length - len(body))
    return received, body


def test_who_finds_no_place_is_told_before_the_body_and_keeps_the_connection(full: Running) -> None:
    body = IMAGE.encode()
    with connect(full) as sock:
        for _ in range(2):
            sock.sendall(head(len(body)))
            first, problem = answer(sock)  # nothing of the body was sent
            assert first.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1\r\n" in first
            assert b"connection: close" not in first
            assert json.loads(problem)["detail"].startswith("The server is computing the maximum of 1 request.")
            sock.sendall(body[:99])
            sock.sendall(body[99:])
        slots_of(full).taken = 0
        sock.sendall(head(len(body)) + body)
        first, predictions = answer(sock)
        assert first.startswith(b"HTTP/1.1 200 ")
        assert json.loads(predictions)["predictions"]
    assert re.search(r'place="predict",status="503"\} 2$', full.http.get("/metrics").text, re.MULTILINE)
    assert (slots_of(full).taken, slots_of(full).arriving) == (0, 0)


def test_the_quick_503_carries_what_every_answer_carries(full: Running) -> None:
    refused = full.http.post("/api/explain", json={"pixels": PIXELS})
    is_problem(refused, 503)
    assert refused.headers["content-security-policy"] == full.http.get("/").headers["content-security-policy"]
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert full.http.get("/healthz").status_code == 200  # places are for computing


@pytest.mark.parametrize(
    "request_head",
    [
        head(4_000_000),
        head(10, "expect: 100-continue\r\n"),
        head(10, "connection: close\r\n"),
        head(10).replace(b"content-length: 10", b"transfer-encoding: chunked"),
    ],
    ids=["long", "expecting", "closing", "of unknown length"],
)
def test_a_connection_whose_body_is_not_worth_reading_is_closed(full: Running, request_head: bytes) -> None:
    with connect(full) as sock:
        sock.sendall(request_head)
        first, _ = answer(sock)
        assert first.startswith(b"HTTP/1.1 503 ")
        assert b"connection: close" in first
        assert sock.recv(1) == b""


def test_who_goes_on_asking_without_reading_the_answers_is_hung_up_on(full: Running) -> None:
    request, sent = head(2) + b"{}", 0
    with connect(full) as sock:
        while sent < 100_000_000:
            try:
                sent += sock.send(request * 1000)
            except ConnectionError:  # a timeout would mean that it is left waiting
                break
    assert sent < 100_000_000
    assert full.http.get("/healthz").status_code == 200


def test_a_refused_body_that_never_comes_is_hung_up_on(full: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muslin.server.middleware.capacity.HEADER_SECONDS", 0.3)
    with connect(full) as sock:
        sock.sendall(head(10))
        answer(sock)
        assert sock.recv(1) == b""


class Watch:
    """Asks for health the whole time, and remembers the most memory that the process had."""

    def __init__(self, url: str, process: psutil.Process) -> None:
        self.process, self.url = process, url
        self.start = self.most = process.memory_info().rss
        self.failures = 0
        self.answers = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        with httpx.Client(base_url=self.url, timeout=5) as client:
            while not self._stop.wait(0.02):
                try:
                    self.failures += client.get("/healthz").status_code != 200
                    self.answers += 1
                except httpx.HTTPError:
                    self.failures += 1
                self.most = max(self.most, self.process.memory_info().rss)


@pytest.fixture
def alone(runs: Path, cnn: RunFolder, free_port: int) -> Iterator[tuple[Running, psutil.Process]]:
    """A server in a process of its own, warmed up."""
    arguments = ["serve", str(cnn.path), "--port", str(free_port), "-q"]
    process = subprocess.Popen([sys.executable, "-m", "muslin", *arguments], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{free_port}"
    with httpx.Client(base_url=url, timeout=30) as client:
        until = time.monotonic() + 30
        while True:
            try:
                client.get("/healthz")
                break
            except httpx.TransportError:
                assert time.monotonic() < until
                time.sleep(0.1)
        for _ in range(20):
            assert client.post("/api/predict", content=IMAGE, headers=JSON).status_code == 200
            client.post("/api/predict", files={"image": picture("PNG")})
        yield Running(url, None, client), psutil.Process(process.pid)  # type: ignore[arg-type]
    process.terminate()
    process.wait(15)


def test_hostile_requests_take_little_memory_and_health_answers_throughout(
    alone: tuple[Running, psutil.Process],
) -> None:
    up, process = alone
    host = urlsplit(up.url)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 1024), hard), hard))
    with Watch(up.url, process) as watch:
        slow = [socket.create_connection((host.hostname, host.port)) for _ in range(200)]
        for number, sock in enumerate(slow):
            sock.sendall(b"POST /api/predict HTTP/1.1\r\nhost: localhost\r\n")
            if number % 2:
                sock.sendall(b"content-length: 4000000\r\ncontent-type: application/json\r\n\r\n[")
        endless(up)
        for _ in range(3):
            is_problem(up.http.post("/api/predict", files={"image": png_bomb(60_000)}), 422)
            is_problem(up.http.post("/api/photo", files={"image": png_bomb(20_000)}), 422)
        part = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n'
        headers = {"content-type": "multipart/form-data; boundary=x"}
        is_problem(up.http.post("/api/predict", content=part * 90_000, headers=headers), 400)
        is_problem(up.http.post("/api/predict", content=b"[" * 4_900_000, headers=JSON), 400)
        assert up.http.post("/api/predict", content=IMAGE, headers=JSON).status_code == 200
        for sock in slow:
            sock.close()
    assert watch.failures == 0
    assert watch.answers > 20
    assert watch.most - watch.start < 50_000_000
