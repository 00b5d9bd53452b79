-- Makes a delivery that was given up due again.
-- KEYS: its record, its due set, the given-up set. ARGV: id, record, now, seconds a record stays.
-- Answers 1, or 0 where it is not given up any more.
if redis.call('ZREM', KEYS[3], ARGV[1]) == 0 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 1
