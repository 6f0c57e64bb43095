import type { ChunkOptions } from './options.js';
import type { Unit } from './units.js';

/**
 * Groups units into chunks. A group ends with its section, unless it is still tiny; at the target size; and never with
 * a heading. Inside a section the next group repeats the last sentences of the one before.
 */
export function packUnits(units: readonly Unit[], options: ChunkOptions): Unit[][] {
  const packer = new Packer(options);
  const remaining = remainingInSection(units);
  units.forEach((unit, at) => packer.add(unit, remaining[at] ?? unit.tokens));
  return packer.finish();
}

class Packer {
  readonly #groups: Unit[][] = [];
  #group: Unit[] = [];
  #tokens = 0;

  constructor(private readonly options: ChunkOptions) {}

  /** @param remaining tokens from this unit to the end of its section */
  add(unit: Unit, remaining: number): void {
    const last = this.#group.at(-1);
    if (last !== undefined && last.kind !== 'heading' && last.section !== unit.section && !this.#isTiny()) {
      this.#close();
    } else if (last !== undefined && this.#tokens + unit.tokens > this.#limit(last, remaining))
      this.#cut(unit);
    this.#push(unit);
  }

  finish(): Unit[][] {
    const before = this.#groups.at(-1);
    // what is left at the end may be a line or two: it belongs to what came before, where that has room
    if (before !== undefined && this.#isTiny()) {
      const rest = this.#group.filter((unit) => !before.includes(unit));
      if (sum(before) + sum(rest) <= this.options.maxTokens) {
        before.push(...rest);
        return this.#groups;
      }
    }
    this.#close();
    return this.#groups;
  }

  /** A heading needs what follows it, a tiny group needs more, and a tiny rest of a section is taken along. */
  #limit(last: Unit, remaining: number): number {
    const stretches = last.kind === 'heading' || this.#isTiny() || remaining < this.options.minTokens;
    return stretches ? this.options.maxTokens : this.options.targetTokens;
  }

  /** Ends the group before a unit that does not fit; headings at its end go to the next. */
  #cut(unit: Unit): void {
    const group = this.#group;
    let end = group.length;
    while (end > 0 && group[end - 1]?.kind === 'heading') end--;
    if (end === 0) end = group.length;
    const carried = group.slice(end);
    this.#group = group.slice(0, end);
    const overlap = carried.length > 0 ? [] : this.#overlap(unit);
    this.#close();
    for (const next of [...overlap, ...carried]) this.#push(next);
  }

  #overlap(unit: Unit): Unit[] {
    let room = Math.min(this.options.overlapTokens, this.options.targetTokens - unit.tokens);
    let from = this.#group.length;
    // from > 1: a chunk that repeats all of the one before would say nothing new
    for (; from > 1; from--) {
      const sentence = this.#group[from - 1];
      if (sentence?.kind !== 'sentence' || sentence.section !== unit.section) break;
      if ((room -= sentence.tokens) < 0) break;
    }
    return this.#group.slice(from);
  }

  #isTiny(): boolean {
    return this.#tokens < this.options.minTokens;
  }

  #push(unit: Unit): void {
    this.#group.push(unit);
    this.#tokens += unit.tokens;
  }

  #close(): void {
    if (this.#group.length > 0) this.#groups.push(this.#group);
    this.#group = [];
    this.#tokens = 0;
  }
}

function remainingInSection(units: readonly Unit[]): number[] {
  const remaining: number[] = Array.from({ length: units.length });
  let sectionTokens = 0;
  for (let at = units.length - 1; at >= 0; at--) {
    const unit = units[at];
    if (unit === undefined) continue;
    sectionTokens = units[at + 1]?.section === unit.section ? sectionTokens + unit.tokens : unit.tokens;
    remaining[at] = sectionTokens;
  }
  return remaining;
}

function sum(units: readonly Unit[]): number {
  return units.reduce((total, { tokens }) => total + tokens, 0);
}
