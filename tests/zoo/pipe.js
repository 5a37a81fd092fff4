require('net').createServer(c => c.pipe(c)).listen(Number(process.argv[2]));
