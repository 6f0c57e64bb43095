import type { AnswerOptions, AnswerPart, FakeUsage } from './behaviours.js';

/** A request's JSON body. */
export type Json = Record<string, unknown>;

/** How one provider puts an answer on the wire. Frames are complete server-sent events. */
export interface Wire {
  open(usage: FakeUsage): string;
  openPart(index: number, part: AnswerPart): string;
  token(index: number, text: string): string;
  closePart(index: number, part: AnswerPart): string;
  close(usage: FakeUsage, options: AnswerOptions): string;
  error(type: string): string;
  garbage(): string;
  /** The text of a part as this wire carries it. */
  textOf(part: AnswerPart): string;
  /** The whole answer as one JSON body, for requests that do not stream. */
  json(parts: AnswerPart[], usage: FakeUsage, options: AnswerOptions): Json;
  errorBody(type: string, message: string): Json;
}

/** Splits a text into words with the white space before them: what the fakes call tokens. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

export function event(data: Json, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
}
