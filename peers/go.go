// An echo server in Go: a goroutine for each peer, whose calls seem to block. Underneath, the
// runtime waits with epoll.
//
//	go PORT
//
// Backpressure: Write returns when all is with the kernel, and only then is more read.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func echo(peer net.Conn) {
	defer peer.Close()
	buffer := make([]byte, 32*1024)
	for {
		size, err := peer.Read(buffer)
		if size > 0 {
			if _, failed := peer.Write(buffer[:size]); failed != nil {
				return
			}
		}
		if err != nil { // io.EOF among others
			return
		}
	}
}

// Accepted sockets have it from their listener. TCP_NODELAY is Go's default.
func inlineUrgentData(_, _ string, socket syscall.RawConn) error {
	var failed error
	err := socket.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1)
	})
	if err != nil {
		return err
	}
	return failed
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go PORT")
		os.Exit(2)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		os.Exit(0)
	}()
	config := net.ListenConfig{Control: inlineUrgentData}
	listener, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:"+os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
	for {
		peer, err := listener.Accept()
		if err != nil { // out of descriptors, mostly
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go echo(peer)
	}
}
