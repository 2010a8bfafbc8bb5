import { anything, either, having, listOf, number, type Rules, rule, text } from '../options.js';
import { hostOf } from './host-of.js';
import type { ReadItemOptions } from './read-item.js';
import type { QueueAddress } from './types.js';

/** Rules for a queue's address; `connect` checks its name. */
export const addressRules: Rules<QueueAddress> = {
  connection: either(text, having("an address such as 'redis://localhost', or options of ioredis")),
  queue: anything,
};

const host = rule(
  "a host as in addresses, such as 'images.example.com' or 'images.example.com:8443'",
  (value: unknown) => typeof value === 'string' && /^[^\s/@?#\\]+$/.test(value) && hostOf(value) !== null,
);

/** Rules for the options about reading. */
export const readRules: Rules<ReadItemOptions> = {
  roots: listOf(text, 'a list of folders'),
  hosts: listOf(host, 'a list of hosts'),
  privateHosts: listOf(host, 'a list of hosts'),
  maxBytes: number('a number of bytes of at least 1', (value) => value >= 1),
  fetchTimeout: number('1 ms or more', (value) => value >= 1),
};
