#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs both commands of the README in a fresh, minimal Debian 12 (root only):
#
#     tools/chroot-test.sh [COMMAND..]      default: tools/demo.sh tools/test.sh
#
# Makes the system with debootstrap in a folder of its own, clones the commit that is checked out
# into it, runs each command there as root, with nothing from this machine but /proc, /dev and how to
# reach a Debian mirror, and prints PASS or FAIL for each. Exits with 1 if one failed.
# MEMPROF_CHROOT_DIR: where to make the folder (default: TMPDIR). MEMPROF_CHROOT_KEEP=1: leave it there.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

suite=bookworm
commands=("$@")
[ ${#commands[@]} -gt 0 ] || commands=(tools/demo.sh tools/test.sh)
[ "$(id -u)" -eq 0 ] || die "chroot needs root: run it with sudo"
# In a mount namespace of its own, no mount made here can spread to the machine or outlive this.
[ -n "${memprof_unshared-}" ] ||
    memprof_unshared=1 exec unshare --mount --propagation private "$0" "$@"
"$root/tools/setup.sh" chroot

work=$(mktemp -d "${MEMPROF_CHROOT_DIR:-${TMPDIR:-/tmp}}/memprof-chroot.XXXXXX")
system=$work/system
mounted=()

# shellcheck disable=SC2317 # called by the traps
clean_up() {
    local i
    for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do
        umount "${mounted[i]}" || umount -l "${mounted[i]}"
    done
    mounted=()
    if [ "${MEMPROF_CHROOT_KEEP:-0}" = 1 ]; then
        say "the system is left in $system"
    elif ! grep -qF " $work/" /proc/self/mounts; then # never delete through a mount
        rm -rf --one-file-system "$work"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

mount_in() { # TARGET MOUNT-ARGUMENTS..
    local target=$system/$1
    shift
    mkdir -p "$target"
    mount "$@" "$target"
    mounted+=("$target")
}

# The host's Debian archives, as lines of sources.list.
archives() {
    # shellcheck disable=SC2016 # apt's own syntax
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v suite="$suite" '($2 == suite || index($2, suite "-") == 1) && $3 == "main" {
            sub("^mirror\\+", "", $1); print "deb", $1, $2, $3 }' | sort -u
}

# What this machine's apt has to know to reach them.
access() {
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries|ForceIPv)[^ ]* "[^"]' || true
    local name
    for name in http_proxy https_proxy no_proxy; do
        [ -z "${!name-}" ] || [ "$name" = no_proxy ] ||
            printf 'Acquire::%s::Proxy "%s";\n' "${name%_proxy}" "${!name}"
    done
}

sources=$(archives)
mirror=$(awk -v suite="$suite" '$3 == suite { print $2; exit }' <<<"$sources")
[ -n "$mirror" ] || die "apt's sources of this machine name no mirror of Debian's $suite"

say "making a minimal $suite in $system"
debootstrap --variant=minbase "$suite" "$system" "$mirror" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    die "debootstrap failed"
}
printf '%s\n' "$sources" >"$system/etc/apt/sources.list"
access >"$system/etc/apt/apt.conf.d/80host"
for file in resolv.conf hosts; do
    cat "/etc/$file" >"$system/etc/$file"
done
mount_in proc -t proc proc
mount_in dev --bind /dev
mount_in dev/pts --bind /dev/pts

say "cloning the commit that is checked out"
git -c safe.directory='*' clone -q --no-hardlinks "$root" "$system/root/memprof"
[ -z "$(git -c safe.directory='*' -C "$root" status --porcelain)" ] ||
    say "note: changes that are not committed are not tested"

results=()
status=0
for command in "${commands[@]}"; do
    say "running $command"
    # shellcheck disable=SC2016 # expanded inside
    if chroot "$system" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        CI=true \
        /bin/bash -c 'cd /root/memprof && exec $0' "$command" </dev/null; then
        results+=("PASS $command")
    else
        results+=("FAIL $command")
        status=1
    fi
done
printf '%s\n' "${results[@]}"
exit "$status"
