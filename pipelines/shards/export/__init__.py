"""A run in other projects' formats. Each module reads only the published shards and the tables their manifests name."""
