import { BlockList, isIPv6 } from 'node:net';

/**
 * Whether an IP address is not public: private, loopback, link-local (where clouds keep credentials),
 * multicast, reserved, or one of these as IPv4 inside IPv6. From the special-purpose registries of IANA (RFC 6890).
 */
export function isPrivateAddress(address: string): boolean {
  const plain = address.split('%', 1)[0];
  if (!isIPv6(plain)) return NOT_PUBLIC.check(plain, 'ipv4');
  return !PUBLIC_V6.check(plain, 'ipv6') || NOT_PUBLIC_V6.check(plain, 'ipv6');
}

const NOT_PUBLIC = listOf('ipv4', [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
]);

/** Public unicast addresses of IPv6. */
const PUBLIC_V6 = listOf('ipv6', ['2000::/3']);

/** Exceptions: Teredo and other protocols, documentation, 6to4. */
const NOT_PUBLIC_V6 = listOf('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

function listOf(kind: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [net, bits] = range.split('/');
    list.addSubnet(net, Number(bits), kind);
  }
  return list;
}
