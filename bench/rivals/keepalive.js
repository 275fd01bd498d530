// As it comes: an idle connection is closed after 5 s.
require('node:http')
  .createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('fine\n'));
  })
  .listen(Number(process.argv[1]), '127.0.0.1');
