-- Makes wrk the client of an echo server: what it sends is a valid HTTP response, so that its parser
-- is content with what comes back. 64 bytes, built once: wrk then calls no Lua per request. Only the
-- first one, by which wrk checks its script before it connects, is a request.
local message = "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n" .. string.rep("x", 25)
local checked = false

wrk.init = function() end
wrk.request = function()
  if checked then return message end
  checked = true
  return "GET / HTTP/1.1\r\n\r\n"
end
