import type { Address, Mailbox } from 'postal-mime';

/** More recipients are counted, not named. */
const MOST_NAMED = 30;
const LONGEST_ADDRESS = 200;

/** Addresses on one line, as `Name <address>`; empty where there are none. */
export function addressLine(addresses: readonly (Address | undefined)[] = []): string {
  const mailboxes = addresses.flatMap((address) => (address === undefined ? [] : mailboxesOf(address)));
  const named = mailboxes.slice(0, MOST_NAMED).map(mailboxText);
  const more = mailboxes.length - named.length;
  const texts = named.filter((text) => text !== '');
  return more === 0 ? texts.join(', ') : `${texts.join(', ')} and ${more} more`;
}

/** The members of a group stand for it; one without any is only a name, such as "undisclosed recipients". */
function mailboxesOf(address: Address): Mailbox[] {
  if (address.group === undefined) return [address];
  return address.group.length > 0 ? address.group : [{ name: address.name, address: '' }];
}

function mailboxText({ name, address }: Mailbox): string {
  const label = name.replace(/\s+/g, ' ').trim().slice(0, LONGEST_ADDRESS);
  const place = address.slice(0, LONGEST_ADDRESS);
  if (label === '' || label === place) return place;
  return place === '' ? label : `${label} <${place}>`;
}
