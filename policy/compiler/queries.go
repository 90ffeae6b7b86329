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
	Wasm []byte `json:"wasm,omitempty"`
	// What OPA itself compiles, where that is something else.
	StockWasm  []byte          `json:"stockWasm,omitempty"`
	Plan       json.RawMessage `json:"plan,omitempty"`
	Error      string          `json:"error,omitempty"`
	InputPaths [][]string      `json:"inputPaths,omitzero"`
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
	compile := func() (*rego.CompileResult, error) { return rego.New(options(q, q.Query)...).Compile(ctx) }
	result, err := compile()
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
	if err != nil {
		return compiledQuery{}, err
	}
	compiled := compiledQuery{Wasm: result.Bytes, Plan: plan}
	if asksTheHost(plugin.policy) {
		stock, err := asOpaDoes(compile)
		if err != nil {
			return compiledQuery{}, err
		}
		compiled.StockWasm = stock.Bytes
	}
	compiled.InputPaths, err = queryInputPaths(q)
	return compiled, err
}

func queryInputPaths(q query) ([][]string, error) {
	parsing := ast.ParserOptions{RegoVersion: q.version(), Capabilities: q.capabilities()}
	modules := map[string]string{}
	for i, module := range q.Modules {
		modules[fmt.Sprintf("module-%d.rego", i)] = module
	}
	compiler, err := ast.CompileModulesWithOpt(modules, ast.CompileOpts{ParserOptions: parsing})
	if err != nil {
		return nil, err
	}
	parsed, err := ast.ParseBodyWithOpts(q.Query, parsing)
	if err != nil {
		return nil, err
	}
	body, err := compiler.QueryCompiler().Compile(parsed)
	if err != nil {
		return nil, err
	}
	return inputPaths(compiler, body)
}

func (q query) version() ast.RegoVersion {
	if q.RegoVersion == 0 {
		return ast.RegoV0
	}
	return ast.RegoV1
}

func (q query) capabilities() *ast.Capabilities {
	return ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(q.ExperimentalKeywords))
}

func options(q query, text string) []func(*rego.Rego) {
	chosen := []func(*rego.Rego){rego.Query(text), rego.SetRegoVersion(q.version()), rego.Capabilities(q.capabilities())}
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
