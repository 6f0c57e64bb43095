import type { RtfFlow } from './flow.js';

/** Where text goes: to the flow of the document, to something that collects it, or nowhere. */
type TextSink = 'flow' | ((text: string) => void) | undefined;

/** What is in force inside a group, and is inherited by the groups inside it. */
export interface GroupState {
  sink: TextSink;
  flow: RtfFlow;
  font: number;
  /** How many characters follow one of Unicode for those who cannot read it. */
  fallbackLength: number;
  isHidden: boolean;
  isDeleted: boolean;
  /** True inside a footnote. */
  isNote: boolean;
  isFontTable: boolean;
  isStyleSheet: boolean;
  style: number;
  /** Of a style: the one that it is based on. */
  basedOn: number | undefined;
  outlineLevel: number | undefined;
  tableLevel: number;
  listLevel: number;
  /** The field around the text, with what it is made from. */
  field: { instruction: string };
  /** True right after the mark for groups that may be ignored. */
  isIgnorable: boolean;
  /** True where the next group repeats what the one after it says better. */
  skipsNextGroup: boolean;
  /** What is done when the group ends; not inherited. */
  onClose: ((state: GroupState) => void) | undefined;
}

/** The state outside of all groups. */
export function initialState(flow: RtfFlow): GroupState {
  return {
    sink: 'flow',
    flow,
    font: 0,
    fallbackLength: 1,
    isHidden: false,
    isDeleted: false,
    isNote: false,
    isFontTable: false,
    isStyleSheet: false,
    style: 0,
    basedOn: undefined,
    outlineLevel: undefined,
    tableLevel: 0,
    listLevel: 0,
    field: { instruction: '' },
    isIgnorable: false,
    skipsNextGroup: false,
    onClose: undefined,
  };
}

/** Takes back what paragraphs have set. */
export function resetParagraph(state: GroupState): void {
  state.style = 0;
  state.basedOn = undefined;
  state.outlineLevel = undefined;
  state.tableLevel = 0;
  state.listLevel = 0;
}
