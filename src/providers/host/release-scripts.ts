/** The scripts that bring, link and remove releases. Values come as shell variables; see `layout.ts` for the places. */
import { compact, guard, identity, refuse, sh, unitAlive } from './shell.ts';

const shared = `${refuse}${guard}`;

/**
 * Before any byte is sent: `there`, or `send` and how many bytes are there from a transfer that broke. Those become this
 * transfer's own, by its token: an older one that still hangs somewhere finds nothing to go on with. Wants directory,
 * sha256, bytes, owner, token.
 */
export const beginPut = compact(sh`${shared}
guard
if { read -r had _ <"$own/releases/$directory"; } 2>/dev/null && [ -d "$root/releases/$directory" ]; then
  [ "$had" = "$sha256" ] && { echo there; exit 0; }
  refuse release-differs "$had"
fi
attempt mkdir -p "$root/releases" "$root/shared" "$own/releases" "$own/incoming"
if [ -n "$owner" ] && [ "$(id -u)" = 0 ]; then
  id -u "$owner" >/dev/null 2>&1 || refuse user-unknown "$owner"
  chown "$owner" "$root/shared" 2>/dev/null
fi
# What an earlier install of this release left. Only one run may write here at a time.
rm -rf -- "$own/incoming/$directory".*
# A transfer that broke is gone on with where its content is the same; the part of another is of no use any more.
had=0
for part in "$own"/incoming/*.part; do
  [ -f "$part" ] || continue
  case ${'$'}{part##*/} in "$sha256".*) ;; *) rm -f -- "$part"; continue ;; esac
  size=$(wc -c <"$part") || continue
  if [ "$size" -eq 0 ] || [ "$size" -gt "$bytes" ] || [ "$had" -gt 0 ]; then rm -f -- "$part"; continue; fi
  attempt mv -f -- "$part" "$own/incoming/$sha256.$token.part"
  had=$((size))
done
free=$(df -Pk "$root" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "$free"; })
case $free in '' | *[!0-9]*) ;; *)
  needed=$(((bytes - had) / 1024))
  [ "$free" -lt "$needed" ] && refuse disk-full "$free KiB are free, $needed KiB are needed" ;;
esac
echo "send $had"
`);

/**
 * Takes the bytes on standard input, behind the `had` that are there. They become a release only after all of them, read
 * back, were seen to be right, and the manifest comes last: whatever breaks in between leaves no release. A transfer
 * that is cut leaves its part, to go on from; every other failure leaves nothing. Wants directory, sha256, checksum (what
 * cksum says of the artifact; empty: only the SHA-256 counts), bytes, had, kind, file_name, executable, owner, token.
 */
export const finishPut = compact(sh`${shared}
guard
part=$own/incoming/$sha256.$token.part
stage=$own/incoming/$directory.$token
trash=$own/incoming/$directory.$token.old
keep=
clean() { [ -n "$keep" ] || rm -f -- "$part"; rm -rf -- "$stage" "$trash" 2>/dev/null; }
trap 'clean' EXIT
trap 'keep=1; exit 91' HUP INT TERM PIPE
size() { got=0; [ ! -f "$part" ] || got=$(($(wc -c <"$part"))); }
size
[ "$got" -eq "$had" ] || refuse upload-overtaken "$got"
said=$( { cat >>"$part"; } 2>&1 ) || refuse failed "$said"
size
if [ "$got" -lt "$bytes" ]; then keep=1; refuse upload-cut "$got"; fi
sum=
# Only the cksum of coreutils 9 and later knows --debug: the older ones, and busybox, take as long for it as a digest does.
if [ -n "$checksum" ] && [ "$(cksum --debug <"$part" 2>/dev/null)" = "$checksum" ]; then sum=$sha256
# openssl takes half the time of sha256sum, or less where the processor has instructions for it, and 5 ms to start.
elif [ "$bytes" -gt 4194304 ]; then sum=$(openssl dgst -sha256 -r <"$part" 2>/dev/null); fi
if [ -n "$sum" ]; then :
elif command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum <"$part")
elif command -v shasum >/dev/null 2>&1; then sum=$(shasum -a 256 <"$part")
elif command -v openssl >/dev/null 2>&1; then sum=$(openssl dgst -sha256 -r <"$part")
else refuse host-tool-missing sha256sum; fi
sum=${'$'}{sum%% *}
[ "$sum" = "$sha256" ] || refuse artifact-digest-mismatch "$sum"
attempt mkdir "$stage"
case $kind in
  file)
    attempt mv "$part" "$stage/$file_name"
    if [ "$executable" = yes ]; then chmod 755 "$stage/$file_name"; else chmod 644 "$stage/$file_name"; fi ;;
  *)
    command -v tar >/dev/null 2>&1 || refuse host-tool-missing tar
    case $kind in tar.gz) flags=-xzof ;; *) flags=-xof ;; esac
    attempt tar "$flags" "$part" -C "$stage"
    rm -f "$part" ;;
esac
chmod go-w,a+rX "$stage"
if [ -n "$owner" ] && [ "$(id -u)" = 0 ]; then attempt chown -R -h "$owner" "$stage"; fi
# On the disk before it counts: a power cut must not leave a manifest beside empty files.
sync -f "$stage" 2>/dev/null || sync
if [ -e "$root/releases/$directory" ]; then
  # No manifest, so nobody ever used it: half of an earlier install.
  attempt mv "$root/releases/$directory" "$trash"
fi
attempt mv "$stage" "$root/releases/$directory"
order=0
for manifest in "$own"/releases/*; do
  { read -r _ _ had _ <"$manifest"; } 2>/dev/null || continue
  case $had in '' | *[!0-9]*) continue ;; esac
  [ "$had" -gt "$order" ] && order=$had
done
attempt write_to "$own/releases/$directory" "$sha256 $bytes $((order + 1)) $(date +%s)"
sync -f "$own/releases" 2>/dev/null || :
echo put
`);

/** Removes releases, but none that a slot names or a process runs from. Wants directories, one a line. */
export const removeReleases = sh`${shared}${identity}${unitAlive}
guard
for link in "$root"/*; do
  [ -L "$link" ] || continue
  target=$(readlink "$link")
  case $target in releases/* | "$root"/releases/*) used="$used
${'$'}{target##*releases/}
" ;; esac
done
for started in "$own"/*/started; do
  { read -r _ kind release <"$started"; } 2>/dev/null || continue
  case "
$directories
" in *"
$release
"*)
    unit=${'$'}{started%/started}
    unit_alive "$unit" "$kind" "${'$'}{unit##*/}" && used="$used
$release
" ;; esac
done
printf '%s\n' "$directories" | while IFS= read -r directory; do
  [ -n "$directory" ] || continue
  case $used in *"
$directory
"*) refuse release-in-use "$directory" ;; esac
  [ -e "$root/releases/$directory" ] || { rm -f -- "$own/releases/$directory"; continue; }
  # Out of sight in one step, then at leisure.
  attempt mkdir -p "$own/incoming"
  rm -f -- "$own/releases/$directory"
  attempt mv -- "$root/releases/$directory" "$own/incoming/$directory.removed.$$"
  attempt rm -rf -- "$own/incoming/$directory.removed.$$"
done
`;

/** Points the slot's symlink elsewhere if it is where it should be. Wants slot, from, to; empty: no symlink. */
export const setLink = compact(sh`${shared}
guard
linked_to "$slot"
[ -e "$root/$slot" ] && [ ! -L "$root/$slot" ] && refuse slot-obstructed "$root/$slot"
[ "$linked" = "$to" ] && { echo linked; exit 0; }
[ "$linked" = "$from" ] || refuse elsewhere "$linked"
if [ -z "$to" ]; then attempt rm -f -- "$root/$slot"; echo linked; exit 0; fi
[ -d "$root/releases/$to" ] && [ -e "$own/releases/$to" ] || refuse release-missing "$to"
new=$own/link.$$
rm -f "$new"
attempt ln -s "releases/$to" "$new"
# Replaces the link itself, in one step, and not what it leads to: -T of coreutils, -h of BSD. The mv of busybox takes
# a link to a folder for the folder.
swap() {
  mv -T -f "$new" "$root/$slot" && return
  mv -h -f "$new" "$root/$slot" && return
  perl -e 'rename($ARGV[0], $ARGV[1]) or die "$!\n"' "$new" "$root/$slot" && return
  python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$new" "$root/$slot"
}
said=$(swap 2>&1) || { rm -f "$new"; refuse failed "$said"; }
sync -f "$root" 2>/dev/null || :
echo linked
`);
