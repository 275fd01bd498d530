// GETs at a steady rate over kept-alive connections with Go's own HTTP client, as most load tools in Go send them.
// Prints how many were sent and how many of them the client says have failed.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	url := flag.String("url", "", "where to send")
	rate := flag.Int("rate", 500, "requests per second")
	count := flag.Int("count", 1000, "how many requests")
	flag.Parse()

	client := &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 1000},
		Timeout:   5 * time.Second,
	}
	var failed atomic.Int64
	var pending sync.WaitGroup
	ticker := time.NewTicker(time.Second / time.Duration(*rate))
	for i := 0; i < *count; i++ {
		<-ticker.C
		pending.Add(1)
		go func() {
			defer pending.Done()
			response, err := client.Get(*url)
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			if err != nil || response.StatusCode != http.StatusOK {
				failed.Add(1)
			}
		}()
	}
	pending.Wait()
	fmt.Printf("%d %d\n", *count, failed.Load())
}
