-- Gives a call to one operator for a while, gives it back, or takes it off the list.
-- KEYS: the call, the open calls.
-- ARGV: operator, now, what ('claim', 'done', 'drop'), end of the claim, id.
-- Answers {1, call, operator, end} when it was so, {0, call, operator, end} where another operator
-- has it, {-1} where there is no such call.
local call = redis.call('HMGET', KEYS[1], 'call', 'operator', 'claimed_until')
if not call[1] or not redis.call('ZSCORE', KEYS[2], ARGV[5]) then
  return {-1}
end
local anothers = call[2] and call[2] ~= ARGV[1] and tonumber(call[3]) > tonumber(ARGV[2])
if anothers and ARGV[3] ~= 'drop' then
  return {0, call[1], call[2], call[3]}
end
if ARGV[3] == 'claim' then
  redis.call('HSET', KEYS[1], 'operator', ARGV[1], 'claimed_until', ARGV[4])
else
  redis.call('ZREM', KEYS[2], ARGV[5])
  redis.call('DEL', KEYS[1])
end
return {1, call[1], ARGV[1], ARGV[4]}
