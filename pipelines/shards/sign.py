"""Optional signature of a run's manifest: Ed25519 over the bytes of manifest.json, in manifest.json.sig."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines import storage
from pipelines.settings.config import ConfigError
from pipelines.shards.check import Fault
from schemas import layout


class SignKeyError(ConfigError):
    """The key named in the configuration cannot sign."""


SIGNATURE = f"{layout.MANIFEST}.sig"


def sign(run: str, key: str) -> None:
    """Sign with a private key (PEM, Ed25519, unencrypted). ValueError for another kind of key."""
    private = _load(key, private=True)
    storage.write_bytes(
        storage.join(run, SIGNATURE), private.sign(storage.read_bytes(storage.join(run, layout.MANIFEST))).hex().encode() + b"\n"
    )


def renew(run: str) -> bool:
    """Sign a published run as its own configuration says (`run.sign_key`); whether it does."""
    import tomllib

    config = tomllib.loads(storage.read_bytes(storage.join(run, layout.CONFIG)).decode())
    key = config.get("run", {}).get("sign_key", "")
    if key:
        sign(run, key)
    return bool(key)


def check_key(path: str) -> None:
    """SignKeyError unless `path` is a private key that can sign: asked before a run begins, not after it."""
    try:
        _load(path, private=True)
    except (OSError, ValueError, TypeError) as e:
        raise SignKeyError(f"run.sign_key: {path}: {getattr(e, 'strerror', None) or e}") from e


def check_signature(run: str, key: str) -> list[Fault]:
    """Faults of the signature under a public key (PEM)."""
    from cryptography.exceptions import InvalidSignature

    public, path = _load(key, private=False), storage.join(run, SIGNATURE)
    if not storage.exists(path):
        return [Fault("missing", SIGNATURE, "", "the manifest is not signed")]
    try:
        signature = bytes.fromhex(storage.read_bytes(path).decode().strip())
        public.verify(signature, storage.read_bytes(storage.join(run, layout.MANIFEST)))
    except (InvalidSignature, ValueError):
        return [Fault("manifest", SIGNATURE, "", "the signature is not of this manifest by this key")]
    return []


def _load(path: str, *, private: bool) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    data = Path(path).read_bytes()
    key = load_pem_private_key(data, password=None) if private else load_pem_public_key(data)
    if not isinstance(key, Ed25519PrivateKey if private else Ed25519PublicKey):
        raise ValueError(f"{path}: not an Ed25519 {'private' if private else 'public'} key")
    return key
