package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/rego"
)

// A query asks for the bindings of a query's variables, as OPA's own test cases do; an entrypoint cannot say that.
type query struct {
	Modules []string `json:"modules"`
	Query   string   `json:"query"`
	// 0 or 1.
	RegoVersion          int  `json:"regoVersion"`
	ExperimentalKeywords bool `json:"experimentalKeywords"`
}

// A compiledQuery has the entrypoint "eval" in both forms, or the error that OPA's compiler gave.
type compiledQuery struct {
	Wasm  []byte          `json:"wasm,omitempty"`
	Plan  json.RawMessage `json:"plan,omitempty"`
	Error string          `json:"error,omitempty"`
}

func compileQueries(question job) (answer, error) {
	plugin := &planTarget{}
	rego.RegisterPlugin(planTargetName, plugin)
	compiled := make([]compiledQuery, 0, len(question.Queries))
	for _, q := range question.Queries {
		one, err := compileQuery(q, plugin)
		if err != nil {
			one = compiledQuery{Error: err.Error()}
		}
		compiled = append(compiled, one)
	}
	return answer{Queries: compiled}, nil
}

func compileQuery(q query, plugin *planTarget) (compiledQuery, error) {
	ctx := context.Background()
	result, err := rego.New(options(q, q.Query)...).Compile(ctx)
	if err != nil {
		return compiledQuery{}, err
	}
	// Preparing captures the value of a query of one expression, which then succeeds for false too. A second expression
	// keeps it what it is.
	planned := append(options(q, q.Query+"\ntrue"), rego.Target(planTargetName))
	if _, err := rego.New(planned...).PrepareForEval(ctx); err != nil {
		return compiledQuery{}, err
	}
	plan, err := json.Marshal(plugin.policy)
	return compiledQuery{Wasm: result.Bytes, Plan: plan}, err
}

func options(q query, text string) []func(*rego.Rego) {
	version := ast.RegoV1
	if q.RegoVersion == 0 {
		version = ast.RegoV0
	}
	capabilities := ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(q.ExperimentalKeywords))
	chosen := []func(*rego.Rego){rego.Query(text), rego.SetRegoVersion(version), rego.Capabilities(capabilities)}
	for i, module := range q.Modules {
		chosen = append(chosen, rego.Module(fmt.Sprintf("module-%d.rego", i), module))
	}
	return chosen
}

const planTargetName = "portcullis-plan"

// A planTarget keeps the plan of a query: OPA hands it to an engine that registers as a target, and to nobody else.
type planTarget struct{ policy *ir.Policy }

func (*planTarget) IsTarget(name string) bool { return name == planTargetName }

func (t *planTarget) PrepareForEval(_ context.Context, policy *ir.Policy, _ ...rego.PrepareOption) (rego.TargetPluginEval, error) {
	t.policy = policy
	return t, nil
}

func (*planTarget) Eval(context.Context, *rego.EvalContext, ast.Value) (ast.Value, error) {
	return nil, errors.New("plans are not evaluated here")
}
