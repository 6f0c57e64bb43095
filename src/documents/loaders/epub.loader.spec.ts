import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { EpubDocumentLoader } from './epub.loader.js';
import { UnreadableDocumentError } from './loader.js';

const loader = new EpubDocumentLoader();

interface Book {
  metadata?: string;
  manifest?: string;
  spine?: string;
  after?: string;
  parts?: Record<string, string | Uint8Array>;
}

const CONTAINER =
  '<container><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>';

/** A book with a package in the folder OEBPS. */
function epub({ metadata = '', manifest = '', spine = '', after = '', parts = {} }: Book): Uint8Array {
  const files: Record<string, string | Uint8Array> = {
    mimetype: 'application/epub+zip',
    'META-INF/container.xml': CONTAINER,
    'OEBPS/book.opf': `<package xmlns:dc="x" xmlns:opf="y"><metadata>${metadata}</metadata>
      <manifest>${manifest}</manifest><spine toc="ncx">${spine}</spine>${after}</package>`,
    ...parts,
  };
  return zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [
        name,
        typeof content === 'string' ? strToU8(content) : content,
      ]),
    ),
  );
}

/** A book whose chapters are the bodies given. */
function bookOf(...bodies: string[]): Book {
  return {
    manifest: bodies
      .map((_, at) => `<item id="c${at}" href="c${at}.xhtml" media-type="application/xhtml+xml"/>`)
      .join(''),
    spine: bodies.map((_, at) => `<itemref idref="c${at}"/>`).join(''),
    parts: Object.fromEntries(
      bodies.map((body, at) => [`OEBPS/c${at}.xhtml`, `<html><body>${body}</body></html>`]),
    ),
  };
}

const load = (book: Book) => loader.load({ bytes: epub(book) });
const text = async (book: Book) => (await load(book)).text;

describe('EpubDocumentLoader', () => {
  it('reads the chapters in the order of the spine, what is not linear last', async () => {
    const item = (id: string) => `<item id="${id}" href="${id}.xhtml" media-type="application/xhtml+xml"/>`;
    const book = {
      manifest: ['one', 'two', 'notes', 'unused'].map(item).join(''),
      spine: `<itemref idref="notes" linear="no"/><itemref idref="two"/><itemref idref="one"/><itemref idref="two"/>
        <itemref idref="missing"/>`,
      parts: {
        'OEBPS/one.xhtml': '<h2>One</h2><p>First',
        'OEBPS/two.xhtml': '<h2>Two</h2><p>Second',
        'OEBPS/notes.xhtml': '<p>Notes',
        'OEBPS/unused.xhtml': '<p>Unused',
      },
    };
    expect(await text(book)).toBe('## Two\n\nSecond\n\n## One\n\nFirst\n\nNotes');
  });

  it('keeps the headers, footers and asides of a chapter, and drops navigation and numbers of pages', async () => {
    const body = `<header><h1>Title</h1></header><nav><a href="x">Next</a></nav>
      <p>A long<span epub:type="pagebreak" id="p2">2</span> word.<span role="doc-pagebreak">3</span></p>
      <aside epub:type="footnote">Note</aside><img src="a.png" alt="images/a.png"/><img src="b.png" alt="A duck"/>
      <footer>Sources</footer>`;
    expect(await text(bookOf(body))).toBe('# Title\n\nA long word.\n\nNote\n\nA duck\n\nSources');
  });

  it('reads XHTML with elements that are closed in their start tag', async () => {
    const chapter = `<?xml version="1.0"?><html><head><title/><script src="x.js"/></head>
      <body><a id="top"/><h1>Title</h1><p/><div class="x > y"/><p>Line<br/>break<i/> on</p></body></html>`;
    const book = { ...bookOf(''), parts: { 'OEBPS/c0.xhtml': chapter } };
    expect(await text(book)).toBe('# Title\n\nLine\nbreak on');
  });

  it('decodes a chapter as it declares', async () => {
    const chapter = Buffer.from('<?xml version="1.0" encoding="windows-1251"?><p>\xcf\xf0\xe8</p>', 'latin1');
    expect(await text({ ...bookOf(''), parts: { 'OEBPS/c0.xhtml': chapter } })).toBe('При');
  });

  it('leaves out the table of contents', async () => {
    const book = {
      manifest: `<item id="nav" href="nav.xhtml" properties="scripted nav" media-type="application/xhtml+xml"/>
        <item id="toc" href="toc.xhtml" media-type="application/xhtml+xml"/>
        <item id="c" href="c.xhtml" media-type="application/xhtml+xml"/>`,
      spine: '<itemref idref="nav"/><itemref idref="toc"/><itemref idref="c"/>',
      after: '<guide><reference type="toc" href="toc.xhtml#list"/></guide>',
      parts: { 'OEBPS/nav.xhtml': '<p>Nav', 'OEBPS/toc.xhtml': '<p>Contents', 'OEBPS/c.xhtml': '<p>Chapter' },
    };
    expect(await text(book)).toBe('Chapter');
  });

  it('finds parts with percent signs, in other folders and beside the package', async () => {
    const item = (id: string, href: string) =>
      `<item id="${id}" href="${href}" media-type="application/xhtml+xml"/>`;
    const book = {
      manifest: [
        item('a', 'a%20b%C3%A9.xhtml'),
        item('b', '../text/b.xhtml'),
        item('c', './sub/../100%25.xhtml'),
        item('d', '50%.xhtml'),
      ].join(''),
      spine: 'abcd'.replace(/./g, (id) => `<itemref idref="${id}"/>`),
      parts: {
        'OEBPS/a bé.xhtml': '<p>A',
        'text/b.xhtml': '<p>B',
        'OEBPS/100%.xhtml': '<p>C',
        'OEBPS/50%.xhtml': '<p>D',
      },
    };
    expect(await text(book)).toBe('A\n\nB\n\nC\n\nD');
  });

  it.each([
    '../../etc/passwd',
    '/etc/passwd',
    'file:///etc/passwd',
    'https://example.com/c.xhtml',
    '%2e%2e/%2e%2e/x',
  ])('reads nothing outside the archive: %s', async (href) => {
    const book = {
      manifest: `<item id="a" href="${href}" media-type="application/xhtml+xml"/>`,
      spine: '<itemref idref="a"/>',
    };
    await expect(load(book)).rejects.toThrow('It is a book without any text.');
  });

  it('takes the headings of chapters without any from the table of contents', async () => {
    const book = bookOf(
      '<p class="title"><b>The  Start</b></p><p>Once.</p>',
      '<p>Then.</p><p><a id="mid"></a>In the Middle</p><p>More.</p><p id="not">Not a title of its own.</p>',
      '<h2>Own heading</h2><p>End.</p>',
    );
    const ncx = `<ncx><navMap>
      <navPoint><navLabel><text>The Start</text></navLabel><content src="c0.xhtml"/></navPoint>
      <navPoint><navLabel><text>Part Two</text></navLabel><content src="c1.xhtml"/>
        <navPoint><navLabel><text>In the middle</text></navLabel><content src="c1.xhtml#mid"/></navPoint>
        <navPoint><navLabel><text>Not</text></navLabel><content src="c1.xhtml#not"/></navPoint>
      </navPoint>
      <navPoint><navLabel><text>The End</text></navLabel><content src="c2.xhtml"/></navPoint></navMap></ncx>`;
    book.manifest += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>';
    const expected =
      '# The Start\n\nOnce.\n\n# Part Two\n\nThen.\n\n## In the Middle\n\nMore.\n\nNot a title of its own.\n\n## Own heading\n\nEnd.';
    expect(await text({ ...book, parts: { ...book.parts, 'OEBPS/toc.ncx': ncx } })).toBe(expected);
    const lines = '# The Start\n\nOnce.';
    expect(await text({ ...book, parts: { ...book.parts, 'OEBPS/toc.ncx': '<ncx><damaged' } })).not.toContain(
      lines,
    );
  });

  it('reads the table of contents that is a page', async () => {
    const book = bookOf('<p>Once.</p>', '<p>Then.</p>');
    book.manifest +=
      '<item id="nav" href="nav/toc.xhtml" properties="nav" media-type="application/xhtml+xml"/>';
    const nav = `<nav epub:type="landmarks"><ol><li><a href="../c0.xhtml">Begin</a></li></ol></nav>
      <nav epub:type="toc"><ol><li><a href="../c0.xhtml">One</a><ol><li><a href="../c1.xhtml">Two</a></li></ol></li></ol></nav>`;
    expect(await text({ ...book, parts: { ...book.parts, 'OEBPS/nav/toc.xhtml': nav } })).toBe(
      '# One\n\nOnce.\n\n## Two\n\nThen.',
    );
  });

  it('keeps what the package says of the book', async () => {
    const metadata = `<dc:title> The
      Title </dc:title><dc:title>Subtitle</dc:title><dc:language>de</dc:language>
      <dc:creator opf:role="aut">Ada A.</dc:creator><dc:creator opf:role="ill">Ill U.</dc:creator>
      <dc:creator id="b">Bert B.</dc:creator><meta refines="#b" property="role">aut</meta>
      <dc:subject>Ducks</dc:subject><dc:subject>Ponds</dc:subject>
      <dc:description>&lt;p&gt;On &lt;b&gt;ducks&lt;/b&gt;.&lt;/p&gt;</dc:description>
      <dc:date opf:event="modification">2012-02-03</dc:date><dc:date>long ago</dc:date><dc:date>2011-05</dc:date>`;
    const { title, metadata: found } = await load({ ...bookOf('<p>x'), metadata });
    expect(title).toBe('The Title');
    expect(found).toEqual({
      author: 'Ada A., Bert B.',
      language: 'de',
      subject: 'Ducks, Ponds',
      description: 'On ducks.',
      created: '2011-05',
      modified: '2012-02-03',
    });
  });

  it('takes the first heading for the title when the package has none', async () => {
    const metadata = '<dc:title>Unknown Title</dc:title><dc:date>0101-01-01T00:00:00+00:00</dc:date>';
    const { title, metadata: found } = await load({ ...bookOf('<p>x', '<h2>Heading</h2>'), metadata });
    expect(title).toBe('Heading');
    expect(found).toEqual({});
  });

  describe('with encryption', () => {
    const encryption = (algorithm: string, uri: string) =>
      `<encryption><enc:EncryptedData xmlns:enc="x"><enc:EncryptionMethod Algorithm="${algorithm}"/>
        <enc:CipherData><enc:CipherReference URI="${uri}"/></enc:CipherData></enc:EncryptedData></encryption>`;
    const AES = 'http://www.w3.org/2001/04/xmlenc#aes128-cbc';
    const FONTS = 'http://www.idpf.org/2008/embedding';
    const book = (algorithm: string, uri: string) => {
      const plain = bookOf('<p>Text');
      return { ...plain, parts: { ...plain.parts, 'META-INF/encryption.xml': encryption(algorithm, uri) } };
    };

    it('refuses a book whose chapters are encrypted', async () => {
      await expect(load(book(AES, 'OEBPS/c0.xhtml'))).rejects.toThrow(
        new UnreadableDocumentError('It is protected by DRM.'),
      );
    });

    it('reads a book whose fonts or images are encrypted', async () => {
      expect(await text(book(FONTS, 'OEBPS/font.otf'))).toBe('Text');
      expect(await text(book(AES, 'OEBPS/cover.jpg'))).toBe('Text');
    });
  });

  it.each<[string, Record<string, string>, string]>([
    ['no package', { 'OEBPS/book.opf': '' }, 'Its XML is damaged.'],
    [
      'a container that leads nowhere',
      { 'META-INF/container.xml': '<container/>', 'OEBPS/book.opf': '<package/>' },
      'without any text',
    ],
  ])('refuses a book with %s', async (_, parts, message) => {
    const error = load({ parts });
    await expect(error).rejects.toThrow(UnreadableDocumentError);
    await expect(error).rejects.toThrow(message);
  });

  it('refuses an archive that is no book', async () => {
    const bytes = zipSync({ 'a.txt': strToU8('text') });
    await expect(loader.load({ bytes })).rejects.toThrow('does not say which files');
    await expect(loader.load({ bytes: strToU8('PK\x03\x04') })).rejects.toThrow(UnreadableDocumentError);
  });

  it('finds the package where the container is missing', async () => {
    const bytes = zipSync({
      'x/content.opf': strToU8(
        '<package><manifest><item id="a" href="a.html" media-type="text/html"/></manifest><spine><itemref idref="a"/></spine></package>',
      ),
      'x/a.html': strToU8('<p>Text'),
    });
    expect((await loader.load({ bytes })).text).toBe('Text');
  });

  it('recognises books by their mark, or else by the file that leads to the package', () => {
    expect(loader.recognises(epub({}))).toBe(true);
    expect(loader.recognises(zipSync({ 'META-INF/container.xml': strToU8(CONTAINER) }))).toBe(true);
    expect(
      loader.recognises(
        zipSync({
          mimetype: strToU8('application/vnd.oasis.opendocument.text'),
          'META-INF/container.xml': strToU8(CONTAINER),
        }),
      ),
    ).toBe(false);
    expect(loader.recognises(zipSync({ 'word/document.xml': strToU8('x') }))).toBe(false);
    expect(loader.recognises(strToU8('application/epub+zip'))).toBe(false);
  });
});
