"""A server on loopback that speaks as much of the Hub's HTTP API as uploading and downloading a repository takes.

It keeps repositories in memory, and serves plain files from `archives`; `break_after` breaks answers off after so many
bytes, and `refuse_blobs` refuses large files. A README whose metadata say `license: nonsense` is not valid.
"""

import base64
import hashlib
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

LFS = (".safetensors", ".parquet", ".png", ".onnx")


class Hub:
    """The server's state: `repositories[kind, repo_id][revision][path]` and `blobs[sha256]` are bytes."""

    def __init__(self):
        self.repositories = {}
        self.private = set()
        self.blobs = {}
        self.requests = []
        self.archives = {}
        self.break_after = None
        self.refuse_blobs = False
        self.url = ""

    def served(self, method, ending):
        """The Range header (or None) of each request of a method whose path ends so."""
        return [wanted for m, path, wanted in self.requests if m == method and path.endswith(ending)]


def commit_of(files):
    """A commit id that depends on the content alone."""
    listing = sorted((path, hashlib.sha256(content).hexdigest()) for path, content in files.items())
    return hashlib.sha1(json.dumps(listing).encode()).hexdigest()


def oid_of(path, content):
    """A file's id, by which a client knows that it has not changed: git's own, or of a large file its SHA-256."""
    if path.endswith(LFS):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, content=b"", status=200, **headers):
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers.setdefault("Content_Type", "application/json")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: self.hub.break_after])
        if self.hub.break_after and len(content) > self.hub.break_after:
            self.close_connection = True

    def missing(self, code="RepoNotFound"):
        self.answer({"error": "not found"}, 404, X_Error_Code=code, X_Error_Message="not found")

    def handle_any(self):
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        for method, pattern, action in ROUTES:
            if self.command in method.split() and (found := re.fullmatch(pattern, path)):
                return action(self, **{name: value for name, value in found.groupdict().items() if value is not None})
        return self.missing("EntryNotFound")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

    # --- up -----------------------------------------------------------------------------------------------------

    def create(self):
        wanted = json.loads(self.body())
        repo_id = "/".join(filter(None, (wanted.get("organization"), wanted["name"])))
        kind = wanted.get("type") or "model"
        prefix = "" if kind == "model" else f"{kind}s/"
        about = {"url": f"{self.hub.url}/{prefix}{repo_id}", "name": repo_id, "id": repo_id}
        if (kind, repo_id) in self.hub.repositories:  # and its visibility stays as it is
            return self.answer(about | {"error": f"You already created this {kind} repo"}, 409)
        self.hub.repositories[kind, repo_id] = {"main": {}}
        if wanted.get("private") or wanted.get("visibility") == "private":
            self.hub.private.add(repo_id)
        return self.answer(about)

    def branch(self, kind, repo_id, revision):
        self.body()
        revisions = self.hub.repositories[kind, repo_id]
        revisions.setdefault(revision, dict(revisions["main"]))
        self.answer({})

    def validate(self):
        if "license: nonsense" in json.loads(self.body())["content"]:
            message = '"license" must be one of [apache-2.0, mit]'
            return self.answer({"errors": [{"message": message}], "warnings": []}, 400)
        return self.answer({"errors": [], "warnings": []})

    def preupload(self, kind, repo_id, revision):
        files = json.loads(self.body())["files"]
        held = self.hub.repositories[kind, repo_id][revision]
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LFS) else "regular",
                "shouldIgnore": False,
                "oid": oid_of(file["path"], held[file["path"]]) if file["path"] in held else None,
            }
            for file in files
        ]
        self.answer({"files": modes, "commitOid": "0" * 40})

    def lfs_batch(self, repo_id, kind="models"):
        objects = [
            {"oid": item["oid"], "size": item["size"]}
            | (
                {}
                if item["oid"] in self.hub.blobs
                else {"actions": {"upload": {"href": f"{self.hub.url}/blob/{item['oid']}"}}}
            )
            for item in json.loads(self.body())["objects"]
        ]
        self.answer({"transfer": "basic", "objects": objects})

    def blob(self, oid):
        content = self.body()
        if self.hub.refuse_blobs:
            return self.answer(b"", 403)
        assert hashlib.sha256(content).hexdigest() == oid
        self.hub.blobs[oid] = content
        return self.answer()

    def commit(self, kind, repo_id, revision):
        files = self.hub.repositories[kind, repo_id][revision]
        for line in self.body().splitlines():
            step = json.loads(line)
            value = step["value"]
            if step["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif step["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            elif step["key"] == "deletedFile":
                del files[value["path"]]
        oid = commit_of(files)
        self.answer({"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{repo_id}/commit/{oid}"})

    # --- down ---------------------------------------------------------------------------------------------------

    def files(self, kind, repo_id, revision):
        revisions = self.hub.repositories.get((kind, repo_id), {})
        for name, files in revisions.items():
            if revision in (name, commit_of(files)):
                return files
        return None

    def info(self, kind, repo_id, revision="main"):
        if (files := self.files(kind, repo_id, revision)) is None:
            return self.missing("RepoNotFound" if (kind, repo_id) not in self.hub.repositories else "RevisionNotFound")
        siblings = [{"rfilename": path, "size": len(content)} for path, content in files.items()]
        about = {
            "id": repo_id,
            "sha": commit_of(files),
            "private": repo_id in self.hub.private,
            "siblings": siblings,
            "tags": [],
        }
        return self.answer(about | {"downloads": 0, "likes": 0, "gated": False, "disabled": False})

    def tree(self, kind, repo_id, revision, folder=""):
        if (files := self.files(kind, repo_id, revision)) is None:
            return self.missing()
        return self.answer(self.entries(files, folder.strip("/"), "recursive=true" in self.path.lower()))

    def paths_info(self, kind, repo_id, revision):
        body = self.body()
        wanted = (
            json.loads(body)["paths"] if body.startswith(b"{") else re.findall(r"paths=([^&]*)", unquote(body.decode()))
        )
        files = self.files(kind, repo_id, revision)
        entries = {entry["path"]: entry for entry in self.entries(files, "", True)}
        self.answer([entries[path] for path in wanted if path in entries])

    @staticmethod
    def entries(files, folder, recursive):
        entries = {}
        for path, content in files.items():
            if folder and not path.startswith(f"{folder}/"):
                continue
            parts = path.split("/")
            for depth in range(1, len(parts)):
                parent = "/".join(parts[:depth])
                entries[parent] = {"type": "directory", "path": parent, "oid": "0" * 40, "size": 0}
            oid = hashlib.sha1(content).hexdigest()
            entries[path] = {"type": "file", "path": path, "oid": oid, "size": len(content)}
        depth = folder.count("/") + 1 if folder else 0
        return [entry for path, entry in entries.items() if recursive or path.count("/") == depth]

    def resolve(self, repo_id, revision, path, kind="model"):
        files = self.files({"datasets": "dataset"}.get(kind, "model"), repo_id, revision)
        if files is None:
            return self.missing()
        if path not in files:
            return self.missing("EntryNotFound")
        content = files[path]
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X_Repo_Commit": commit_of(files),
            "Accept_Ranges": "bytes",
        }
        return self.part(content, headers)

    def part(self, content, headers):
        if wanted := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, end = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
            if start >= len(content):
                return self.answer(b"", 416, Content_Range=f"bytes */{len(content)}")
            headers |= {"Content_Range": f"bytes {start}-{end}/{len(content)}"}
            return self.answer(content[start : end + 1], 206, **headers)
        if self.command == "HEAD":
            headers["Content_Length"] = len(content)
        return self.answer(content, **headers)

    def archive(self, name):
        if name not in self.hub.archives:
            return self.missing("EntryNotFound")
        return self.part(self.hub.archives[name], {"Accept_Ranges": "bytes"})


KIND = r"/api/(?P<kind>model|dataset)s/(?P<repo_id>[^/]+/[^/]+)"
ROUTES = [
    ("POST", "/api/repos/create", Handler.create),
    ("POST", "/api/validate-yaml", Handler.validate),
    ("POST", rf"{KIND}/branch/(?P<revision>[^/]+)", Handler.branch),
    ("POST", rf"{KIND}/preupload/(?P<revision>[^/]+)", Handler.preupload),
    ("POST", rf"{KIND}/commit/(?P<revision>[^/]+)", Handler.commit),
    ("POST", rf"{KIND}/paths-info/(?P<revision>[^/]+)", Handler.paths_info),
    ("POST", r"/(?:(?P<kind>datasets)/)?(?P<repo_id>[^/]+/[^/]+)\.git/info/lfs/objects/batch", Handler.lfs_batch),
    ("PUT", r"/blob/(?P<oid>[0-9a-f]{64})", Handler.blob),
    ("GET", r"/archives/(?P<name>.+)", Handler.archive),
    ("GET", rf"{KIND}/tree/(?P<revision>[^/]+)(?P<folder>/.*)?", Handler.tree),
    ("GET", rf"{KIND}/revision/(?P<revision>[^/]+)", Handler.info),
    ("GET", KIND, Handler.info),
    (
        "GET HEAD",
        r"/(?P<kind>datasets)/(?P<repo_id>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)",
        Handler.resolve,
    ),
    ("GET HEAD", r"/(?P<repo_id>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)", Handler.resolve),
]


@contextmanager
def serving():
    """Run the server; yields its `Hub`."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
