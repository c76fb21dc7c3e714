-- A dose of another person with every request: 600 bytes of JSON. The argument is the number of the first; 0: plain GETs.
local number
function init(args)
  number = tonumber(args[1])
  if number > 0 then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
  end
end
function request()
  if number == 0 then return wrk.format() end
  number = number + 1
  local body = string.format('{"beneficiary_reference_id":"%014d","center_id":563048,"vaccine":"COVISHIELD","vaccine_batch":"4121Z012",'
    .. '"dose":1,"dose1_date":"30-07-2021","vaccinator_name":"Prabha Devi","remarks":"', number)
  return wrk.format(nil, nil, nil, body .. string.rep("x", 598 - #body) .. '"}')
end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('\n{"requests":%d,"seconds":%f,"bad":%d}\n', summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
