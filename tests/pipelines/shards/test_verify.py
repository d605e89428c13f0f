"""verify: a good run is good, and every fault is named."""

import json
import subprocess
import sys

import pytest

from benchmarks.verify import KINDS, inject
from pipelines.shards import sign
from pipelines.shards.run_manifest import publish
from pipelines.shards.verify import miss_probability, verify
from schemas.manifest import ManifestError, dumps_run, loads_run
from tests.support.tables import packed


def test_a_published_run_has_no_fault_and_publishing_again_changes_nothing(packed_run):
    run, root = packed_run
    report = verify(str(root))
    assert report.faults == [] and report.documents == len(run.kept())
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in root.rglob("*") if p.is_file()}
    publish(str(root))
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in root.rglob("*") if p.is_file()} == before
    assert not verify(str(root), sample=5, seed=1).faults


def test_random_faults_are_all_named(run_copy, tmp_path):
    """A sample of `python -m benchmarks.verify`, which makes 10,000."""
    older = tmp_path / "older"
    packed(older, 6, seed=3)
    publish(str(older))
    made, missed = inject(str(run_copy), (older / "manifest.json").read_bytes(), 12 * len(KINDS), seed=11)
    assert missed == [] and set(made) == set(KINDS)


def test_a_damaged_document_is_named_by_key(run_copy):
    entry = loads_run((run_copy / "manifest.json").read_bytes(), "").shards[0]
    path = run_copy / "shards" / entry.tar
    data = bytearray(path.read_bytes())
    data[700] ^= 1  # in the first document's JSON
    path.write_bytes(data)
    faults = verify(str(run_copy)).faults
    assert {f.kind for f in faults} >= {"sha256"} and any(len(f.where) == 32 for f in faults)


def test_sampling_states_what_it_may_miss(run_copy):
    assert miss_probability(100, 10, 1) == pytest.approx(0.9)
    assert miss_probability(100, 100, 1) == 0 and miss_probability(10, 0, 3) == 1
    report = verify(str(run_copy), sample=10**6)
    assert report.ok and report.sample["miss_one"] == 0 and report.bytes > 0
    misses = 0
    entry = max(loads_run((run_copy / "manifest.json").read_bytes(), "").shards, key=lambda s: s.documents)
    path = run_copy / "shards" / entry.tar
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    path.write_bytes(data)
    for seed in range(60):
        misses += verify(str(run_copy), sample=report.documents // 2, seed=seed, tables=False).ok
    assert 15 <= misses <= 45  # expected 30


def test_the_manifest_is_sealed(run_copy):
    path = run_copy / "manifest.json"
    manifest = loads_run(path.read_bytes(), "")
    assert dumps_run(manifest) == path.read_bytes()
    with pytest.raises(ManifestError, match="changed"):
        loads_run(path.read_bytes().replace(b'"weft"', b'"wefx"', 1), "m")
    with pytest.raises(ManifestError, match="not a run manifest"):
        loads_run(b"{}", "m")


def test_signature(run_copy, tmp_path):
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    raw = serialization.Encoding.PEM
    for name in ("a", "b"):
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(raw, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (tmp_path / f"{name}.key").write_bytes(private)
        (tmp_path / f"{name}.pub").write_bytes(key.public_key().public_bytes(raw, serialization.PublicFormat.SubjectPublicKeyInfo))
    run = str(run_copy)
    assert sign.check_signature(run, str(tmp_path / "a.pub"))[0].kind == "missing"
    sign.sign(run, str(tmp_path / "a.key"))
    assert sign.check_signature(run, str(tmp_path / "a.pub")) == []
    assert sign.check_signature(run, str(tmp_path / "b.pub"))[0].kind == "manifest"


def test_the_verb(run_copy):
    good = subprocess.run([sys.executable, "-m", "weft.main", "verify", str(run_copy), "--json"], capture_output=True, text=True)
    assert good.returncode == 0 and json.loads(good.stdout)["ok"]
    (run_copy / "shards" / "sizes.json").unlink()
    bad = subprocess.run([sys.executable, "-m", "weft.main", "verify", str(run_copy)], capture_output=True, text=True)
    assert bad.returncode == 1 and "sizes.json" in bad.stdout
