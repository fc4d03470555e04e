#!lua name=keelson

-- What the store does inside Redis, each call of it atomic: judge first, write last, since a script
-- that fails is not rolled back. Names, arguments and answers: runtime/redis/protocol.hpp.
--
-- Below the prefix K = KEYS[1]:
--   K:meta      hash: schema, cluster, epoch, rev (the newest), compact, chain, beat (the newest cursor)
--   K:m:KIND    hash: "namespace/name" -> "revision uid"
--   K:v:KIND    hash: "namespace/name" -> the object's bytes
--   K:log       stream, ID = revision-0: what happened, see commit()
--   K:beats     stream, ID = cursor-0: heartbeats
--   K:roles     hash: role -> token
--   K:sessions  hash: client -> the number of its current connection

-- Revisions are below 2^53, where a double is exact; tostring() would turn to 1e+14 before that.
local function text(number) return string.format('%.0f', number) end

-- "ID-0" of a stream
local function id(revision) return revision .. '-0' end

-- nil: the precondition holds. Otherwise what is wrong, and the revision and uid that are there.
local function judge(found, absent, revision, uid, must_exist)
  if not found then
    if must_exist or revision ~= '' or uid ~= '' then return {'not_found', '', ''} end
    return nil
  end
  local space = string.find(found, ' ', 1, true)
  local at, of = string.sub(found, 1, space - 1), string.sub(found, space + 1)
  if absent == '1' then return {'exists', at, of} end
  if revision ~= '' and revision ~= at then return {'conflict', at, of} end
  if uid ~= '' and uid ~= of then return {'conflict', at, of} end
  return nil
end

-- One transaction: argv[at] is the number of its arguments, which follow:
--   id role token grant by writes checks
--   then for each write: p|r kind name absent revision uid, and for p: new-uid bytes
--   then for each check: kind name absent revision uid
-- `state`: {epoch, revision, chain}. Answers {'ok', revision of the last write} or
-- {why, index, revision, uid}; the index counts writes, then checks, from 0.
local function commit(k, state, argv, at)
  local transaction, role, grant, actor = argv[at + 1], argv[at + 2], argv[at + 4], argv[at + 5]
  if role ~= '' then
    local token = redis.call('HGET', k .. ':roles', role)
    if token ~= argv[at + 3] then return {'fenced', '0', token or '', ''} end
  end
  local writes, checks = tonumber(argv[at + 6]), tonumber(argv[at + 7])
  at = at + 8

  local plan = {}
  for i = 1, writes do
    local put, kind, name = argv[at] == 'p', argv[at + 1], argv[at + 2]
    local wrong = judge(redis.call('HGET', k .. ':m:' .. kind, name), argv[at + 3], argv[at + 4],
                        argv[at + 5], not put)
    if wrong then return {wrong[1], tostring(i - 1), wrong[2], wrong[3]} end
    if put then
      plan[i] = {put, kind, name, argv[at + 6], argv[at + 7]}
      at = at + 8
    else
      plan[i] = {put, kind, name}
      at = at + 6
    end
  end
  for i = 1, checks do
    local wrong = judge(redis.call('HGET', k .. ':m:' .. argv[at], argv[at + 1]), argv[at + 2],
                        argv[at + 3], argv[at + 4], argv[at + 2] ~= '1')
    if wrong then return {wrong[1], tostring(writes + i - 1), wrong[2], wrong[3]} end
    at = at + 5
  end

  local now
  for i = 1, writes do
    local put, kind, name, uid, bytes = unpack(plan[i])
    state.revision = state.revision + 1
    now = text(state.revision)
    -- Two histories that agree at one revision agree on all before it.
    state.chain = redis.sha1hex(state.chain .. now .. kind .. '/' .. name .. redis.sha1hex(bytes or ''))
    redis.call('XADD', k .. ':log', id(now), 'k', kind, 'n', name, 'o', put and 'p' or 'r',
               'v', bytes or '', 'h', state.chain, 'e', state.epoch,
               't', transaction, 'a', actor, 'l', tostring(writes - i))
    if put then
      redis.call('HSET', k .. ':m:' .. kind, name, now .. ' ' .. uid)
      redis.call('HSET', k .. ':v:' .. kind, name, bytes)
    else
      redis.call('HDEL', k .. ':m:' .. kind, name)
      redis.call('HDEL', k .. ':v:' .. kind, name)
    end
  end
  if grant ~= '' then redis.call('HSET', k .. ':roles', grant, now) end
  return {'ok', now}
end

-- epoch client session, then transactions, see commit(): one call for many, because what the disk
-- makes everybody wait for is the call. Answers {answer of the first, ...}, or {'epoch'} or {'session'}
-- if nothing was looked at.
local function transact(keys, argv)
  local k = keys[1]
  local meta = redis.call('HMGET', k .. ':meta', 'epoch', 'rev', 'chain')
  if meta[1] ~= argv[1] then return {'epoch'} end
  if redis.call('HGET', k .. ':sessions', argv[2]) ~= argv[3] then return {'session'} end
  local state = {epoch = meta[1], revision = tonumber(meta[2]), chain = meta[3]}
  local before, answers, at = state.revision, {}, 4
  while at <= #argv do
    answers[#answers + 1] = commit(k, state, argv, at)
    at = at + 1 + tonumber(argv[at])
  end
  if state.revision > before then
    redis.call('HSET', k .. ':meta', 'rev', text(state.revision), 'chain', state.chain)
  end
  return answers
end

-- client session revision cluster: this connection is the client's only one from now on; what an
-- older one has sent and was not executed yet is refused. An empty Redis becomes the store of `cluster`
-- if that is given; else the answer is {}.
-- Answers {schema, cluster, epoch, rev, compact, beat, chain, chain at `revision` or ''}.
local function hello(keys, argv)
  local k = keys[1]
  if redis.call('EXISTS', k .. ':meta') == 0 then
    if argv[4] == '' then return {} end
    redis.call('HSET', k .. ':meta', 'schema', '1', 'cluster', argv[4], 'epoch', '1', 'rev', '0',
               'compact', '0', 'chain', '', 'beat', '0')
  end
  -- Each life of a server leaves one behind. Whoever loses its own here connects again.
  if redis.call('HLEN', k .. ':sessions') > 1000 then redis.call('DEL', k .. ':sessions') end
  redis.call('HSET', k .. ':sessions', argv[1], argv[2])
  local answer = redis.call('HMGET', k .. ':meta', 'schema', 'cluster', 'epoch', 'rev', 'compact',
                            'beat', 'chain')
  answer[8] = ''
  if argv[3] ~= '0' then
    local found = redis.call('XRANGE', k .. ':log', id(argv[3]), id(argv[3]))
    if found[1] then
      local fields = found[1][2]
      for i = 1, #fields, 2 do
        if fields[i] == 'h' then answer[8] = fields[i + 1] end
      end
    end
  end
  return answer
end

-- epoch seen floor beats: begins an epoch after the present one and after `seen`, because acknowledged
-- history was lost. Revisions go on above the floor, everything before is compacted, no role has a
-- holder, and cursors of heartbeats go on above `beats`. Of several clients that noticed the loss, one
-- does it. Answers {epoch, rev}.
local function bump(keys, argv)
  local k = keys[1]
  local meta = redis.call('HMGET', k .. ':meta', 'epoch', 'rev')
  if meta[1] ~= argv[1] then return meta end
  local epoch = text(math.max(tonumber(meta[1]), tonumber(argv[2])) + 1)
  local revision = text(math.max(tonumber(meta[2]), tonumber(argv[3])))
  local beats = math.max(tonumber(redis.call('HGET', k .. ':meta', 'beat')), tonumber(argv[4]))
  redis.call('HSET', k .. ':meta', 'epoch', epoch, 'rev', revision, 'compact', revision, 'beat',
             text(beats))
  redis.call('DEL', k .. ':roles')
  return {epoch, revision}
end

-- {epoch, rev}: a read barrier.
local function revision(keys)
  return redis.call('HMGET', keys[1] .. ':meta', 'epoch', 'rev')
end

-- kind cursor count: {next cursor, {name, "revision uid", bytes, ...}}
local function page(keys, argv)
  local k = keys[1]
  local found = redis.call('HSCAN', k .. ':v:' .. argv[1], argv[2], 'COUNT', argv[3])
  local pairs_of, out = found[2], {}
  for i = 1, #pairs_of, 2 do
    out[#out + 1] = pairs_of[i]
    out[#out + 1] = redis.call('HGET', k .. ':m:' .. argv[1], pairs_of[i])
    out[#out + 1] = pairs_of[i + 1]
  end
  return {found[1], out}
end

-- epoch revision entries: forgets history up to the revision, in slices of so many entries, since a
-- long trim would hold everybody up. Answers {compact, 1 if there is more to forget}.
local function compact(keys, argv)
  local k = keys[1]
  local meta = redis.call('HMGET', k .. ':meta', 'epoch', 'rev', 'compact')
  if meta[1] ~= argv[1] then return {meta[3], 0} end
  local wanted = math.min(tonumber(argv[2]), tonumber(meta[2]))
  if wanted > tonumber(meta[3]) then
    -- First the mark, then the entries: nobody can meet a gap.
    redis.call('HSET', k .. ':meta', 'compact', text(wanted))
    meta[3] = text(wanted)
  end
  local first = redis.call('XRANGE', k .. ':log', '-', '+', 'COUNT', 1)
  if not first[1] then return {meta[3], 0} end
  local oldest = tonumber(string.match(first[1][1], '^(%d+)'))
  local mark = tonumber(meta[3])
  local slice = math.min(mark, oldest + tonumber(argv[3]) - 1)
  if slice >= oldest then redis.call('XTRIM', k .. ':log', 'MINID', '=', id(text(slice + 1))) end
  return {meta[3], slice < mark and 1 or 0}
end

-- keep bytes...: heartbeats, about so many of them kept. Answers the cursor of the last.
local function beat(keys, argv)
  local k = keys[1]
  local cursor = tonumber(redis.call('HGET', k .. ':meta', 'beat'))
  for i = 2, #argv do
    cursor = cursor + 1
    redis.call('XADD', k .. ':beats', 'MAXLEN', '~', argv[1], id(text(cursor)), 'b', argv[i])
  end
  redis.call('HSET', k .. ':meta', 'beat', text(cursor))
  return text(cursor)
end

-- A write of no meaning, for WAIT to wait for: what it confirms is that everything before it has come to
-- a replica as well.
local function mark(keys)
  return redis.call('HINCRBY', keys[1] .. ':meta', 'mark', 1)
end

-- The number of this text. A server loads its library over an older one and never over a newer one; all
-- of one schema answer the same calls.
local function version() return 1 end

-- What does not grow, or gives room back, goes on when memory is full.
local function register(name, callback, flags)
  redis.register_function{function_name = 'keelson_' .. name, callback = callback, flags = flags}
end
register('version', version, {'no-writes', 'allow-stale'})
register('hello', hello, {'allow-oom'})
register('bump', bump, {'allow-oom'})
register('revision', revision, {'no-writes'})
register('page', page, {'no-writes'})
register('transact', transact, {})
register('compact', compact, {'allow-oom'})
register('beat', beat, {'allow-oom'})
register('mark', mark, {'allow-oom'})
