/*
 * Compiles the AssemblyScript of every room to WebAssembly. All in this process: to load and warm up the compiler takes as
 * long as three rooms.
 */
for (const room of ['tfjs/kernels', 'network', 'image', 'faces']) await import(`../src/${room}/assembly/build.mjs`);
