# ruff: noqa: E501 (sentences for people, one a line)
"""Croissant 1.1 (MLCommons) with the RAI fields: one JSON-LD file that names every shard with its sha256 and says how it was made."""

from __future__ import annotations

import json
from typing import Any

from pipelines import storage
from pipelines.shards.export.source import manifest_of, new_folder
from pipelines.shards.export.stats import Stats, collect
from schemas.manifest import RunManifest
from schemas.shard import IMAGE_LISTS, PROVENANCE

CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "prov": "http://www.w3.org/ns/prov#", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/", "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "name": {"@container": "@language"}, "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
CONFORMS = "http://mlcommons.org/croissant/1.1"
_NUMBERS = {"warc_offset": "sc:Integer", "warc_length": "sc:Integer", "language_score": "sc:Float"}
_LISTS = {"image_width": "sc:Integer", "image_height": "sc:Integer", "image_clip_score": "sc:Float"}


def describe(manifest: RunManifest, stats: Stats, url: str) -> dict[str, Any]:
    """The JSON-LD. `url` is where the data set is or will be published."""
    files = [
        {"@type": "cr:FileObject", "@id": s.tar, "name": s.tar, "contentUrl": s.tar, "contentSize": f"{s.bytes} B",
         "encodingFormat": "application/x-tar", "sha256": s.sha256}
        for s in manifest.shards
    ]  # fmt: skip
    jsons = {"@type": "cr:FileSet", "@id": "documents-json", "name": "documents-json", "containedIn": [{"@id": f["@id"]} for f in files],
             "encodingFormat": "application/json", "includes": "*.json"}  # fmt: skip
    fields = [_field("doc_id", "sc:Text"), *(_field(n, _NUMBERS.get(n, "sc:Text")) for n in PROVENANCE)]
    fields += [_field(n, "sc:Text", True) for n in ("texts", "images")] + [_field(n, _LISTS.get(n, "sc:Text"), True) for n in IMAGE_LISTS]
    inputs = [{"@type": "prov:Entity", "prov:label": name, "sc:identifier": str(ident)} for name, ident in sorted(manifest.inputs.items())]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [CONFORMS, "http://mlcommons.org/croissant/RAI/1.0"],
        "name": manifest.name or "weft",
        "description": f"{stats.total.documents} interleaved documents of text and images from the web: {stats.total.text_bytes} bytes of text, "
        f"{stats.total.images} images. Order and bytes as on the page; every decision is in the run's tables.",
        "url": url,
        "license": "https://commoncrawl.org/terms-of-use",
        "version": "1.0.0",
        "datePublished": (stats.total.last or "1970-01-01")[:10],
        "citeAs": f"{manifest.name or 'weft'}, made with Weft; manifest of stage pack {manifest.stages.get('pack', {}).get('manifest_sha256', '')}",
        "creator": {"@type": "sc:Organization", "name": manifest.name or "weft", "url": url},
        "isLiveDataset": False,
        "prov:wasDerivedFrom": inputs,
        "prov:wasGeneratedBy": [
            {
                "@type": "prov:Activity",
                "prov:label": stage,
                "sc:softwareVersion": manifest.code.get(stage, ""),
                "sc:identifier": v["digest"],
            }
            for stage, v in manifest.stages.items()
        ],
        **rai(manifest, stats),
        "distribution": [*files, jsons],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": "documents", "name": "documents", "key": {"@id": "documents/doc_id"}, "field": fields}
        ],
    }


def rai(manifest: RunManifest, stats: Stats) -> dict[str, Any]:
    """The RAI fields, from figures of the run."""
    languages = sorted(stats.languages.items(), key=lambda x: -x[1].documents)
    shares = ", ".join(f"{k} {v.documents / max(1, stats.total.documents):.1%}" for k, v in languages[:10])
    top = stats.largest()[:10]
    heavy = sum(s.text_bytes + s.image_bytes for _, s in top) / max(1, stats.total.text_bytes + stats.total.image_bytes)
    rules = list(manifest.config.get("filters", {}))
    removed = [
        f"{s}: {sum(c['documents'].dropped.values())} of {c['documents'].entered}" for s, c in manifest.counts.items() if "documents" in c
    ]
    masked = "E-mail addresses and phone numbers are masked where stage extract is configured to; names and faces are not searched for."
    return {
        "rai:dataCollection": f"Pages from web archives ({', '.join(sorted(stats.crawls))}); images fetched from their URLs afterwards.",
        "rai:dataCollectionType": ["Web Scraping"],
        "rai:dataCollectionMissingData": "Images that could not be fetched or decoded are left out; their number and cause are in fetch/urls.",
        "rai:dataCollectionRawData": "Each document names its archive record: warc_path, warc_offset, warc_length.",
        "rai:dataCollectionTimeframe": [x for x in (stats.total.first, stats.total.last) if x],
        "rai:dataPreprocessingProtocol": [f"Rules: {', '.join(rules) or 'none configured'}", f"Documents dropped: {'; '.join(removed)}"],
        "rai:dataManipulationProtocol": "Dropped nodes leave the document; the others keep their order. Text is as extracted, images are as fetched"
        + (" or encoded anew." if manifest.config.get("pack", {}).get("reencode") else "."),
        "rai:dataBiases": [f"Languages by documents: {shares or 'none'}", f"The ten largest domains hold {heavy:.1%} of the bytes."],
        "rai:dataLimitations": "Text that contradicts its images, machine-written text and errors of extraction remain at the rates the report states.",
        "rai:dataSocialImpact": "Web text repeats the stereotypes and gaps of the web; measure before use in decisions about people.",
        "rai:personalSensitiveInformation": [masked],
        "rai:dataUseCases": ["Pre-training of vision-language models", "Research on data curation"],
        "rai:dataReleaseMaintenancePlan": "Removals by `weft takedown`: a new manifest linked to the old, and a patch for copies.",
        "rai:machineAnnotationTools": [json.dumps({k: v}, sort_keys=True) for k, v in sorted(manifest.models.items())] or ["none"],
    }  # fmt: skip


def _field(name: str, kind: str, repeated: bool = False) -> dict[str, Any]:
    out: dict[str, Any] = {
        "@type": "cr:Field", "@id": f"documents/{name}", "name": name, "dataType": kind,
        "source": {"fileSet": {"@id": "documents-json"}, "extract": {"jsonPath": f"$.{name}"}},
    }  # fmt: skip
    return {**out, "isArray": True, "arrayShape": "-1"} if repeated else out


def export(run: str, folder: str, url: str = "https://example.invalid/dataset") -> dict[str, int]:
    """Write croissant.json. Validate it with `mlcroissant validate --jsonld croissant.json`."""
    new_folder(folder)
    manifest = manifest_of(run)
    text = json.dumps(describe(manifest, collect(run, manifest), url), indent=1, ensure_ascii=False)
    storage.write_bytes(storage.join(folder, "croissant.json"), text.encode())
    return {"shards": len(manifest.shards)}
