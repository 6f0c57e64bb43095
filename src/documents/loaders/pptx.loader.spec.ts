import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { UnreadableDocumentError } from './loader.js';
import { PptxDocumentLoader } from './pptx.loader.js';

const loader = new PptxDocumentLoader();

const relationships = (targets: Record<string, string>) =>
  `<Relationships>${Object.entries(targets)
    .map(
      ([id, target]) =>
        `<Relationship Id="${id}" Type="http://example.test/${id.replace(/\d+$/, '')}" Target="${target}"/>`,
    )
    .join('')}</Relationships>`;

interface Slide {
  shapes: string;
  /** Parts that the slide mentions, by their kind. */
  parts?: Record<string, string>;
  hidden?: boolean;
}

const LAYOUT = `<p:sldLayout><p:cSld><p:spTree>
  <p:sp><p:nvSpPr><p:nvPr><p:ph type="body" idx="13"/></p:nvPr></p:nvSpPr>
    <p:txBody><a:lstStyle><a:lvl1pPr><a:buNone/></a:lvl1pPr></a:lstStyle></p:txBody></p:sp>
</p:spTree></p:cSld></p:sldLayout>`;
const MASTER = `<p:sldMaster><p:cSld><p:spTree>
  <p:sp><p:nvSpPr><p:nvPr><p:ph type="dt" idx="2"/></p:nvPr></p:nvSpPr>
    <p:txBody><a:lstStyle><a:lvl1pPr><a:buNone/></a:lvl1pPr></a:lstStyle></p:txBody></p:sp>
</p:spTree></p:cSld><p:txStyles>
  <p:titleStyle><a:lvl1pPr><a:buNone/></a:lvl1pPr></p:titleStyle>
  <p:bodyStyle><a:lvl1pPr><a:buChar char="•"/></a:lvl1pPr><a:lvl2pPr><a:buChar char="–"/></a:lvl2pPr></p:bodyStyle>
</p:txStyles></p:sldMaster>`;

/** A presentation of slides, kept in the opposite order of that in which they are shown. */
function pptx(slides: readonly Slide[], properties = ''): Uint8Array {
  const count = slides.length;
  const files: Record<string, string> = {
    '_rels/.rels': relationships({ officeDocument: 'ppt/presentation.xml' }),
    'docProps/core.xml': `<cp:coreProperties>${properties}</cp:coreProperties>`,
    'ppt/presentation.xml': `<p:presentation><p:sldIdLst>${slides.map((_, at) => `<p:sldId id="${256 + at}" r:id="slide${count - at}"/>`).join('')}</p:sldIdLst></p:presentation>`,
    'ppt/_rels/presentation.xml.rels': relationships(
      Object.fromEntries(slides.map((_, at) => [`slide${count - at}`, `slides/slide${count - at}.xml`])),
    ),
    'ppt/slideLayouts/layout.xml': LAYOUT,
    'ppt/slideLayouts/_rels/layout.xml.rels': relationships({ slideMaster: '../slideMasters/master.xml' }),
    'ppt/slideMasters/master.xml': MASTER,
  };
  for (const [at, { shapes, parts = {}, hidden = false }] of slides.entries()) {
    const name = `slide${count - at}`;
    const targets: Record<string, string> = { slideLayout: '/ppt/slideLayouts/layout.xml' };
    for (const [kind, content] of Object.entries(parts)) {
      targets[kind] = `../${kind}/${name}.xml`;
      files[`ppt/${kind}/${name}.xml`] = content;
    }
    files[`ppt/slides/${name}.xml`] =
      `<p:sld${hidden ? ' show="0"' : ''}><p:cSld><p:spTree>${shapes}</p:spTree></p:cSld></p:sld>`;
    files[`ppt/slides/_rels/${name}.xml.rels`] = relationships(targets);
  }
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
}

const run = (text: string) => `<a:r><a:t>${text}</a:t></a:r>`;
const paragraph = (text: string, properties = '', level = 0) =>
  `<a:p><a:pPr lvl="${level}">${properties}</a:pPr>${text.startsWith('<') ? text : run(text)}</a:p>`;
const body = (content: string) => (content.startsWith('<a:p>') ? content : paragraph(content));
const shape = (content: string, placeholder = '') =>
  `<p:sp><p:nvSpPr><p:nvPr>${placeholder}</p:nvPr></p:nvSpPr><p:txBody>${body(content)}</p:txBody></p:sp>`;
const title = (text: string) => shape(text, '<p:ph type="title"/>');
const content = (text: string) => shape(text, '<p:ph idx="1"/>');
const frame = (data: string) =>
  `<p:graphicFrame><a:graphic><a:graphicData>${data}</a:graphicData></a:graphic></p:graphicFrame>`;
const cell = (text: string, attributes = '') =>
  `<a:tc ${attributes}><a:txBody>${body(text)}</a:txBody></a:tc>`;
const row = (...cells: string[]) =>
  `<a:tr>${cells.map((one) => (one.startsWith('<') ? one : cell(one))).join('')}</a:tr>`;

async function textOf(shapes: string, parts: Record<string, string> = {}): Promise<string> {
  return (await loader.load({ bytes: pptx([{ shapes, parts }]) })).text;
}

describe('the PPTX loader', () => {
  it('recognises presentations by their main part', () => {
    expect(loader.recognises(pptx([]))).toBe(true);
    expect(loader.recognises(zipSync({ 'word/document.xml': strToU8('x') }))).toBe(false);
    expect(loader.recognises(strToU8('PK'))).toBe(false);
  });

  it('makes each slide a page, in the order in which they are shown, hidden ones too', async () => {
    const slides = [
      { shapes: title('First') + shape('a') },
      { shapes: '<p:pic/>' },
      { shapes: title('Third'), hidden: true },
      { shapes: shape('Without a title') },
    ];
    const { text, pages } = await loader.load({ bytes: pptx(slides) });
    expect(text).toBe('## First\n\na\n\n## Third\n\n## Slide 4\n\nWithout a title');
    expect(pages?.map(({ start, end, page }) => [page, text.slice(start, end)])).toEqual([
      [1, '## First\n\na'],
      [3, '## Third'],
      [4, '## Slide 4\n\nWithout a title'],
    ]);
  });

  it('puts the title first and leaves out dates, footers and numbers', async () => {
    const around = ['dt', 'ftr', 'sldNum'].map((type) => shape(type, `<p:ph type="${type}"/>`)).join('');
    const heading = shape(
      `<a:p>${run('Two')}<a:br/>${run('lines_x000B_long')}<a:fld type="slidenum"><a:t>7</a:t></a:fld></a:p>`,
      '<p:ph type="ctrTitle"/>',
    );
    const shapes = shape('before') + around + heading + shape('after');
    expect(await textOf(shapes)).toBe('## Two lines long\n\nbefore\n\nafter');
    expect(await textOf(title('long '.repeat(50)))).toBe(`## Slide 1\n\n${'long '.repeat(50).trim()}`);
  });

  it('takes bullets from the master, unless the layout or the text has none', async () => {
    const text = paragraph('bullet') + paragraph('deeper', '', 1) + paragraph('none', '<a:buNone/>');
    expect(await textOf(content(text))).toBe('## Slide 1\n\n- bullet\n  - deeper\n\nnone');
    expect(await textOf(shape('layout', '<p:ph type="body" idx="13"/>'))).toBe('## Slide 1\n\nlayout');
    expect(await textOf(shape(paragraph('a') + paragraph('b')))).toBe('## Slide 1\n\na\n\nb');
    const own = '<a:lstStyle><a:lvl1pPr><a:buChar char="*"/></a:lvl1pPr></a:lstStyle>';
    const box = `<p:sp><p:txBody>${own}${paragraph('own')}</p:txBody></p:sp>`;
    expect(await textOf(box + box)).toBe('## Slide 1\n\n- own\n\n- own');
  });

  it('numbers lists as they are shown', async () => {
    const numbered = (type: string, start = 1) => `<a:buAutoNum type="${type}" startAt="${start}"/>`;
    const text =
      paragraph('three', numbered('arabicPeriod', 3)) +
      paragraph('a', numbered('alphaLcParenR'), 1) +
      paragraph('b', numbered('alphaLcParenR'), 1) +
      paragraph('four', numbered('arabicPeriod', 3)) +
      paragraph('a again', numbered('alphaLcParenR'), 1) +
      paragraph('between', '<a:buNone/>') +
      paragraph('i', numbered('romanLcParenBoth'));
    expect(await textOf(shape(text))).toBe(
      '## Slide 1\n\n3. three\n   - a) a\n   - b) b\n4. four\n   - a) a again\n\nbetween\n\n- (i) i',
    );
  });

  it('reads groups, and of alternatives the first in which there is something to read', async () => {
    const alternatives = (choice: string, fallback: string) =>
      `<mc:AlternateContent><mc:Choice>${choice}</mc:Choice><mc:Fallback>${fallback}</mc:Fallback></mc:AlternateContent>`;
    const equation = '<a14:m><m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath></a14:m>';
    const shapes =
      `<p:grpSp>${shape('in a group')}<p:grpSp>${shape('deeper')}</p:grpSp></p:grpSp>` +
      alternatives(shape('new'), shape('old')) +
      alternatives('<p:contentPart/>', shape('fallback')) +
      shape(`<a:p>${run('where ')}${alternatives(equation, run('picture'))}</a:p>`);
    expect(await textOf(shapes)).toBe('## Slide 1\n\nin a group\n\ndeeper\n\nnew\n\nfallback\n\nwhere $a=b$');
  });

  it('writes tables, with merged cells', async () => {
    const rows =
      row('', cell('Group', 'gridSpan="2"'), cell('', 'hMerge="1"')) +
      row('', 'A', 'B') +
      row(cell('x', 'rowSpan="2"'), '1', '2') +
      row(cell('', 'vMerge="1"'), '3', '4');
    expect(await textOf(title('T') + frame(`<a:tbl><a:tblPr firstRow="1"/>${rows}</a:tbl>`))).toBe(
      '## T\n\n|  | Group / A | Group / B |\n|---|---|---|\n| x | 1 | 2 |\n| x | 3 | 4 |',
    );
    const long = Array.from({ length: 20 }, (_, at) => row(`k${at}`, `v${at}`)).join('');
    expect(await textOf(frame(`<a:tbl>${row('Key', 'Value')}${long}</a:tbl>`))).toContain(
      'Key: k1; Value: v1\n\n',
    );
    expect(await textOf(frame(`<a:tbl><a:tblPr firstRow="0"/>${long}</a:tbl>`))).toContain('k1; v1\n\n');
  });

  it('reads charts: dates, percentages, and points without categories in common', async () => {
    const cache = (format: string, ...values: string[]) =>
      `<c:numCache><c:formatCode>${format}</c:formatCode>${values.map((v, at) => `<c:pt idx="${at}"><c:v>${v}</c:v></c:pt>`).join('')}</c:numCache>`;
    const series = (categories: string, values: string) =>
      `<c:ser><c:tx><c:v>S</c:v></c:tx><c:cat>${categories}</c:cat><c:val>${values}</c:val></c:ser>`;
    const levels =
      '<c:multiLvlStrCache><c:lvl><c:pt idx="0"><c:v>Q1</c:v></c:pt></c:lvl><c:lvl><c:pt idx="0"><c:v>2024</c:v></c:pt></c:lvl></c:multiLvlStrCache>';
    const chart = `<c:chartSpace><c:chart><c:plotArea><c:lineChart>${series(cache('d/m/yyyy', '45000'), cache('0.0%', '0.25'))}${series(levels, cache('General', 'n/a'))}</c:lineChart></c:plotArea></c:chart></c:chartSpace>`;
    expect(await textOf(title('T') + frame('<c:chart r:id="chart"/>'), { chart })).toBe(
      '## T\n\n|  | S |\n|---|---|\n| 2023-03-15 | 25% |\n\n|  | S |\n|---|---|\n| 2024 Q1 | n/a |',
    );
  });

  it('reads the texts of diagrams', async () => {
    const point = (id: string, text: string) =>
      `<dgm:pt modelId="${id}"><dgm:t>${paragraph(text)}</dgm:t></dgm:pt>`;
    const diagram = `<dgm:dataModel><dgm:ptLst>${point('a', 'Plan')}${point('b', 'Do')}</dgm:ptLst><dgm:cxnLst><dgm:cxn srcId="a" destId="b"/><dgm:cxn srcId="b" destId="a"/></dgm:cxnLst></dgm:dataModel>`;
    expect(await textOf(frame('<dgm:relIds r:dm="diagramData"/>'), { diagramData: diagram })).toBe(
      '## Slide 1\n\n- Plan\n- Do',
    );
  });

  it('ends a slide with what its speaker noted', async () => {
    const notesSlide = `<p:notes><p:cSld><p:spTree>${shape('picture', '<p:ph type="sldImg"/>')}${shape(paragraph('Say this.') + paragraph('') + paragraph('Then that.'), '<p:ph type="body" idx="1"/>')}${shape('7', '<p:ph type="sldNum"/>')}</p:spTree></p:cSld></p:notes>`;
    expect(await textOf(title('T') + shape('text'), { notesSlide })).toBe(
      '## T\n\ntext\n\nNotes: Say this.\n\nThen that.',
    );
  });

  it('has a title of its own, else that of its first slide', async () => {
    const slides = [{ shapes: shape('x') }, { shapes: title('Roadmap') }];
    const named = await loader.load({ bytes: pptx(slides, '<dc:title>Plans for 2025</dc:title>') });
    expect(named.title).toBe('Plans for 2025');
    const unnamed = pptx(slides, '<dc:title>PowerPoint Presentation</dc:title><dc:creator>Ada</dc:creator>');
    expect(await loader.load({ bytes: unnamed })).toMatchObject({
      title: 'Roadmap',
      metadata: { author: 'Ada' },
    });
  });

  it('refuses what is no presentation or lacks a slide', async () => {
    const lacking = zipSync({ 'ppt/presentation2.xml': strToU8('<p:presentation/>') });
    await expect(loader.load({ bytes: lacking })).rejects.toThrow(
      'It lacks its part "ppt/presentation.xml".',
    );
    const other = zipSync({ 'ppt/presentation.xml': strToU8('<other/>') });
    await expect(loader.load({ bytes: other })).rejects.toThrow('It is no presentation.');
    const damaged = pptx([{ shapes: '<p:sp>' }]);
    await expect(loader.load({ bytes: damaged })).rejects.toBeInstanceOf(UnreadableDocumentError);
  });

  it('reads a chart once, however often it is shown', async () => {
    const chart = `<c:chartSpace><c:chart><c:title><c:tx><c:v>${'t'.repeat(1000)}</c:v></c:tx></c:title></c:chart></c:chartSpace>`;
    const text = await textOf(frame('<c:chart r:id="chart"/>').repeat(100), { chart });
    expect(text.length).toBeLessThan(1100);
  });
});
