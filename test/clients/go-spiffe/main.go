// What a workload does with go-spiffe: it asks the Workload API who it is and whom to trust, and stays to be told of a successor.
// Usage: main SOCKET COUNT, or main federation URL TRUST-DOMAIN ENDPOINT-ID BUNDLE-FILE, which asks a bundle endpoint of the profile
// https_spiffe and prints how many roots and keys of tokens it serves, its sequence and its refresh hint.
// With a socket it prints who a JWT-SVID says it is, to the library and to the Workload API; then a line for each of COUNT
// updates: every SPIFFE ID with its hint, and the serial of the first.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

type watcher struct {
	left int
	stop context.CancelFunc
}

func (w *watcher) OnX509ContextUpdate(update *workloadapi.X509Context) {
	words := []string{}
	for _, svid := range update.SVIDs {
		// Not by the library's reading alone: the path to the bundle that came with it.
		if _, _, err := x509svid.Verify(svid.Certificates, update.Bundles); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		words = append(words, svid.ID.String()+"="+svid.Hint)
	}
	fmt.Println(strings.Join(words, " "), update.SVIDs[0].Certificates[0].SerialNumber.Text(16))
	if w.left--; w.left == 0 {
		w.stop()
	}
}

func (w *watcher) OnX509ContextWatchError(err error) {
	fmt.Println("error", err)
	w.stop()
}

func showToken(ctx context.Context, client *workloadapi.Client) error {
	svid, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: "orders"})
	if err != nil {
		return err
	}
	bundles, err := client.FetchJWTBundles(ctx)
	if err != nil {
		return err
	}
	read, err := jwtsvid.ParseAndValidate(svid.Marshal(), bundles, []string{"orders"})
	if err != nil {
		return err
	}
	asked, err := client.ValidateJWTSVID(ctx, svid.Marshal(), "orders")
	if err != nil {
		return err
	}
	fmt.Println(read.ID, asked.ID)
	return nil
}

func showBundle(ctx context.Context, url, domain, id, file string) error {
	trustDomain, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		return err
	}
	known, err := spiffebundle.Load(trustDomain, file)
	if err != nil {
		return err
	}
	endpoint, err := spiffeid.FromString(id)
	if err != nil {
		return err
	}
	bundle, err := federation.FetchBundle(ctx, trustDomain, url, federation.WithSPIFFEAuth(known, endpoint))
	if err != nil {
		return err
	}
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	fmt.Println(len(bundle.X509Authorities()), len(bundle.JWTAuthorities()), sequence, hint)
	return nil
}

func main() {
	if os.Args[1] == "federation" {
		if err := showBundle(context.Background(), os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client, err := workloadapi.New(ctx, workloadapi.WithAddr("unix://"+os.Args[1]))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	if err := showToken(ctx, client); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	_ = client.WatchX509Context(ctx, &watcher{left: count, stop: stop})
}
