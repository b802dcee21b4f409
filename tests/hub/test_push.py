"""What a push leaves in a repository, and what it refuses to send; by the real client, to a Hub on loopback."""

import json

import pyarrow as pa
import pyarrow.parquet
import pytest

from ser_hub.errors import InputError
from ser_hub.hub.push import check_corpus, files_to_push

PUSH = """
import json, sys
from ser_hub.errors import InputError
from ser_hub.hub.push import push
for folder, repo_id, repo_type, private in json.loads(sys.argv[1]):
    try:
        print("pushed", push(folder, repo_id, repo_type, private=private))
    except InputError as error:
        print("refused", " ".join(str(error).split()))
"""


@pytest.fixture
def pushes(client):
    """Push folders one after the other, in one process: (folder, repository, its type, whether private) each."""

    def run(*wanted):
        return client(PUSH, json.dumps([(str(folder), *rest) for folder, *rest in wanted])).splitlines()

    return run


def folder_of(root, **files):
    """A folder with a README and other files."""
    for name, content in {"README.md": "# a model", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def corpus_of(root, *names, shards=1):
    """An exported corpus, as far as its `corpus` column and the number of its Parquet files go."""
    folder = folder_of(root)
    (folder / "data").mkdir()
    for index in range(shards):
        file = folder / "data" / f"train-{index:05d}-of-{shards:05d}.parquet"
        pa.parquet.write_table(pa.table({"clip_id": [f"{n}/{index}" for n in names], "corpus": list(names)}), file)
    return folder


def test_what_the_folder_has_no_more_is_deleted(hub, pushes, tmp_path):
    first = folder_of(tmp_path / "first", **{"model.onnx": "one", "record.json": "{}", "code.py": "a"})
    second = folder_of(tmp_path / "second", **{"record.json": '{"other": 1}', "code.py": "a"})
    hub.repositories["model", "org/m"] = {"main": {".gitattributes": b"*.onnx filter=lfs", "old/stale.txt": b"stale"}}
    pushes((first, "org/m", "model", False))
    files = hub.repositories["model", "org/m"]["main"]
    assert set(files) == {".gitattributes", "README.md", "model.onnx", "record.json", "code.py"}
    pushes((second, "org/m", "model", False))
    assert set(files) == {".gitattributes", "README.md", "record.json", "code.py"}
    assert files["record.json"] == b'{"other": 1}' and files[".gitattributes"] == b"*.onnx filter=lfs"


def test_shards_of_an_earlier_push_are_deleted_in_the_same_commit(hub, pushes, tmp_path):
    two, three = (corpus_of(tmp_path / str(count), "ravdess", shards=count) for count in (2, 3))
    pushes((two, "org/c", "dataset", False), (three, "org/c", "dataset", False))
    files = hub.repositories["dataset", "org/c"]["main"]
    assert sorted(files) == ["README.md", *(f"data/train-{index:05d}-of-00003.parquet" for index in range(3))]
    assert len(hub.served("POST", "commit/main")) == 2


def test_an_unchanged_folder_makes_no_commit(hub, pushes, tmp_path):
    folder = folder_of(tmp_path / "m", **{"model.onnx": "one"})
    said = pushes((folder, "org/m", "model", False), (folder, "org/m", "model", False))
    assert len(hub.served("POST", "commit/main")) == 1 and said[0] == said[1]


def test_what_a_dry_run_lists_is_sent_whatever_its_name_and_nothing_hidden(hub, pushes, tmp_path):
    shown = {"data/take[1].txt": "x", "what?.txt": "x"}
    hidden = {".env": "TOKEN=x", ".git/config": "x", "data/.secret": "x", ".cache/a.txt": "x"}
    folder = folder_of(tmp_path / "m", **shown, **hidden)
    assert [path for path, _ in files_to_push(folder)] == ["README.md", *shown]
    pushes((folder, "org/m", "model", False))
    assert set(hub.repositories["model", "org/m"]["main"]) == {"README.md", *shown}


def test_what_must_be_private_does_not_go_to_a_public_repository(hub, pushes, tmp_path):
    folder = folder_of(tmp_path / "m")
    said = pushes(
        (folder, "org/new", "model", True),
        (folder, "org/new", "model", True),
        (folder, "org/open", "model", False),
        (folder_of(tmp_path / "secret", **{"more.txt": "x"}), "org/open", "model", True),
    )
    assert [line.split()[0] for line in said] == ["pushed", "pushed", "pushed", "refused"]
    assert "'org/open' is there already and public" in said[-1]
    assert hub.private == {"org/new"} and "more.txt" not in hub.repositories["model", "org/open"]["main"]


def test_what_the_hub_refuses_is_said_in_one_sentence(hub, pushes, tmp_path):
    wrong = folder_of(tmp_path / "wrong", **{"README.md": "---\nlicense: nonsense\n---\n"})
    large = folder_of(tmp_path / "large", **{"model.onnx": "one"})
    hub.refuse_blobs = True
    said = pushes((wrong, "org/wrong", "model", False), (large, "org/large", "model", False))
    assert '"license" must be one of [apache-2.0, mit]' in said[0] and "refused" in said[0]
    assert "model.onnx" in said[1] and "refused" in said[1]
    assert len(said) == 2 and "Traceback" not in "".join(said)


def test_only_an_exported_corpus_is_pushed_as_one(refused, tmp_path):
    folder = folder_of(tmp_path / "m")
    assert "holds no exported corpus" in refused("corpus", "push", folder, "org/x")
    (folder / "data").mkdir()
    pa.parquet.write_table(pa.table({"text": ["a"]}), folder / "data" / "a.parquet")
    assert "holds no exported corpus" in refused("corpus", "push", folder, "org/x")
    (folder / "data" / "a.parquet").write_bytes(b"no Parquet")
    assert "holds no exported corpus" in refused("corpus", "push", folder, "org/x")


@pytest.mark.parametrize("name", ["savee", "shemo"])
def test_what_its_makers_do_not_publish_goes_up_privately_or_not_at_all(refused, tmp_path, name):
    folder = corpus_of(tmp_path / "mixed", "ravdess", name)
    assert "may not be published; push it with --private" in refused("corpus", "push", folder, "org/x")
    check_corpus(folder, private=True)


@pytest.mark.parametrize("name", ["ravdess", "ravdess-song", "emodb", "crema-d", "tess", "synthetic", "folder"])
def test_what_may_be_passed_on_is_published(tmp_path, name):
    check_corpus(corpus_of(tmp_path / name, name), private=False)


def test_a_corpus_that_nobody_knows_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no corpus 'other'"):
        check_corpus(corpus_of(tmp_path / "c", "other"), private=False)
