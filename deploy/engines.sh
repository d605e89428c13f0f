#!/usr/bin/env bash
# Prism, Spark and Flink for the tests, built from public packages into FOLDER (default .engines): `make engines`. FOLDER/env names
# what there is, for `. FOLDER/env && pytest tests/runners`. An engine that cannot be had is left out, with a line that says so.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=${1:-.engines}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
uv=.venv/bin/uv
[ -x "$uv" ] || uv=uv
missing() { echo "engines: $1 is left out: $2" >&2; }

if ! { command -v java && command -v mvn; } >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless maven; } >/dev/null 2>&1
fi

job_server() {  # the engine's job server with the engine inside, built once
  [ -s "$folder/$1-job-server.jar" ] && return
  command -v java >/dev/null && command -v mvn >/dev/null || { missing "$1" "no Java or no Maven"; return; }
  rm -rf "$folder/$1" && mkdir "$folder/$1" && cp "deploy/$1/pom.xml" "$folder/$1/"
  if timeout 900 mvn -q -B package -f "$folder/$1/pom.xml" >"$folder/$1/log" 2>&1; then
    mv "$folder/$1/target/$1-job-server-1.jar" "$folder/$1-job-server.jar" && rm -rf "$folder/$1"
  else
    missing "$1" "Maven failed, see $folder/$1/log"
  fi
}
job_server spark
job_server flink

if [ ! -d "$folder/pyspark/lib" ]; then  # an environment of its own: it would change what Weft's holds
  { "$uv" venv -q --python .venv/bin/python "$folder/pyspark" && "$uv" pip install -q --python "$folder/pyspark/bin/python" pyspark==3.5.0; } \
    || { rm -rf "$folder/pyspark"; missing "the Spark cluster" "pyspark could not be installed"; }
fi

if [ ! -x "$folder/prism" ]; then
  command -v go >/dev/null && GOBIN="$folder" timeout 600 go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0 2>"$folder/prism.log" \
    || missing Prism "no Go, or the module could not be built"
fi

{
  echo "export WEFT_PRISM='$folder/prism' WEFT_SPARK_JOB_SERVER='$folder/spark-job-server.jar' WEFT_FLINK_JOB_SERVER='$folder/flink-job-server.jar'"
  echo "export WEFT_SPARK_HOME='$(echo "$folder"/pyspark/lib/python3*/site-packages/pyspark)'"
} >"$folder/env"
ls "$folder"
