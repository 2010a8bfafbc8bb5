import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * The parts of weights/model.json that classification needs, as src/network/pretrained-layout.json: the list of weights, their checksum,
 * the normalisation and the names of the classes. The rest, about 0.8 KB by brotli, is only needed to load the model.
 */
const { format, weightsManifest, userDefinedMetadata } = JSON.parse(readFileSync('weights/model.json', 'utf8'));
const { normalization, classes, sha256 } = userDefinedMetadata['fer-dcnn'];
const layout = {
  format,
  modelTopology: {},
  weightsManifest,
  userDefinedMetadata: { 'fer-dcnn': { normalization, classes, sha256 } },
};
const file = process.argv[2] ?? join('src', 'network', 'pretrained-layout.json');
writeFileSync(file, `${JSON.stringify(layout, null, 2)}\n`);
