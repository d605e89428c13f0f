"""A run signs its manifest with the key its configuration names; verify proves it; a takedown signs again."""

from __future__ import annotations

import tomllib

import pytest
import tomli_w
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipelines.shards.export.source import everything, manifest_of
from pipelines.shards.sign import SIGNATURE, SignKeyError, check_key, renew
from pipelines.shards.takedown import takedown
from pipelines.shards.takedown_list import parse
from weft.main import main


def pair(folder, name="key", private=None):
    private = private or Ed25519PrivateKey.generate()
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    secret.write_bytes(private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    return str(secret), str(public)


def with_key(run, key):
    config = tomllib.loads((run / "config.toml").read_text())
    config["run"]["sign_key"] = key
    (run / "config.toml").write_text(tomli_w.dumps(config))


def test_signed_verified_and_signed_again_after_a_takedown(run_copy, tmp_path, capsys):
    secret, public = pair(tmp_path)
    _, stranger = pair(tmp_path, "other")
    assert not renew(str(run_copy)) and not (run_copy / SIGNATURE).exists()
    assert main(["verify", str(run_copy), "--key", public]) == 1 and "not signed" in capsys.readouterr().out
    with_key(run_copy, secret)
    assert renew(str(run_copy)) and main(["verify", str(run_copy), "--no-tables", "--key", public]) == 0
    capsys.readouterr()
    assert main(["verify", str(run_copy), "--no-tables", "--key", stranger]) == 1 and SIGNATURE in capsys.readouterr().out
    first = (run_copy / SIGNATURE).read_bytes()
    victim = next(iter(everything(str(run_copy), manifest_of(str(run_copy))))).record["url"]
    takedown(str(run_copy), parse(victim))
    assert (run_copy / SIGNATURE).read_bytes() != first
    assert main(["verify", str(run_copy), "--no-tables", "--key", public]) == 0
    (run_copy / SIGNATURE).write_bytes(first)
    assert main(["verify", str(run_copy), "--no-tables", "--key", public]) == 1


def test_a_key_that_cannot_sign_stops_before_the_run(tmp_path, capsys):
    odd, public = pair(tmp_path, "curve", generate_private_key(SECP256R1()))
    for path, says in ((str(tmp_path / "nowhere.pem"), "No such file"), (odd, "Ed25519"), (public, "run.sign_key")):
        with pytest.raises(SignKeyError, match=says):
            check_key(path)
    (tmp_path / "c.toml").write_text(f'[run]\nsign_key = "{odd}"\n')
    assert main(["run", str(tmp_path / "c.toml"), "-o", str(tmp_path / "run")]) == 2
    assert "run.sign_key" in capsys.readouterr().err and not (tmp_path / "run").exists()
    assert main(["verify", str(tmp_path), "--key", str(tmp_path / "nowhere.pem")]) == 2
