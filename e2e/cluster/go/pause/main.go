// The first process of a namespace: it holds the namespace open until it is told to stop, and lets the kernel take away
// the processes that end as orphans in it.
//
// As the pause image's program it ends at SIGTERM. With `while-stdin` it also ends when its standard input does: that
// is a pipe from the cluster's owner, so what the owner leaves behind ends with it, however it ends.
package main

import (
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGCHLD)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	if len(os.Args) > 1 && os.Args[1] == "while-stdin" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(stop)
		}()
	}
	<-stop
}
