import { createHash } from 'node:crypto';

/** A Lua script for Redis, and the SHA-1 digest that Redis knows it by. */
export interface Script {
  text: string;
  sha1: string;
}

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/**
 * Instants are µs. The window of requests is a sorted set of ids by instant; that of tokens the same, with a hash of their
 * weights, whose field "sum" is their sum.
 */
const BEGIN = `
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local window = tonumber(ARGV[1])
  local expiry = math.ceil(window / 1000)

  local function first_leaves(set)
    local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
    if first[2] then return first[2] + window - now end
    return window
  end

  local function slide_tokens(tokens, weights)
    local gone = redis.call('ZRANGEBYSCORE', tokens, '-inf', now - window)
    for _, id in ipairs(gone) do
      local weight = redis.call('HGET', weights, id) or 0
      redis.call('HINCRBY', weights, 'sum', -weight)
      redis.call('HDEL', weights, id)
      redis.call('ZREM', tokens, id)
    end
    -- one of the two may have been evicted
    if redis.call('EXISTS', tokens) == 0 then redis.call('DEL', weights) end
    return tonumber(redis.call('HGET', weights, 'sum') or 0)
  end
`;

/**
 * Lets a request in, in all buckets or in none. KEYS: requests, flight, tokens and weights of each bucket. ARGV: window,
 * id, lease, then rpm, concurrency and tpm of each bucket. Returns: 1 if it is admitted, then for each bucket what is used
 * of requests, flight and tokens, each followed by the µs until some of it is free.
 */
export const ADMIT = script(`${BEGIN}
  local id, lease = ARGV[2], tonumber(ARGV[3])
  local reply = { 1 }
  local buckets = #KEYS / 4
  for b = 0, buckets - 1 do
    local requests, flight, tokens, weights = unpack(KEYS, b * 4 + 1, b * 4 + 4)
    local rpm, concurrency, tpm = tonumber(ARGV[b * 3 + 4]), tonumber(ARGV[b * 3 + 5]), tonumber(ARGV[b * 3 + 6])
    local used = { 0, 0, 0 }
    if rpm > 0 then
      redis.call('ZREMRANGEBYSCORE', requests, '-inf', now - window)
      used[1] = redis.call('ZCARD', requests)
      if used[1] >= rpm then reply[1] = 0 end
    end
    if concurrency > 0 then
      redis.call('ZREMRANGEBYSCORE', flight, '-inf', now)
      used[2] = redis.call('ZCARD', flight)
      if used[2] >= concurrency then reply[1] = 0 end
    end
    if tpm > 0 then
      used[3] = slide_tokens(tokens, weights)
      if used[3] >= tpm then reply[1] = 0 end
    end
    for policy = 1, 3 do reply[b * 6 + policy * 2] = used[policy] end
  end
  for b = 0, buckets - 1 do
    local requests, flight, tokens = unpack(KEYS, b * 4 + 1, b * 4 + 3)
    local rpm, concurrency = tonumber(ARGV[b * 3 + 4]), tonumber(ARGV[b * 3 + 5])
    if reply[1] == 1 and rpm > 0 then
      redis.call('ZADD', requests, now, id)
      redis.call('PEXPIRE', requests, expiry)
      reply[b * 6 + 2] = reply[b * 6 + 2] + 1
    end
    if reply[1] == 1 and concurrency > 0 then
      redis.call('ZADD', flight, now + lease, id)
      redis.call('PEXPIRE', flight, math.ceil(lease / 1000))
      reply[b * 6 + 4] = reply[b * 6 + 4] + 1
    end
    reply[b * 6 + 3] = first_leaves(requests)
    reply[b * 6 + 5] = 0
    reply[b * 6 + 7] = first_leaves(tokens)
  end
  return reply`);

/**
 * Makes a piece of work hold tokens, in all buckets or in none. KEYS: tokens and weights of each bucket. ARGV: window, id,
 * tokens, 1 if it is what the work has used in the end, then tpm of each bucket. Returns: 1 if they are held, then for each
 * bucket the µs until they would fit.
 */
export const HOLD = script(`${BEGIN}
  local id, amount, is_final = ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
  local reply = { 1 }
  local buckets = #KEYS / 2
  for b = 0, buckets - 1 do
    local tokens, weights = unpack(KEYS, b * 2 + 1, b * 2 + 2)
    local tpm = tonumber(ARGV[b + 5])
    local sum = slide_tokens(tokens, weights)
    local excess = sum - (redis.call('HGET', weights, id) or 0) + math.min(amount, tpm) - tpm
    reply[b + 2] = 0
    if not is_final and excess > 0 then
      reply[1] = 0
      reply[b + 2] = window
      for _, other in ipairs(redis.call('ZRANGE', tokens, 0, -1)) do
        if other ~= id then excess = excess - (redis.call('HGET', weights, other) or 0) end
        if excess <= 0 then
          reply[b + 2] = redis.call('ZSCORE', tokens, other) + window - now
          break
        end
      end
    end
  end
  if reply[1] == 0 then return reply end
  for b = 0, buckets - 1 do
    local tokens, weights = unpack(KEYS, b * 2 + 1, b * 2 + 2)
    local held = redis.call('HGET', weights, id)
    if is_final and not held then
      -- its minute is over
    elseif is_final and amount == 0 then
      redis.call('HINCRBY', weights, 'sum', -held)
      redis.call('HDEL', weights, id)
      redis.call('ZREM', tokens, id)
    else
      local weight = amount
      if not is_final then weight = math.min(amount, tonumber(ARGV[b + 5])) end
      redis.call('ZADD', tokens, 'NX', now, id)
      redis.call('HSET', weights, id, weight)
      redis.call('HINCRBY', weights, 'sum', weight - (held or 0))
      redis.call('PEXPIRE', tokens, expiry)
      redis.call('PEXPIRE', weights, expiry)
    end
  end
  return reply`);

/** Renews leases. KEYS: for each, the set of its bucket; ARGV: lease, then for each, the id of its request. */
export const RENEW = script(`
  local time = redis.call('TIME')
  local lease = tonumber(ARGV[1])
  local until_then = time[1] * 1000000 + time[2] + lease
  for place, flight in ipairs(KEYS) do
    redis.call('ZADD', flight, 'XX', until_then, ARGV[place + 1])
    redis.call('PEXPIRE', flight, math.ceil(lease / 1000))
  end
  return {}`);
