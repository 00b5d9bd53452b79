-- Leases what is due in one partition.
-- KEYS: the due sets.
-- ARGV: beginning of the records' keys, end of the lease, then for each due set (due up to, most).
-- Answers for each due set {record, …}; an id whose record has expired is dropped.
local answers = {}
for i, due in ipairs(KEYS) do
  local found = redis.call('ZRANGE', due, '-inf', ARGV[2 * i + 1], 'BYSCORE', 'LIMIT', 0, ARGV[2 * i + 2])
  local records = {}
  for _, id in ipairs(found) do
    local record = redis.call('GET', ARGV[1] .. id)
    if record then
      redis.call('ZADD', due, ARGV[2], id)
      records[#records + 1] = record
    else
      redis.call('ZREM', due, id)
    end
  end
  answers[i] = records
end
return answers
