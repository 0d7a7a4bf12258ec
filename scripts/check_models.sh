#!/usr/bin/env bash
# Fetches every model of the catalogue and tries it out: what only the published weights
# can show, and a machine with internet.
#
#     go build -o engram ./cmd/engram
#     ENGRAM=./engram scripts/check_models.sh
#     ENGRAM=./engram scripts/check_models.sh --precision fp16 clip-vit-b-32 hf:Xenova/clip-vit-base-patch16
#
# For each model, or for the named ones: engram model get, which checks the hashes of the
# catalogue and of the hub; engram model show --verify, which hashes all files again and
# runs the canary; an index of three pictures that engram draws (scenes:3?seed=5); and,
# where the model has words, three texts, each of which must find its picture first.
# Prints a table, then what went wrong, and exits with 1 if anything did. All models
# together are about 10 GB; --remove deletes each one again.
# HF_ENDPOINT, HF_TOKEN, HF_HOME and ENGRAM_CACHE are honoured by engram itself.
set -uo pipefail

engram=${ENGRAM:-engram}
precision=fp32
remove=no
names=()
while [ $# -gt 0 ]; do
	case $1 in
	--precision) precision=${2:?--precision wants fp32, fp16 or int8}; shift ;;
	--remove) remove=yes ;;
	-h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	-*) echo "check_models: $1 is no option, wanted --precision or --remove" >&2; exit 2 ;;
	*) names+=("$1") ;;
	esac
	shift
done

# Texts, and the row of the picture that each describes.
texts=("a white bear in the mountains at night" "a yellow bus in a town in the snow" "a red lamp in a room")
rows=(2 0 1)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# catalogued prints the names of the catalogue's models.
catalogued() {
	"$engram" model list --json | awk -F'"' '$2 == "name" { name = $4 } $2 == "download" { print name }'
}

# try runs a command, keeps what it says, and notes where it fails.
try() {
	local step=$1
	shift
	if ! "$@" >"$work/out" 2>"$work/err"; then
		printf '%s: %s: %s\n' "$model" "$step" "$(tail -n 1 "$work/err")" >>"$work/failures"
		return 1
	fi
}

# ranked prints how many texts find their picture first.
ranked() {
	local found=0 i
	for i in "${!texts[@]}"; do
		try search "$engram" search --index "$work/index" --text "${texts[i]}" -k 3 || continue
		if grep -qE "^1 .* row ${rows[i]} " "$work/out"; then
			found=$((found + 1))
		else
			printf '%s: search: "%s" finds %s, wanted row %d\n' "$model" "${texts[i]}" \
				"$(sed -n '2s/.* row /row /p' "$work/out")" "${rows[i]}" >>"$work/failures"
		fi
	done
	echo "$found of ${#texts[@]}"
}

# check does all steps for $model and prints its line.
check() {
	local start=$SECONDS fetched=- verified=- words=- dim=- result=ok
	installed=${model##*/}
	installed=${installed%@*}
	[ "$model" != "${model#hf:}" ] || installed=$model
	rm -rf "$work/index"
	if try get "$engram" model get "$model" --precision "$precision"; then
		fetched=$((SECONDS - start))s
		if try show "$engram" model show "$installed" --verify; then
			verified=yes
			dim=$(awk '$1 == "embedding" { print $(NF - 1) }' "$work/out")
			words=none
			! grep -q '^words  *yes' "$work/out" || words=-
			if try build "$engram" index build "scenes:3?seed=5" --model "$installed" --out "$work/index"; then
				[ "$words" = none ] || words=$(ranked)
			fi
		fi
		[ $remove = no ] || try remove "$engram" model remove "$installed"
	fi
	if grep -q "^$model: " "$work/failures" 2>/dev/null; then
		result=FAILED
		failures=$((failures + 1))
	fi
	printf '%-28s %-6s %-8s %-9s %-8s %s\n' "$model" "$dim" "$fetched" "$verified" "$words" "$result"
}

if [ ${#names[@]} -eq 0 ]; then
	mapfile -t names < <(catalogued)
	[ ${#names[@]} -gt 0 ] || { echo "check_models: $engram lists no model" >&2; exit 1; }
fi
printf '%-28s %-6s %-8s %-9s %-8s %s\n' MODEL DIM FETCHED VERIFIED WORDS RESULT
for model in "${names[@]}"; do
	check
done
if [ $failures -gt 0 ]; then
	printf '\n%d of %d models failed:\n' "$failures" "${#names[@]}"
	cat "$work/failures"
	exit 1
fi
