import { describe, expect, it } from 'vitest';
import { EmailDocumentLoader } from './email.loader.js';
import { HtmlDocumentLoader } from './html.loader.js';
import { type DocumentInput, UnreadableDocumentError } from './loader.js';
import { TextDocumentLoader } from './text.loader.js';

const HEADERS = 'From: Ada <ada@example.com>\r\nTo: bob@example.com\r\n';

/** Reads messages, HTML and text; refuses PDF as damaged; knows no other formats. */
const loader: EmailDocumentLoader = new EmailDocumentLoader(async (input: DocumentInput) => {
  if (input.mediaType === 'application/pdf') throw new UnreadableDocumentError('It is damaged.');
  if (input.mediaType === 'message/rfc822') return loader.load(input);
  if (input.mediaType === 'text/html') return new HtmlDocumentLoader().load(input);
  return input.mediaType?.startsWith('text/') === true ? new TextDocumentLoader().load(input) : undefined;
});

const load = (message: string | Uint8Array) =>
  loader.load({ bytes: typeof message === 'string' ? Buffer.from(message) : message });
const text = async (message: string | Uint8Array) => (await load(message)).text;
/** What follows the addresses of a message with these headers and this body. */
const body = async (message: string | Uint8Array) =>
  (await text(message)).replace('From: Ada <ada@example.com>\nTo: bob@example.com', '').trim();

function multipart(type: string, ...parts: string[]): string {
  const boundary = `b${type}`;
  const content = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('');
  return `Content-Type: multipart/${type}; boundary="${boundary}"\r\n\r\n${content}--${boundary}--`;
}

function attached(name: string, type: string, content: string): string {
  return `Content-Type: ${type}; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\n${content}`;
}

describe('EmailDocumentLoader', () => {
  it('reads the headers and the body of a message', async () => {
    const message = `Received: by example.com\r
From: =?utf-8?q?Zo=C3=AB_H?= <zoe@example.com>\r
To: "Bob B." <bob@example.com>, carl@example.com, Team: dora@example.com, e@example.com;\r
Cc: =?iso-8859-1?b?6Q==?= <f@example.com>\r
Bcc: hidden@example.com\r
Subject: =?utf-8?q?A_na=C3=AFve?=\r
 question\r
Date: Tue, 2 Jan 2024 10:11:12 +0100 (CET)\r
Message-ID: <1@example.com>\r
Content-Type: text/plain; charset=utf-8\r
\r
Hello Bob,\r
\r
does it work?\r
`;
    expect(await load(message)).toEqual({
      text: `# A naïve question

From: Zoë H <zoe@example.com>
To: Bob B. <bob@example.com>, carl@example.com, dora@example.com, e@example.com
Cc: é <f@example.com>
Date: Tue, 2 Jan 2024 10:11:12 +0100

Hello Bob,

does it work?`,
      title: 'A naïve question',
      metadata: {
        author: 'Zoë H <zoe@example.com>',
        created: '2024-01-02T09:11:12.000Z',
        from: 'Zoë H <zoe@example.com>',
        to: 'Bob B. <bob@example.com>, carl@example.com, dora@example.com, e@example.com',
        cc: 'é <f@example.com>',
        subject: 'A naïve question',
        message_id: '<1@example.com>',
      },
    });
  });

  it.each<[string, string, string]>([
    [
      'quoted-printable',
      'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nna=EFve=\n text',
      'naïve text',
    ],
    [
      'base64',
      'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nbmHD\nr3Zl\n',
      'naïve',
    ],
    ['ISO-2022-JP', 'Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$BF|K\\\x1b(B', '日本'],
    ['flowed text', 'Content-Type: text/plain; format=flowed\n\nOne \nline.\n\nTwo.', 'One line.\n\nTwo.'],
    [
      'an undeclared charset',
      'Subject: \xc3 \n\n\xce\xf0\xe3\xe0\xed \xef\xf0\xe8\xed\xe8\xec\xe0\xe5\xf2 \xf0\xe5\xf8\xe5\xed\xe8\xe5.',
      '# Г\n\n\n\nОрган принимает решение.',
    ],
  ])('decodes %s', async (_, message, expected) => {
    expect(await body(Buffer.from(HEADERS + message, 'latin1'))).toBe(expected);
  });

  it('prefers plain text, and reads HTML where there is none', async () => {
    const html =
      'Content-Type: text/html\r\n\r\n<h1>Big</h1><p>Hello <b>HTML</b><table><tr><td>a<td>b</table>';
    const plain = 'Content-Type: text/plain\r\n\r\nHello text';
    expect(await body(HEADERS + multipart('alternative', plain, html))).toBe('Hello text');
    expect(await body(HEADERS + html)).toBe('## Big\n\nHello HTML\n\n| a | b |\n|---|---|');
    expect(
      await body(HEADERS + multipart('alternative', 'Content-Type: text/plain\r\n\r\n \r\n', html)),
    ).toMatch(/^## Big/);
    expect(await body(HEADERS + multipart('mixed', plain, html, plain))).toBe(
      'Hello text\n\n## Big\n\nHello HTML\n\n| a | b |\n|---|---|\n\nHello text',
    );
  });

  it('reads a message without a subject', async () => {
    const { text: found, title, metadata } = await load(`${HEADERS}Date: soon\r\n\r\nHello`);
    expect(found).toBe('From: Ada <ada@example.com>\nTo: bob@example.com\nDate: soon\n\nHello');
    expect(title).toBeUndefined();
    expect(metadata).not.toHaveProperty('created');
  });

  it('names some of many recipients', async () => {
    const to = Array.from({ length: 100 }, (_, at) => `r${at}@example.com`).join(', ');
    const { text: found, metadata } = await load(`From: a@example.com\r\nTo: ${to}\r\n\r\nHello`);
    expect(found).toContain('r29@example.com and 70 more\n');
    expect(metadata?.['to']).toMatch(/r29@example\.com and 70 more$/);
  });

  describe('with attachments', () => {
    it('reads those it can, below the message', async () => {
      const message =
        HEADERS +
        multipart(
          'mixed',
          'Content-Type: text/plain\r\n\r\nSee below.',
          attached('page.html', 'text/html', '<h1>Page</h1><p>Text<h2>Part</h2><p>More'),
          attached('photo.xyz', 'image/xyz', 'xyz'),
          attached('a.pdf', 'application/pdf', '%PDF-'),
          attached('empty.txt', 'text/plain', ''),
          attached('=?utf-8?q?na=C3=AFve.txt?=', 'text/plain', 'The end.'),
        );
      expect(await body(message)).toBe(
        `Attachments: page.html, photo.xyz, a.pdf, empty.txt, naïve.txt

See below.

## Attachment: page.html

### Page

Text

#### Part

More

## Attachment: a.pdf

This attachment could not be read: It is damaged.

## Attachment: naïve.txt

The end.`,
      );
    });

    it('leaves out signatures and the images of the text', async () => {
      const image =
        'Content-Type: image/png; name="logo.png"\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n\r\nx';
      const html = 'Content-Type: text/html\r\n\r\n<p>Hello<img src="cid:logo">';
      const signature = attached('signature.asc', 'application/pgp-signature', '-----BEGIN PGP');
      expect(await body(HEADERS + multipart('signed', multipart('related', html, image), signature))).toBe(
        'Hello',
      );
    });

    it('reads attached messages', async () => {
      const inner = `From: carl@example.com\r\nSubject: Inner\r\n\r\nInner text`;
      const part = `Content-Type: message/rfc822\r\n\r\n${inner}`;
      expect(await body(HEADERS + multipart('mixed', 'Content-Type: text/plain\r\n\r\nSee', part))).toBe(
        'See\n\n## Attachment: Inner\n\nFrom: carl@example.com\n\nInner text',
      );
    });

    it('stops at the fourth attached message', async () => {
      const nested = (depth: number): string =>
        depth === 0
          ? `${HEADERS}\r\nThe innermost`
          : `${HEADERS}Subject: Level ${depth}\r\nContent-Type: message/rfc822\r\n\r\n${nested(depth - 1)}`;
      expect(await text(nested(3))).toContain('The innermost');
      const deeper = await text(nested(4));
      expect(deeper).not.toContain('The innermost');
      expect(deeper).toContain(
        'could not be read: It is attached to a message that is attached to others, 3 deep.',
      );
      // the depth belongs to a document, not to the loader
      expect(await text(nested(3))).toContain('The innermost');
    });

    it('reads 50 attachments, those of attached messages included', async () => {
      const many = (count: number, name: string) =>
        Array.from({ length: count }, (_, at) =>
          attached(`${name}${at}.txt`, 'text/plain', `text ${name}${at}.`),
        );
      const inner = `Content-Type: message/rfc822\r\n\r\n${HEADERS}${multipart('alternative', ...many(20, 'inner'))}`;
      const found = await text(HEADERS + multipart('mixed', inner, ...many(40, 'outer')));
      expect(found).toContain('text inner19.');
      expect(found).toContain('text outer28.');
      expect(found).not.toContain('text outer29.');
      expect(found).toContain('outer39.txt');
    });

    it('fails when reading an attachment fails for another reason', async () => {
      const failing = new EmailDocumentLoader(() => Promise.reject(new TypeError('a fault')));
      const message = HEADERS + multipart('mixed', attached('a.txt', 'text/plain', 'x'));
      await expect(failing.load({ bytes: Buffer.from(message) })).rejects.toThrow('a fault');
    });
  });

  it.each([
    ['multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b'],
    ['application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m'],
  ])('refuses an encrypted message: %s', async (type) => {
    const error = load(`${HEADERS}Content-Type: ${type}\r\n\r\nx`);
    await expect(error).rejects.toThrow(new UnreadableDocumentError('It is an encrypted message.'));
  });

  it('refuses messages of too many or too deeply nested parts', async () => {
    const parts = `${HEADERS}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\n\nx\n'.repeat(60_000)}`;
    await expect(load(parts)).rejects.toThrow(
      new UnreadableDocumentError('It is a message of too many parts.'),
    );
    const nested = Array.from(
      { length: 400 },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
    );
    await expect(load(HEADERS + nested.join(''))).rejects.toThrow(
      new UnreadableDocumentError('It is a damaged message.'),
    );
  });

  it.each([
    ['Hello, this is a text.\n\nMore of it.', 'It is no e-mail message.'],
    ['PK\x03\x04', 'The document is binary data, not text.'],
  ])('refuses what is no message: %j', async (content, message) => {
    await expect(load(content)).rejects.toThrow(new UnreadableDocumentError(message));
  });

  it.each([
    ['lines', `${' \n'.repeat(300_000)}end`],
    [
      'unclosed links',
      multipart(
        'mixed',
        'Content-Type: text/plain\r\n\r\nend',
        `Content-Type: text/html\r\n\r\n${'<a href="'.repeat(50_000)}`,
      ),
    ],
    ['padded lines', `Content-Transfer-Encoding: base64\r\n\r\n${'IA==\n'.repeat(200_000)}ZW5k`],
  ])('reads many %s in reasonable time', async (_, rest) => {
    const start = performance.now();
    const message = rest.startsWith('Content') ? HEADERS + rest : `${HEADERS}\r\n${rest}`;
    expect(await body(message)).toBe('end');
    expect(performance.now() - start).toBeLessThan(8000);
  });

  it.each<[string, string, boolean]>([
    ['a message', `${HEADERS}Subject: x\r\n\r\nHello`, true],
    [
      'a message from a server',
      `Return-Path: <a@b>\nReceived: by x\n\tfor y;\n z\nX-Y: z\nDATE: today\n\nHello`,
      true,
    ],
    ['long headers', `Received: by x\nFrom: a\nSubject: b\n${'X-Long: value\n'.repeat(1000)}\nHello`, true],
    ['too few headers', 'From: a\nSubject: b\n\nHello', false],
    ['a text with such lines', 'From: a\nTo: b\nthat is it\nSubject: c\n\nHello', false],
    ['a list of values', 'Name: a\nColour: b\nSize: c\nPrice: d\n\n', false],
    ['a mailbox file', 'From a@b Mon Jan 1\nFrom: a\nTo: b\nSubject: c\n\nHello', false],
    ['nothing', '', false],
    ['binary data', 'From: a\0\nTo: b\nSubject: c\n\n', false],
  ])('recognises messages: %s', (_, content, expected) => {
    expect(loader.recognises(Buffer.from(content))).toBe(expected);
  });
});
