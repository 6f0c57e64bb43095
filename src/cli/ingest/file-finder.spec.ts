// Real: the file system.
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileRefusedError, StopError } from '../errors.js';
import { FileFinder } from './file-finder.js';
import { readSources } from './sources.js';

let root: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'footnote-finder-')));
  for (const file of [
    'handbook/keys/lost.md',
    'handbook/keys/ROTATION.MD',
    'handbook/about.txt',
    'handbook/.hidden.md',
    'handbook/.git/notes.md',
    'handbook/node_modules/package/readme.md',
    'handbook/photo.raw',
    'handbook/noextension',
    'other/handbook/about.txt',
    'other/handbook/more.txt',
    'plan[1]/a.md',
    'junk.bin',
  ]) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), file);
  }
  await symlink('..', join(root, 'handbook/keys/round'));
  await symlink('handbook', join(root, 'current'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function idsOf(paths: string[], folder = '.'): Promise<string[]> {
  const finder = new FileFinder(await readSources(paths, join(root, folder)));
  return (await finder.all()).map(({ id }) => id);
}

const HANDBOOK = ['handbook/about.txt', 'handbook/keys/ROTATION.MD', 'handbook/keys/lost.md'];

describe('the files of a folder', () => {
  it('are those that can be read, neither hidden, nor installed, nor behind links', async () => {
    expect(await idsOf(['handbook'])).toEqual(HANDBOOK);
  });

  it.each([
    ['handbook/', '.'],
    ['./handbook', '.'],
    ['../handbook', 'other'],
    ['.', 'handbook'],
    ['handbook/**/*', '.'],
    ['**/*', 'handbook'],
    ['../handbook/**', 'other'],
  ])('have the same ids, named %s in %s', async (path, folder) => {
    expect(await idsOf([path], folder)).toEqual(HANDBOOK);
  });

  it('have the same ids by an absolute path', async () => {
    expect(await idsOf([join(root, 'handbook')], 'other')).toEqual(HANDBOOK);
    expect(await idsOf([`${join(root, 'handbook')}/**/*`], 'other')).toEqual(HANDBOOK);
  });

  it('go by the name that was given, where that is a link', async () => {
    expect(await idsOf(['current'])).toEqual(HANDBOOK.map((id) => id.replace('handbook', 'current')));
  });

  it('are found behind names that look like globs', async () => {
    expect(await idsOf(['plan[1]'])).toEqual(['plan[1]/a.md']);
    expect(await idsOf(['plan\\[1\\]/*.md'])).toHaveLength(1);
  });
});

describe('a glob', () => {
  it('names some of them', async () => {
    expect(await idsOf(['handbook/**/*.{md,txt}'])).toEqual(['handbook/about.txt', 'handbook/keys/lost.md']);
    expect(await idsOf(['handbook/*'])).toEqual(['handbook/about.txt']);
    expect(await idsOf(['handbook/*.pdf'])).toEqual([]);
  });
});

describe('a file that is named itself', () => {
  it('is always taken, by its path from the working directory', async () => {
    expect(await idsOf(['junk.bin', 'handbook/.hidden.md'])).toEqual(['handbook/.hidden.md', 'junk.bin']);
  });

  it('goes by its folder outside of that', async () => {
    expect(await idsOf(['../handbook/about.txt'], 'other')).toEqual(['handbook/about.txt']);
  });
});

describe('several arguments', () => {
  it('give the same file once, by the first one', async () => {
    expect(await idsOf(['handbook/about.txt', 'handbook', 'handbook/**/*.txt', 'handbook/keys'])).toEqual(
      HANDBOOK,
    );
    expect(await idsOf(['handbook/keys', 'handbook'])).toContain('keys/lost.md');
  });

  it('must not give two files the same id', async () => {
    await expect(idsOf(['handbook', 'other/handbook'])).rejects.toThrow(StopError);
    await expect(idsOf(['handbook', 'other/handbook'])).rejects.toThrow(/handbook\/about\.txt/);
  });

  it.each(['nowhere', 'nowhere/a.md', 'nowhere/*.md'])(
    'must not name what is not there: %s',
    async (path) => {
      await expect(idsOf(['handbook', path])).rejects.toThrow(/There is no "nowhere/);
    },
  );
});

describe('a file that comes later', () => {
  it('is found by its path, as it would be among the others', async () => {
    const finder = new FileFinder(await readSources(['handbook/**/*.md', 'junk.bin'], root));
    const idAt = (path: string): string | undefined => finder.at(join(root, path))?.id;
    expect(idAt('handbook/new/page.md')).toBe('handbook/new/page.md');
    expect(idAt('junk.bin')).toBe('junk.bin');
    for (const path of [
      'handbook/page.txt',
      'handbook/.page.md',
      'handbook/.git/page.md',
      'handbook/node_modules/p/page.md',
      'handbook.md',
      'other/page.md',
    ])
      expect(idAt(path), path).toBeUndefined();
    expect(finder.ownsId('handbook/x')).toBe(true);
    expect(finder.ownsId('junk.bin')).toBe(true);
    expect(finder.ownsId('handbook2/x')).toBe(false);
  });

  it('must not take the id of another that is there', async () => {
    const finder = new FileFinder(await readSources(['handbook', 'other/handbook/*.rtf'], root));
    await finder.all();
    const intruder = { path: join(root, 'other/handbook/about.txt'), id: 'handbook/about.txt' };
    expect(() => finder.claim(intruder)).toThrow(FileRefusedError);
    finder.claim({ path: join(root, 'handbook/about.txt'), id: 'handbook/about.txt' });
    const gone = { path: join(root, 'handbook/gone.txt'), id: 'handbook/gone.txt' };
    finder.claim(gone);
    finder.claim({ ...gone, path: join(root, 'other/handbook/gone.txt') });
  });
});
