const net = require('net');
const readline = require('readline');

net.createServer(socket => {
  socket.on('error', () => {});
  readline.createInterface({input: socket}).on('line', line => socket.write(line + '\n'));
}).listen(Number(process.argv[2]), '127.0.0.1');
