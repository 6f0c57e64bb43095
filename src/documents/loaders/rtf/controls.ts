import type { RtfContext } from './context.js';
import { INFO_TEXTS, INFO_TIMES, TIME_PARTS } from './info.js';
import { resetParagraph } from './state.js';

/** What a control word does, with the number behind it. */
export type RtfControl = (parameter: number | undefined) => void;

const DEEPEST_TABLE = 10;
const DEEPEST_LIST = 8;
/** Fields whose result repeats the headings, or lists where something is. */
const INDEX_FIELD = /^\s*(?:TOC|INDEX|TOA)\b/i;
const CODE_PAGES = { ansi: 1252, mac: 10_000, pc: 437, pca: 850 };

/** The control words that matter for the text. */
export function controlsOf(context: RtfContext): ReadonlyMap<string, RtfControl> {
  return new Map([
    ...Object.entries(encodingControls(context)),
    ...Object.entries(textControls(context)),
    ...Object.entries(paragraphControls(context)),
    ...Object.entries(tableControls(context)),
    ...Object.entries(groupControls(context)),
    ...infoControls(context),
  ]);
}

function encodingControls(context: RtfContext): Record<string, RtfControl> {
  const { fonts } = context;
  const codePages = Object.entries(CODE_PAGES).map(([word, page]): [string, RtfControl] => [
    word,
    () => void (fonts.codePage = page),
  ]);
  return {
    ...Object.fromEntries(codePages),
    ansicpg: (page = 1252) => void (fonts.codePage = page),
    deff: (font = 0) => void (context.state.font = context.defaultFont = font),
    fcharset: (charset = 0) => context.state.isFontTable && fonts.setCharset(charset),
    cpg: (page = 1252) => context.state.isFontTable && fonts.setCodePage(page),
  };
}

function textControls(context: RtfContext): Record<string, RtfControl> {
  return {
    f: (font = 0) => {
      if (context.state.isFontTable) context.fonts.define(font);
      else context.state.font = font;
    },
    plain: () => {
      context.state.font = context.defaultFont;
      context.state.isHidden = context.state.isDeleted = false;
    },
    v: (on = 1) => void (context.state.isHidden = on !== 0),
    deleted: (on = 1) => void (context.state.isDeleted = on !== 0),
    uc: (length = 1) => void (context.state.fallbackLength = Math.max(0, length)),
    u: (code = 0) => {
      context.emit(context.fonts.character(code & 0xffff, context.state.font));
      context.fallback = context.state.fallbackLength;
    },
  };
}

function paragraphControls(context: RtfContext): Record<string, RtfControl> {
  return {
    par: () => context.endParagraph(),
    sect: () => context.endParagraph(),
    pard: () => {
      context.state.flow.endLines(context.paragraphKind());
      resetParagraph(context.state);
    },
    s: (style = 0) => void (context.state.style = style),
    sbasedon: (style) => void (context.state.basedOn = style),
    outlinelevel: (level = 0) => void (context.state.outlineLevel = level),
    ilvl: (level = 0) => void (context.state.listLevel = Math.max(0, Math.min(level, DEEPEST_LIST))),
  };
}

function tableControls(context: RtfContext): Record<string, RtfControl> {
  const innerLevel = () => Math.max(2, context.state.tableLevel);
  return {
    intbl: () => void (context.state.tableLevel = Math.max(1, context.state.tableLevel)),
    itap: (level = 0) => void (context.state.tableLevel = Math.max(0, Math.min(level, DEEPEST_TABLE))),
    cell: () => context.endCell(1),
    nestcell: () => context.endCell(innerLevel()),
    row: () => context.state.flow.endRow(1),
    nestrow: () => context.state.flow.endRow(innerLevel()),
    trowd: () => context.state.flow.defineRow(),
    trhdr: () => context.state.flow.defineHeader(),
    clvmrg: () => context.state.flow.mergeCell(),
    cellx: (edge = 0) => context.state.flow.defineCell(edge),
    nesttableprops: () => void (context.state.onClose = context.state.flow.keepRowDefinition()),
  };
}

function groupControls(context: RtfContext): Record<string, RtfControl> {
  const ignoreText = () => void (context.state.sink = undefined);
  return {
    fonttbl: () => {
      context.state.isFontTable = true;
      context.state.sink = (text) => context.fonts.addName(text);
    },
    stylesheet: () => {
      context.state.isStyleSheet = true;
      ignoreText();
    },
    info: ignoreText,
    shpinst: ignoreText,
    shptxt: () => context.openFlow((parent, text) => parent.addShape(text)),
    footnote: () => context.openNote(),
    listtext: () => context.openMarker(),
    pntext: () => context.openMarker(),
    upr: () => void (context.state.skipsNextGroup = true),
    field: () => void (context.state.field = { instruction: '' }),
    fldinst: () => context.openInstruction(),
    fldrslt: () => INDEX_FIELD.test(context.state.field.instruction) && context.scanner.skipGroup(),
  };
}

function infoControls(context: RtfContext): [string, RtfControl][] {
  const { info } = context;
  return [
    ...[...INFO_TEXTS].map(([word, name]): [string, RtfControl] => [
      word,
      () => void (context.state.sink = info.begin(name)),
    ]),
    ...[...INFO_TIMES].map(([word, name]): [string, RtfControl] => [
      word,
      () => void (context.state.onClose = () => info.endTime(name)),
    ]),
    ...TIME_PARTS.map((part): [string, RtfControl] => [part, (value = 0) => info.setTimePart(part, value)]),
  ];
}
