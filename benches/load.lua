-- Sends the requests of a file in turn and prints what came of it, as a line of JSON.
-- Arguments: the file, with the method, path, content type, token and body of a request on each line, between tabs; and
-- what `{n}` in a body is at first, one more in each request. A token that is `{refresh_token}` in a body comes from a file
-- of such tokens, the third argument, and each answer gives another one: there must be one more of them than connections,
-- since wrk asks for a request before it begins. Where there is none, since an answer was an error, it stays as it is, and is
-- refused.

local requests, number, sent = {}, 0, 0
local tokens, oldest, newest = {}, 1, 0

local function format(parts, body)
  local headers = { Host = wrk.headers["Host"] }
  if parts.kind ~= "" then headers["Content-Type"] = parts.kind end
  if parts.token ~= "" then headers["Authorization"] = "Bearer " .. parts.token end
  return wrk.format(parts.method, parts.path, headers, body)
end

local function take_token()
  local token = tokens[oldest]
  if token then
    tokens[oldest] = nil
    oldest = oldest + 1
  end
  return token
end

local function keep_token(token)
  if not token then return end
  newest = newest + 1
  tokens[newest] = token
end

function init(arguments)
  number = tonumber(arguments[2])
  for line in io.lines(arguments[1]) do
    local method, path, kind, token, body = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.*)$")
    local parts = { method = method, path = path, kind = kind, token = token }
    if body:find("{n}", 1, true) or body:find("{refresh_token}", 1, true) then
      parts.template = body
    else
      parts.ready = format(parts, body ~= "" and body or nil)
    end
    requests[#requests + 1] = parts
  end
  if arguments[3] then
    for token in io.lines(arguments[3]) do keep_token(token) end
    function response(_, _, body) keep_token(body:match('"refresh_token":%s*"([^"]+)"')) end
  end
end

function request()
  sent = sent + 1
  local parts = requests[sent % #requests + 1]
  if parts.ready then return parts.ready end
  local body = parts.template:gsub("{n}", tostring(number + sent))
  return format(parts, (body:gsub("{refresh_token}", take_token)))
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
