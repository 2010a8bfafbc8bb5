/*
 * The ledger's scripts. KEYS[1] is the prefix of the queue's keys:
 *
 *   :i:xyz    hashes, id -> n(ew) w(aiting) c(ommitted to a file) d(one) f(ailed); xyz are the first letters of the ids, so that
 *             the hashes stay small and Redis keeps them packed
 *   :buckets  bitmap of the existing hashes: a missing hash was deleted or evicted
 *   :counts   hash, total, done, failed; epoch, which identifies this ledger
 *   :outbox   hash, id -> result and its place in a file, until it is written
 *   :files    hash, file -> assigned bytes
 *   :begun    hash, id -> number of starts by workers that died
 *
 * ARGV[1] is the epoch. A script that misses part of the ledger changes nothing and returns the error FERLOST.
 */

const PREAMBLE = `
local base = KEYS[1]
local LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
local function bucket(id) return base .. ':i:' .. string.sub(id, 1, 3) end
local function bit(id)
  local number = 0
  for i = 1, 3 do number = 64 * number + string.find(LETTERS, string.sub(id, i, i), 1, true) - 1 end
  return number
end
local function lost(what) return redis.error_reply('FERLOST ' .. what) end
local gone
local counts = redis.call('HMGET', base .. ':counts', 'epoch', 'total')
if counts[1] ~= ARGV[1] then gone = 'the ledger' end
if tonumber(counts[2] or 0) > 0 and redis.call('EXISTS', base .. ':buckets') == 0 then gone = 'the list of buckets' end
local function get(id)
  local state = redis.call('HGET', bucket(id), id)
  if not state and redis.call('EXISTS', bucket(id)) == 0 and redis.call('GETBIT', base .. ':buckets', bit(id)) == 1 then
    gone = 'a bucket of items'
  end
  return state
end
local function placed(id)
  local entry = redis.call('HGET', base .. ':outbox', id)
  if not entry then gone = 'the place of a result' end
  return entry
end
local counted = { total = 0, done = 0, failed = 0 }
local function count(what, by) counted[what] = counted[what] + by end
-- The last thing that a script does.
local function record_counts()
  for what, by in pairs(counted) do
    if by > 0 then redis.call('HINCRBY', base .. ':counts', what, by) end
  end
end
local function set(id, state)
  if redis.call('HSET', bucket(id), id, state) == 1 then
    redis.call('SETBIT', base .. ':buckets', bit(id), 1)
    count('total', 1)
  end
  if state == 'd' then count('done', 1) elseif state == 'f' then count('failed', 1) end
end
local function settled(state) return state == 'd' or state == 'f' end
local function told(what) return string.match(redis.call('INFO', 'server'), what .. ':(%w+)') end
`;

/** A new epoch -> the ledger's epoch: the new one if there is no ledger yet. */
export const OPEN = `
local base = KEYS[1]
local epoch = redis.call('HGET', base .. ':counts', 'epoch')
if epoch then return epoch end
if redis.call('EXISTS', base .. ':counts', base .. ':buckets', base .. ':files', base .. ':outbox') > 0 then
  return redis.error_reply('FERLOST the counts')
end
redis.call('HSET', base .. ':counts', 'epoch', ARGV[1])
return ARGV[1]`;

/** Nothing -> total, done, failed; also for a queue that was never opened. */
export const COUNTS = `
local base = KEYS[1]
local counts = redis.call('HMGET', base .. ':counts', 'epoch', 'total', 'done', 'failed')
if not counts[1] and redis.call('EXISTS', base .. ':buckets', base .. ':files', base .. ':outbox') > 0 then
  return redis.error_reply('FERLOST the counts')
end
return { counts[2] or '0', counts[3] or '0', counts[4] or '0' }`;

/** Nothing -> the run of Redis. */
export const CHECK = `${PREAMBLE}
if gone then return lost(gone) end
return told('run_id')`;

/** ids -> their states before; 'n' for those that are new. */
export const REGISTER = `${PREAMBLE}
local states = {}
for i = 2, #ARGV do states[i - 1] = get(ARGV[i]) or 'n' end
if gone then return lost(gone) end
for i, state in ipairs(states) do
  if state == 'n' then set(ARGV[i + 1], 'w') end
end
record_counts()
return states`;

/** ids -> '', 'w', 'd', 'f', or an outbox entry. */
export const STATES = `${PREAMBLE}
local states = {}
for i = 2, #ARGV do
  local state = get(ARGV[i]) or ''
  if state == 'c' then state = placed(ARGV[i]) or '' end
  states[i - 1] = state
end
if gone then return lost(gone) end
return states`;

/**
 * File, run, then id, d or f, line each -> outbox entries, '' if a result is already recorded; nil for another run. D or
 * F takes the place of an entry that is damaged.
 */
export const COMMIT_TO_FILE = `${PREAMBLE}
local file, run = ARGV[2], ARGV[3]
if told('run_id') ~= run then return nil end
if redis.call('HEXISTS', base .. ':files', file) == 0 then gone = 'the length of a results file' end
local states, bytes = {}, 0
for i = 4, #ARGV, 3 do
  local state = get(ARGV[i])
  if state == 'c' then
    state = placed(ARGV[i])
    if string.find(ARGV[i + 1], '%u') then state = 'w' end
  end
  states[i] = state
  if not state or state == 'w' then bytes = bytes + #ARGV[i + 2] end
end
if gone then return lost(gone) end
local offset = redis.call('HINCRBY', base .. ':files', file, bytes) - bytes
local entries = {}
for i = 4, #ARGV, 3 do
  local id, outcome, line = ARGV[i], string.lower(ARGV[i + 1]), ARGV[i + 2]
  local state = states[i]
  local entry = ''
  if not state or state == 'w' then
    entry = outcome .. ' ' .. string.format('%.0f', offset) .. ' ' .. file .. '\\n' .. line
    offset = offset + #line
    redis.call('HSET', base .. ':outbox', id, entry)
    set(id, 'c')
  elseif not settled(state) then
    entry = state
  end
  entries[#entries + 1] = entry
end
record_counts()
return entries`;

/** Run, then ids whose lines are written -> 1; nil for another run. */
export const SETTLE_WRITTEN = `${PREAMBLE}
if gone then return lost(gone) end
if told('run_id') ~= ARGV[2] then return nil end
for i = 3, #ARGV do
  local id = ARGV[i]
  local entry = redis.call('HGET', base .. ':outbox', id)
  if entry then
    redis.call('HDEL', base .. ':outbox', id)
    set(id, string.sub(entry, 1, 1))
  end
end
record_counts()
return 1`;

/** KEYS[2] is the stream; id, d or f, line each. */
export const COMMIT_TO_STREAM = `${PREAMBLE}
local states = {}
for i = 2, #ARGV, 3 do states[i] = get(ARGV[i]) end
if gone then return lost(gone) end
for i = 2, #ARGV, 3 do
  local id, outcome, line = ARGV[i], string.lower(ARGV[i + 1]), ARGV[i + 2]
  local state = get(id)
  if not settled(state) and (state ~= 'c' or outcome ~= ARGV[i + 1]) then
    redis.call('XADD', KEYS[2], '*', 'id', id, 'result', string.sub(line, 1, -2))
    redis.call('HDEL', base .. ':outbox', id)
    set(id, outcome)
  end
end
record_counts()`;

/** id, d or f, line each. */
export const SETTLE = `${PREAMBLE}
for i = 2, #ARGV, 3 do get(ARGV[i]) end
if gone then return lost(gone) end
for i = 2, #ARGV, 3 do
  if not settled(get(ARGV[i])) then
    redis.call('HDEL', base .. ':outbox', ARGV[i])
    set(ARGV[i], string.lower(ARGV[i + 1]))
  end
end
record_counts()`;

/**
 * File, its size -> bytes assigned before, -1 for a new file; the run, and its age in seconds; the minimum size of a file that
 * holds everything recorded as written.
 */
export const OPEN_FILE = `${PREAMBLE}
local file, size = ARGV[2], ARGV[3]
if redis.call('EXISTS', base .. ':files') == 0 and redis.call('EXISTS', base .. ':outbox') == 1 then
  gone = 'the lengths of results files'
end
if gone then return lost(gone) end
local written = tonumber(redis.call('HGET', base .. ':files', file) or -1)
if written < 0 and size == '0' then
  redis.call('HSET', base .. ':files', file, 0)
  written = 0
end
local least = math.max(written, 0)
for _, entry in ipairs(redis.call('HVALS', base .. ':outbox')) do
  local owner, line = string.match(entry, '^[df] %d+ ([^\\n]*)\\n(.*)$')
  if owner == file then least = least - #line end
end
return { written, told('run_id'), tonumber(told('uptime_in_seconds')), least }`;

/** File, size, then id, d or f each. */
export const ADOPT = `${PREAMBLE}
for i = 4, #ARGV, 2 do get(ARGV[i]) end
if gone then return lost(gone) end
for i = 4, #ARGV, 2 do
  local id = ARGV[i]
  redis.call('HDEL', base .. ':outbox', id)
  if not settled(get(id)) then set(id, ARGV[i + 1]) end
end
record_counts()
local used = tonumber(redis.call('HGET', base .. ':files', ARGV[2]) or -1)
if tonumber(ARGV[3]) > used then redis.call('HSET', base .. ':files', ARGV[2], ARGV[3]) end`;
