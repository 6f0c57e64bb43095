import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All that IANA gives out for the public internet lies in here; the rest of IPv6 is special or not in use. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Where networks without IPv4 reach it: the last 32 bits are the IPv4 address (RFC 6052). */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Azure's agent and metadata service: by its range a public address, but only virtual machines there reach it. */
const AZURE_WIRE_SERVER = '168.63.129.16';

/**
 * True for an address that anyone on the internet could reach, so that fetching from it gives nothing away. False for
 * this machine, its network, a cloud's metadata service, whatever is reserved, and text that is no plain IP address.
 */
export function isPublicAddress(text: string): boolean {
  // ipaddr.js would also read `1` or `0x7f.1`; a zone (`fe80::1%eth0`) says that the address is of this network
  if (isIP(text) === 0 || text.includes('%')) return false;
  if (isIP(text) === 4) return isPublicIPv4(ipaddr.IPv4.parse(text));
  // written in hexadecimal first, because ipaddr.js takes `::8.8.8.8` for `::ffff:8.8.8.8`
  const hostname = URL.parse(`http://[${text}]`)?.hostname ?? '[::]';
  return isPublicIPv6(ipaddr.IPv6.parse(hostname.slice(1, -1)));
}

function isPublicIPv4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && address.toString() !== AZURE_WIRE_SERVER;
}

/** 6to4, Teredo and the other tunnels that carry an IPv4 address are refused whatever it is: they are out of use. */
function isPublicIPv6(address: ipaddr.IPv6): boolean {
  if (address.isIPv4MappedAddress() || address.match(NAT64))
    return isPublicIPv4(new ipaddr.IPv4(address.toByteArray().slice(12)));
  return address.match(GLOBAL_UNICAST) && address.range() === 'unicast';
}
