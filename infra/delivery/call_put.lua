-- Puts a call on the list; one that is there stays as it is.
-- KEYS: the call, the open calls. ARGV: call, seconds it stays, rank, id.
if redis.call('HSETNX', KEYS[1], 'call', ARGV[1]) == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
end
return 1
