-- What came of attempts in one partition.
-- KEYS: the outbox, then for each delivery its record, its due set and the given-up set.
-- ARGV: seconds a record stays, then for each (id, end of the lease, record, due or 'delivered' or
--       'failed' or 'withheld', time, outcome's id or '', outcome).
-- Answers 1 for each that was heard, 0 where the lease was lost and what came is not final.
local answers = {}
for i = 1, (#KEYS - 1) / 3 do
  local record, due, given_up = KEYS[3 * i - 1], KEYS[3 * i], KEYS[3 * i + 1]
  local at = 7 * i - 5
  local id, becomes = ARGV[at], ARGV[at + 3]
  local held = redis.call('ZSCORE', due, id)
  if becomes == 'delivered' or (held and tonumber(held) == tonumber(ARGV[at + 1])) then
    redis.call('SET', record, ARGV[at + 2], 'EX', ARGV[1])
    if becomes == 'delivered' or becomes == 'failed' or becomes == 'withheld' then
      redis.call('ZREM', due, id)
      redis.call('ZREM', given_up, id)
      if becomes == 'failed' then
        redis.call('ZADD', given_up, ARGV[at + 4], id)
        redis.call('EXPIRE', given_up, ARGV[1])
      end
    else
      redis.call('ZADD', due, becomes, id)
    end
    if ARGV[at + 5] ~= '' then
      redis.call('HSET', KEYS[1], ARGV[at + 5], ARGV[at + 6])
    end
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers
