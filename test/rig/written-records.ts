/** Records as people write them, in a configuration and, by other tools, into a live zone. */
import type { NameTraffic, RecordSet } from '../../src/model/index.ts';
import { loadText } from '../unit/config/folder.ts';

interface Written {
  readonly name: string;
  readonly type: NameTraffic['record']['type'];
  readonly values: readonly string[];
  /** The same as somebody else would write it with nsupdate. */
  readonly live: readonly string[];
}

const long = 'x'.repeat(300);

export const written: Readonly<Record<string, Written>> = {
  'capitals, and an address twice as long as need be': {
    name: 'Web.Example',
    type: 'AAAA',
    values: ['2001:DB8:0:0:0::0001', '::FFFF:10.0.0.1'],
    live: [
      'WEB.example.internal.test. 60 AAAA 2001:db8::1',
      'web.EXAMPLE.internal.test. 60 AAAA ::ffff:a00:1',
    ],
  },
  'a whole name with its dot': {
    name: 'Dotted.Internal.test.',
    type: 'A',
    values: ['10.6.0.2', '10.6.0.1'],
    live: ['dotted.internal.test. 60 A 10.6.0.1', 'dotted.internal.test. 60 A 10.6.0.2'],
  },
  'a target in capitals': {
    name: 'other',
    type: 'CNAME',
    values: ['Shop.Internal.TEST.'],
    live: ['OTHER.internal.test. 60 CNAME sHOP.internal.test.'],
  },
  'a name and a target that are not ASCII': {
    name: 'bücher',
    type: 'CNAME',
    values: ['Straße'],
    live: ['xn--bcher-kva.internal.test. 60 CNAME XN--strae-oqa.internal.test.'],
  },
  'a wildcard': {
    name: '*.apps',
    type: 'A',
    values: ['10.6.0.3'],
    live: ['*.APPS.internal.test. 60 A 10.6.0.3'],
  },
  'labels that begin with _, and a target of one label': {
    name: '_http._tcp.Written',
    type: 'SRV',
    values: ['00 5  8081 Web-1', '0 5 8082 web-2.internal.test.'],
    live: [
      '_HTTP._tcp.written.internal.test. 60 SRV 0 5 8081 WEB-1.internal.test.',
      '_http._TCP.written.internal.test. 60 SRV 0 5 8082 web-2.internal.test.',
    ],
  },
  'text with quotes, backslashes, a semicolon, a tab and what is not ASCII': {
    name: 'words',
    type: 'TXT',
    values: ['he said "hi" \\ there; \\034 grün\t✓', 'v=1'],
    live: [
      'words.internal.test. 60 TXT "he said \\"hi\\" \\\\ there\\; \\\\034 gr\\195\\188n\\009\\226\\156\\147"',
      'words.internal.test. 60 TXT v=1',
    ],
  },
  'text that needs two strings': {
    name: 'long',
    type: 'TXT',
    values: [long],
    live: [`long.internal.test. 60 TXT "${long.slice(0, 255)}" "${long.slice(255)}"`],
  },
  'a text of one blank': {
    name: 'blank',
    type: 'TXT',
    values: [' '],
    live: ['blank.internal.test. 60 TXT " "'],
  },
  'labels of digits, and the top of the zone as another name': {
    name: '0x7f.1',
    type: 'CNAME',
    values: ['@'],
    live: ['0X7F.1.internal.test. 60 CNAME internal.test.'],
  },
  'the top of the zone': {
    name: '@',
    type: 'TXT',
    values: ['at the top'],
    live: ['internal.test. 60 TXT "at the top"'],
  },
};

/** What the configuration makes of them. */
export async function declaredRecords(): Promise<
  readonly { readonly traffic: NameTraffic; readonly rrset: RecordSet; readonly live: readonly string[] }[]
> {
  const all = Object.values(written);
  const { declared, diagnostics } = await loadText(
    all.map((each, index) => serviceText(`s${index}`, each)).join('\n') + base,
  );
  if (declared === undefined) throw new Error(JSON.stringify(diagnostics));
  return declared.services.map(({ traffic: [traffic] }, index) => {
    if (traffic?.kind !== 'dns') throw new Error('it is found by a record');
    const { ttlSeconds, values } = traffic;
    const rrset = { ttlSeconds, values: values.main ?? [] };
    return { traffic, rrset, live: all[index]?.live ?? [] };
  });
}

const base = `
host "web-1" { address = "10.0.1.11" }
release "shop" {
  version  = "1.0.0"
  artifact = "shop.tar"
}
dns_zone "rfc2136" "internal" {
  zone    = "Internal.Test."
  primary = "127.0.0.1:53"
}
`;

const serviceText = (label: string, { name, type, values }: Written): string => `
service "${label}" {
  release = release.shop
  slot "main" {
    hosts = [host.web-1]
  }
  install { root = "/srv/${label}" }
  strategy "in_place" {}
  traffic "dns" {
    dns_zone = dns_zone.internal
    name     = ${quoted(name)}
    type     = "${type}"
    ttl      = "60s"
    values   = { main = [${values.map(quoted).join(', ')}] }
  }
}
`;

/** As a text of the language. */
const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\t', '\\t')}"`;
