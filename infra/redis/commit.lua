-- One batch of one partition: profiles, deadlines, learned counts and the watermark, or nothing.
-- KEYS: watermark, deadlines, one per kind of count, one per profile.
-- ARGV: expected log, expected offset, new log, new offset, definitions in force from there on,
--       number of profiles, deadlines set, deadlines cleared, kinds of count; then
--       (profile's bytes, seconds it stays)…, (due, member)…, member…,
--       (number of fields, then (field, by)…)….
-- Answers {1} when written, {0, log, offset} when somebody else has written since.
local held = redis.call('HMGET', KEYS[1], 'log_id', 'next_offset')
if (held[1] or '') ~= ARGV[1] or (held[2] or '0') ~= ARGV[2] then
  return {0, held[1] or '', held[2] or '0'}
end
local profiles, due, cleared = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local kinds = tonumber(ARGV[9])
local at = 10
for i = 1, profiles do
  redis.call('SET', KEYS[2 + kinds + i], ARGV[at], 'EX', ARGV[at + 1])
  at = at + 2
end
for _ = 1, due do
  redis.call('ZADD', KEYS[2], ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, cleared do
  redis.call('ZREM', KEYS[2], ARGV[at])
  at = at + 1
end
for kind = 1, kinds do
  local fields = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, fields do
    redis.call('HINCRBY', KEYS[2 + kind], ARGV[at], ARGV[at + 1])
    at = at + 2
  end
end
redis.call('HSET', KEYS[1], 'log_id', ARGV[3], 'next_offset', ARGV[4], 'in_force', ARGV[5])
return {1}
