// The authorization service that Envoy asks over gRPC (envoy.service.auth.v3.Authorization): OPA's Go SDK with its decision
// cache of prepared queries and its decision log plugin. It stands in for opa-envoy-plugin, whose module the registry does not
// have; input and result have the plugin's shape, and as in the plugin the input is made without a detour through JSON text.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/open-policy-agent/opa/v1/sdk"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

type service struct {
	auth.UnimplementedAuthorizationServer
	opa  *sdk.OPA
	path string
}

func main() {
	listen := flag.String("listen", "127.0.0.1:9191", "where Envoy asks")
	config := flag.String("config", "opa.yaml", "OPA's own configuration: the bundle and the decision log")
	path := flag.String("path", "portcullis/authz/decision", "the rule that decides")
	flag.Parse()
	file, err := os.Open(*config)
	must(err)
	// Returns when the bundle has been activated, so that no request meets an OPA without a policy.
	opa, err := sdk.New(context.Background(), sdk.Options{Config: file, ID: "ext-authz-opa"})
	must(err)
	listener, err := net.Listen("tcp", *listen)
	must(err)
	server := grpc.NewServer()
	auth.RegisterAuthorizationServer(server, &service{opa: opa, path: *path})
	must(server.Serve(listener))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Check answers one question of Envoy. Whatever goes wrong is an error, which Envoy refuses the request for.
func (s *service) Check(ctx context.Context, request *auth.CheckRequest) (*auth.CheckResponse, error) {
	input, err := inputOf(request)
	if err != nil {
		return nil, err
	}
	decision, err := s.opa.Decision(ctx, sdk.DecisionOptions{Path: s.path, Now: time.Now(), Input: input})
	if err != nil {
		return nil, err
	}
	result, ok := decision.Result.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the decision is %T, not an object", decision.Result)
	}
	if allowed, _ := result["allowed"].(bool); !allowed {
		denied := &auth.DeniedHttpResponse{}
		return &auth.CheckResponse{
			Status:       &rpc.Status{Code: int32(codes.PermissionDenied)},
			HttpResponse: &auth.CheckResponse_DeniedResponse{DeniedResponse: denied},
		}, nil
	}
	return &auth.CheckResponse{
		Status:       &rpc.Status{Code: int32(codes.OK)},
		HttpResponse: &auth.CheckResponse_OkResponse{OkResponse: &auth.OkHttpResponse{Headers: headersOf(result["headers"])}},
	}, nil
}

func inputOf(request *auth.CheckRequest) (map[string]any, error) {
	attributes := request.GetAttributes()
	http := attributes.GetRequest().GetHttp()
	headers := make(map[string]any, len(http.GetHeaders()))
	for name, value := range http.GetHeaders() {
		headers[name] = value
	}
	path, query, _ := strings.Cut(http.GetPath(), "?")
	parsed, err := bodyOf(http)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"attributes": map[string]any{
			"request": map[string]any{
				"time": attributes.GetRequest().GetTime().AsTime().Format(time.RFC3339Nano),
				"http": map[string]any{
					"id":       http.GetId(),
					"method":   http.GetMethod(),
					"path":     http.GetPath(),
					"host":     http.GetHost(),
					"scheme":   http.GetScheme(),
					"protocol": http.GetProtocol(),
					"size":     http.GetSize(),
					"headers":  headers,
					"body":     http.GetBody(),
				},
			},
			"source":          peerOf(attributes.GetSource()),
			"destination":     peerOf(attributes.GetDestination()),
			"metadataContext": map[string]any{},
		},
		"parsed_path":    segments(path),
		"parsed_query":   parameters(query),
		"parsed_body":    parsed,
		"truncated_body": false,
		"version":        map[string]any{"encoding": "protojson", "ext_authz": "v3"},
	}, nil
}

func bodyOf(http *auth.AttributeContext_HttpRequest) (any, error) {
	if http.GetBody() == "" || http.GetHeaders()["content-type"] != "application/json" {
		return nil, nil
	}
	// Numbers stay as they are written, as in the plugin.
	decoder := json.NewDecoder(strings.NewReader(http.GetBody()))
	decoder.UseNumber()
	var body any
	err := decoder.Decode(&body)
	return body, err
}

func peerOf(peer *auth.AttributeContext_Peer) map[string]any {
	socket := peer.GetAddress().GetSocketAddress()
	return map[string]any{
		"address": map[string]any{
			"socketAddress": map[string]any{"address": socket.GetAddress(), "portValue": socket.GetPortValue()},
		},
		"principal": peer.GetPrincipal(),
	}
}

func segments(path string) []any {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	all := make([]any, len(parts))
	for i, part := range parts {
		if clear, err := url.PathUnescape(part); err == nil {
			part = clear
		}
		all[i] = part
	}
	return all
}

func parameters(query string) map[string]any {
	all := map[string]any{}
	values, err := url.ParseQuery(query)
	if err != nil {
		return all
	}
	for name, given := range values {
		list := make([]any, len(given))
		for i, value := range given {
			list[i] = value
		}
		all[name] = list
	}
	return all
}

func headersOf(value any) []*core.HeaderValueOption {
	all := []*core.HeaderValueOption{}
	names, _ := value.(map[string]any)
	for name, text := range names {
		header := &core.HeaderValue{Key: name, Value: fmt.Sprint(text)}
		all = append(all, &core.HeaderValueOption{Header: header})
	}
	return all
}
