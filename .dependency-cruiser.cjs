/** Which module may import which, and why. Modules meet through their index.ts. */
const modules = {
  config: { may: [], why: 'the one reader of the environment stands below everything' },
  common: { may: [], why: 'errors, text and transport know no feature' },
  database: { may: ['config'], why: 'it knows how to connect, not what is stored' },
  redis: { may: ['config'], why: 'it knows how to connect, not what is kept there' },
  llm: { may: ['config', 'common'], why: 'a model knows nothing of documents, money or HTTP' },
  'local-models': { may: ['config', 'common'], why: 'a model knows nothing of documents, money or HTTP' },
  embeddings: {
    may: ['config', 'common', 'local-models'],
    why: 'a model knows nothing of documents, money or HTTP',
  },
  reranking: {
    may: ['config', 'common', 'llm', 'local-models', 'prompts'],
    why: 'who ranks passages knows nothing of where they are from or what is paid for it',
  },
  prompts: { may: [], why: 'prompts are pure functions' },
  documents: {
    may: ['config', 'common', 'database', 'embeddings', 'costs'],
    why: 'ingestion embeds, and embedding costs money that goes into the ledger; it knows nothing of asking',
  },
  retrieval: {
    may: ['config', 'common', 'database', 'embeddings', 'reranking'],
    why: 'searching knows nothing of prompts or answers',
  },
  costs: { may: ['config', 'common', 'database'], why: 'money is counted, not spent, here' },
  'rate-limits': { may: ['config', 'common', 'redis'], why: 'limits know callers, not what they call' },
  auth: {
    may: ['config', 'common', 'database', 'costs'],
    why: 'who may call, and with what budget, is decided before anything is done',
  },
  evaluation: {
    may: ['config', 'common', 'llm', 'prompts'],
    why: 'a judge sees an answer, not how it came about',
  },
  ask: {
    may: [
      'config',
      'common',
      'database',
      'llm',
      'embeddings',
      'prompts',
      'retrieval',
      'costs',
      'evaluation',
      'redis',
    ],
    why: 'the pipeline joins the others; nobody imports it',
  },
  health: {
    may: ['config', 'common', 'database', 'retrieval', 'llm', 'redis'],
    why: 'it asks others how they are',
  },
};

const names = Object.keys(modules);
const alternatives = (list) => list.join('|');

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'a cycle has no order in which to understand it',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'nobody uses it',
      from: {
        orphan: true,
        pathNot: ['(main|openapi|make-snapshot|worker)\\.ts$', '\\.spec\\.ts$', '\\.mjs$'],
      },
      to: {},
    },
    ...names.map((name) => ({
      name: `${name}-imports`,
      severity: 'error',
      comment: `${name} may import ${modules[name].may.join(', ') || 'no other module'}: ${modules[name].why}`,
      from: { path: `^src/${name}/` },
      to: {
        path: `^src/(${alternatives(names.filter((other) => other !== name && !modules[name].may.includes(other)))})/`,
      },
    })),
    ...names.map((name) => ({
      name: `${name}-through-index`,
      severity: 'error',
      comment: 'modules meet through their index.ts; what is not exported there is private',
      from: { path: '^src/', pathNot: [`^src/${name}/`, '\\.spec\\.ts$'] },
      // a subfolder of common or text may be imported by itself, so that pure code does not load the SDKs; the formats
      // too, so that the command line does not load the service
      to: {
        path: `^src/${name}/`,
        pathNot: [
          `^src/${name}/index\\.ts$`,
          '^src/common/[^/]+/index\\.ts$',
          '^src/documents/loaders/index\\.ts$',
        ],
      },
    })),
    {
      name: 'not-to-tests',
      severity: 'error',
      comment: 'product code does not depend on tests',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs'] },
    moduleSystems: ['es6'],
  },
};
