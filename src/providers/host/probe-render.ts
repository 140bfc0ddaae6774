/**
 * The one script that answers everything about a host in one round trip: releases, symlinks, processes and whether
 * they live, files that were tampered with, free space, the host's clock, and who wrote there last. It changes nothing.
 *
 * Its answer is one record a line, `<tag> <number> <rest>`; the number is the root's or the slot's place in the
 * request. Before them stands `free` and what df says of the roots. The last line is `end`: without it the answer was cut.
 */
import { quoteArgument, quoteArguments } from '../../transport/index.ts';
import { compact, identity, sh, unitAlive } from './shell.ts';

export interface ProbeSlot {
  readonly slot: string;
  readonly unit: string;
}

export interface ProbeRoot {
  readonly root: string;
  readonly slots: readonly ProbeSlot[];
}

const functions = sh`
# What df says, as it says it, of the nearest folders that exist: one process for all roots, and none to read its answer.
free_below() {
  for near do
    while [ ! -d "$near" ]; do
      case $near in /*/*) near=${'$'}{near%/*} ;; *) near=/ ;; esac
    done
    shift
    set -- "$@" "$near"
  done
  echo free
  df -Pk "$@" 2>/dev/null
}
probe_root() {
  root=$1 own=$1/.deployctl
  [ -r "$own/fence" ] && { read -r line <"$own/fence"; } 2>/dev/null && printf 'fence %s %s\n' "$2" "$line"
  for manifest in "$own"/releases/*; do
    directory=${'$'}{manifest##*/}
    [ -d "$root/releases/$directory" ] || continue
    { read -r line <"$manifest"; } 2>/dev/null && printf 'release %s %s %s\n' "$2" "$line" "$directory"
  done
}
probe_slot() {
  if [ -L "$root/$1" ]; then printf 'link %s %s\n' "$3" "$(readlink "$root/$1")"
  elif [ -e "$root/$1" ]; then echo "obstacle $3 $root/$1"; fi
  unit=$own/$2
  [ -r "$unit/started" ] || return 0
  read -r token kind _ <"$unit/started"
  echo "started $3 $token $kind"
  printf 'record %s ' "$3"; cat "$unit/process.json"; echo
  unit_alive "$unit" "$kind" "$2" && echo "alive $3"
  [ "$kind" = systemd ] || return 0
  case $active$sub in
    failed* | *auto-restart) echo "ended $3 $active ${'$'}{restarts:-0} $result $status" ;;
  esac
  [ "$main_pid" -gt 0 ] 2>/dev/null && [ -e "/proc/$main_pid/cwd" ] &&
    printf 'folder %s %s\n' "$3" "$(readlink "/proc/$main_pid/cwd")"
  [ -e "$unit/unit.written" ] || return 0
  if [ "$(cat "$unit/unit.written")" != "$(cat "/etc/systemd/system/$2.service" 2>/dev/null)" ]; then
    echo "unit-file $3 /etc/systemd/system/$2.service"
    sed "s/^/expected $3 /" "$unit/unit.written" 2>/dev/null
    sed "s/^/actual $3 /" "/etc/systemd/system/$2.service" 2>/dev/null
  fi
}
`;

/** Constant, so that it is made ready to be sent only once. */
const prelude = compact(`${identity}${unitAlive}${functions}`);

/** The script for these roots and slots; slots are numbered through, in the order in which they come. */
export function renderProbe(roots: readonly ProbeRoot[]): string {
  const lines: string[] = [prelude, `free_below ${quoteArguments(roots.map(({ root }) => root))}`];
  let slotNumber = 0;
  roots.forEach((root, rootNumber) => {
    lines.push(`probe_root ${quoteArgument(root.root)} ${rootNumber}`);
    for (const slot of root.slots) {
      lines.push(`probe_slot ${quoteArgument(slot.slot)} ${quoteArgument(slot.unit)} ${slotNumber}`);
      slotNumber += 1;
    }
  });
  // In the shell's own place: a process less on every host that is looked at.
  lines.push("exec date '+time %s%nend'");
  return lines.join('\n');
}
