import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseText } from '../normalize.js';
import { HtmlDocumentLoader } from './html.loader.js';
import { UnreadableDocumentError } from './loader.js';

const loader = new HtmlDocumentLoader();
const load = (html: string | Uint8Array, mediaType?: string) =>
  loader.load({ bytes: typeof html === 'string' ? Buffer.from(html) : html, mediaType });
const text = async (html: string) => (await load(html)).text;

describe('HtmlDocumentLoader', () => {
  it.each<[string, string, string]>([
    [
      'headings and paragraphs',
      '<h1>A  <b>b</b></h1><p>One\n two<br>three</p><p>four',
      '# A b\n\nOne two\nthree\n\nfour',
    ],
    ['entities', '<p>a &lt; b &amp; c&nbsp;d &eacute; &#x1F600;', 'a < b & c\u00a0d é 😀'],
    ['lists', '<ul><li>a<li><p>b</p><ol start=3><li>c<li>d</ol></ul>e', '- a\n- b\n  3. c\n  4. d\n\ne'],
    ['definitions', '<dl><dt>a<dd>b<dt>c<dd><p>d</p></dl>', 'a\nb\n\nc\nd'],
    ['quotations', '<blockquote><p>a<p>b</blockquote>c', '> a\n\n> b\n\nc'],
    [
      'code',
      '<pre><code class="language-js">\nif (a) {\n\n  b();\n}\n</code></pre>',
      '```js\nif (a) {\n\n  b();\n}\n```',
    ],
    ['code with fences', '<pre>```\nx\n```</pre>', '````\n```\nx\n```\n````'],
    ['code in a list', '<ol><li><pre>a\nb</pre><li>c</ol>', '1.\n   ```\n   a\n   b\n   ```\n\n2. c'],
    ['images', '<p>See <img src=x alt="a duck">.', 'See a duck.'],
    ['words in blocks', '<div>a<div>b</div>c</div><span>d</span><span>e</span>', 'a\n\nb\n\nc\n\nde'],
  ])('writes %s', async (_, html, expected) => {
    expect(await text(html)).toBe(expected);
  });

  it('writes tables as rows', async () => {
    const html = `<table><caption>Cap</caption><tr><th>A<th>B<th>C</tr><tr><td rowspan=2>x|y<td colspan=2>1</tr>
      <tr><td><p>2</p><p>3</p><td>4</tr></table>`;
    expect(await text(html)).toBe(
      'Cap\n\n| A | B | C |\n|---|---|---|\n| x\\|y | 1 |  |\n| x\\|y | 2 3 | 4 |',
    );
  });

  it('reads a table that lays out a page as blocks', async () => {
    const html = '<table><tr><td><h2>H</h2><td><table><tr><td>a<td>b</table></table>';
    expect(await text(html)).toBe('## H\n\n| a | b |\n|---|---|');
  });

  it('drops what is no content', async () => {
    const html = `<header>Head</header><nav>Nav</nav><div>Body <script>x()</script><style>y</style>text</div>
      <p hidden>h</p><p style="color:red; display: none">n</p><noscript>ns</noscript><template>t</template>
      <svg><title>s</title></svg><select><option>o</select><aside>Aside</aside><footer>Foot</footer>
      <ul><li><a hreflang=de>Deutsch</a><li><a hreflang=fr>Français</a></ul>`;
    expect(await text(html)).toBe('Body text');
  });

  it('keeps headers and asides of the content', async () => {
    const html = '<article><header><h1>T</h1></header><nav>N</nav><p>P</p><aside>A</aside></article>';
    expect(await text(html)).toBe('# T\n\nP\n\nA');
  });

  it('prefers main, then articles, unless they are only a small part', async () => {
    expect(await text('<p>Around</p><main><p>Main text</p></main>')).toBe('Main text');
    expect(await text('<p>Around</p><article>One text</article><article>Two text</article>')).toBe(
      'One text\n\nTwo text',
    );
    const page = 'A long page. '.repeat(20).trim();
    expect(await text(`<main></main><div>${page}</div><article>Card</article>`)).toBe(`${page}\n\nCard`);
  });

  it('keeps everything where nothing else is left', async () => {
    expect(await text('<nav>Only</nav><footer>this</footer>')).toBe('Only\n\nthis');
  });

  it.each([
    ['<title> A \n title </title><h1>H</h1>', 'A title'],
    ['<h1>From <i>heading</i></h1>', 'From heading'],
    ['<svg><title>icon</title></svg><p>x', undefined],
  ])('takes the title of %j', async (html, title) => {
    expect((await load(html)).title).toBe(title);
  });

  it('keeps what the page says about itself', async () => {
    const html =
      '<html lang=de><meta name=Description content="d"><meta property="article:published_time" content=2024><p>x';
    expect((await load(html)).metadata).toEqual({ language: 'de', description: 'd', published: '2024' });
  });

  it.each<[string, string, string | undefined]>([
    ['its meta tag', '<meta charset="windows-1251"><p>\xcf\xf0\xe8', undefined],
    [
      'its older meta tag',
      '<meta http-equiv=x content="text/html; charset=windows-1251"><p>\xcf\xf0\xe8',
      undefined,
    ],
    ['the media type, first', '<meta charset="utf-8"><p>\xcf\xf0\xe8', 'text/html; charset=windows-1251'],
    ['its XML declaration', '<?xml version="1.0" encoding="windows-1251"?><p>\xcf\xf0\xe8', undefined],
  ])('decodes by %s', async (_, html, mediaType) => {
    expect((await load(Buffer.from(html, 'latin1'), mediaType)).text).toBe('При');
  });

  it.each([
    ['div', '<div>'.repeat(100_000)],
    ['b', '<b>'.repeat(100_000)],
    ['li', '<ul><li>'.repeat(100_000)],
    ['blockquote', '<blockquote>'.repeat(100_000)],
    ['table', '<table><tr><td>'.repeat(50_000)],
    ['svg', `<svg>${'<g>'.repeat(100_000)}</svg>`],
  ])('reads 100,000 nested %s tags', async (_, tags) => {
    const start = performance.now();
    expect((await load(`<p>before</p>${tags}deep<script>x</script>`)).text).toContain('before');
    expect(performance.now() - start).toBeLessThan(8000);
  });

  it('finds the text below the deepest level it keeps', async () => {
    const depth = 5000;
    const html = `${'<div>'.repeat(depth)}deep${'</div>'.repeat(depth)}<p>after</p>`;
    expect(await text(html)).toBe('deep\n\nafter');
  });

  it('reads any tag soup', async () => {
    const piece = fc.constantFrom(
      ...'<p>|</p>|<ul>|<li>|</ul>|<table>|<tr>|<td colspan=3>|<td rowspan=9>|</table>|<pre>|</pre>|<h2>|</h2>|<b>|</b>'.split(
        '|',
      ),
      ...'<blockquote>|</blockquote>|<dl>|<dd>|<main>|</main>|<nav>|<br>|<script>|</script>|<!--|-->|<svg>|<title>'.split(
        '|',
      ),
      ...'word | \n|&amp;|&#0;|<|>|"|```|| |# |\0|\u{1f600}|<template>|<select>|<plaintext>|<article>|<p hidden>'.split(
        '|',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
        const html = pieces.join('').replaceAll('\0', '');
        const loaded = await load(html);
        expect(loaded.text).toBe(normaliseText(loaded.text));
        expect(loaded.title).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('refuses markup that makes millions of elements', async () => {
    const bold = Array.from({ length: 500 }, (_, at) => `<b id=${at}>`).join('');
    await expect(load(`<p>${bold}${'<p>x'.repeat(10_000)}`)).rejects.toThrow(UnreadableDocumentError);
  });

  it('makes no huge text out of cells that span rows', async () => {
    const row = `<tr>${`<td rowspan=1000>${'x'.repeat(190)}`.repeat(500)}`;
    const html = `<table>${row}${'<tr><td>y'.repeat(1000)}</table>`;
    expect((await text(html)).length).toBeLessThan(html.length * 3);
  });
});
