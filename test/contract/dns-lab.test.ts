import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { key } from '../rig/dns-keys.ts';
import { hasDns, startDns } from '../rig/dns-servers.ts';
import { describeDns } from './dns-contract.ts';

describeDns("the lab's DNS server", (options) => startDns('lab', options), hasDns.lab);

const hasTools = existsSync('/usr/bin/nsupdate') && existsSync('/usr/bin/dig');

// The suite above speaks to it with the codec that it is made of: these two are not ours.
test.skipIf(!hasTools)(
  `the lab's DNS server is understood by dig and nsupdate${hasTools ? '' : ' (not installed: not covered)'}`,
  async () => {
    await using dns = await startDns('lab');
    const { host, port } = dns.endpoint;
    const signature = ['-y', `hmac-sha256:${key.name}:${key.secret}`];
    const dig = (...args: readonly string[]): string =>
      execFileSync('/usr/bin/dig', [`@${host}`, '-p', `${port}`, '+noall', '+answer', ...args]).toString();
    const transfer = (): readonly string[] =>
      dig(...signature, 'internal.test', 'AXFR')
        .trim()
        .split('\n')
        .map((line) => line.replaceAll(/\s+/g, ' '));
    const update = (...lines: readonly string[]): string => {
      const input = [`server ${host} ${port}`, 'zone internal.test.', ...lines, 'send', ''].join('\n');
      return execFileSync('/usr/bin/nsupdate', ['-v', ...signature], { input, stdio: 'pipe' }).toString();
    };
    const before = transfer();
    expect(before).toHaveLength(11);
    expect(before[0]).toBe(
      'internal.test. 60 IN SOA ns1.internal.test. hostmaster.internal.test. 1 3600 600 86400 2',
    );
    update(
      'prereq yxrrset shop.internal.test. A',
      'update delete shop.internal.test. A',
      'update add new.internal.test. 5 A 10.0.1.9',
    );
    const after = transfer();
    expect(after).toContain('new.internal.test. 5 IN A 10.0.1.9');
    expect(after.some((line) => line.startsWith('shop'))).toBe(false);
    expect(after[0]).toContain(' 2 3600 ');
    expect(() =>
      update('prereq yxrrset shop.internal.test. A', 'update delete new.internal.test. A'),
    ).toThrow('NXRRSET');
    expect(transfer()).toEqual(after);
    expect(dig('www.wild.internal.test', 'A')).toMatch(
      /^www\.wild\.internal\.test\.\s+60\s+IN\s+A\s+10\.9\.9\.9\n$/,
    );
  },
);
