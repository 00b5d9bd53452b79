-- New deliveries of one partition; those that are remembered stay as they are.
-- KEYS: for each delivery its record and the due set of its endpoint.
-- ARGV: seconds a record stays, then (id, record, due)….
-- Answers 1 for each that is new, 0 for each that is known.
local answers = {}
for i = 1, #KEYS / 2 do
  local record, due, at = KEYS[2 * i - 1], KEYS[2 * i], 3 * i - 1
  if redis.call('SET', record, ARGV[at + 1], 'NX', 'EX', ARGV[1]) then
    redis.call('ZADD', due, ARGV[at + 2], ARGV[at])
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers
