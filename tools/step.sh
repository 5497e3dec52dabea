#!/bin/sh
# step.sh MESSAGE COMMAND...: prints one line, keeps the command's output to itself, and shows it if the command fails.
message=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '  %s\n' "$message"
"$@" >"$log" 2>&1 && exit 0
status=$?
cat "$log" >&2
printf 'make: failed: %s\n' "$message" >&2
exit $status
