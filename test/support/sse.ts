/** What an event stream holds: events, and comments, which keep a connection alive. */
export type SseItem =
  { type: 'event'; id: string; event: string; data: string } | { type: 'comment'; text: string };
export type SseEvent = Extract<SseItem, { type: 'event' }>;

/**
 * Parses an event stream as it arrives (WHATWG HTML, section "Interpreting an event stream"): lines end in CRLF, LF or
 * CR, several `data` lines are one value, an event without data is none, and one cut off by the end is dropped.
 */
export async function* parseSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseItem> {
  let id = '';
  let event = '';
  let data: string[] = [];
  for await (const line of lines(body)) {
    if (line === '') {
      if (data.length > 0) yield { type: 'event', id, event: event || 'message', data: data.join('\n') };
      event = '';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (colon === 0) yield { type: 'comment', text: value };
    else if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
}

/** Complete lines, without their ends. The decoder drops a byte order mark and joins characters cut by a packet. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    // a CR at the very end may be half of a CRLF
    const end = /\r\n|\n|\r(?!$)/g;
    let start = 0;
    for (let found = end.exec(rest); found !== null; found = end.exec(rest)) {
      yield rest.slice(start, found.index);
      start = end.lastIndex;
    }
    rest = rest.slice(start);
  }
  if (rest.endsWith('\r')) yield rest.slice(0, -1);
}
