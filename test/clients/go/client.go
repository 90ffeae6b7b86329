// A client that knows nothing of Portcullis: Go's own TLS and HTTP, and the rules of X509-SVID section 5.
// Usage: client URL CERT KEY BUNDLE EXPECTED_SPIFFE_ID; CERT may be "none". Prints "STATUS SPIFFE_ID".
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(url, certFile, keyFile, bundleFile, expected string) error {
	bundle, err := os.ReadFile(bundleFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		return fmt.Errorf("%s: no certificate", bundleFile)
	}
	config := &tls.Config{
		// A SPIFFE ID is no host name, so Go's own check is replaced by the one below, which is stricter.
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { return verify(state, roots, expected) },
	}
	if certFile != "none" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err != nil {
		return err
	}
	fmt.Println(answer.StatusCode, answer.TLS.PeerCertificates[0].URIs[0])
	return nil
}

func verify(state tls.ConnectionState, roots *x509.CertPool, expected string) error {
	leaf := state.PeerCertificates[0]
	intermediates := x509.NewCertPool()
	for _, certificate := range state.PeerCertificates[1:] {
		intermediates.AddCert(certificate)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: intermediates}
	if _, err := leaf.Verify(options); err != nil {
		return err
	}
	if len(leaf.URIs) != 1 || leaf.URIs[0].String() != expected {
		return fmt.Errorf("the server is %v, not %s", leaf.URIs, expected)
	}
	return nil
}
