"""[fetch]: images from the web, politely."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pipelines.settings.base import Settings

OUTPUT_NEUTRAL = (  # how fast, not what: they leave a finished fetch valid
    "concurrency", "per_host_connections", "per_host_delay_s", "crawl_delay_cap_s", "bucket_deadline_s", "backoff_s", "backoff_cap_s",
    "test_resolve", "allow_test_resolve", "egress_proxy", "contact",
)  # fmt: skip


class FetchSettings(Settings):
    """Images from the web, politely."""

    contact: str = Field("", description="A URL or e-mail address at which site owners reach you; part of the agent string. Required.")
    agent: str = Field("weft/0.1 (+{contact})", description="User-Agent; {contact} is filled in.")
    robots: bool = Field(True, description="Obey robots.txt (RFC 9309: 4xx allows, 5xx and silence disallow).")
    opt_out_tokens: tuple[str, ...] = Field(
        ("noai", "noimageai", "noml", "none", "noindex", "noimageindex", "tdm-reservation", "train-ai=n", "train-genai=n", "ai=n", "all=n"),
        description="Directives in headers that keep an image from being taken.",
    )
    opt_out_lists: tuple[str, ...] = Field((), description="Files with a URL or domain a line that must not be asked for.")
    concurrency: int = Field(512, ge=1, description="Requests in flight per worker.")
    per_host_connections: int = Field(2, ge=1, le=16, description="Connections to one host.")
    per_host_delay_s: float = Field(1.0, ge=0, description="Seconds between the starts of requests to one host; a longer Crawl-delay wins.")
    crawl_delay_cap_s: float = Field(30.0, ge=0, description="A longer Crawl-delay than this is obeyed as this.")
    connect_s: float = Field(10.0, gt=0, description="Seconds to connect.")
    total_s: float = Field(30.0, gt=0, description="Seconds for one image, redirects and body included.")
    max_bytes: int = Field(20 << 20, ge=1024, description="Longest image taken.")
    max_redirects: int = Field(5, ge=0, description="Redirects followed; each hop is checked again.")
    ports: tuple[int, ...] = Field((80, 443), description="Ports that may be asked.")
    retries: int = Field(2, ge=0, description="Further attempts after a passing failure (timeout, reset, 429, 5xx).")
    backoff_s: float = Field(1.0, ge=0, description="Wait before the first retry; doubles, with jitter, and Retry-After wins if longer.")
    backoff_cap_s: float = Field(60.0, ge=0, description="Longest wait before a retry.")
    bucket_deadline_s: float = Field(3600.0, gt=0, description="A bucket ends by then; the rest has status `deadline`, for `weft retry`.")
    urls_per_bucket: int = Field(20_000, ge=1, description="Image URLs of one bucket, about.")
    hot_host_urls: int = Field(
        3_000,
        ge=1,
        description="A host with more image URLs is split into as many lanes as it may have connections, each in another bucket.",
    )
    egress_proxy: str = Field("", description="Proxy that all requests go through; nothing is taken from the environment.")
    earlier: str = Field("", description="Digest of an earlier fetch of this run: only its passing failures are asked again.")
    img2dataset: str = Field("", description="Folder written by img2dataset (webdataset or files): what it holds is taken from there.")
    allow_test_resolve: bool = Field(False, description="Tests only: allow `test_resolve`.")
    test_resolve: dict[str, str] = Field(
        default_factory=dict, description='Tests only: host or "*" -> loopback "ip:port", so that public names play on this machine.'
    )

    @field_validator("egress_proxy")
    @classmethod
    def _plain_proxy(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme != "http" or not parts.hostname):
            raise ValueError("give an http proxy as http://[user:password@]host:port")
        return url

    @field_validator("agent", "contact")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if not text.isascii() or not text.isprintable():
            raise ValueError("goes into the agent string: printable ASCII on one line")
        return text

    @model_validator(mode="after")
    def _only_loopback(self) -> FetchSettings:
        if self.test_resolve and not self.allow_test_resolve:
            raise ValueError("fetch.test_resolve is for tests: set fetch.allow_test_resolve = true to use it")
        for host, target in self.test_resolve.items():
            ip, _, port = target.rpartition(":")
            try:
                fine = ip_address(ip.strip("[]")).is_loopback and 0 < int(port) < 65536
            except ValueError:
                fine = False
            if not fine:
                raise ValueError(f"fetch.test_resolve: {host!r} must point to a loopback ip:port, not {target!r}")
        return self

    def agent_string(self) -> str:
        return self.agent.format(contact=self.contact or "no contact given")
