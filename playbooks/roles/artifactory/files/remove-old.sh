#!/bin/sh
# Removes what was stored longer ago than REPOSITORY=AGE allows, for each argument. The password comes by the environment and is
# given to curl by its configuration, not by its arguments.
set -eu

ask() {
    printf 'user = "admin:%s"\n' "$PASSWORD" | curl --config - --silent --show-error --fail-with-body "$@"
}

for rule in "$@"; do
    repository=${rule%%=*}
    age=${rule#*=}
    query="items.find({\"repo\":{\"\$eq\":\"$repository\"},\"created\":{\"\$before\":\"$age\"}}).include(\"path\",\"name\")"
    ask --header 'Content-Type: text/plain' --data "$query" "$ARTIFACTORY/api/search/aql" |
        sed -n 's/.*"path" *: *"\([^"]*\)".*/\1/p;s/.*"name" *: *"\([^"]*\)".*/\1/p' |
        while read -r path && read -r name; do
            ask --request DELETE "$ARTIFACTORY/$repository/$path/$name"
            echo "removed $repository/$path/$name"
        done
done
ask --request POST "$ARTIFACTORY/api/system/storage/gc"
