-- Sends the requests of a file in turn and prints what came of it, as a line of JSON.
-- Arguments: the file, with the method, path, content type, token and body of a request on each line, between tabs; and
-- what `{n}` in a body is at first, one more in each request.

local ready, template, number = {}, nil, 0
local sent = 0

local function format(method, path, kind, token, body)
  local headers = { Host = wrk.headers["Host"] }
  if kind ~= "" then headers["Content-Type"] = kind end
  if token ~= "" then headers["Authorization"] = "Bearer " .. token end
  return wrk.format(method, path, headers, body)
end

function init(arguments)
  number = tonumber(arguments[2])
  for line in io.lines(arguments[1]) do
    local method, path, kind, token, body = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.*)$")
    if body == "" then body = nil end
    if body and body:find("{n}", 1, true) then
      template = { method, path, kind, token, body }
    else
      ready[#ready + 1] = format(method, path, kind, token, body)
    end
  end
end

function request()
  sent = sent + 1
  if not template then return ready[sent % #ready + 1] end
  local method, path, kind, token, body = unpack(template)
  return format(method, path, kind, token, (body:gsub("{n}", tostring(number + sent))))
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"answers": %d, "seconds": %f, "refused": %d, "broken": %d, "p50": %f, "p99": %f}',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  ))
end
