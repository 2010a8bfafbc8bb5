/*
 * The ledger's scripts. KEYS[1] is the queue's base; under it lie
 *
 *   :i:xyz    hashes, id -> n(ew) w(aiting) c(ommitted to a file) d(one) f(ailed); xyz are an id's first letters, so that
 *             the hashes stay small and Redis keeps them packed
 *   :counts   hash, total, done, failed
 *   :outbox   hash, id -> result and its place in a file, until it is written
 *   :files    hash, file -> bytes that are given away
 *   :begun    hash, id -> how often it was begun by workers that died
 */

const PREAMBLE = `
local base = KEYS[1]
local function bucket(id) return base .. ':i:' .. string.sub(id, 1, 3) end
local function get(id) return redis.call('HGET', bucket(id), id) end
local counted = { total = 0, done = 0, failed = 0 }
local function count(what, by) counted[what] = counted[what] + by end
-- The last thing that a script does.
local function record_counts()
  for what, by in pairs(counted) do
    if by > 0 then redis.call('HINCRBY', base .. ':counts', what, by) end
  end
end
local function set(id, state)
  redis.call('HSET', bucket(id), id, state)
  if state == 'd' then count('done', 1) elseif state == 'f' then count('failed', 1) end
end
local function settled(state) return state == 'd' or state == 'f' end
-- An item of a job that outlived its ledger.
local function known(id, state)
  if not state then count('total', 1) end
end
`;

/** ids -> their states before; 'n' for those that are new. */
export const REGISTER = `${PREAMBLE}
local states = {}
for i, id in ipairs(ARGV) do
  local state = get(id)
  if not state then
    set(id, 'w')
    count('total', 1)
    state = 'n'
  end
  states[i] = state
end
record_counts()
return states`;

/** ids -> '', 'w', 'd', 'f', or an outbox entry. */
export const STATES = `${PREAMBLE}
local states = {}
for i, id in ipairs(ARGV) do
  local state = get(id) or ''
  if state == 'c' then state = redis.call('HGET', base .. ':outbox', id) or 'w' end
  states[i] = state
end
return states`;

/** file, run, then id, d or f, line each -> outbox entries, '' where a result is recorded already; nil for another run. */
export const COMMIT_TO_FILE = `${PREAMBLE}
local file, run = ARGV[1], ARGV[2]
if not string.find(redis.call('INFO', 'server'), 'run_id:' .. run, 1, true) then return nil end
local states, bytes = {}, 0
for i = 3, #ARGV, 3 do
  local state = get(ARGV[i])
  if state == 'c' then
    local entry = redis.call('HGET', base .. ':outbox', ARGV[i])
    if entry then state = entry end
  end
  states[i] = state
  if not state or state == 'w' or state == 'c' then bytes = bytes + #ARGV[i + 2] end
end
local offset = redis.call('HINCRBY', base .. ':files', file, bytes) - bytes
local entries = {}
for i = 3, #ARGV, 3 do
  local id, outcome, line = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local state = states[i]
  local entry = ''
  if not state or state == 'w' or state == 'c' then
    known(id, state)
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

/** ids whose lines are written. */
export const SETTLE_WRITTEN = `${PREAMBLE}
for _, id in ipairs(ARGV) do
  local entry = redis.call('HGET', base .. ':outbox', id)
  if entry then
    redis.call('HDEL', base .. ':outbox', id)
    set(id, string.sub(entry, 1, 1))
  end
end
record_counts()`;

/** KEYS[2] is the stream; id, d or f, line each. */
export const COMMIT_TO_STREAM = `${PREAMBLE}
for i = 1, #ARGV, 3 do
  local id, outcome, line = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local state = get(id)
  if not settled(state) and state ~= 'c' then
    known(id, state)
    redis.call('XADD', KEYS[2], '*', 'id', id, 'result', string.sub(line, 1, -2))
    set(id, outcome)
  end
end
record_counts()`;

/** id, d or f, line each. */
export const SETTLE = `${PREAMBLE}
for i = 1, #ARGV, 3 do
  local state = get(ARGV[i])
  if not settled(state) then
    known(ARGV[i], state)
    set(ARGV[i], ARGV[i + 1])
  end
end
record_counts()`;

/** file, its size -> bytes given away before, -1 when the file was not known; the run. */
export const OPEN_FILE = `${PREAMBLE}
local written = tonumber(redis.call('HGET', base .. ':files', ARGV[1]) or -1)
if written < 0 and ARGV[2] == '0' then
  redis.call('HSET', base .. ':files', ARGV[1], 0)
  written = 0
end
return { written, string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') }`;

/** file, size, then id, d or f each. */
export const ADOPT = `${PREAMBLE}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local state = get(id)
  redis.call('HDEL', base .. ':outbox', id)
  if not settled(state) then
    known(id, state)
    set(id, ARGV[i + 1])
  end
end
record_counts()
local used = tonumber(redis.call('HGET', base .. ':files', ARGV[1]) or 0)
if tonumber(ARGV[2]) > used then redis.call('HSET', base .. ':files', ARGV[1], ARGV[2]) end`;
