#!/usr/bin/env node
import { EXIT } from './exit-code.js';
import { runProgram } from './program.js';

// A reader such as `head` may close the pipe early: that is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.some));
}

await runProgram(process.argv.slice(2));
