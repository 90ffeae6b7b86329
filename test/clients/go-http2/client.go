// A client that knows nothing of Portcullis: Go's own HTTP/2, many requests at once over one connection.
// Usage: client URL CERT KEY REQUESTS AT_ONCE UPLOAD_BYTES; uploads where that is not 0. Prints each outcome once, behind how often
// it came: "500 HTTP/2.0 200 102400".
package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], number(4), number(5), number(6)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(argument int) int {
	value, err := strconv.Atoi(os.Args[argument])
	if err != nil {
		panic(err)
	}
	return value
}

func run(url, certFile, keyFile string, requests, atOnce, uploadBytes int) error {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return err
	}
	// Who the proxy is, the client of HTTP/1.1 asks.
	config := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, MaxConnsPerHost: 1}
	client := &http.Client{Transport: transport}
	body := bytes.Repeat([]byte("a"), uploadBytes)

	outcomes := map[string]int{}
	var lock sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for range requests {
		places <- struct{}{}
		all.Add(1)
		go func() {
			defer all.Done()
			outcome := ask(client, url, body)
			lock.Lock()
			outcomes[outcome]++
			lock.Unlock()
			<-places
		}()
	}
	all.Wait()
	lines := []string{}
	for outcome, times := range outcomes {
		lines = append(lines, fmt.Sprint(times, " ", outcome))
	}
	sort.Strings(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
	return nil
}

func ask(client *http.Client, url string, body []byte) string {
	method := http.MethodGet
	var content io.Reader
	if len(body) > 0 {
		method, content = http.MethodPost, bytes.NewReader(body)
	}
	request, err := http.NewRequest(method, url, content)
	if err != nil {
		return err.Error()
	}
	answer, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	read, err := io.Copy(io.Discard, answer.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(answer.Proto, " ", answer.StatusCode, " ", read)
}
