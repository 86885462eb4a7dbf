-- What wrk asks for, and how it answers tests/bench/device: requests, microseconds, bytes, errors.
function init(arguments)
  local path, depth = arguments[1], tonumber(arguments[2])
  local one = wrk.format("GET", path)
  requests = string.rep(one, depth)
end

function request()
  return requests
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("figures %d %d %.0f %d\n", summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
