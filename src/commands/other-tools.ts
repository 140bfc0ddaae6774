/** Words that other tools have for what deployctl does: what to type instead. */

/** By the words after the program's name; a hint, as a sentence or a command. */
export const commandsElsewhere: Readonly<Record<string, string>> = {
  destroy:
    'deployctl stops nothing as a whole. What is no longer declared goes on running, and plan says so; "deployctl state rm" forgets it.',
  refresh:
    'See what others changed:  deployctl plan ENV --refresh-only\nRecord it as it stands:    deployctl state import ENV ADDRESS',
  import: 'Record what stands in the world:  deployctl state import ENV ADDRESS',
  'force-unlock': 'Clear the record of a dead holder:  deployctl unlock ENV LOCK_ID',
  workspace:
    'An environment is a folder below environments/: name it behind the command, as in "deployctl plan prod".',
  output: 'Values of expressions:  deployctl console ENV',
  providers:
    'Everything is built in: there is nothing to download. Whether hosts can be reached:  deployctl doctor ENV',
  get: 'Modules are folders beside the configuration: there is nothing to download.',
  taint: 'Plan compares with what really runs, and mends what differs:  deployctl plan ENV',
  untaint: 'Plan compares with what really runs, and mends what differs:  deployctl plan ENV',
  'state mv': 'Write it into the configuration:  moved { from = OLD, to = NEW }',
  deploy: 'Plan, approve and perform:  deployctl apply ENV',
  rollback: 'Back to an earlier deployment:  deployctl revert ENV',
  undo: 'Undo a run that stopped:  deployctl abort ENV\nBack to an earlier deployment:  deployctl revert ENV',
  resume: 'Go on with a run that stopped:  deployctl apply ENV --resume',
  cancel: 'Give up a run and undo what it did:  deployctl abort ENV',
  stop: 'Hold a run where it is:  deployctl pause ENV\nUndo it:  deployctl abort ENV',
  logs: 'What was done, and how each step went:  deployctl history ENV, deployctl show ID',
  terraform: 'Type the command by itself, as in "deployctl plan prod".',
};

/** By the flag's name without dashes; with `=false` where that is how it is written. */
export const flagsElsewhere: Readonly<Record<string, string>> = {
  'input=false': 'Here it is --no-input.',
  'lock=false': 'Here it is --no-lock.',
  'refresh=false': 'Here it is --no-refresh.',
  destroy:
    'deployctl stops nothing as a whole: what is no longer declared goes on running, and plan says so.',
  replace:
    'Plan compares with what really runs: change the release or the process, and what differs is replaced.',
  'auto-approve=true': 'Here it is --auto-approve, without a value.',
  'json=true': 'Here it is --json, without a value.',
  yes: 'Here it is --auto-approve.',
  force: 'Nothing is forced here: what is refused says why.',
  'dry-run': 'A plan changes nothing:  deployctl plan ENV',
};
