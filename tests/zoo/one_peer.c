// One peer after the other, and no more than one with -DONCE.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  address.sin_port = htons((unsigned short)atoi(argv[argc - 1]));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return perror("bind"), 1;
  listen(listener, 1);
  for (;;) {
    char buffer[1024];
    ssize_t count;
    int peer = accept(listener, NULL, NULL);
    while ((count = read(peer, buffer, sizeof buffer)) > 0) write(peer, buffer, (size_t)count);
    close(peer);
#ifdef ONCE
    return 0;
#endif
  }
}
