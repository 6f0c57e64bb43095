import { describe, expect, it } from 'vitest';
import { parseSse, type SseItem } from './sse.js';

async function parse(...packets: (string | Uint8Array)[]): Promise<SseItem[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const packet of packets) yield typeof packet === 'string' ? Buffer.from(packet) : packet;
  }
  const items: SseItem[] = [];
  for await (const item of parseSse(body())) items.push(item);
  return items;
}

describe('parseSse', () => {
  it('reads fields, comments, several data lines and every kind of line end', async () => {
    expect(
      await parse('\uFEFFid: 1\nevent: a\ndata: x\ndata:  y\n\n: hello\r\ndata:z\r\n\r\nid: 2\rdata\r\r'),
    ).toEqual([
      { type: 'event', id: '1', event: 'a', data: 'x\n y' },
      { type: 'comment', text: 'hello' },
      { type: 'event', id: '1', event: 'message', data: 'z' },
      { type: 'event', id: '2', event: 'message', data: '' },
    ]);
  });

  it('joins what packets cut, and drops what the end cuts off', async () => {
    const bytes = Buffer.from('data: ü\r\n\r\nevent: b\ndata: lost\n');
    const single = [...bytes].map((byte) => Uint8Array.of(byte));
    expect(await parse(...single)).toEqual([{ type: 'event', id: '', event: 'message', data: 'ü' }]);
  });
});
