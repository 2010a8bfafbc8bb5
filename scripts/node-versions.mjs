import { spawnSync } from 'node:child_process';

/*
 * The packed package in other versions of Node, which come as the npm package `node`: this needs a registry, so it is not
 * part of `npm test`. `npm run test:node-versions`, or with versions: `npm run test:node-versions 20.0.0 24`.
 */
const wanted = process.argv.slice(2);
for (const version of wanted.length > 0 ? wanted : ['20', '22', '24']) {
  const where = spawnSync('npx', ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath'], {
    encoding: 'utf8',
  });
  const executable = where.stdout.trim();
  if (where.status !== 0 || executable === '') {
    console.error(`node@${version} cannot be installed: ${where.stderr.trim().split('\n').at(-1)}`);
    process.exitCode = 1;
    continue;
  }
  console.log(`\n> Node ${version}: ${executable}`);
  const { status } = spawnSync(
    'npx',
    ['vitest', 'run', '--project', 'package', 'node.test', 'no-network', 'odd-environments', 'test/cli'],
    {
      stdio: 'inherit',
      env: { ...process.env, FER_NODE: executable },
    },
  );
  if (status !== 0) process.exitCode = 1;
}
