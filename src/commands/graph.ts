import * as Flags from '@oclif/core/flags';
import { loadDeclaration } from '../app/load.ts';
import { renderDot } from '../ui/graph/dot.ts';
import { renderMermaid } from '../ui/graph/mermaid.ts';
import { type Picture, pictureOf } from '../ui/graph/picture.ts';
import { renderSvg } from '../ui/graph/svg.ts';
import { printable } from '../ui/printable.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument } from './flags.ts';

const formats = ['dot', 'svg', 'mermaid'] as const;

const renderers: Readonly<Record<(typeof formats)[number], (picture: Picture) => string>> = {
  dot: renderDot,
  svg: renderSvg,
  mermaid: renderMermaid,
};

export default class Graph extends BaseCommand {
  static override readonly summary = 'A picture of what is declared: zones, load balancers, services, hosts.';
  static override readonly description =
    'With which slots a service stands where, which routes and records lead to it, and what it needs. Asks no host. "svg" needs no other program; "dot" is for Graphviz, "mermaid" for Markdown.';
  static override readonly examples = [
    '<%= config.bin %> graph prod --format svg > prod.svg',
    '<%= config.bin %> graph prod | dot -Tpng > prod.png',
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    format: Flags.option({ options: formats, default: 'dot' as const, description: 'How it is written.' })(),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Graph);
    const ask = configurationAsk(args.environment, flags);
    const { declared } = await loadDeclaration(ask, appContext(this.terminal));
    this.print(renderers[flags.format](printable(pictureOf(declared))));
    return exitCode.done;
  }
}
