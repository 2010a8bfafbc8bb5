/** The rules of the house (CONTRIBUTING.md, "Layout"), checked by `npm run lint`. */

const GROUND = [
  'errors',
  'safe-text',
  'emotions',
  'global-types',
  'options',
  'runtime',
  'describe-input',
  'abort',
  'in-order',
  'load-tfjs',
  'class-names',
  'float16',
  'aliases',
  'check-iterable',
].map((file) => `^src/${file}\\.ts$`);

/** Each room, and the rooms below it that it may import. The ground floor is open to all. */
const ROOMS = {
  platform: [],
  image: [],
  network: ['image'],
  faces: ['image'],
  classify: ['faces', 'network', 'image'],
  track: ['classify', 'faces', 'image'],
  tfjs: ['classify', 'faces', 'network', 'image'],
  folders: ['tfjs', 'classify', 'faces', 'network', 'image'],
  report: ['folders', 'tfjs', 'classify'],
  onnx: ['tfjs', 'classify', 'network'],
  video: ['image'],
  pool: ['folders', 'tfjs', 'classify', 'faces', 'network', 'image'],
  queue: ['pool', 'folders', 'classify', 'image'],
  studio: [],
};

const RECOGNISE = '^src/(image|network|faces|classify|track)/|^src/lite\\.ts$';
const NODE_ROOMS =
  '^src/(folders|report|onnx|video|pool|queue|studio|cli)/|^src/platform/node/|^src/(node|queue|gradient-worker|decode-process)\\.ts$';

const arrows = Object.entries(ROOMS).map(([room, below]) => ({
  name: `arrows-of-${room}`,
  comment: `src/${room} imports the ground floor and ${below.join(', ') || 'nothing else'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^src/',
    pathNot: [`^src/${room}/`, '^src/platform/', ...GROUND, ...below.map((name) => `^src/${name}/`)],
  },
}));

export default {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Modules import each other in one direction, for values and for types',
      severity: 'error',
      from: { path: '^src' },
      // What import() loads is there later than what loads it.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['dynamic-import'] } },
    },
    ...arrows,
    {
      name: 'recognise-without-tfjs',
      comment: 'Recognising knows no TF.js; src/load-tfjs.ts alone reaches it, by import()',
      severity: 'error',
      from: { path: RECOGNISE },
      to: { path: '^src/tfjs/|node_modules/@tensorflow/' },
    },
    {
      name: 'tfjs-by-import-alone',
      comment: 'src/load-tfjs.ts loads TF.js when it is needed, not before',
      severity: 'error',
      from: { path: '^src/load-tfjs\\.ts$' },
      to: { path: '^src/tfjs/|node_modules/@tensorflow/', dynamic: false, dependencyTypesNot: ['type-import'] },
    },
    {
      name: 'lite-without-import',
      comment: 'What src/lite.ts reaches has no import(): service workers forbid it',
      severity: 'error',
      from: { path: '^src/lite\\.ts$' },
      to: { path: '^src/load-tfjs\\.ts$', reachable: true },
    },
    {
      name: 'node-in-its-rooms',
      comment: 'Node built-ins are imported by src/platform/node and the rooms of Node alone',
      severity: 'error',
      from: { path: '^src', pathNot: NODE_ROOMS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'entries-are-not-imported',
      comment: 'The entries at the top of src are for users; rooms import each other',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: '^src/cli/' },
      to: { path: '^src/(index|lite|weights|kernels|node|queue|standalone)\\.ts$' },
    },
    {
      name: 'resolvable',
      comment: 'What is imported exists',
      severity: 'error',
      from: { path: '^src' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/.*/assembly/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['node', 'import', 'types', 'default'], exportsFields: ['exports'] },
  },
};
