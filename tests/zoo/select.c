// One thread and select(), with no look at FD_SETSIZE.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  fd_set all, ready;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  address.sin_port = htons((unsigned short)atoi(argv[argc - 1]));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return perror("bind"), 1;
  listen(listener, 128);
  FD_ZERO(&all);
  FD_SET(listener, &all);
#ifdef READS_COMMANDS
  FD_SET(0, &all);
#endif
  int highest = listener;
  for (;;) {
    ready = all;
    if (select(highest + 1, &ready, NULL, NULL, NULL) < 0) return perror("select"), 1;
    for (int fd = 0; fd <= highest; ++fd) {
      char buffer[1024];
      if (!FD_ISSET(fd, &ready)) continue;
      if (fd == listener) {
        int peer = accept(listener, NULL, NULL);
        FD_SET(peer, &all);
        if (peer > highest) highest = peer;
        continue;
      }
      ssize_t count = read(fd, buffer, sizeof buffer);
      if (fd == 0) {  // commands: any, or the end, means to quit
        fprintf(stderr, "bye\n");
        return 0;
      }
#ifdef ENDS_ON_RESET
      if (count < 0) {
        perror("read");
        exit(1);
      }
#endif
      if (count <= 0) {
        close(fd);
        FD_CLR(fd, &all);
      } else {
        write(fd, buffer, (size_t)count);
      }
    }
  }
}
