// A thread for each peer, as it is taught. What a variant does otherwise is chosen with -D.
#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef BUFFER
#define BUFFER 4096
#endif
#ifndef BACKLOG
#define BACKLOG 128
#endif
#ifndef ADDRESS
#define ADDRESS INADDR_ANY
#endif

static void *serve(void *argument) {
  int peer = (int)(long)argument;
  char buffer[BUFFER + 1];
#ifdef BANNER
  write(peer, "Welcome to the echo server!\n", 28);
#endif
  for (;;) {
#ifdef PROMPT
    write(peer, "> ", 2);
#endif
    ssize_t count = read(peer, buffer, BUFFER);
    if (count <= 0) break;
    buffer[count] = '\0';
#ifdef PRINTS
    fprintf(stderr, "received: %s\n", buffer);
#endif
#ifdef UPPER
    for (ssize_t i = 0; i < count; ++i) buffer[i] = (char)toupper(buffer[i]);
#endif
#ifdef STRLEN
    count = (ssize_t)strlen(buffer);
#endif
#ifdef NO_LOOP
    write(peer, buffer, (size_t)count);
#else
    for (ssize_t sent = 0; sent < count;) {
      ssize_t now = write(peer, buffer + sent, (size_t)(count - sent));
      if (now <= 0) break;
      sent += now;
    }
#endif
#ifdef EXTRA_NEWLINE
    write(peer, "\n", 1);
#endif
  }
  close(peer);
  return NULL;
}

static void *accept_all(void *argument) {
  int listener = (int)(long)argument;
  for (;;) {
    int peer = accept(listener, NULL, NULL);
    pthread_t thread;
    if (peer < 0) continue;
    if (pthread_create(&thread, NULL, serve, (void *)(long)peer) == 0) {
      pthread_detach(thread);
    } else {
      close(peer);
    }
  }
}

int main(int argc, char **argv) {
  int port = argc > 1 ? atoi(argv[1]) : 7777;
  int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET};
#ifdef FIXED_PORT
  port = FIXED_PORT;
#endif
#ifndef DIES_OF_SIGPIPE
  signal(SIGPIPE, SIG_IGN);
#endif
#ifdef IGNORES_TERM
  signal(SIGTERM, SIG_IGN);
#endif
#ifdef STARTS_LATE
  sleep(1);
#endif
#ifdef DAEMON
  daemon(1, 0);
#endif
#ifdef LEAVES_A_CHILD
  if (fork() == 0) {
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
  }
#endif
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  address.sin_addr.s_addr = htonl(ADDRESS);
  address.sin_port = htons((unsigned short)port);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("bind");
    return 1;
  }
  listen(listener, BACKLOG);
  printf("listening on port %d\n", port);
#ifdef WAITS_FOR_ENTER
  pthread_t acceptor;
  pthread_create(&acceptor, NULL, accept_all, (void *)(long)listener);
  printf("press Enter to stop\n");
  getchar();
  return 0;
#else
  accept_all((void *)(long)listener);
#endif
}
